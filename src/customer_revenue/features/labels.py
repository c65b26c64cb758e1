"""Labels: what customers did after a cut-off, the targets of training and back-tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.errors import InvalidParameter
from customer_revenue.features.rfm import ORDER_COLUMNS, DayExpression, as_date
from customer_revenue.tables import COUNTED_STATUSES, check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir


def labels(orders: ir.Table, as_of_day: DayExpression, horizons_days: Sequence[int]) -> ir.Table:
    """Purchases and revenue after the cut-off of every customer with an order by then.

    Day 1 is the day after the cut-off; a horizon of h days ends with day h. The caller ensures
    that the orders are complete up to there.

    Args:
        orders: canonical orders with the column ``day``, in the reporting zone.
        as_of_day: the cut-off, the last day of the features. May be a parameter bound at execution.
        horizons_days: horizons, each at least 1.

    Returns:
        One row per customer: ``customer_id``; for each horizon h ``purchases_h`` (days with an order) and
        ``revenue_cents_h`` (gross); ``days_to_next_purchase``, null where none comes within the longest horizon.

    Raises:
        InvalidParameter: no horizon, or one below 1.
    """
    if not horizons_days or min(horizons_days) < 1:
        raise InvalidParameter("a horizon is a number of days, at least 1")
    check_columns(orders, ORDER_COLUMNS, "orders")
    known = orders.filter(orders.status.isin(COUNTED_STATUSES))
    known = known.mutate(lead_days=known.day.delta(as_date(as_of_day), unit="day").cast("int32"))
    known = known.filter(known.lead_days <= max(horizons_days))
    days = known.group_by(customer_id=known.user_id, lead_days=known.lead_days).aggregate(
        total_cents=known.total_cents.sum()
    )
    after = days.lead_days > 0
    within = {h: after & (days.lead_days <= h) for h in sorted(set(horizons_days))}
    table = days.group_by("customer_id").aggregate(
        first_lead=days.lead_days.min(),
        **{f"purchases_{h}": inside.ifelse(1, 0).sum() for h, inside in within.items()},
        **{f"revenue_cents_{h}": inside.ifelse(days.total_cents, 0).sum() for h, inside in within.items()},
        days_to_next_purchase=after.ifelse(days.lead_days, ibis.null("int32")).min(),
    )
    return table.filter(table.first_lead <= 0).drop("first_lead")
