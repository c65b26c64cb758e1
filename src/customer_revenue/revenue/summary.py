"""What each customer has bought and been refunded: the ``revenue_summary`` of the response, one row per customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.policy import Policy
from customer_revenue.revenue.arithmetic import date_where, days_between, rounded_quotient, stacked, sum_where
from customer_revenue.revenue.counted_refunds import movements, refunds_beyond_orders
from customer_revenue.revenue.segments import activity_status, lifecycle_stage, segment
from customer_revenue.tables import SUMMARY_COLUMNS, Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


def summary(known: Canonical, first_day: ir.DateScalar | None, as_of_day: ir.DateScalar, policy: Policy) -> ir.Table:
    """The revenue summary of a period, for every customer with a counted order or a refund.

    Args:
        known: what was known at the as-of moment; of all customers or of one.
        first_day: first day of the period, which ends with the as-of day; ``None`` for all time, which makes a
            smaller query than a first day in the far past.
        as_of_day: the day of the as-of moment.
        policy: segments and stages.

    Returns:
        The columns of :data:`~customer_revenue.tables.SUMMARY_COLUMNS`. Money in whole cents,
        ``avg_order_value_cents`` rounded half up.
        ``customer_lifespan_days`` is from the first to the last purchase date; ``purchase_frequency_days`` is
        lifespan / orders, rounded half up, and ``avg_days_between_purchases`` lifespan / (orders - 1), both null
        below two orders. A period without orders has zeros and null dates. Segment, stage, activity status and
        ``days_since_purchase`` are those of all time; but for the segment they are null without any purchase.
    """
    totals = _totals(_movements(known, first_day), first_day)
    spans = totals.mutate(
        customer_lifespan_days=days_between(totals.first_purchase_date, totals.last_purchase_date).coalesce(0),
        age=days_between(totals.first_ever, as_of_day),
        days_since_purchase=days_between(totals.last_ever, as_of_day),
    )
    lifespan, orders, silence = spans.customer_lifespan_days, spans.total_orders, spans.days_since_purchase
    derived: dict[str, ir.Value] = {
        "avg_order_value_cents": rounded_quotient(spans.total_revenue_cents, orders).coalesce(0),
        "purchase_frequency_days": rounded_quotient(lifespan, (orders > 1).ifelse(orders, 0)),
        "avg_days_between_purchases": mean_gap_days(lifespan, orders),
        "net_revenue_cents": spans.total_revenue_cents - spans.total_refunds_cents,
        "customer_segment": segment(
            spans.revenue_ever_cents - spans.refunds_ever_cents if policy.segments.is_net else spans.revenue_ever_cents,
            policy.segments,
        ),
        "lifecycle_stage": lifecycle_stage(spans.age, silence, policy.lifecycle),
        "activity_status": activity_status(silence, policy.activity),
    }
    return spans.select(**{name: derived[name] if name in derived else spans[name] for name in SUMMARY_COLUMNS})


def mean_gap_days(lifespan_days: ir.NumericValue, orders: ir.NumericValue) -> ir.FloatingValue:
    """Lifespan / (orders - 1), not rounded; null below two orders."""
    gaps = (orders > 1).ifelse(orders - 1, ibis.null("int64"))
    return cast("ir.FloatingValue", lifespan_days.cast("float64") / gaps)


def _movements(known: Canonical, first_day: ir.DateScalar | None) -> ir.Table:
    """The movements, with ``refund_ever_cents``, which is counted for all time and not for the period."""
    moves = movements(known, first_day)
    if first_day is None:
        return moves.mutate(refund_ever_cents=moves.refund_cents)
    moves = moves.mutate(refund_ever_cents=(moves.orders == 1).ifelse(moves.refund_cents, 0))
    refunds, nothing = refunds_beyond_orders(known, None), ibis.literal(0, type=moves.refund_cents.type())
    ever = refunds.select(
        customer_id=refunds.user_id,
        day=refunds.day,
        orders=ibis.literal(0, type=moves.orders.type()),
        revenue_cents=nothing,
        refund_cents=nothing,
        refund_ever_cents=refunds.amount_cents,
    )
    return stacked(moves, ever)


def _totals(moves: ir.Table, first_day: ir.DateScalar | None) -> ir.Table:
    bought = moves.orders == 1
    purchase_day = date_where(bought, moves.day)
    ever = {
        "revenue_ever_cents": moves.revenue_cents.sum(),
        "refunds_ever_cents": moves.refund_ever_cents.sum(),
        "first_ever": purchase_day.min(),
        "last_ever": purchase_day.max(),
    }
    if first_day is None:
        totals = moves.group_by("customer_id").aggregate(
            total_orders=moves.orders.sum(), total_refunds_cents=moves.refund_cents.sum(), **ever
        )
        return totals.mutate(
            total_revenue_cents=totals.revenue_ever_cents,
            first_purchase_date=totals.first_ever,
            last_purchase_date=totals.last_ever,
        )
    inside = moves.day >= first_day
    day_inside = date_where(bought & inside, moves.day)
    return moves.group_by("customer_id").aggregate(
        total_revenue_cents=sum_where(inside, moves.revenue_cents),
        total_orders=sum_where(inside, moves.orders),
        first_purchase_date=day_inside.min(),
        last_purchase_date=day_inside.max(),
        total_refunds_cents=sum_where(inside, moves.refund_cents),
        **ever,
    )
