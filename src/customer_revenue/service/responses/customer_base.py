"""Responses about the whole customer base."""

from __future__ import annotations

from typing import Literal

from customer_revenue.choices import CustomerStatus
from customer_revenue.service.responses.customers import Action, Day, MarginBasis
from customer_revenue.service.responses.shape import Answer, Complete, Page, Paged, Probability


class FoundCustomer(Answer):
    """A customer that matches."""

    customer_id: str
    customer_name: str | None
    customer_email: str | None
    customer_segment: str
    total_revenue_cents: int
    net_revenue_cents: int


class PageCustomer(FoundCustomer):
    """A customer in the page's list; without a model, there are no predictions."""

    lifecycle_stage: str | None
    activity_status: str | None
    profit_cents: int
    margin_basis: MarginBasis
    total_orders: int
    avg_order_value_cents: int
    last_purchase_date: Day | None
    days_since_purchase: int | None
    estimated_ltv_cents: float | None = None
    next_purchase_probability: Probability | None = None
    churn_risk_score: Probability | None = None
    expected_revenue_cents: float | None = None
    revenue_at_risk_cents: float | None = None


class ListedCustomer(PageCustomer):
    """A customer in a list, with the facts of all time."""

    first_purchase_date: Day | None
    customer_lifespan_days: int
    purchase_frequency_days: int | None
    avg_days_between_purchases: float | None
    total_refunds_cents: int
    cost_cents: int
    total_revenue: float
    customer_status: CustomerStatus | None = None
    value_at_risk_cents: float | None = None


class TopCustomers(Paged):
    """The customers worth most."""

    top_customers: list[ListedCustomer]


class AtRiskCustomers(Paged):
    """Customers who may be slipping away."""

    at_risk_customers: list[ListedCustomer]


class CohortCell(Answer):
    """A cohort in one period since its acquisition."""

    age: int
    active_customers: int
    retention_percent: float
    revenue_cents: int


class CohortPeriod(CohortCell):
    """A cohort in one period since its acquisition, with its revenue so far."""

    cumulative_revenue_cents: int
    complete: bool


class Cohort(Answer):
    """Customers by the time of their first purchase."""

    cohort: str
    customers: int
    total_revenue_cents: int
    net_revenue_cents: int
    avg_revenue_per_customer_cents: int
    total_revenue: float
    avg_revenue_per_customer: float
    periods: list[CohortPeriod]


class Cohorts(Complete):
    """Acquisition cohorts."""

    unit: Literal["month", "quarter"]
    cohorts: list[Cohort]


class Group(Answer):
    """A group of customers and its revenue."""

    customer_count: int
    total_revenue_cents: int
    avg_revenue_per_customer_cents: int
    percentage_of_total_revenue: float
    percentage_of_customers: float


class PageShare(Group):
    """A value segment's share of the revenue."""

    customer_segment: str


class SegmentShare(PageShare):
    """A value segment's share of the revenue, in currency units too."""

    total_revenue: float
    avg_revenue_per_customer: float


class Concentration(Answer):
    """How much of the revenue comes from the best customers."""

    customers: int
    total_revenue_cents: int
    top_1_percent: float
    top_5_percent: float
    top_10_percent: float
    top_20_percent: float
    gini: float | None


class LorenzPoint(Answer):
    """A point of the Lorenz curve, the least valuable customers first."""

    step: int
    customers: int
    revenue_cents: int
    percentage_of_customers: float
    percentage_of_revenue: float


class Distribution(Complete):
    """Revenue by value segment, and its concentration."""

    distribution: list[SegmentShare]
    concentration: Concentration | None
    lorenz: list[LorenzPoint]


class FrequencyRow(Answer):
    """Customers with one purchase frequency."""

    purchase_frequency: str
    customer_count: int
    total_revenue_cents: int
    avg_customer_value_cents: int
    total_revenue: float
    avg_customer_value: float


class PurchaseFrequency(Complete):
    """Customers by their mean gap between purchases."""

    purchase_frequency: list[FrequencyRow]


class TrendMonth(Answer):
    """The customer base in one month."""

    month: str
    revenue_cents: int
    refunds_cents: int
    net_revenue_cents: int
    orders: int
    active_customers: int
    new_customers: int
    returning_customers: int
    avg_order_value_cents: int
    complete: bool


class Trends(Complete):
    """The customer base month by month."""

    monthly_trends: list[TrendMonth]


class PageRfmGroup(Group):
    """A group of customers by recency, frequency and monetary value."""

    rfm_group: str


class RfmGroup(PageRfmGroup):
    """A group by recency, frequency and monetary value, in currency units too."""

    total_revenue: float
    avg_revenue_per_customer: float


class RfmCustomer(Answer):
    """A customer of an RFM group."""

    customer_id: str
    recency_days: int
    frequency: int
    monetary_cents: int
    recency_score: int
    frequency_score: int
    monetary_score: int
    rfm_code: str
    rfm_group: str


class Rfm(Complete):
    """RFM groups."""

    groups: list[RfmGroup]
    customers: list[RfmCustomer] | None = None
    page: Page | None = None


class Segment(PageShare):
    """A value segment: its criteria, its size and how to treat its customers."""

    criteria: str
    treatment: str
    expected_share: float | None


class Stage(Group):
    """A lifecycle stage: its criteria, its size and what to focus on."""

    lifecycle_stage: str
    criteria: str
    focus: str


class Segments(Complete):
    """Segments and stages."""

    segments: list[Segment]
    stages: list[Stage]


class CustomerAction(Action):
    """An action for a customer in a list."""

    customer_id: str
    customer_name: str | None
    customer_email: str | None


class BaseActions(Paged):
    """The most valuable actions."""

    actions: list[CustomerAction]


class WidgetMetrics(Answer):
    """The dashboard's metrics, money in currency units."""

    totalCustomers: int  # noqa: N815  # the specification's names
    avgCustomerValue: float  # noqa: N815
    topCustomerValue: float  # noqa: N815
    customerGrowthRate: float | None  # noqa: N815


class Widget(Complete):
    """The specification's dashboard object."""

    topCustomers: list[ListedCustomer]  # noqa: N815
    revenueDistribution: list[SegmentShare]  # noqa: N815
    atRiskCustomers: list[ListedCustomer]  # noqa: N815
    monthlyTrends: list[TrendMonth]  # noqa: N815
    metrics: WidgetMetrics
