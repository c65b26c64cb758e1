"""Recency, frequency, age and spend of every customer as of a day."""

from __future__ import annotations

import datetime as dt
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from customer_revenue.tables import COUNTED_STATUSES, REFUNDED, check_columns

ORDER_COLUMNS = ("id", "user_id", "total_cents", "status", "day")

DayExpression: TypeAlias = "ir.DateValue | dt.date"
"""The last day that counts: a date, or an Ibis date scalar such as a parameter bound later."""


def as_date(day: DayExpression) -> ir.DateValue:
    """An as-of day as an Ibis date."""
    return ibis.literal(day, type="date") if isinstance(day, dt.date) else day


def purchase_days(orders: ir.Table, as_of_day: DayExpression) -> ir.Table:
    """One row per customer and day with at least one order that counts, no later than the as-of day.

    Args:
        orders: canonical orders with the column ``day``, in the reporting zone.
        as_of_day: the last day that counts.

    Returns:
        ``customer_id``, ``age_days`` (days from that day to the as-of day, 0 for the as-of day itself),
        ``total_cents``, ``orders`` and ``refunded_cents`` (the part of the total that was refunded in whole orders).
    """
    check_columns(orders, ORDER_COLUMNS, "orders")
    known = orders.filter(orders.status.isin(COUNTED_STATUSES), orders.day <= as_date(as_of_day))
    known = known.mutate(age_days=as_date(as_of_day).delta(known.day, unit="day").cast("int32"))
    return known.group_by(customer_id=known.user_id, age_days=known.age_days).aggregate(
        total_cents=known.total_cents.sum(),
        orders=known.count(),
        refunded_cents=(known.status == REFUNDED).ifelse(known.total_cents, 0).sum(),
    )


def numbered_days(days: ir.Table) -> ir.Table:
    """Purchase days with the gap to the one before (``gap_days``, null on the first) and whether it is the last."""
    in_order = ibis.window(group_by=days.customer_id, order_by=days.age_days.desc())
    return days.mutate(
        gap_days=days.age_days.lag().over(in_order) - days.age_days,
        is_last=days.age_days.lead().over(in_order).isnull(),
    )
