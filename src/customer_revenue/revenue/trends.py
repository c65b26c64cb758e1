"""The base month by month, and the figures at the top of the dashboard."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from customer_revenue import lazy_ibis as ibis
from customer_revenue.periods import MONTHS_PER_YEAR, month_label, month_starts
from customer_revenue.policy import Segments
from customer_revenue.revenue.arithmetic import (
    date_where,
    days_between,
    first_of_month,
    is_over,
    month_index,
    rounded_quotient,
    sum_where,
)
from customer_revenue.revenue.counted_refunds import movements
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir

GROWTH_DAYS = 30
"""The growth rate compares the new customers of this number of days with those of the same number before."""


class TrendRow(NamedTuple):
    """One row of :func:`trends`."""

    month_index: int
    revenue_cents: int
    refunds_cents: int
    net_revenue_cents: int
    orders: int
    active_customers: int
    new_customers: int
    returning_customers: int
    avg_order_value_cents: int


def trends(known: Canonical, first_day: ir.DateScalar | None = None) -> ir.Table:
    """Revenue, orders and customers of each month with an order or a refund, oldest first.

    Args:
        known: what was known at the as-of moment.
        first_day: first day of the period, whose month has only what came from then on; ``None`` for all time.

    Returns:
        ``month_index`` (months since January of the year 0), ``revenue_cents``, ``refunds_cents`` (by the day they
        count on), ``net_revenue_cents``, ``orders``, ``active_customers`` (with an order in the month),
        ``new_customers`` (with their first), ``returning_customers``, ``avg_order_value_cents`` (rounded half up).
    """
    moves = movements(known, first_day)
    inside = ibis.literal(value=True) if first_day is None else moves.day >= first_day
    own = moves.group_by("customer_id", month_index=month_index(moves.day)).aggregate(
        revenue_cents=sum_where(inside, moves.revenue_cents),
        refunds_cents=sum_where(inside, moves.refund_cents),
        orders=sum_where(inside, moves.orders),
        purchase=date_where(moves.orders == 1, moves.day).min(),
    )
    marked = own.mutate(first_purchase=own.purchase.min().over(ibis.window(group_by=own.customer_id)))
    active = marked.orders > 0
    new = active & (marked.month_index == month_index(marked.first_purchase))
    if first_day is not None:
        marked = marked.filter(marked.month_index >= month_index(first_day))
        new &= marked.first_purchase >= first_day
    months = marked.group_by("month_index").aggregate(
        revenue_cents=marked.revenue_cents.sum(),
        refunds_cents=marked.refunds_cents.sum(),
        orders=marked.orders.sum(),
        active_customers=sum_where(active, 1),
        new_customers=sum_where(new, 1),
    )
    complete = months.mutate(
        net_revenue_cents=months.revenue_cents - months.refunds_cents,
        returning_customers=months.active_customers - months.new_customers,
        avg_order_value_cents=rounded_quotient(months.revenue_cents, months.orders).coalesce(0),
    )
    return complete.select(*TrendRow._fields).order_by("month_index")


def fill_trends(rows: Iterable[TrendRow], as_of_day: dt.date) -> list[dict[str, object]]:
    """The rows of :func:`trends` as dictionaries with a ``month`` such as ``2023-01``, empty months filled in.

    ``complete`` is false in the month of the as-of day, unless that is its last.

    Args:
        rows: in any order.
        as_of_day: the day of the as-of moment, which is in the last month.
    """
    found = {row.month_index: row for row in rows}
    if not found:
        return []
    filled = []
    for start in month_starts(first_of_month(min(found)), as_of_day):
        index = start.year * MONTHS_PER_YEAR + start.month - 1
        row = found.get(index, TrendRow(index, *[0] * (len(TrendRow._fields) - 1)))
        values = row._asdict()
        del values["month_index"]
        filled.append({"month": month_label(start), **values, "complete": is_over(index + 1, as_of_day)})
    return filled


def widget_metrics(customers: ir.Table, as_of_day: ir.DateScalar, policy: Segments) -> ir.Table:
    """The four figures at the top of the dashboard, in one row.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.
        as_of_day: the day of the as-of moment.
        policy: says by which revenue the best customer is found.

    Returns:
        ``total_customers``, ``total_revenue_cents``, ``avg_customer_value_cents`` (rounded half up),
        ``top_customer_value_cents``, ``new_customers`` of the last 30 days and ``new_customers_before``, those of the
        30 days before; zeros without customers. See :func:`growth_rate`.
    """
    age = days_between(customers.first_purchase_date, as_of_day)
    sums = customers.aggregate(
        total_customers=customers.count(),
        total_revenue_cents=customers.total_revenue_cents.sum().coalesce(0),
        top_customer_value_cents=customers[policy.revenue_column].max().coalesce(0),
        new_customers=sum_where(age < GROWTH_DAYS, 1).coalesce(0),
        new_customers_before=sum_where((age >= GROWTH_DAYS) & (age < 2 * GROWTH_DAYS), 1).coalesce(0),
    )
    return sums.select(
        "total_customers",
        "total_revenue_cents",
        "top_customer_value_cents",
        "new_customers",
        "new_customers_before",
        avg_customer_value_cents=rounded_quotient(sums.total_revenue_cents, sums.total_customers).coalesce(0),
    )


def growth_rate(new: int, before: int) -> float | None:
    """The growth of new customers in percent, to one decimal; ``None`` where there were none before.

    >>> growth_rate(115, 100), growth_rate(3, 0)
    (15.0, None)
    """
    return round(100 * (new - before) / before, 1) if before else None
