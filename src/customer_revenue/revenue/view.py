"""The view ``customer_revenue_analysis``: the specification's columns for every customer with an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue.policy import Policy
from customer_revenue.revenue.summary import summary
from customer_revenue.tables import SUMMARY_COLUMNS, Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir

VIEW_NAME = "customer_revenue_analysis"

VIEW_COLUMNS = (
    "user_id",
    "customer_name",
    "customer_email",
    "total_orders",
    "total_revenue_cents",
    "avg_order_value_cents",
    "first_purchase_date",
    "last_purchase_date",
    "customer_lifespan_days",
    "avg_days_between_purchases",
    "total_refunds_cents",
    "net_revenue_cents",
    "customer_segment",
    "activity_status",
)
"""The columns of the view, in the specification's order."""


CUSTOMER_COLUMNS = (*SUMMARY_COLUMNS, "customer_name", "customer_email")
"""The columns of :func:`customers`, in order: what the analytics of the customer base are made from."""


def customers(
    known: Canonical, as_of_day: ir.DateScalar, policy: Policy, first_day: ir.DateScalar | None = None
) -> ir.Table:
    """The summary of every customer with a counted order in the period, with name and e-mail where known.

    Args:
        known: what was known at the as-of moment.
        as_of_day: the day of the as-of moment.
        policy: segments and stages.
        first_day: first day of the period; ``None`` for all time.

    Returns:
        The columns of :data:`CUSTOMER_COLUMNS`; name and e-mail are null for a customer without a row in ``users``.
    """
    facts = summary(known, first_day, as_of_day, policy)
    facts = facts.filter(facts.total_orders > 0)
    users = known.users
    named = users.select(known_id=users.id, customer_name=users.name, customer_email=users.email)
    return facts.left_join(named, facts.customer_id == named.known_id).select(*CUSTOMER_COLUMNS)


def customer_revenue_analysis(known: Canonical, as_of_day: ir.DateScalar, policy: Policy) -> ir.Table:
    """The view's query: exactly :data:`VIEW_COLUMNS`.

    It differs from the specification's text where that contradicts its own example: refunds are subtracted once,
    dates are days in the reporting zone, the average is in whole cents, and customers without a row in the table of
    users are kept.

    Args:
        known: what was known at the as-of moment.
        as_of_day: the day that activity is counted to, such as the engine's current date.
        policy: segments and stages.
    """
    facts = customers(known, as_of_day, policy)
    return facts.rename(user_id="customer_id").select(*VIEW_COLUMNS)
