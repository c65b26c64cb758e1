"""The product that a customer bought most often: what a contact is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from customer_revenue import lazy_ibis as ibis
from customer_revenue.revenue.breakdown import ProductRow, by_product
from customer_revenue.tables import UNATTRIBUTED, Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


class MainProduct(NamedTuple):
    """A product and its name, which is the id where none is known."""

    product_id: str
    product_name: str


def main_product(rows: Iterable[ProductRow]) -> MainProduct | None:
    """The product in most orders of one customer; of equals the one with more revenue, then the first by its id.

    Args:
        rows: those of :func:`~customer_revenue.revenue.breakdown.by_product` of one customer.

    >>> main_product([ProductRow("a", "A", 900, 1), ProductRow("b", None, 300, 2)])
    MainProduct(product_id='b', product_name='b')
    """
    known = [row for row in rows if row.product_id != UNATTRIBUTED]
    if not known:
        return None
    best = min(known, key=lambda row: (-row.orders, -row.revenue_cents, row.product_id))
    return MainProduct(best.product_id, best.product_name or best.product_id)


def main_products(known: Canonical) -> ir.Table:
    """The same of each customer: ``customer_id``, ``product_id``, ``product_name``; no row where no line names one."""
    rows = by_product(known)
    rows = rows.filter(rows.product_id != UNATTRIBUTED)
    key = [rows.orders.desc(), rows.revenue_cents.desc(), rows.product_id.asc()]
    ranked = rows.mutate(place=ibis.row_number().over(ibis.window(group_by=rows.customer_id, order_by=key)))
    best = ranked.filter(ranked.place == 0)
    return best.select("customer_id", "product_id", product_name=best.product_name.coalesce(best.product_id))
