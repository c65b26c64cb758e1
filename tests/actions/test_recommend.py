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


def test_the_specifications_customer(customers_of: CustomersOf, policy: Policy) -> None:
    fields = as_fields(actions(customers_of({}), policy))
    assert fields["recommended_actions"] == ["Suggest premium upgrade"]
    assert fields["actions"] == [
        {
            "code": "premium_upgrade",
            "topic": "growth",
            "text": "Suggest premium upgrade",
            "reason": "Buys steadily, every 37 days; expected to spend 1,150.00 USD in the coming year",
            "priority": "medium",
            "expected_value_cents": round(0.02 * 115_000 * 0.85) - 20,
        },
    ]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"total_orders": 1, "avg_days_between_purchases": None, "lifecycle_stage": "new"}, ["second_purchase"]),
        ({"days_since_purchase": 30}, ["due_now", "premium_upgrade"]),
        ({"days_since_purchase": 58, "churn_risk_score": 0.4}, ["overdue"]),
        ({"days_since_purchase": 58, "churn_risk_score": 0.8}, ["overdue", "check_in"]),
        ({"days_since_purchase": 100, "lifecycle_stage": "at_risk", "churn_risk_score": 0.6}, ["personal_outreach"]),
        ({"days_since_purchase": 200, "lifecycle_stage": "churned", "churn_risk_score": 0.9}, ["personal_win_back"]),
        ({"customer_segment": "whale"}, ["white_glove"]),
        ({"next_purchase_probability": 0.002}, ["loyalty_discount", "premium_upgrade"]),
        ({"customer_segment": "low_value"}, ["cross_sell"]),
        ({"customer_segment": "low_value", "expected_net_revenue_cents": 100.0}, ["leave_alone"]),
        (
            {"days_since_purchase": 200, "lifecycle_stage": "churned", "expected_net_revenue_cents": 0.0},
            ["leave_alone"],
        ),
    ],
)
def test_each_situation_has_its_actions(
    customers_of: CustomersOf, policy: Policy, change: dict[str, Any], codes: list[str]
) -> None:
    assert [row["code"] for row in actions(customers_of(change), policy)] == codes


def test_reasons_carry_the_customers_own_numbers(customers_of: CustomersOf, policy: Policy) -> None:
    (row,) = actions(customers_of({"days_since_purchase": 100, "lifecycle_stage": "at_risk"}), policy)
    assert row["reason"] == "10 orders, every 37 days until September 2023, silent for 100 days"
    assert row["expected_value_cents"] == round(0.15 * 115_000 * 0.15) - 500


def test_leaving_alone_says_what_the_nearest_action_would_bring(customers_of: CustomersOf, policy: Policy) -> None:
    (row,) = actions(customers_of({"customer_segment": "low_value", "expected_net_revenue_cents": 100.0}), policy)
    assert row["reason"] == "Recommend what goes with the last order: it would bring 0.03 USD and cost 0.10 USD"
    assert row["expected_value_cents"] == 0


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
        assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
        assert len(own) <= policy.actions.most
        assert len({row["topic"] for row in own}) == len(own)
        assert all(row["expected_value_cents"] > 0 for row in own) or own[0]["code"] == "leave_alone"
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
    tables = customers_of(*({"customer_id": f"u{n}", "expected_net_revenue_cents": 1e5 * (n % 5)} for n in range(20)))
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
