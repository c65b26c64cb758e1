"""RFM scores and the named groups of their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.policy import SCORES, Rfm
from customer_revenue.revenue.arithmetic import group_shares

if TYPE_CHECKING:
    import ibis.expr.types as ir


def rfm(customers: ir.Table, policy: Rfm) -> ir.Table:
    """Scores, code and group of each customer.

    A score is 1 and one more for every whole fifth of the customers who are worse; so equal customers score equally,
    the worst score 1, and without ties each score is a fifth.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.
        policy: the groups.

    Returns:
        ``customer_id``, ``recency_days``, ``frequency`` (orders), ``monetary_cents`` (total revenue), the scores
        ``recency_score``, ``frequency_score`` and ``monetary_score``, ``rfm_code`` such as ``555``, ``rfm_group``.
    """
    scored = customers.select(
        "customer_id",
        recency_days=customers.days_since_purchase,
        frequency=customers.total_orders,
        monetary_cents=customers.total_revenue_cents,
        recency_score=_score(customers, customers.days_since_purchase.desc()),
        frequency_score=_score(customers, customers.total_orders.asc()),
        monetary_score=_score(customers, customers.total_revenue_cents.asc()),
    )
    digits = [scored[f"{name}_score"].cast("string") for name in ("recency", "frequency", "monetary")]
    return scored.mutate(rfm_code=digits[0].concat(*digits[1:]), rfm_group=_group(scored, policy))


def rfm_summary(scored: ir.Table) -> ir.Table:
    """Customers and revenue of each RFM group, highest revenue first.

    Args:
        scored: the table of :func:`rfm`.

    Returns:
        ``rfm_group``, ``customer_count``, ``total_revenue_cents``, ``avg_revenue_per_customer_cents`` (rounded half
        up), ``percentage_of_customers``, ``percentage_of_total_revenue`` (two decimals).
    """
    return group_shares(scored, "rfm_group", scored.monetary_cents).relocate(
        "percentage_of_customers", before="percentage_of_total_revenue"
    )


def _score(customers: ir.Table, worst_first: ir.Value) -> ir.IntegerValue:
    worse = ibis.rank().over(ibis.window(order_by=worst_first))
    share = (worse * SCORES).cast("float64") / customers.count().over(ibis.window())
    return cast("ir.IntegerValue", share.floor() + 1)


def _group(scored: ir.Table, policy: Rfm) -> ir.StringValue:
    branches = []
    for group in policy.groups:
        for box in group.boxes:
            inside: ir.BooleanValue = ibis.literal(value=True)
            for name, (low, high) in box.ranges.items():
                if (low, high) != (1, SCORES):
                    inside &= scored[f"{name}_score"].between(low, high)
            branches.append((inside, group.name))
    return cast("ir.StringValue", ibis.cases(*branches))
