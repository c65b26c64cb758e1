"""Customers as rows of facts and predictions, and what a test wants to vary about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from customer_revenue.policy import Policy, load_policy

AS_OF = dt.date(2023, 12, 15)
FACTS: dict[str, Any] = {
    "customer_id": "user_123",
    "total_orders": 10,
    "total_revenue_cents": 125_000,
    "avg_order_value_cents": 12_500,
    "last_purchase_date": dt.date(2023, 12, 10),
    "avg_days_between_purchases": 329 / 9,
    "customer_segment": "high_value",
    "lifecycle_stage": "active",
    "activity_status": "highly_active",
    "days_since_purchase": 5,
}
PREDICTIONS: dict[str, Any] = {
    "customer_id": "user_123",
    "expected_purchases": 9.2,
    "expected_net_revenue_cents": 115_000.0,
    "next_purchase_probability": 0.75,
    "churn_risk_score": 0.15,
    "probability_alive": 1.0,
}

Tables = tuple[pa.Table, pa.Table]


def customers(*changes: dict[str, Any]) -> Tables:
    """The specification's customer, once for each set of changes; a changed silence moves the last purchase along."""
    facts, predictions = [], []
    for change in changes:
        fact = FACTS | {name: value for name, value in change.items() if name in FACTS}
        if "days_since_purchase" in change:
            fact["last_purchase_date"] = AS_OF - dt.timedelta(days=change["days_since_purchase"])
        facts.append(fact)
        predictions.append(PREDICTIONS | {name: value for name, value in change.items() if name in PREDICTIONS})
    return pa.Table.from_pylist(facts), pa.Table.from_pylist(predictions)


@pytest.fixture(scope="session")
def customers_of() -> Callable[..., Tables]:
    return customers


@pytest.fixture(scope="session")
def policy() -> Policy:
    return load_policy()
