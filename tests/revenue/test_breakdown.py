"""Months, quarters and products: their twins, and the rows of the response."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import ibis
import pytest

from customer_revenue.periods import Period
from customer_revenue.revenue.breakdown import (
    PeriodRow,
    ProductRow,
    by_product,
    fill_periods,
    monthly,
    product_rows,
    quarterly,
)

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

AS_OF = dt.date(2023, 12, 15)


def day(value: dt.date) -> ibis.expr.types.DateScalar:
    literal = ibis.literal(value, type="date")
    assert isinstance(literal, ibis.expr.types.DateScalar)
    return literal


def by_period_twin(first_day: dt.date, unit: str) -> str:
    return f"""
    SELECT user_id, date_diff('month', DATE '0001-01-01', date_trunc('{unit}', day)) + 12 AS period_index,
        sum(total_cents), count(DISTINCT id), (2 * sum(total_cents) + count(*)) // (2 * count(*))
    FROM counted WHERE day >= DATE '{first_day}' GROUP BY 1, 2 ORDER BY 1, 2"""


def by_product_twin(first_day: dt.date) -> str:
    return f"""
    WITH inside AS (FROM counted WHERE day >= DATE '{first_day}'),
    rest AS (
        SELECT user_id, id, total_cents - coalesce((SELECT sum(amount_cents) FROM order_items WHERE order_id = id), 0)
            AS cents FROM inside)
    SELECT user_id, product_id, max(product_name), sum(amount_cents), count(DISTINCT order_id)
    FROM inside JOIN order_items ON order_id = id GROUP BY 1, 2
    UNION ALL
    SELECT user_id, 'unattributed', 'unattributed', sum(cents), count(*) FROM rest WHERE cents <> 0 GROUP BY 1
    ORDER BY 1, 2"""


@pytest.mark.parametrize("period", [Period.ALL_TIME, Period.LAST_6_MONTHS])
def test_breakdowns_equal_their_twins(shop: Shop, period: Period) -> None:
    first_day = period.first_day(shop.as_of)
    for unit, query in (("month", monthly), ("quarter", quarterly)):
        rows = shop.rows(query(shop.known, day(first_day)), "customer_id", "period_index")
        assert rows == shop.twin(by_period_twin(first_day, unit))
    rows = shop.rows(by_product(shop.known, day(first_day)), "customer_id", "product_id")
    assert rows == shop.twin(by_product_twin(first_day))


def test_products_add_up_to_the_revenue(shop: Shop) -> None:
    months, products = (query(shop.known) for query in (monthly, by_product))
    sums = [
        shop.rows(
            t.group_by("customer_id").aggregate(cents=t.revenue_cents.sum()).filter(ibis._.cents != 0), "customer_id"
        )
        for t in (months, products)
    ]
    assert sums[0] == sums[1]


def test_one_customer_equals_that_customer_among_all(shop: Shop) -> None:
    for query in (monthly, quarterly, by_product):
        everyone = query(shop.known)
        for customer in sorted({row[0] for row in shop.rows(everyone)})[:5]:
            one = query(shop.known.of_customer(ibis.literal(customer)))
            expected = shop.rows(everyone.filter(everyone.customer_id == customer), *everyone.columns)
            assert shop.rows(one, *one.columns) == expected


def test_months_without_orders_are_filled_in() -> None:
    rows = fill_periods([PeriodRow(2023 * 12 + 1, 30, 2, 15), PeriodRow(2022 * 12 + 11, 5, 1, 5)], dt.date(2023, 3, 1))
    assert [(row["month"], row["revenue_cents"]) for row in rows] == [
        ("2022-12", 5),
        ("2023-01", 0),
        ("2023-02", 30),
        ("2023-03", 0),
    ]
    assert list(rows[0]) == ["month", "revenue_cents", "orders", "avg_order_value_cents"]


def test_quarters_are_filled_in_to_the_as_of_day() -> None:
    rows = fill_periods([PeriodRow(2023 * 12 + 3, 30, 1, 30)], AS_OF, step_months=3)
    assert [row["quarter"] for row in rows] == ["2023-Q2", "2023-Q3", "2023-Q4"]
    assert fill_periods([], AS_OF) == []


def test_product_shares_are_rounded_half_up_and_sorted() -> None:
    rows = product_rows([ProductRow("b", None, 1, 1), ProductRow("a", "A", 1, 1), ProductRow("c", "C", 798, 2)])
    assert [(row["product_id"], row["product_name"], row["percentage_of_total"]) for row in rows] == [
        ("c", "C", 99.75),
        ("a", "A", 0.13),
        ("b", "b", 0.13),
    ]
    assert product_rows([ProductRow("a", "A", 0, 1)])[0]["percentage_of_total"] == 0.0


def test_two_orders_at_midnight_and_on_leap_day(shop_of: Callable[..., Shop]) -> None:
    orders = [("1", "u", 5, "paid", "2024-02-29T23:59:59.999999"), ("2", "u", 7, "paid", "2024-03-01")]
    shop = shop_of(dt.date(2024, 3, 1), orders)
    rows = fill_periods([PeriodRow(*row[1:]) for row in shop.rows(monthly(shop.known))], shop.as_of)
    assert [(row["month"], row["revenue_cents"]) for row in rows] == [("2024-02", 5), ("2024-03", 7)]
