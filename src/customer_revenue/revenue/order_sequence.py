"""What customers' first, second, third … orders bring, and how soon the next one follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.revenue.arithmetic import days_between, rounded_quotient, sum_where
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir

LAST_ORDER_NUMBER = 10
"""The tenth order and all later ones are one row."""

LAG_DAYS = (7, 30, 60, 90, 180, 365)


def order_sequence(known: Canonical, as_of_day: ir.DateScalar) -> ir.Table:
    """Orders by their number in their customer's history, and how many were followed by another within some days.

    An order counts for a lag of days once it is that old, so that late orders do not look as if nothing followed them.

    Args:
        known: what was known at the as-of moment.
        as_of_day: the day of the as-of moment.

    Returns:
        ``order_number`` (1 to :data:`LAST_ORDER_NUMBER`, the last for all later ones too), ``orders``,
        ``revenue_cents``, ``avg_order_value_cents`` (rounded half up), ``followed_orders`` (by any later order so
        far), ``days_to_next`` (their sum over these), and for each of :data:`LAG_DAYS` ``old_30``, the orders that are
        so old, and ``followed_30``, those among them that were followed within the days; by number.
    """
    orders = known.counted_orders()
    own = ibis.window(group_by="user_id", order_by=["created_at", "id"])
    placed = orders.mutate(place=ibis.row_number().over(own), next_day=orders.day.lead().over(own))
    number = ibis.least(placed.place + 1, LAST_ORDER_NUMBER)
    aged = placed.select(
        "total_cents",
        order_number=number.cast("int64"),
        age=days_between(placed.day, as_of_day),
        gap=days_between(placed.day, placed.next_day),
    )
    lags: dict[str, ir.Value] = {}
    for days in LAG_DAYS:
        is_old = aged.age >= days
        lags[f"old_{days}"] = sum_where(is_old, 1)
        lags[f"followed_{days}"] = sum_where(is_old & aged.gap.notnull() & (aged.gap <= days), 1)
    sums = aged.group_by("order_number").aggregate(
        orders=aged.count(),
        revenue_cents=aged.total_cents.sum(),
        followed_orders=sum_where(aged.gap.notnull(), 1),
        days_to_next=aged.gap.sum().coalesce(0),
        **lags,
    )
    average = rounded_quotient(sums.revenue_cents, sums.orders)
    return sums.mutate(avg_order_value_cents=average).order_by("order_number")
