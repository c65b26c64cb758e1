"""Orders that add up to the specification's example customer give the specification's numbers, to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from customer_revenue.policy import Policy
from customer_revenue.revenue.breakdown import PeriodRow, ProductRow, by_product, fill_periods, monthly, product_rows
from customer_revenue.revenue.summary import summary
from customer_revenue.revenue.view import VIEW_COLUMNS, customer_revenue_analysis

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

PREMIUM, STORAGE = ("premium_plan", "Premium Monthly"), ("addon_storage", "Extra Storage")
PURCHASES = [
    ("2023-01-15T09:00:00", 10_000, PREMIUM),
    ("2023-01-28T23:59:59", 5_000, PREMIUM),
    ("2023-03-05T00:00:00", 25_000, PREMIUM),
    ("2023-04-20T12:00:00", 10_000, STORAGE),
    ("2023-05-11T12:00:00", 5_000, PREMIUM),
    ("2023-06-11T12:00:00", 5_000, PREMIUM),
    ("2023-08-01T12:00:00", 10_000, STORAGE),
    ("2023-08-01T12:00:00", 10_000, STORAGE),
    ("2023-10-10T12:00:00", 10_000, PREMIUM),
    ("2023-12-10T18:30:00", 35_000, None),
]


@pytest.fixture(scope="module")
def example(shop_of: Callable[..., Shop]) -> Shop:
    orders = [(f"o{n}", "user_123", cents, "paid", when) for n, (when, cents, _) in enumerate(PURCHASES)]
    items = [(f"o{n}", *product, 1, cents) for n, (_, cents, product) in enumerate(PURCHASES) if product]
    users = [("user_123", "John Doe", "john@example.com")]
    return shop_of(dt.date(2023, 12, 15), orders, users, items, [("r1", "o2", "user_123", 2_500, "2023-03-20")])


def test_revenue_summary(example: Shop, policy: Policy) -> None:
    (row,) = example.dicts(summary(example.known, None, example.as_of_day, policy))
    expected = {
        "customer_id": "user_123",
        "total_revenue_cents": 125_000,
        "total_orders": 10,
        "avg_order_value_cents": 12_500,
        "first_purchase_date": dt.date(2023, 1, 15),
        "last_purchase_date": dt.date(2023, 12, 10),
        "customer_lifespan_days": 329,
        "purchase_frequency_days": 33,
        "total_refunds_cents": 2_500,
        "net_revenue_cents": 122_500,
        "customer_segment": "high_value",
    }
    assert {name: row[name] for name in expected} == expected


def test_monthly_breakdown(example: Shop) -> None:
    rows = fill_periods([PeriodRow(*row[1:]) for row in example.rows(monthly(example.known))], example.as_of)
    assert rows[:3] == [
        {"month": "2023-01", "revenue_cents": 15_000, "orders": 2, "avg_order_value_cents": 7_500},
        {"month": "2023-02", "revenue_cents": 0, "orders": 0, "avg_order_value_cents": 0},
        {"month": "2023-03", "revenue_cents": 25_000, "orders": 1, "avg_order_value_cents": 25_000},
    ]
    assert len(rows) == 12


def test_product_breakdown(example: Shop) -> None:
    rows = product_rows([ProductRow(*row[1:]) for row in example.rows(by_product(example.known))])
    keys = ["product_id", "product_name", "revenue_cents", "orders", "percentage_of_total"]
    assert [list(row) for row in rows] == [keys] * 3
    assert [tuple(row.values()) for row in rows] == [
        ("premium_plan", "Premium Monthly", 60_000, 6, 48.0),
        ("unattributed", "unattributed", 35_000, 1, 28.0),
        ("addon_storage", "Extra Storage", 30_000, 3, 24.0),
    ]


def test_view(example: Shop, policy: Policy) -> None:
    view = customer_revenue_analysis(example.known, example.as_of_day, policy)
    assert view.columns == VIEW_COLUMNS
    (row,) = example.rows(view)
    assert row == (
        "user_123",
        "John Doe",
        "john@example.com",
        10,
        125_000,
        12_500,
        dt.date(2023, 1, 15),
        dt.date(2023, 12, 10),
        329,
        329 / 9,
        2_500,
        122_500,
        "high_value",
        "highly_active",
    )


def test_view_keeps_customers_without_a_user_and_no_others(shop_of: Callable[..., Shop], policy: Policy) -> None:
    shop = shop_of(
        dt.date(2023, 12, 15),
        [("1", "known", 5, "paid", "2023-05-01"), ("2", "unknown", 5, "paid", "2023-05-01")],
        [("known", "K", None), ("idle", "I", None)],
        refunds=[("r", None, "refunds only", 5, "2023-05-01")],
    )
    rows = shop.rows(customer_revenue_analysis(shop.known, shop.as_of_day, policy), "user_id")
    assert [row[:3] for row in rows] == [("known", "K", None), ("unknown", None, None)]
