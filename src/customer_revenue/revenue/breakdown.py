"""A customer's revenue by month, by quarter and by product.

The queries group what is there; :func:`fill_periods` and :func:`product_rows` give the rows of the response, with
empty periods and the revenue that no order line explains.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from customer_revenue import lazy_ibis as ibis
from customer_revenue.periods import MONTHS_PER_QUARTER, MONTHS_PER_YEAR, month_label, month_starts, quarter_label
from customer_revenue.revenue.arithmetic import (
    first_of_month,
    month_index,
    quarter_index,
    rounded_quotient,
    stacked,
)
from customer_revenue.tables import UNATTRIBUTED, Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


class PeriodRow(NamedTuple):
    """One row of :func:`monthly` or :func:`quarterly`, for one customer."""

    period_index: int
    revenue_cents: int
    orders: int
    avg_order_value_cents: int


class ProductRow(NamedTuple):
    """One row of :func:`by_product`, for one customer."""

    product_id: str
    product_name: str | None
    revenue_cents: int
    orders: int


def monthly(known: Canonical, first_day: ir.DateScalar | None = None) -> ir.Table:
    """Revenue of each customer and month with an order in the period.

    Args:
        known: what was known at the as-of moment; of all customers or of one.
        first_day: first day of the period; ``None`` for all time.

    Returns:
        ``customer_id``, ``period_index`` (months since January of the year 0), ``revenue_cents``, ``orders``,
        ``avg_order_value_cents`` (rounded half up). Not sorted.
    """
    orders = _inside(known, first_day)
    return _by_period(orders, month_index(orders.day))


def quarterly(known: Canonical, first_day: ir.DateScalar | None = None) -> ir.Table:
    """As :func:`monthly`, by calendar quarter; ``period_index`` is that of the quarter's first month."""
    orders = _inside(known, first_day)
    return _by_period(orders, quarter_index(orders.day))


def by_product(known: Canonical, first_day: ir.DateScalar | None = None) -> ir.Table:
    """Revenue of each customer and product in the period, and what no order line explains.

    Args:
        known: what was known at the as-of moment; of all customers or of one.
        first_day: first day of the period; ``None`` for all time.

    Returns:
        ``customer_id``, ``product_id``, ``product_name`` (the last of its names in the alphabet), ``revenue_cents``,
        ``orders`` (those that hold the product). The revenue of orders that exceeds their lines (orders without
        lines, tax, shipping), or falls short of them (discounts), is listed under ``unattributed``, so that the rows
        add up to the period's revenue. Not sorted.
    """
    orders, items = _inside(known, first_day), known.order_items
    same_order = [orders.id == items.order_id]
    if (
        "user_id" in items.columns
    ):  # a store may keep the customer with each line, so that one customer's lines are stored together
        same_order.append(orders.user_id == items.user_id)
    lines = orders.left_join(items, same_order).select(
        order_id=orders.id,
        customer_id=orders.user_id,
        total_cents=orders.total_cents,
        product_id=items.product_id,
        product_name=items.product_name,
        amount_cents=items.amount_cents,
    )
    explained = lines.filter(lines.product_id.notnull()).select(
        "order_id", "customer_id", "product_id", "product_name", revenue_cents=lines.amount_cents
    )
    per_order = lines.group_by("order_id", "customer_id").aggregate(
        revenue_cents=lines.total_cents.max() - lines.amount_cents.sum().coalesce(0)
    )
    rest = per_order.filter(per_order.revenue_cents != 0).select(
        "order_id",
        "customer_id",
        product_id=ibis.literal(UNATTRIBUTED),
        product_name=ibis.literal(UNATTRIBUTED),
        revenue_cents=per_order.revenue_cents,
    )
    parts = stacked(explained, rest)
    return parts.group_by("customer_id", "product_id").aggregate(
        product_name=parts.product_name.max(),
        revenue_cents=parts.revenue_cents.sum(),
        orders=parts.order_id.nunique(),
    )


def fill_periods(rows: Iterable[PeriodRow], as_of_day: dt.date, step_months: int = 1) -> list[dict[str, object]]:
    """The response's rows of one customer: every month or quarter from the first with an order to the as-of day.

    Args:
        rows: those of :func:`monthly` or :func:`quarterly` of one customer, in any order.
        as_of_day: the day of the as-of moment.
        step_months: 1 for months, 3 for quarters.

    >>> fill_periods([PeriodRow(2023 * 12, 15000, 2, 7500)], dt.date(2023, 2, 1))[1]
    {'month': '2023-02', 'revenue_cents': 0, 'orders': 0, 'avg_order_value_cents': 0}
    """
    found = {row.period_index: row for row in rows}
    if not found:
        return []
    key, label = ("quarter", quarter_label) if step_months == MONTHS_PER_QUARTER else ("month", month_label)
    filled = []
    for start in month_starts(first_of_month(min(found)), as_of_day, step_months):
        row = found.get(start.year * MONTHS_PER_YEAR + start.month - 1, PeriodRow(0, 0, 0, 0))
        filled.append(
            {
                key: label(start),
                "revenue_cents": row.revenue_cents,
                "orders": row.orders,
                "avg_order_value_cents": row.avg_order_value_cents,
            }
        )
    return filled


def product_rows(rows: Sequence[ProductRow]) -> list[dict[str, object]]:
    """The response's product rows of one customer: by revenue, highest first, with their share of the total.

    Args:
        rows: those of :func:`by_product` of one customer.

    Returns:
        Rows with ``percentage_of_total`` to two decimals, halves up; 0 where the total is not positive. Products
        of equal revenue follow their ids.

    >>> product_rows([ProductRow("a", None, 600, 1), ProductRow("b", "B", 900, 1)])[0]["percentage_of_total"]
    60.0
    """
    total = sum(row.revenue_cents for row in rows)
    ordered = sorted(rows, key=lambda row: (-row.revenue_cents, row.product_id))
    return [
        {
            "product_id": row.product_id,
            "product_name": row.product_name or row.product_id,
            "revenue_cents": row.revenue_cents,
            "orders": row.orders,
            "percentage_of_total": (row.revenue_cents * 20_000 + total) // (2 * total) / 100 if total > 0 else 0.0,
        }
        for row in ordered
    ]


def _inside(known: Canonical, first_day: ir.DateScalar | None) -> ir.Table:
    orders = known.counted_orders()
    return orders if first_day is None else orders.filter(orders.day >= first_day)


def _by_period(orders: ir.Table, period: ir.IntegerValue) -> ir.Table:
    totals = orders.group_by(customer_id=orders.user_id, period_index=period).aggregate(
        revenue_cents=orders.total_cents.sum(), orders=orders.count()
    )
    return totals.mutate(avg_order_value_cents=rounded_quotient(totals.revenue_cents, totals.orders))
