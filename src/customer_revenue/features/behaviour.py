"""The behaviour matrix: what the models are given about a customer as of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.features.rfm import DayExpression, as_date, numbered_days, purchase_days
from customer_revenue.periods import DAYS_PER_YEAR
from customer_revenue.tables import DECAY_DAYS, PAID, RECENT_DAYS, SEASON_WINDOWS, SEASON_YEARS, check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir

SEASON_DAYS = 90

REFUND_COLUMNS = ("id", "order_id", "user_id", "amount_cents", "day")


def features(orders: ir.Table, refunds: ir.Table, as_of_day: DayExpression) -> ir.Table:
    """The behaviour of every customer with an order by the as-of day, in one query.

    Args:
        orders: canonical orders with the column ``day``, in the reporting zone; may be those of one customer.
        refunds: canonical refunds with the column ``day``, likewise.
        as_of_day: the last day that counts; later rows are ignored. May be a parameter bound at execution.

    Returns:
        One row per customer with the columns of :data:`~customer_revenue.tables.FEATURE_COLUMNS`. Ages and gaps are in
        days, money in cents; a gap that does not exist is null, a sum over nothing is 0.
    """
    days = numbered_days(purchase_days(orders, as_of_day))
    facts = days.group_by("customer_id").aggregate(**_counts(days), **_money(days), **_rhythm(days))
    returned = _refunds(orders, refunds, as_of_day)
    joined = facts.left_join(returned, facts.customer_id == returned.refund_customer_id)
    return joined.select(
        *(joined[name] for name in facts.columns if name != "refunded_cents"),
        refund_cents=joined.refunded_cents + joined.returned_cents.coalesce(0),
        refunds=joined.refunds.coalesce(0),
    )


def _counts(days: ir.Table) -> dict[str, ir.Value]:
    recent = {f"purchases_{n}": _sum(days.age_days < n, ibis.literal(1)) for n in RECENT_DAYS}
    decayed = {f"decayed_purchases_{n}": (-days.age_days / float(n)).exp().sum() for n in DECAY_DAYS}
    season = (days.age_days < DAYS_PER_YEAR) & (days.age_days >= DAYS_PER_YEAR - SEASON_DAYS)
    return {
        "frequency": days.count() - 1,
        "recency_days": days.age_days.max() - days.age_days.min(),
        "T_days": days.age_days.max(),
        "silence_days": days.age_days.min(),
        "orders": days.orders.sum(),
        **recent,
        **decayed,
        "purchases_season": _sum(season, ibis.literal(1)),
        **{f"season_years_{n}": _season_years(days, n) for n in SEASON_WINDOWS},
    }


def _season_years(days: ir.Table, window_days: int) -> ir.NumericValue:
    """Earlier years in which the customer bought again within some days after the as-of day's anniversary."""

    def in_year(year: int) -> ir.NumericScalar:
        ahead = year * DAYS_PER_YEAR - days.age_days
        return (days.gap_days.notnull() & (ahead > 0) & (ahead <= window_days)).ifelse(1, 0).max()

    return sum((in_year(year) for year in range(2, SEASON_YEARS + 1)), start=in_year(1))


def _money(days: ir.Table) -> dict[str, ir.Value]:
    repeat = days.gap_days.notnull() & (days.total_cents > 0)
    spent = days.total_cents > 0
    # A logarithm of zero must not even be computed: some engines raise on it.
    log_total = spent.ifelse(days.total_cents, 1).ln()
    recent = {f"cents_{n}": _sum(days.age_days < n, days.total_cents) for n in RECENT_DAYS}
    return {
        # A mean of whole numbers is a decimal of few digits on MariaDB: a quotient of doubles is the same everywhere.
        "monetary_cents": (
            _sum(repeat, days.total_cents).cast("float64") / _sum(repeat, ibis.literal(1)).nullif(0)
        ).coalesce(0.0),
        "spend_days": _sum(repeat, ibis.literal(1)),
        "positive_days": _sum(spent, ibis.literal(1)),
        "total_cents": days.total_cents.sum(),
        "first_day_cents": _sum(days.gap_days.isnull(), days.total_cents),
        "last_day_cents": _sum(days.is_last, days.total_cents),
        "max_day_cents": days.total_cents.max(),
        "log_cents_sum": log_total.sum(),
        "log_cents_square_sum": (log_total * log_total).sum(),
        "decayed_cents_120": (days.total_cents * (-days.age_days / 120.0).exp()).sum(),
        **recent,
        "refunded_cents": days.refunded_cents.sum(),
    }


def _rhythm(days: ir.Table) -> dict[str, ir.Value]:
    gap = days.gap_days.cast("float64")
    return {
        "log_gap_sum": gap.ln().sum().coalesce(0.0),
        "gap_square_sum": (gap * gap).sum().coalesce(0.0),
        "max_gap_days": days.gap_days.max(),
        "last_gap_days": days.is_last.ifelse(days.gap_days, ibis.null("int32")).max(),
    }


def _refunds(orders: ir.Table, refunds: ir.Table, as_of_day: DayExpression) -> ir.Table:
    """Refunds of each customer of orders that count, beyond those that were refunded as a whole."""
    check_columns(refunds, REFUND_COLUMNS, "refunds")
    other = orders.filter(orders.status != PAID).select(other_id="id")
    known = refunds.filter(refunds.day <= as_date(as_of_day))
    beyond = known.anti_join(other, known.order_id == other.other_id)
    return beyond.group_by(refund_customer_id=beyond.user_id).aggregate(
        returned_cents=beyond.amount_cents.sum(), refunds=beyond.count()
    )


def _sum(condition: ir.BooleanValue, value: ir.NumericValue) -> ir.NumericScalar:
    """The sum where the condition holds, 0 over nothing, in a form that every engine supports."""
    return condition.ifelse(value, 0).sum()
