"""How long after their orders refunds come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.revenue.arithmetic import days_between, stacked
from customer_revenue.revenue.counted_refunds import refunds_beyond_orders
from customer_revenue.tables import REFUNDED, Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


def refund_delays(known: Canonical) -> ir.Table:
    """Dated refunds by the day of their order and their delay.

    A refund that names no order belongs to its customer's latest order up to its day. Refunds before any order of
    their customer belong to none and are left out, as are orders that were refunded as a whole without a date.

    Args:
        known: what was known at the as-of moment.

    Returns:
        ``order_day``, ``delay_days`` from 0 on, ``refund_cents``, and ``squares``, the sum of the squares of each
        refund's cents.
    """
    dated = _with_latest_order(known)
    own = known.counted_orders().select(own_id="id", own_day="day")
    joined = dated.left_join(own, dated.order_id == own.own_id)
    aged = joined.mutate(order_day=joined.own_day.coalesce(joined.latest_day))
    kept = aged.filter(aged.order_day.notnull()).mutate(
        delay_days=ibis.greatest(days_between(aged.order_day, aged.day), 0)
    )
    cents = kept.amount_cents.cast("float64")
    return kept.group_by("order_day", "delay_days").aggregate(
        refund_cents=kept.amount_cents.sum(), squares=(cents * cents).sum()
    )


def revenue_by_day(known: Canonical) -> ir.Table:
    """``day`` and ``revenue_cents`` of the counted orders that were not refunded as a whole."""
    orders = known.counted_orders()
    kept = orders.filter(orders.status != REFUNDED)
    return kept.group_by("day").aggregate(revenue_cents=kept.total_cents.sum())


def _with_latest_order(known: Canonical) -> ir.Table:
    """The refunds with ``latest_day``, the day of their customer's latest order up to theirs."""
    orders, refunds = known.counted_orders(), refunds_beyond_orders(known, None)
    columns = {"order_id": "string", "user_id": "string", "day": "date", "amount_cents": "int64"}
    bought = orders.filter(orders.status != REFUNDED).select(
        "user_id",
        "day",
        order_id=ibis.null("string"),
        amount_cents=ibis.literal(0, type="int64"),
        is_refund=ibis.literal(0, type="!int64"),
        bought_day="day",
    )
    returned = refunds.select(
        "user_id",
        "day",
        order_id="order_id",
        amount_cents="amount_cents",
        is_refund=ibis.literal(1, type="!int64"),
        bought_day=ibis.null("date"),
    )
    both = stacked(bought.cast(columns), returned.cast(columns))
    so_far = ibis.window(group_by="user_id", order_by=["day", "is_refund"], preceding=None, following=0)
    placed = both.mutate(latest_day=both.bought_day.max().over(so_far))
    return placed.filter(placed.is_refund == 1)
