"""Queries of the customer base as recipes take them: functions of tables and plain values, compiled once and kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer_revenue.choices import AtRiskBy, CohortUnit, TopBy
from customer_revenue.policy import Margin, Policy, Rfm, Segments
from customer_revenue.revenue.cohorts import triangle
from customer_revenue.revenue.customer_lists import at_risk, ordered, page_of, top_customers
from customer_revenue.revenue.profit import own_profits
from customer_revenue.revenue.rfm_groups import rfm, rfm_summary
from customer_revenue.revenue.trends import trends, widget_metrics
from customer_revenue.revenue.view import customers
from customer_revenue.tables import Canonical, day_literal
from customer_revenue.workflows.known_tables import day_parameter, known_by_then

if TYPE_CHECKING:
    import ibis.expr.types as ir


def all_customers(tables: Canonical, policy: Policy) -> ir.Table:
    """Every customer with their facts, as known by the parameter ``moment``, on the day ``as_of_day``."""
    return customers(known_by_then(tables), day_parameter("as_of_day"), policy)


def refusing_marketing(tables: Canonical) -> ir.Table:
    """``customer_id`` of those who do not accept marketing; users with all their columns."""
    users = tables.users
    return users.filter(~users.accepts_marketing.coalesce(True)).select(customer_id=users.id)


def known_trends(tables: Canonical) -> ir.Table:
    """The months, as known by ``moment``."""
    return trends(known_by_then(tables))


def known_triangle(tables: Canonical, unit: CohortUnit) -> ir.Table:
    """The cohort triangle, as known by ``moment``."""
    return triangle(known_by_then(tables), unit)


def known_profits(tables: Canonical, margin: Margin, first_day: dt.date | None) -> ir.Table:
    """Cost and profit of each customer, as known by ``moment``, since a day; order lines with all their columns."""
    since = None if first_day is None else day_literal(first_day)
    return own_profits(known_by_then(tables), tables.order_items, margin, since)


def metrics_of_widget(customers: ir.Table, policy: Segments) -> ir.Table:
    """The specification's widget metrics, on the day ``as_of_day``."""
    return widget_metrics(customers, day_parameter("as_of_day"), policy)


def groups_of_rfm(customers: ir.Table, policy: Rfm, segments: tuple[str, ...] = ()) -> ir.Table:
    """The RFM groups with their totals; of the customers of some segments only, where named."""
    return rfm_summary(_scored(customers, policy, segments))


def cells_of_rfm(customers: ir.Table, policy: Rfm, segments: tuple[str, ...]) -> ir.Table:
    """The map of recency by frequency: ``customers``, ``revenue_cents`` and ``group`` of each pair of scores."""
    scored = _scored(customers, policy, segments)
    cells = scored.group_by("recency_score", "frequency_score").aggregate(
        customers=scored.count(), revenue_cents=scored.monetary_cents.sum(), group=scored.rfm_group.mode()
    )
    return cells.order_by("recency_score", "frequency_score")


def _scored(customers: ir.Table, policy: Rfm, segments: tuple[str, ...]) -> ir.Table:
    """Customers with RFM scores, which are among all of them, whatever the segments."""
    scored = rfm(customers, policy)
    if not segments:
        return scored
    members = customers.filter(customers.customer_segment.isin(segments)).select(member="customer_id")
    return scored.semi_join(members, scored.customer_id == members.member)


def members_of_rfm(customers: ir.Table, policy: Rfm, group: str, limit: int, offset: int) -> ir.Table:
    """A page of the customers of an RFM group, best code first."""
    scored = rfm(customers, policy)
    return page_of(ordered(scored.filter(scored.rfm_group == group), "rfm_code"), limit, offset)


@dataclass(frozen=True)
class RiskList:
    """Which customers at risk are listed, as :func:`at_risk` takes it."""

    activity: str
    stage: str | None
    segments: tuple[str, ...] | None
    by: AtRiskBy | None
    limit: int
    offset: int


def customers_at_risk(customers: ir.Table, policy: Policy, chosen: RiskList) -> ir.Table:
    """A list of customers at risk."""
    return at_risk(customers, policy, **vars(chosen))


def predicted_customers_at_risk(tables: Sequence[ir.Table], policy: Policy, chosen: RiskList) -> ir.Table:
    """A list of customers at risk, of customers and their predictions."""
    customers, predictions = tables
    return at_risk(customers, policy, **vars(chosen), predictions=predictions)


def top_predicted_customers(tables: Sequence[ir.Table], by: TopBy, limit: int, offset: int) -> ir.Table:
    """As :func:`top_customers`, of customers and their predictions."""
    customers, predictions = tables
    return top_customers(customers, by, limit, offset, predictions)
