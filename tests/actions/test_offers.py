"""Offers and their guard, retention strategies: the specification's texts, and every combination answered."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from customer_revenue.actions.decide import decide
from customer_revenue.actions.offers import offers
from customer_revenue.actions.recommend import LEAVE_ALONE, recommend
from customer_revenue.actions.retention import retention
from customer_revenue.actions.situations import Situations
from customer_revenue.choices import LIFECYCLE_STAGES
from customer_revenue.policy import Policy

if TYPE_CHECKING:
    from tests.actions.conftest import Tables

CustomersOf = Callable[..., "Tables"]
UNLIKELY: dict[str, Any] = {"next_purchase_probability": 0.002, "expected_purchases": 1.0, "days_since_purchase": 10}
UPLIFT = 0.2


@pytest.fixture(scope="module")
def measured(policy: Policy) -> Policy:
    """The policy of a shop that has measured what discounts do."""
    sure = {"conversion_points": 100 * UPLIFT, "conversion_spread": 0.5, "spend_spread": 0.0, "basis": "measured"}
    effects = {**policy.effects, "discount": policy.effects["discount"].model_copy(update=sure)}
    return policy.model_copy(update={"effects": effects})


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
            "As a valued customer, get 20% off our new arrivals",
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
    measured: Policy,
    change: dict[str, Any],
    offer_type: str,
    discount: int,
    message: str | None,
) -> None:
    row = offer(customers_of(change | UNLIKELY), measured)
    assert (row["offer_type"], row["discount_percentage"]) == (offer_type, discount)
    assert message is None or row["message"] == message


def test_gain_cost_and_profit(customers_of: CustomersOf, measured: Policy) -> None:
    row = offer(customers_of(UNLIKELY), measured)
    gain, anyway = 115_000 * UPLIFT * 0.998, 115_000 * 30 / 365
    assert row["expected_gain_cents"] == pytest.approx(gain, abs=1)
    assert row["expected_cost_cents"] == pytest.approx(0.2 * (gain + anyway) + 1, abs=1)
    assert row["expected_profit_cents"] == pytest.approx(0.4 * gain - row["expected_cost_cents"], abs=1)
    assert row["expected_profit_low_cents"] < row["expected_profit_cents"] < row["expected_profit_high_cents"]
    assert row["profit_basis"] == "measured"


def test_no_discount_for_who_buys_anyway(customers_of: CustomersOf, measured: Policy) -> None:
    row = offer(customers_of({}), measured)
    assert (row["offer_type"], row["discount_percentage"]) == ("no_discount", 0)
    assert row["reason"] == "No discount: 75 % chance to buy within 30 days anyway"


def test_no_discount_that_costs_more_than_its_share_of_the_gain(customers_of: CustomersOf, measured: Policy) -> None:
    stingy = measured.model_copy(update={"offers": measured.offers.model_copy(update={"most_cost_share": 0.25})})
    assert offer(customers_of(UNLIKELY), measured)["discount_percentage"] == 20
    assert offer(customers_of(UNLIKELY), stingy)["discount_percentage"] == 0


def test_no_discount_on_the_strength_of_an_assumption_alone(customers_of: CustomersOf, policy: Policy) -> None:
    row = offer(customers_of(UNLIKELY), policy)
    assert row["discount_percentage"] == 0
    assert row["reason"] == "No discount: it would earn less than a contact without one"


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


def test_a_strategy_promises_only_what_the_decision_gives(
    customers_of: CustomersOf, policy: Policy, measured: Policy
) -> None:
    def strategy(change: dict[str, Any], policy: Policy) -> str:
        situations = Situations.of(*customers_of(change))
        (row,) = retention(situations.facts, policy, decide(situations, policy)).to_pylist()
        return str(row["strategy"])

    risky = UNLIKELY | {"lifecycle_stage": "at_risk", "activity_status": "at_risk", "days_since_purchase": 100}
    risky["expected_net_revenue_cents"] = 500_000.0
    assert strategy(risky, measured) == "Personal outreach, exclusive offers, dedicated support"
    assert strategy(risky, policy) == "Personal outreach, dedicated support"
    assert strategy({}, policy) == "Nothing to do now"


def test_an_order_that_came_back_promises_nothing(customers_of: CustomersOf, policy: Policy) -> None:
    row = offer(customers_of(UNLIKELY | {"expected_net_revenue_cents": 100.0}), policy)
    assert row["expected_gain_cents"] == row["expected_profit_cents"] == 0


def test_a_lost_customer_is_worth_no_discount(customers_of: CustomersOf, measured: Policy) -> None:
    row = offer(customers_of(UNLIKELY | {"next_purchase_probability": 0.01, "probability_alive": 0.02}), measured)
    assert row["discount_percentage"] == 0


def test_only_a_new_customer_is_welcomed(customers_of: CustomersOf, measured: Policy) -> None:
    once = {"customer_segment": "low_value", "total_orders": 1, "avg_days_between_purchases": None} | UNLIKELY
    found = [offer(customers_of(once | {"lifecycle_stage": stage}), measured) for stage in LIFECYCLE_STAGES]
    welcomed = {stage for stage, row in zip(LIFECYCLE_STAGES, found, strict=True) if "Welcome" in row["message"]}
    assert welcomed == {"new", "active"}


def test_offer_actions_and_strategy_are_one_decision(customers_of: CustomersOf, measured: Policy) -> None:
    kinds = itertools.product(
        [rung.name for rung in measured.segments.active],
        LIFECYCLE_STAGES,
        (0.0001, 0.002, 0.02, 0.5),
        (1, 4),
        (10.0, 1e4, 1e6),
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
                "expected_purchases": 1.0,
                "days_since_purchase": 10,
            }
            for n, (segment, stage, soon, orders, revenue) in enumerate(kinds)
        )
    )
    situations = Situations.of(*tables)
    decisions = decide(situations, measured)
    actions = recommend(situations, measured, "", decisions)
    strategies = retention(situations.facts, measured, decisions).to_pylist()
    found = offers(situations, measured, "", decisions)
    assert {row["discount_percentage"] for row in found} == {0, 10, 15, 20}
    for action, row, strategy in zip(actions, found, strategies, strict=True):
        assert action["customer_id"] == row["customer_id"] == strategy["customer_id"]
        assert action["discount_percentage"] == row["discount_percentage"]
        assert action["expected_value_cents"] == row["expected_profit_cents"]
        assert ("discount" in action["text"]) == (row["discount_percentage"] > 0)
        if action["code"] == LEAVE_ALONE:
            assert strategy["strategy"] == action["text"]
            assert row["expected_gain_cents"] == row["discount_percentage"] == 0
        elif not row["discount_percentage"]:
            assert "offer" not in strategy["strategy"]
