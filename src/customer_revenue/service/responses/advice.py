"""Advice and forecasts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_revenue.service.responses.customers import Action, Day, MarginBasis, Offer
from customer_revenue.service.responses.shape import Answer, Complete, Probability


class CustomerActions(Complete):
    """What to do about a customer."""

    customer_id: str
    recommended_actions: list[str]
    actions: list[Action]


class CustomerOffer(Complete):
    """A personal offer; null without predictions."""

    customer_id: str
    offer: Offer | None


class Retention(Answer):
    """How to keep a customer."""

    strategy_key: str
    strategy: str
    treatment: str
    focus: str


class CustomerRetention(Complete):
    """How to keep a customer; null without an order."""

    customer_id: str
    retention: Retention | None


class Opportunity(Answer):
    """An upsell opportunity: the next segment, what similar customers bought next, or a product that is due again."""

    type: str
    potential_revenue: float
    potential_revenue_cents: int
    probability: Probability
    reason: str
    next_segment: str | None = None
    missing_revenue_cents: int | None = None
    product_id: str | None = None
    product_name: str | None = None
    because_of_product_id: str | None = None
    because_of_product_name: str | None = None
    support: int | None = None
    confidence: float | None = None
    lift: float | None = None
    expected_on: Day | None = Field(
        default=None, description="Day on which a product is due, again or as it was for similar customers."
    )


class CustomerUpsell(Complete):
    """Upsell opportunities."""

    customer_id: str
    opportunities: list[Opportunity]


class Trend(Answer):
    """Trend of the full months."""

    direction: str
    change_cents_per_month: int | None
    p_value: float | None


class Seasonality(Answer):
    """Whether the months of the year differ."""

    found: str
    p_value: float | None
    strongest_month: int | str | None


class Factors(Answer):
    """The history behind a forecast."""

    purchase_frequency: float | None
    trend: Trend
    seasonality: Seasonality


class ExpectedRevenue(Answer):
    """Expected revenue, and its 80 % interval."""

    expected_revenue_cents: int
    revenue_low_cents: int
    revenue_high_cents: int


class ForecastMonth(ExpectedRevenue):
    """One month of a forecast, counted from the as-of day."""

    month: str
    last_day: Day


class CustomerForecastMonth(ForecastMonth):
    """One month of a customer's forecast."""

    expected_profit_cents: int = Field(description="Expected net revenue times the margin, in cents.")


class CustomerForecast(Complete):
    """Expected revenue of a customer."""

    customer_id: str
    months: int
    predicted_monthly_revenue: float
    predicted_annual_revenue: float
    predicted_monthly_revenue_cents: int
    predicted_annual_revenue_cents: int
    confidence_score: Probability
    factors: Factors
    margin_percent: float = Field(description="What is expected to remain of net revenue after cost, in percent.")
    margin_basis: MarginBasis
    path: list[CustomerForecastMonth]


class UsedInForecast(Answer):
    """What of the history is used in the forecast of the shop."""

    level: bool
    trend: Probability = Field(description="How much the months so far speak for a trend of the level, 0 to 1.")
    seasonality: Probability = Field(description="How much the months so far speak for a season, 0 to 1.")
    arrivals_trend: Probability
    arrivals_seasonality: Probability
    weekdays: bool
    holidays: bool
    closed_days: bool


class ShopFactors(Factors):
    """The history behind the forecast of the shop, and how far it is used."""

    used: UsedInForecast


class ForecastStep(ForecastMonth):
    """One month or week of the forecast of the shop, counted from the as-of day."""

    week: str | None = None
    known_revenue_cents: int
    new_revenue_cents: int
    total_revenue_cents: int = Field(description="Known and new customers together, in cents.")
    total_low_cents: int
    total_high_cents: int
    total_net_revenue_cents: int
    total_profit_cents: int = Field(description="Expected net revenue times the margin, in cents.")
    known_orders: float
    new_orders: float
    total_orders: float = Field(description="Expected orders of known and new customers together.")
    new_customers: float = Field(description="Expected new customers.")
    unattributed_revenue_cents: int = Field(
        description="Expected revenue of orders without a customer, in cents; part of no other figure."
    )
    is_calibrated: bool


class ShopRevenueForecast(Complete):
    """Expected revenue of known customers and of customers to come."""

    months: int
    unit: Literal["month", "week"] = Field(description="Length of a step of the path.")
    predicted_monthly_revenue: float
    predicted_annual_revenue: float
    predicted_monthly_revenue_cents: int
    predicted_annual_revenue_cents: int
    confidence_score: Probability | None = Field(
        description="Measured share of past months inside the 80 % band that was forecast for them; null for too few."
    )
    confidence_reason: str
    factors: ShopFactors
    path: list[ForecastStep]
    margin_percent: float = Field(description="What remained of the last year's net revenue after cost, in percent.")
    margin_basis: MarginBasis
