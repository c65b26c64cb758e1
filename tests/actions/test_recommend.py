"""Recommended actions: the specification's customer, every kind of rule, and the arithmetic of their value."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from customer_revenue.actions.recommend import ACTION_SCHEMA, as_fields, most_valuable, recommend
from customer_revenue.actions.situations import Situations
from customer_revenue.choices import LIFECYCLE_STAGES
from customer_revenue.policy import Policy

if TYPE_CHECKING:
    from tests.actions.conftest import Tables

CustomersOf = Callable[..., "Tables"]


def actions(tables: Tables, policy: Policy) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = recommend(Situations.of(*tables), policy, "USD")
    return found


LAPSED: dict[str, Any] = {
    "days_since_purchase": 100,
    "lifecycle_stage": "at_risk",
    "next_purchase_probability": 0.04,
    "expected_purchases": 1.0,
    "expected_net_revenue_cents": 20_000.0,
}
SURE = {"conversion_points": 20.0, "conversion_spread": 0.5, "basis": "measured"}
"""An effect that the shop has measured."""


def measured(policy: Policy, *names: str) -> Policy:
    """The policy of a shop that has measured some effects."""
    effects = {name: effect.model_copy(update=SURE if name in names else {}) for name, effect in policy.effects.items()}
    return policy.model_copy(update={"effects": effects})


def test_the_specifications_customer_buys_without_being_asked(customers_of: CustomersOf, policy: Policy) -> None:
    fields = as_fields(actions(customers_of({"days_since_purchase": 10}), policy), policy)
    assert fields["recommended_actions"] == ["Nothing to do now"]
    assert fields["actions"] == [
        {
            "code": "leave_alone",
            "topic": "leave_alone",
            "text": "Nothing to do now",
            "reason": "Suggest premium upgrade: expected to bring 0.31 USD and to earn 0.12 USD, "
            "with a 73 % chance of a profit",
            "priority": "low",
            "expected_value_cents": 0,
            "expected_value_low_cents": 0,
            "expected_value_high_cents": 0,
            "basis": "assumed",
            "effect_scale": 1.0,
            "channel": None,
            "contact_on": None,
            "product_id": None,
            "product_name": None,
            "discount_percentage": 0,
            "changes_if": "A longer silence, or another order",
        },
    ]


@pytest.mark.parametrize(
    ("effect", "text"), [("discount", "Offer loyalty discount"), ("suggestion", "Suggest premium upgrade")]
)
def test_the_specifications_texts_where_they_are_likely_to_pay(
    customers_of: CustomersOf, policy: Policy, effect: str, text: str
) -> None:
    steady = {"days_since_purchase": 10, "next_purchase_probability": 0.04, "expected_purchases": 1.0}
    (row,) = actions(customers_of(steady), measured(policy, effect))
    assert row["text"] == text
    assert (row["discount_percentage"] > 0) == (effect == "discount")
    assert (row["basis"], row["channel"], row["contact_on"]) == ("measured", "email", "2023-12-15")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total_orders": 1, "avg_days_between_purchases": None, "lifecycle_stage": "new"}, "second_purchase"),
        ({"lifecycle_stage": "active", "days_since_purchase": 30}, "due_now"),
        ({"lifecycle_stage": "active", "days_since_purchase": 58, "churn_risk_score": 0.4}, "overdue"),
        ({"customer_segment": "medium_value"}, "retention_campaign"),
        ({"customer_segment": "medium_value", "lifecycle_stage": "churned"}, "win_back_campaign"),
        ({"customer_segment": "low_value"}, "entry_level_reminder"),
        ({"customer_segment": "low_value", "lifecycle_stage": "churned"}, "last_win_back"),
        ({"expected_net_revenue_cents": 500_000.0}, "personal_outreach"),
        ({"expected_net_revenue_cents": 500_000.0, "lifecycle_stage": "churned"}, "personal_win_back"),
        ({"customer_segment": "low_value", "lifecycle_stage": "active", "days_since_purchase": 9}, "cross_sell"),
        ({"customer_segment": "medium_value", "expected_net_revenue_cents": 100.0}, "leave_alone"),
    ],
)
def test_each_situation_has_its_action(
    customers_of: CustomersOf, policy: Policy, change: dict[str, Any], code: str
) -> None:
    (row,) = actions(customers_of(LAPSED | change), policy)
    assert row["code"] == code


def test_reasons_carry_the_customers_own_numbers(customers_of: CustomersOf, policy: Policy) -> None:
    (row,) = actions(customers_of(LAPSED | {"customer_segment": "medium_value"}), policy)
    assert row["reason"] == "Ordered every 37 days until September 2023, silent for 100 days"
    assert row["expected_value_cents"] == round(0.4 * 0.005 * 0.96 * 20_000) - 1
    assert row["changes_if"] == (
        "It earns nothing if it wins fewer than 1 in 7,680 of such customers; 1 in 200 is published"
    )


def test_every_customer_gets_an_answer_in_order(customers_of: CustomersOf, policy: Policy) -> None:
    names = [rung.name for rung in policy.segments.active]
    kinds = itertools.product(names, LIFECYCLE_STAGES, (0.1, 0.5, 0.9), (3, 40, 90, 400), (1, 2, 10))
    changes = [
        {
            "customer_id": f"u{n}",
            "customer_segment": segment,
            "lifecycle_stage": stage,
            "churn_risk_score": risk,
            "days_since_purchase": silence,
            "total_orders": orders,
            "avg_days_between_purchases": None if orders == 1 else 30.0,
        }
        for n, (segment, stage, risk, silence, orders) in enumerate(kinds)
    ]
    rows = actions(customers_of(*changes), policy)
    ids = [row["customer_id"] for row in rows]
    assert list(dict.fromkeys(ids)) == [change["customer_id"] for change in changes]
    for _, group in itertools.groupby(rows, lambda row: row["customer_id"]):
        own = list(group)
        assert len(own) == 1
        assert (own[0]["expected_value_cents"] == 0) == (own[0]["code"] == "leave_alone")
    for change in changes[::37]:
        one = actions(customers_of(change), policy)
        assert one == [row for row in rows if row["customer_id"] == change["customer_id"]]


def test_rows_are_matched_by_customer_and_not_by_position(customers_of: CustomersOf, policy: Policy) -> None:
    facts, predictions = customers_of(
        {"customer_id": "a"}, {"customer_id": "b", "expected_net_revenue_cents": 0.0}, {"customer_id": "no order"}
    )
    facts = facts.set_column(
        facts.column_names.index("lifecycle_stage"), "lifecycle_stage", [["active", "active", None]]
    )
    rows = recommend(Situations.of(facts, predictions.take([2, 1])), policy)
    assert [(row["customer_id"], row["code"]) for row in rows] == [("b", "leave_alone")]


def test_the_most_valuable_come_first(customers_of: CustomersOf, policy: Policy) -> None:
    changes = ({"customer_id": f"u{n}", "expected_net_revenue_cents": 1e5 * (n % 5)} for n in range(20))
    tables = customers_of(*(LAPSED | change for change in changes))
    everything = most_valuable(Situations.of(*tables), policy, limit=1000)
    assert everything.schema == ACTION_SCHEMA
    values = everything["expected_value_cents"].to_pylist()
    assert values == sorted(values, reverse=True)
    assert len(values) == 16
    page = most_valuable(Situations.of(*tables), policy, limit=5, offset=3)
    assert page.to_pylist() == everything.slice(3, 5).to_pylist()


def test_nobody_gets_nothing(customers_of: CustomersOf, policy: Policy) -> None:
    facts, predictions = customers_of({})
    assert recommend(Situations.of(facts.slice(0, 0), predictions), policy) == []
    with pytest.raises(TypeError, match="the table of facts lacks the columns total_orders"):
        Situations.of(facts.drop_columns(["total_orders"]), predictions)
