"""Offers and their guard, retention strategies: the specification's texts, and every combination answered."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from customer_revenue.actions.offers import offers
from customer_revenue.actions.recommend import LEAVE_ALONE, recommend
from customer_revenue.actions.retention import retention
from customer_revenue.actions.situations import Situations
from customer_revenue.choices import LIFECYCLE_STAGES
from customer_revenue.policy import Policy

if TYPE_CHECKING:
    from tests.actions.conftest import Tables

CustomersOf = Callable[..., "Tables"]
UNLIKELY = {"next_purchase_probability": 0.002}
UPLIFT = 0.01


def offer(tables: Tables, policy: Policy) -> dict[str, Any]:
    (row,) = offers(Situations.of(*tables), policy, "USD")
    found: dict[str, Any] = row
    return found


@pytest.mark.parametrize(
    ("change", "offer_type", "discount", "message"),
    [
        (
            {"customer_segment": "high_value"},
            "exclusive_early_access",
            20,
            "As a valued customer, get 20% off our new premium features",
        ),
        (
            {"customer_segment": "medium_value"},
            "loyalty_discount",
            15,
            "Thank you for your loyalty! Enjoy 15% off your next purchase",
        ),
        (
            {"customer_segment": "low_value", "total_orders": 1, "avg_days_between_purchases": None},
            "first_time_buyer",
            10,
            "Welcome! Get 10% off to get started",
        ),
        ({"customer_segment": "low_value", "total_orders": 2}, "entry_level_promotion", 10, None),
        ({"customer_segment": "whale"}, "exclusive_early_access", 20, None),
    ],
)
def test_each_segment_has_the_specifications_offer(
    customers_of: CustomersOf,
    policy: Policy,
    change: dict[str, Any],
    offer_type: str,
    discount: int,
    message: str | None,
) -> None:
    row = offer(customers_of(change | UNLIKELY), policy)
    assert (row["offer_type"], row["discount_percentage"]) == (offer_type, discount)
    assert message is None or row["message"] == message


def test_gain_and_cost(customers_of: CustomersOf, policy: Policy) -> None:
    row = offer(customers_of(UNLIKELY), policy)
    assert row["expected_gain_cents"] == pytest.approx(12_500 * UPLIFT * 0.998, abs=1)
    assert row["expected_cost_cents"] == pytest.approx(12_500 * 0.2 * (0.002 + UPLIFT * 0.998), abs=1)


def test_no_discount_for_who_buys_anyway(customers_of: CustomersOf, policy: Policy) -> None:
    row = offer(customers_of({}), policy)
    assert (row["offer_type"], row["discount_percentage"]) == ("no_discount", 0)
    assert row["reason"] == "No discount: 75 % chance to buy within 30 days anyway"


def test_no_discount_that_costs_more_than_its_share_of_the_gain(customers_of: CustomersOf, policy: Policy) -> None:
    row = offer(customers_of({"next_purchase_probability": 0.55}), policy)
    assert row["discount_percentage"] == 0
    assert row["reason"] == "No discount: it would cost 13.86 USD and bring 0.56 USD"


def test_a_likelier_customer_never_gets_a_bigger_discount(customers_of: CustomersOf, policy: Policy) -> None:
    discounts = [
        offer(customers_of({"next_purchase_probability": p / 5000}), policy)["discount_percentage"] for p in range(51)
    ]
    assert discounts == sorted(discounts, reverse=True)


@pytest.mark.parametrize(
    ("segment", "stage", "activity", "key", "strategy"),
    [
        ("high_value", "at_risk", "at_risk", "high_value_at_risk", "Personal outreach, exclusive offers, dedicated"),
        ("medium_value", "at_risk", "declining", "medium_value_declining", "Email campaigns, loyalty rewards, product"),
        ("low_value", "new", "highly_active", "low_value_new", "Onboarding sequences, educational content, first-"),
    ],
)
def test_the_specifications_strategies(
    customers_of: CustomersOf, policy: Policy, segment: str, stage: str, activity: str, key: str, strategy: str
) -> None:
    change = {"customer_segment": segment, "lifecycle_stage": stage, "activity_status": activity}
    (row,) = retention(customers_of(change)[0], policy).to_pylist()
    assert row["strategy_key"] == key
    assert row["strategy"].startswith(strategy)
    assert row["focus"] == getattr(policy.lifecycle.focus, stage)
    assert row["treatment"] == next(r.treatment for r in policy.segments.active if r.name == segment)


def test_an_order_that_came_back_promises_little(customers_of: CustomersOf, policy: Policy) -> None:
    row = offer(customers_of(UNLIKELY | {"expected_net_revenue_cents": 1_150.0}), policy)
    assert row["expected_gain_cents"] <= 2


def test_a_lost_customer_is_worth_no_discount(customers_of: CustomersOf, policy: Policy) -> None:
    row = offer(customers_of(UNLIKELY | {"next_purchase_probability": 0.01, "probability_alive": 0.02}), policy)
    assert row["discount_percentage"] == 0


def test_only_a_new_customer_is_welcomed(customers_of: CustomersOf, policy: Policy) -> None:
    once = {"customer_segment": "low_value", "total_orders": 1, "avg_days_between_purchases": None} | UNLIKELY
    found = [offer(customers_of(once | {"lifecycle_stage": stage}), policy) for stage in LIFECYCLE_STAGES]
    welcomed = {stage for stage, row in zip(LIFECYCLE_STAGES, found, strict=True) if "Welcome" in row["message"]}
    assert welcomed == {"new", "active"}


def test_who_is_left_alone_gets_no_offer_and_who_gets_no_discount_is_promised_none(
    customers_of: CustomersOf, policy: Policy
) -> None:
    kinds = itertools.product(
        [rung.name for rung in policy.segments.active],
        LIFECYCLE_STAGES,
        (0.0001, 0.002, 0.02, 0.5),
        (1, 4),
        (10.0, 1e6),
    )
    tables = customers_of(
        *(
            {
                "customer_id": f"u{n}",
                "customer_segment": segment,
                "lifecycle_stage": stage,
                "next_purchase_probability": soon,
                "total_orders": orders,
                "avg_days_between_purchases": None if orders == 1 else 30.0,
                "expected_net_revenue_cents": revenue,
            }
            for n, (segment, stage, soon, orders, revenue) in enumerate(kinds)
        )
    )
    situations = Situations.of(*tables)
    codes: dict[str, set[str]] = {}
    for row in recommend(situations, policy):
        codes.setdefault(row["customer_id"], set()).add(row["code"])
    given = {row["customer_id"]: row["discount_percentage"] for row in offers(situations, policy)}
    assert set(given.values()) == {0, 10, 15, 20}
    assert any(codes[customer] == {LEAVE_ALONE} for customer in given)
    for customer, discount in given.items():
        assert not (discount and LEAVE_ALONE in codes[customer])
        assert discount or "loyalty_discount" not in codes[customer]
    assert any("loyalty_discount" in own for own in codes.values())
