"""Advice and forecasts."""

from __future__ import annotations

from customer_revenue.service.responses.customers import Action, Day, Offer
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
    """An upsell opportunity: the next segment, or a product that similar customers bought next."""

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


class BaseForecast(Complete):
    """Expected revenue of all known customers."""

    months: int
    predicted_monthly_revenue: float
    predicted_annual_revenue: float
    predicted_monthly_revenue_cents: int
    predicted_annual_revenue_cents: int
    confidence_score: Probability
    factors: Factors
    path: list[ForecastMonth]


class CustomerForecast(BaseForecast):
    """Expected revenue of a customer."""

    customer_id: str
