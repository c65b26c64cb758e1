"""The products that a customer buys again and again: how often, when last, for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue.tables import REFUNDED, Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


def product_days(known: Canonical) -> ir.Table:
    """The products of one customer by the days on which they bought them; those refunded as a whole order do not count.

    Args:
        known: what was known of the customer at the as-of moment.

    Returns:
        ``product_id``, ``product_name`` (the last of its names in the alphabet), ``days`` with a purchase,
        ``first_day``, ``last_day``, ``amount_cents`` of all of them.
    """
    orders, items = known.counted_orders(), known.order_items
    kept = orders.filter(orders.status != REFUNDED)
    lines = items.join(kept.select(own_id="id", day="day"), items.order_id == kept.id)
    return lines.group_by("product_id").aggregate(
        product_name=lines.product_name.max(),
        days=lines.day.nunique(),
        first_day=lines.day.min(),
        last_day=lines.day.max(),
        amount_cents=lines.amount_cents.sum(),
    )
