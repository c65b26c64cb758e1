"""What was known of customers from their first order on: static covariates of the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.tables import COUNTED_STATUSES, check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir

ORDER_COVARIATES = ("channel", "country", "campaign", "discount_code", "discount_cents")
"""The columns of the order itself, next to its total and its lines."""


def first_orders(orders: ir.Table, order_items: ir.Table) -> ir.Table:
    """The first order that counts of every customer, and its largest line.

    Args:
        orders: those known at a moment, with the optional columns of a store.
        order_items: with the optional columns of a store.

    Returns:
        One row per customer: ``customer_id``, :data:`ORDER_COVARIATES`, ``order_cents``, ``lines``, and ``product_id``
        and ``category`` of the line with the highest amount. Null is what nothing states.
    """
    check_columns(orders, ("id", "user_id", "status", "created_at", "total_cents", *ORDER_COVARIATES), "orders")
    counted = orders.filter(orders.user_id.notnull(), orders.status.isin(COUNTED_STATUSES))
    earliest = ibis.window(group_by="user_id", order_by=["created_at", "id"])
    numbered = counted.mutate(place=ibis.row_number().over(earliest))
    first = numbered.filter(numbered.place == 0)
    main = _largest_lines(order_items.semi_join(first, order_items.order_id == first.id))
    joined = first.left_join(main, first.id == main.main_order_id)
    return joined.select(
        customer_id=joined.user_id,
        **{name: joined[name] for name in ORDER_COVARIATES},
        order_cents=joined.total_cents,
        lines=joined.lines.coalesce(0),
        product_id=joined.product_id,
        category=joined.category,
    )


def _largest_lines(lines: ir.Table) -> ir.Table:
    """The line with the highest amount of each order, with the number of all."""
    by_amount = ibis.window(group_by="order_id", order_by=[ibis.desc("amount_cents"), "product_id"])
    numbered = lines.mutate(
        place=ibis.row_number().over(by_amount), lines=lines.count().over(ibis.window(group_by="order_id"))
    )
    return numbered.filter(numbered.place == 0).select("lines", "product_id", "category", main_order_id="order_id")
