"""Who moved from which segment, stage or RFM group to which between two days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.choices import FlowBy
from customer_revenue.policy import Rfm
from customer_revenue.revenue.arithmetic import percentage, sum_where
from customer_revenue.revenue.rfm_groups import rfm

if TYPE_CHECKING:
    import ibis.expr.types as ir

FLOW_REASONS = ("first_order", "bought", "refunded", "silent")
"""Why a customer is where they are: their first order came between the two days, another order, a refund without an
order, or nothing, so that time alone moved them, or others who did more."""

SMALL_FLOW_CUSTOMERS = 30
"""A flow of fewer customers is marked: its figures are those of a few people."""


def segment_flows(before: ir.Table, now: ir.Table, by: FlowBy, policy: Rfm) -> ir.Table:
    """Customers and money by group then and group now; every customer of the later day is in one flow.

    Args:
        before: the table of :func:`~customer_revenue.revenue.view.customers` on the earlier day.
        now: the same on the later day.
        by: what the groups are.
        policy: the RFM groups.

    Returns:
        ``from_group`` (null for those who were none yet), ``to_group``, ``customers``, ``net_revenue_cents`` to the
        later day, ``revenue_change_cents`` (net, between the days), the number with each of :data:`FLOW_REASONS` as
        ``first_order``, ``bought``, ``refunded`` and ``silent``, ``percentage_of_group`` (of those who were in the
        earlier group, two decimals) and ``is_small``; the most customers first.
    """
    then, later = _grouped(before, by, policy), _grouped(now, by, policy)
    named = then.select(
        known_id="customer_id",
        from_group="group",
        orders_before="total_orders",
        refunds_before="total_refunds_cents",
        net_before="net_revenue_cents",
    )
    joined = later.left_join(named, later.customer_id == named.known_id)
    new = joined.known_id.isnull()
    bought = ~new & (joined.total_orders > joined.orders_before)
    refunded = ~new & ~bought & (joined.total_refunds_cents > joined.refunds_before)
    sums = joined.group_by("from_group", to_group=joined.group).aggregate(
        customers=joined.count(),
        net_revenue_cents=joined.net_revenue_cents.sum(),
        revenue_change_cents=(joined.net_revenue_cents - joined.net_before.coalesce(0)).sum(),
        first_order=sum_where(new, 1),
        bought=sum_where(bought, 1),
        refunded=sum_where(refunded, 1),
        silent=sum_where(~new & ~bought & ~refunded, 1),
    )
    of_group = sums.customers.sum().over(ibis.window(group_by="from_group"))
    return sums.mutate(
        percentage_of_group=percentage(sums.customers, of_group), is_small=sums.customers < SMALL_FLOW_CUSTOMERS
    ).order_by(ibis.desc("customers"), "from_group", "to_group")


def _grouped(customers: ir.Table, by: FlowBy, policy: Rfm) -> ir.Table:
    """The customers with their ``group``."""
    columns = ("customer_id", "total_orders", "total_refunds_cents", "net_revenue_cents")
    if by is FlowBy.RFM:
        groups = rfm(customers, policy).select(own_id="customer_id", group="rfm_group")
        joined = customers.join(groups, customers.customer_id == groups.own_id)
        return joined.select(*columns, "group")
    return customers.select(*columns, group=by.column)
