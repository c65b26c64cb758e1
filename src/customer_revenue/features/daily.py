"""The shop day by day: who came for the first time, and who came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue.features.rfm import ORDER_COLUMNS
from customer_revenue.tables import COUNTED_STATUSES, check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir


def daily(orders: ir.Table) -> ir.Table:
    """New customers and repeat purchases of each day with either.

    Args:
        orders: canonical orders with the column ``day``, in the reporting zone.

    Returns:
        ``day``, ``new_customers`` and ``repeat_purchases`` (customers who had bought on an earlier day).
    """
    check_columns(orders, ORDER_COLUMNS, "orders")
    counted = orders.filter(orders.status.isin(COUNTED_STATUSES))
    days = counted.group_by(customer_id=counted.user_id, day=counted.day).aggregate(orders=counted.count())
    firsts = days.group_by("customer_id").aggregate(first_day=days.day.min())
    joined = days.join(firsts, "customer_id")
    new = joined.day == joined.first_day
    return joined.group_by("day").aggregate(
        new_customers=new.ifelse(1, 0).sum(), repeat_purchases=new.ifelse(0, 1).sum()
    )
