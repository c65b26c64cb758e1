"""How refunds count: whole orders on the day of the order, rows of ``refunds`` on their own day, nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.policy import Segments
from customer_revenue.revenue.arithmetic import stacked
from customer_revenue.tables import COUNTED_STATUSES, REFUNDED, Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


def movements(known: Canonical, first_day: ir.DateScalar | None = None) -> ir.Table:
    """Orders and refunds as one list of movements.

    A refunded order counts back its total on its own day. A row of ``refunds`` counts on the day it happened, unless
    its order is refunded as a whole and inside the period, and so is counted already, or its order does not count.

    Args:
        known: what was known at the as-of moment.
        first_day: first day of the period, ``None`` for all time. Earlier movements are in the list all the same.

    Returns:
        ``customer_id``, ``day``, ``orders`` (1 for an order, 0 for a refund), ``revenue_cents``, ``refund_cents``.
    """
    orders = known.counted_orders()
    bought = orders.select(
        customer_id=orders.user_id,
        day=orders.day,
        orders=ibis.literal(1, type="!int64"),
        revenue_cents=orders.total_cents,
        refund_cents=(orders.status == REFUNDED).ifelse(orders.total_cents, 0),
    )
    refunds = refunds_beyond_orders(known, first_day)
    returned = refunds.select(
        customer_id=refunds.user_id,
        day=refunds.day,
        orders=ibis.literal(0, type="!int64"),
        revenue_cents=ibis.literal(0, type=orders.total_cents.type()),
        refund_cents=refunds.amount_cents,
    )
    return stacked(bought, returned)


def revenue_of_all_time(known: Canonical, policy: Segments) -> ir.Table:
    """``member`` and ``revenue_cents`` of every customer with a counted order, on the basis of the segments."""
    if policy.is_net:
        moves = movements(known)
    else:
        orders = known.counted_orders()
        moves = orders.select(customer_id=orders.user_id, orders=1, revenue_cents=orders.total_cents, refund_cents=0)
    sums = moves.group_by(member=moves.customer_id).aggregate(
        orders=moves.orders.sum(), revenue_cents=(moves.revenue_cents - moves.refund_cents).sum()
    )
    return sums.filter(sums.orders > 0).select("member", "revenue_cents")


def refunds_beyond_orders(known: Canonical, first_day: ir.DateScalar | None) -> ir.Table:
    """The rows of ``refunds`` but those of orders that are counted back as a whole already, or do not count."""
    orders, refunds = known.orders, known.refunds
    counted_already = orders.status == REFUNDED
    if first_day is not None:
        counted_already &= orders.day >= first_day
    other = orders.filter(counted_already | orders.status.notin(COUNTED_STATUSES)).select(other_id=orders.id)
    return refunds.anti_join(other, refunds.order_id == other.other_id)
