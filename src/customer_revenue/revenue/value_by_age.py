"""What customers brought by days since their first order: what the value of a new customer is learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.revenue.arithmetic import days_between, month_index
from customer_revenue.revenue.counted_refunds import movements
from customer_revenue.tables import Canonical, check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir


def acquired_by_day(known: Canonical, levels: ir.Table, as_of_day: ir.DateScalar) -> ir.Table:
    """How long customers have been known.

    Args:
        known: what was known at the as-of moment.
        levels: ``customer_id`` and ``level``, the group of each customer, which was known on their first day.
        as_of_day: the day of the as-of moment.

    Returns:
        ``level``, ``cohort`` (month index of the first order), ``observed_days`` since the first order, ``customers``.
    """
    firsts = _firsts(known, levels)
    aged = firsts.mutate(observed_days=days_between(firsts.first_day, as_of_day))
    return aged.group_by("level", "cohort", "observed_days").aggregate(customers=aged.count())


def value_by_age(
    known: Canonical, levels: ir.Table, as_of_day: ir.DateScalar, age_ends: Sequence[int], window_days: int
) -> ir.Table:
    """Net revenue by age since the first order, where the whole age was observed, and was so of late.

    Args:
        known: what was known at the as-of moment.
        levels: as for :func:`acquired_by_day`.
        as_of_day: the day of the as-of moment.
        age_ends: last days of the ages, ascending from 0, the day of the first order.
        window_days: an age counts that ended within so many days up to the as-of day.

    Returns:
        ``level``, ``cohort``, ``age_end``, ``net_cents``; no row where nothing came.
    """
    aged = _aged(known, levels, as_of_day, age_ends)
    recent = aged.filter(aged.observed_days - aged.age_end < window_days)
    return recent.group_by("level", "cohort", "age_end").aggregate(net_cents=recent.net_cents.sum())


def spread_of_value(
    known: Canonical, levels: ir.Table, as_of_day: ir.DateScalar, age_ends: Sequence[int], window_days: int
) -> ir.Table:
    """How far customers differ: sums over customers of what each brought, and of its squares.

    Args:
        known, levels, as_of_day, age_ends, window_days: as for :func:`value_by_age`.

    Returns:
        ``is_first`` (1 for the day of the first order, 0 for what came later), ``net_cents``, ``squares`` (of cents).
    """
    aged = _aged(known, levels, as_of_day, age_ends)
    recent = aged.filter(aged.observed_days - aged.age_end < window_days)
    marked = recent.mutate(is_first=(recent.age_end == 0).ifelse(1, 0))
    own = marked.group_by("customer_id", "is_first").aggregate(net_cents=marked.net_cents.sum())
    cents = own.net_cents.cast("float64")
    return own.group_by("is_first").aggregate(net_cents=own.net_cents.sum(), squares=(cents * cents).sum())


def _aged(known: Canonical, levels: ir.Table, as_of_day: ir.DateScalar, age_ends: Sequence[int]) -> ir.Table:
    """Movements with the last day of their age, where that has passed."""
    firsts, moves = _firsts(known, levels), movements(known)
    joined = moves.join(firsts, moves.customer_id == firsts.own_id)
    age = days_between(joined.first_day, joined.day)
    ends = [(age <= end, end) for end in age_ends]
    dated = joined.select(
        "customer_id",
        "level",
        "cohort",
        net_cents=joined.revenue_cents - joined.refund_cents,
        age_end=cast("ir.IntegerValue", ibis.cases(*ends, else_=ibis.null("int64"))).cast("int64"),
        observed_days=days_between(joined.first_day, as_of_day),
    )
    return dated.filter(dated.age_end <= dated.observed_days)


def _firsts(known: Canonical, levels: ir.Table) -> ir.Table:
    check_columns(levels, ("customer_id", "level"), "the groups of customers")
    orders = known.counted_orders()
    firsts = orders.group_by(own_id=orders.user_id).aggregate(first_day=orders.day.min())
    own = levels.select(level_id="customer_id", level="level")
    joined = firsts.join(own, firsts.own_id == own.level_id)
    return joined.select("own_id", "first_day", "level", cohort=month_index(joined.first_day))
