"""Products that are bought after one another: support, confidence and lift of every pair, in one query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue.revenue.arithmetic import days_between, rounded_quotient
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir

PAIR_COLUMNS = (
    "product_id",
    "product_name",
    "next_product_id",
    "next_product_name",
    "support",
    "confidence",
    "lift",
    "avg_revenue_cents",
    "avg_days",
)
"""The columns of :func:`next_products`, in order."""


def first_purchases(known: Canonical) -> ir.Table:
    """The first day on which each customer bought each product, one row per customer and product.

    Args:
        known: what was known at the as-of moment; of all customers, or of those of one segment.

    Returns:
        ``customer_id``, ``product_id``, ``first_day``, ``revenue_cents`` (of all their lines of it), ``product_name``.
    """
    orders, items = known.counted_orders(), known.order_items
    lines = orders.inner_join(items, orders.id == items.order_id)
    return lines.group_by(customer_id=lines.user_id, product_id=lines.product_id).aggregate(
        first_day=lines.day.min(),
        revenue_cents=lines.amount_cents.sum(),
        product_name=lines.product_name.max(),
    )


def next_products(firsts: ir.Table, min_support: int, product_ids: ir.Table | None = None) -> ir.Table:
    """What customers of each product bought for the first time on a later day.

    Args:
        firsts: see :func:`first_purchases`.
        min_support: minimum number of customers who did so; rarer products and pairs are left out.
        product_ids: the products to start from, in a column ``product_id``, such as one customer's; by default all.

    Returns:
        ``product_id``, ``product_name``, ``next_product_id``, ``next_product_name``, ``support`` (customers who bought
        the first and then the next), ``confidence`` (their share of the first's customers), ``lift`` (the confidence
        against the next one's share of all customers with order lines), ``avg_revenue_cents`` (mean revenue of the
        next product from one of them, rounded half up), ``avg_days`` (between their first days with both, likewise).
        Not sorted.
    """
    products = firsts.group_by("product_id").aggregate(buyers=firsts.count(), product_name=firsts.product_name.max())
    common = products.filter(products.buyers >= min_support)
    listed = firsts.semi_join(common, "product_id")
    before = listed if product_ids is None else listed.semi_join(product_ids, "product_id")
    before = before.select("customer_id", "product_id", first_day=before.first_day)
    after = listed.select(
        after_customer=listed.customer_id,
        next_product_id=listed.product_id,
        next_day=listed.first_day,
        revenue_cents=listed.revenue_cents,
    )
    steps = before.join(after, [before.customer_id == after.after_customer, before.first_day < after.next_day])
    pairs = steps.group_by("product_id", "next_product_id").aggregate(
        support=steps.count(),
        revenue_cents=steps.revenue_cents.sum(),
        days=days_between(steps.first_day, steps.next_day).sum(),
    )
    pairs = pairs.filter(pairs.support >= min_support)
    return _measured(pairs, common, firsts).select(*PAIR_COLUMNS)


def _measured(pairs: ir.Table, common: ir.Table, firsts: ir.Table) -> ir.Table:
    of_first = common.select(first_id=common.product_id, first_buyers=common.buyers, product_name=common.product_name)
    of_next = common.select(next_id=common.product_id, next_buyers=common.buyers, next_product_name=common.product_name)
    everyone = firsts.aggregate(customers=firsts.customer_id.nunique())
    joined = pairs.inner_join(of_first, pairs.product_id == of_first.first_id)
    joined = joined.inner_join(of_next, joined.next_product_id == of_next.next_id).cross_join(everyone)
    confidence = joined.support.cast("float64") / joined.first_buyers
    return joined.mutate(
        confidence=confidence,
        lift=confidence * joined.customers / joined.next_buyers,
        avg_revenue_cents=rounded_quotient(joined.revenue_cents, joined.support),
        avg_days=rounded_quotient(joined.days, joined.support),
    )
