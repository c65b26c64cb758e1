"""Products that are due again: their own rhythm, and no word of those that were given up."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from customer_revenue.actions.replenishment import replenishments
from customer_revenue.policy import Policy

TODAY = dt.date(2024, 6, 30)


def bought(product: str, days: int, first: str, last: str, cents: int = 3_000) -> dict[str, Any]:
    return {
        "product_id": product,
        "product_name": product.title(),
        "days": days,
        "first_day": dt.date.fromisoformat(first),
        "last_day": dt.date.fromisoformat(last),
        "amount_cents": cents,
    }


def test_a_product_is_due_its_own_gap_after_the_last_one(policy: Policy) -> None:
    (row,) = replenishments([bought("tea", 4, "2024-03-17", "2024-06-15")], 8, 0.9, TODAY, policy, "USD")
    assert (row["type"], row["product_id"], row["expected_on"]) == ("replenishment", "tea", "2024-07-15")
    assert (row["potential_revenue_cents"], row["potential_revenue"]) == (750, 7.5)
    assert row["probability"] == pytest.approx(0.45)
    assert row["reason"] == "Tea: bought on 4 days, every 30 days, the last time 15 days ago"


def test_what_is_late_is_due_tomorrow_and_what_was_given_up_is_not_listed(policy: Policy) -> None:
    late = bought("late", 3, "2024-03-27", "2024-05-26")  # every 30 days, silent for 35
    gone = bought("gone", 3, "2024-02-25", "2024-04-25")  # silent for 66
    rare = bought("rare", 2, "2024-05-01", "2024-06-01")
    rows = replenishments([gone, rare, late], 3, 1.0, TODAY, policy)
    assert [(row["product_id"], row["expected_on"]) for row in rows] == [("late", "2024-07-01")]
    assert rows[0]["probability"] == 1.0


def test_the_soonest_come_first_and_not_too_many(policy: Policy) -> None:
    rows = [bought(f"p{n}", 3, "2024-05-01", f"2024-06-{20 - n:02}") for n in range(6)]
    found = replenishments(rows, 9, 0.5, TODAY, policy)
    assert len(found) == policy.upsell.most_products
    days = [str(row["expected_on"]) for row in found]
    assert days == sorted(days)
