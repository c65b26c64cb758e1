"""One status per customer, and what is at risk with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from customer_revenue.actions.situations import Situations
from customer_revenue.policy import Policy

if TYPE_CHECKING:
    from tests.actions.conftest import Tables

CustomersOf = Callable[..., "Tables"]
ONE_ORDER = {"total_orders": 1, "avg_days_between_purchases": None}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"days_since_purchase": 5}, "active"),
        ({"days_since_purchase": 36}, "due"),
        ({"days_since_purchase": 60}, "slipping"),
        ({"days_since_purchase": 60, "probability_alive": 0.4}, "lost"),
        ({"days_since_purchase": 5, "probability_alive": 0.5}, "active"),
        ({"days_since_purchase": 60, "avg_days_between_purchases": 180.0}, "active"),
        (ONE_ORDER | {"lifecycle_stage": "new"}, "new"),
        (ONE_ORDER | {"lifecycle_stage": "active"}, "active"),
        (ONE_ORDER | {"lifecycle_stage": "churned"}, "slipping"),
        (ONE_ORDER | {"lifecycle_stage": "new", "probability_alive": 0.3}, "lost"),
    ],
)
def test_each_customer_has_one_status(
    customers_of: CustomersOf, policy: Policy, changes: dict[str, Any], status: str
) -> None:
    among = Situations.of(*customers_of({"customer_id": "a"}, changes | {"customer_id": "b"}))
    assert among.at_stake(policy).to_pylist()[1]["customer_status"] == status
    assert Situations.of(*customers_of(changes)).status(policy).tolist() == [status]


@pytest.mark.parametrize(
    ("alive", "cents"), [(1.0, 0), (0.8, 25_000), (0.25, 300_000), (0.01, 9_900_000), (0.0, 9_900_000)]
)
def test_value_at_risk_is_expected_if_kept_less_expected_now(
    customers_of: CustomersOf, policy: Policy, alive: float, cents: int
) -> None:
    situations = Situations.of(*customers_of({"expected_net_revenue_cents": 100_000.0, "probability_alive": alive}))
    assert situations.at_stake(policy)["value_at_risk_cents"].to_pylist() == [cents]


def test_a_risk_level_begins_at_its_threshold(customers_of: CustomersOf, policy: Policy) -> None:
    high, medium = policy.actions.risk.high_from, policy.actions.risk.medium_from
    risks = [high, high - 1e-9, medium, medium - 1e-9]
    situations = Situations.of(
        *customers_of(*({"customer_id": f"{n}", "churn_risk_score": r} for n, r in enumerate(risks)))
    )
    assert situations.risk_level(policy.actions).tolist() == ["high", "medium", "medium", "low"]
