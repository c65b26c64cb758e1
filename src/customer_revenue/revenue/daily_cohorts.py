"""Orders by day and by the day of the customer's first order: what the forecast of the shop learns from."""

from __future__ import annotations

import ibis.expr.types as ir

from customer_revenue.revenue.arithmetic import month_index
from customer_revenue.tables import Canonical


def daily_cohorts(known: Canonical, as_of_day: ir.DateScalar) -> ir.Table:
    """Counted orders of identified customers by day and by the month of their first order.

    Args:
        known: what was known at the as-of moment.
        as_of_day: the day of the as-of moment. Months end with its day of the month, or their last day.

    Returns:
        ``cohort`` (month of the first order, as :func:`ending_month`), ``day``, ``new_customers`` (whose first order is
        of the day), ``orders``, ``revenue_cents``; one row for each of a cohort's days with an order.
    """
    orders = known.counted_orders()
    own = orders.group_by(customer_id=orders.user_id, day=orders.day).aggregate(
        orders=orders.count(), revenue_cents=orders.total_cents.sum()
    )
    firsts = own.group_by(first_customer=own.customer_id).aggregate(first_day=own.day.min())
    dated = own.join(firsts, own.customer_id == firsts.first_customer)
    marked = dated.select(
        "day",
        "orders",
        "revenue_cents",
        cohort=ending_month(dated.first_day, as_of_day),
        new_customers=(dated.day == dated.first_day).ifelse(1, 0),
    )
    return marked.group_by("cohort", "day").aggregate(
        new_customers=marked.new_customers.sum(),
        orders=marked.orders.sum(),
        revenue_cents=marked.revenue_cents.sum(),
    )


def unattributed_days(known: Canonical) -> ir.Table | None:
    """``revenue_cents`` of the counted orders without a customer by ``day``; ``None`` where there cannot be any."""
    orders = known.unattributed_orders()
    if orders is None:
        return None
    return orders.group_by("day").aggregate(revenue_cents=orders.total_cents.sum())


def ending_month(day: ir.DateValue, as_of_day: ir.DateValue) -> ir.IntegerValue:
    """The month index of the month, ending with the as-of day's day of the month, that a day lies in."""
    later = (day.day() > as_of_day.day()).ifelse(1, 0)
    return month_index(day) + later
