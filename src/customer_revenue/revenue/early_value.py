"""What each customer brought within some days of their first order: what a bid can know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.revenue.arithmetic import days_between, sum_where
from customer_revenue.revenue.counted_refunds import movements
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


def early_value(
    known: Canonical, levels: ir.Table, as_of_day: ir.DateScalar, mature_days: int, since_days: int
) -> ir.Table:
    """The first orders that became so many days old of late, and what their customers had brought by then.

    Args:
        known: what was known at the as-of moment.
        levels: ``customer_id`` and ``level``, the group of each customer, which was known on their first day.
        as_of_day: the day of the as-of moment.
        mature_days: age of a first order at which its customer is judged.
        since_days: orders count that reached it within so many days up to the as-of day.

    Returns:
        ``customer_id``, ``order_id``, ``created_at`` (UTC), ``email``, ``level``, ``net_cents`` up to the age.
    """
    orders, moves = known.counted_orders(), movements(known)
    earliest = ibis.window(group_by="user_id", order_by=["created_at", "id"])
    numbered = orders.mutate(place=ibis.row_number().over(earliest), age=days_between(orders.day, as_of_day))
    first = numbered.filter(
        numbered.place == 0, numbered.age >= mature_days, numbered.age < mature_days + since_days
    ).select(own_id="user_id", order_id="id", created_at="created_at", first_day="day")
    joined = moves.join(first, moves.customer_id == first.own_id)
    early = days_between(joined.first_day, joined.day) <= mature_days
    sums = joined.group_by("customer_id").aggregate(
        net_cents=sum_where(early, joined.revenue_cents - joined.refund_cents)
    )
    whole = first.join(sums, first.own_id == sums.customer_id)
    users = known.users.select(known_id="id", email="email")
    named = whole.left_join(users, whole.customer_id == users.known_id)
    own = levels.select(level_id="customer_id", level="level")
    grouped = named.left_join(own, named.customer_id == own.level_id)
    return grouped.select("customer_id", "order_id", "created_at", "email", "level", "net_cents")
