"""Responses for the page at ``/``, and the model card."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_revenue.periods import Period
from customer_revenue.service.responses.advice import ExpectedRevenue
from customer_revenue.service.responses.customer_base import (
    CohortCell,
    Concentration,
    CustomerAction,
    FoundCustomer,
    LorenzPoint,
    PageCustomer,
    PageRfmGroup,
    PageShare,
    TrendMonth,
)
from customer_revenue.service.responses.customers import Day
from customer_revenue.service.responses.shape import Answer, Complete, Paged, Probability


class Rung(Answer):
    """A value segment and where it begins."""

    name: str
    from_total_revenue_cents: int


class Lifecycle(Answer):
    """Where the lifecycle stages begin and end."""

    new_below_days: int
    active_below_days: int
    at_risk_up_to_days: int


class Activity(Answer):
    """Where the activity statuses end."""

    highly_active_up_to_days: int
    active_up_to_days: int
    declining_up_to_days: int


class NamedAction(Answer):
    """An action of the policy."""

    code: str = Field(description="Code of the action.")
    text: str = Field(description="The action in words.")
    channel: str = Field(description="How customers are contacted.")


class GroupAdvice(Answer):
    """An RFM group and what to do about it."""

    name: str
    advice: str


class StoreFacts(Answer):
    """What the store holds."""

    orders: int
    customers: int
    first_day: Day | None
    last_day: Day | None
    as_of_day: Day


class Context(Complete):
    """What the page needs before any other request."""

    segments: list[Rung]
    lifecycle: Lifecycle
    activity: Activity
    actions: list[NamedAction] = Field(description="The actions that the policy knows.")
    rfm_groups: list[GroupAdvice]
    store: StoreFacts
    backtest_under_way: bool


class Days(Answer):
    """A range of days, both included."""

    first_day: Day
    last_day: Day


class Figure(Answer):
    """A metric and its value in the previous period."""

    value: float | None
    before: float | None


class Metrics(Answer):
    """The headline metrics at the top of the page."""

    total_customers: Figure
    avg_customer_value_cents: Figure
    top_customer_value_cents: Figure
    customer_growth_rate: Figure
    total_revenue_cents: Figure
    total_orders: Figure


class CohortRow(Answer):
    """A cohort of the triangle."""

    cohort: str
    customers: int
    cells: list[CohortCell]


class CohortTriangle(Answer):
    """The latest cohorts."""

    unit: Literal["month", "quarter"]
    left_out: int
    rows: list[CohortRow]


class RfmCell(Answer):
    """A cell of the RFM grid."""

    recency_score: int
    frequency_score: int
    customers: int
    revenue_cents: int
    group: str


class RfmGrid(Answer):
    """RFM groups, and the grid of recency and frequency."""

    groups: list[PageRfmGroup]
    cells: list[RfmCell]


class Overview(Complete):
    """The page's overview, or the requested parts of it."""

    period: Period
    segments: list[str]
    first_day: Day | None
    last_day: Day
    compared_with: Days | None = None
    metrics: Metrics | None = None
    unattributed_revenue_cents: int | None = None
    monthly: list[TrendMonth] | None = None
    segment_shares: list[PageShare] | None = None
    concentration: Concentration | None = None
    lorenz: list[LorenzPoint] | None = None
    cohorts: CohortTriangle | None = None
    rfm: RfmGrid | None = None


class BrowsedCustomer(PageCustomer):
    """A customer of the page's list, with what is decided about them."""

    total_refunds_cents: int
    first_purchase_date: Day | None
    customer_status: str | None
    value_at_risk_cents: int | None
    decision: str | None = Field(description="Code of the action decided on, or `leave_alone`; null without a model.")
    decision_profit_cents: int | None = Field(description="Expected profit of that action; 0 for none.")


class PageCustomers(Paged):
    """Customers of the page's list."""

    customers: list[BrowsedCustomer]
    total: int
    predicted: bool


class PageActions(Paged):
    """The most valuable actions of a period and some segments."""

    actions: list[CustomerAction]
    total: int


class Person(Answer):
    """The customer's name and e-mail address."""

    name: str | None
    email: str | None


class Movement(Answer):
    """An order or a refund."""

    kind: Literal["order", "refund"]
    id: str
    order_id: str | None
    day: Day
    amount_cents: int
    status: str | None
    products: list[str]
    lines: int


class Timeline(Paged):
    """A customer's orders and refunds."""

    customer: Person
    timeline: list[Movement]
    total: int


class CurvePoint(Answer):
    """A point of the customer's purchase curve."""

    day: int
    probability: Probability


class AlivePoint(Answer):
    """The prediction as of an earlier day."""

    as_of: Day
    probability_alive: Probability
    churn_risk_score: Probability


class OutlookPoint(ExpectedRevenue):
    """Expected revenue up to a day."""

    day: int


class Outlook(Complete):
    """A customer's purchase curve, earlier estimates and forecast; null without predictions."""

    curve: list[CurvePoint] | None
    alive: list[AlivePoint] | None
    forecast: list[OutlookPoint] | None


class Found(Complete):
    """Customers that match, best first."""

    query: str
    customers: list[FoundCustomer]


class ModelFacts(Answer):
    """Version, training data and horizon of the model."""

    version: str | None
    as_of_day: Day | None
    window_first_day: Day | None
    window_last_day: Day | None
    horizon_days: int | None
    tier: str | None
    tier_reason: str | None
    packages: dict[str, str] | None


class Backtest(Answer):
    """How the model was tested."""

    customers: int
    cutoff: Day
    horizon_days: int


class CalibrationPoint(Answer):
    """Customers with similar predicted probabilities."""

    customers: int
    observed: Probability
    predicted: Probability


class BacktestFigure(Answer):
    """A metric of the back-test."""

    name: str
    values: dict[str, float | None]


class ModelCard(Complete):
    """The model in use."""

    model: ModelFacts
    trained_at: str
    live_since: str | None
    warning: str | None
    same_data: bool
    backtest: Backtest | None
    backtest_under_way: bool
    figures: list[BacktestFigure]
    coverage: dict[str, float]
    calibration: list[CalibrationPoint] | None
    run: dict[str, str | None] | None
