"""Customers who are likely to be one: those with the same e-mail address under several ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


def likely_duplicates(known: Canonical) -> ir.Table:
    """Return the customers whose e-mail address, without case and surrounding spaces, several customers have.

    An id that is an e-mail address is the customer's address if they have no other.

    Returns:
        ``email``, ``customer_id``, ``orders`` and ``total_cents``, those of counted orders, and ``merged_into``: the id
        with the most orders, then the first, of each address. Ordered by address; that id is first.
    """
    users = known.users
    stated = users.email.strip().nullif("")
    email = stated.coalesce(users.id.contains("@").ifelse(users.id, ibis.null("string"))).lower().strip()
    people = users.select(customer_id=users.id, email=email).filter(lambda t: t.email.notnull())
    doubled = people.group_by("email").having(lambda t: t.count() > 1).agg(ids=lambda t: t.count())
    counted = known.counted_orders()
    bought = counted.group_by("user_id").agg(orders=counted.count(), total_cents=counted.total_cents.sum())
    found = (
        people.semi_join(doubled, "email")
        .left_join(bought, people.customer_id == bought.user_id)
        .select(
            "email",
            "customer_id",
            orders=lambda t: t.orders.coalesce(0),
            total_cents=lambda t: t.total_cents.coalesce(0),
        )
    )
    by_orders = ibis.window(group_by="email", order_by=[ibis.desc("orders"), "customer_id"])
    ranked = found.mutate(
        merged_into=found.customer_id.first().over(by_orders), place=ibis.row_number().over(by_orders)
    )
    return ranked.order_by("email", "place").drop("place")
