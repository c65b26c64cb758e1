"""Recency, frequency, age and spend of every customer as of a day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypeAlias

from customer_revenue import lazy_ibis as ibis
from customer_revenue.tables import COUNTED_STATUSES, REFUNDED, check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir

ORDER_COLUMNS = ("id", "user_id", "total_cents", "status", "day")

MAX_SPEND_CENTS = 2**40
"""More than any customer spends in a day, ten billion of any currency."""

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


def rfm_features(orders: ir.Table, as_of_day: DayExpression) -> ir.Table:
    """Frequency, recency, age and mean spend of every customer with an order by the as-of day.

    The definitions are those of Fader, Hardie & Lee (2005), in days: a purchase is a day with an order.

    Args:
        orders: canonical orders with the column ``day``, in the reporting zone.
        as_of_day: the last day that counts; later orders are ignored.

    Returns:
        One row per customer: ``customer_id``; ``frequency``, purchase days after the first; ``recency_days``, from the
        first to the last of them; ``T_days``, from the first to the as-of day; ``monetary_cents``, the mean total
        of the repeat days whose total is above zero, 0 where there is none.
    """
    days = purchase_days(orders, as_of_day)
    # Age and total in one number, so that the first day's total needs no join, window or arg-max.
    packed = days.age_days.cast("int64") * MAX_SPEND_CENTS + days.total_cents
    customers = days.group_by("customer_id").aggregate(
        frequency=days.count() - 1,
        T_days=days.age_days.max(),
        silence_days=days.age_days.min(),
        total_cents=days.total_cents.sum(),
        positive_days=(days.total_cents > 0).ifelse(1, 0).sum(),
        first_packed=packed.max(),
    )
    first_cents = customers.first_packed % MAX_SPEND_CENTS
    repeat_days = customers.positive_days - (first_cents > 0).ifelse(1, 0)
    repeat_cents = (customers.total_cents - first_cents).cast("float64")
    return customers.select(
        "customer_id",
        "frequency",
        recency_days=customers.T_days - customers.silence_days,
        T_days=customers.T_days,
        monetary_cents=(repeat_days > 0).ifelse(repeat_cents / repeat_days.nullif(0), 0.0),
    )
