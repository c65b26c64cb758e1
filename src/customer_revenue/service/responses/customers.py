"""Responses about one customer and about batches."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from customer_revenue.choices import CustomerStatus
from customer_revenue.periods import Period
from customer_revenue.service.responses.shape import Answer, Complete, Probability

Cents = Annotated[int, Field(description="Money in cents of `meta.currency`.")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="A day in the reporting time zone.")]


MarginBasis = Literal["measured", "policy", "partly_assumed", "assumed"]


class RevenueSummary(Answer):
    """Facts of the period, up to the as-of moment."""

    total_revenue_cents: int = Field(examples=[125000])
    total_orders: int = Field(examples=[10])
    avg_order_value_cents: int = Field(examples=[12500])
    first_purchase_date: Day | None = Field(description="Day of the period's first order.", examples=["2023-01-15"])
    last_purchase_date: Day | None = Field(description="Day of the period's last order.", examples=["2023-12-10"])
    customer_lifespan_days: int = Field(
        description="Days from the first to the last order of the period.", examples=[329]
    )
    purchase_frequency_days: int | None = Field(examples=[33])
    total_refunds_cents: int = Field(examples=[2500])
    net_revenue_cents: int = Field(examples=[122500])
    avg_days_between_purchases: float | None = Field(examples=[36.6])
    cost_cents: int = Field(description="Cost of what was sold, less that of what came back, in cents.")
    profit_cents: int = Field(description="Net revenue less cost, in cents.")
    margin_basis: MarginBasis


class PeriodRow(Answer):
    """Revenue of a part of the period."""

    revenue_cents: Cents
    orders: int
    avg_order_value_cents: Cents


class MonthRow(PeriodRow):
    """Revenue of one month."""

    month: str = Field(description="Calendar month.", examples=["2023-01"])


class QuarterRow(PeriodRow):
    """Revenue of one quarter."""

    quarter: str = Field(description="Calendar quarter.", examples=["2023-Q1"])


class ProductRow(Answer):
    """Revenue of one product."""

    product_id: str = Field(description="Id of the product; `unattributed` for revenue without order lines.")
    product_name: str | None
    revenue_cents: int = Field(description="Revenue of the product's order lines, in cents.")
    orders: int = Field(description="Number of orders that include the product.")
    percentage_of_total: float = Field(description="Share of the period's revenue, in percent.", examples=[48.0])


ProfitBasis = Annotated[
    Literal["assumed", "published", "measured"], Field(description="What the effect of the contact rests on.")
]


class Action(Answer):
    """The decision about a customer: an action, or that there is nothing to do."""

    code: str = Field(description="Stable code of the rule; `leave_alone` where nothing is to be done.")
    topic: str = Field(description="Topic, such as retention.")
    text: str = Field(description="What to do, in words.")
    reason: str
    priority: str = Field(description="Priority of the action.")
    expected_value_cents: int = Field(
        description="Expected incremental profit after margin, discount and cost, in cents."
    )
    expected_value_low_cents: int = Field(description="Lower end of the 80 % interval of that profit, in cents.")
    expected_value_high_cents: int = Field(description="Upper end of the 80 % interval of that profit, in cents.")
    basis: ProfitBasis
    effect_scale: float = Field(
        ge=0, le=1, description="Factor of effects not measured in this shop, so that it promises no more than allowed."
    )
    channel: str | None = Field(description="Channel of the contact.")
    contact_on: Day | None = Field(description="Day of the contact.")
    product_id: str | None = Field(
        default=None, description="Product that the contact is about: the one in most of the customer's orders."
    )
    product_name: str | None = Field(default=None, description="Its name.")
    discount_percentage: int = Field(ge=0, le=100, description="Discount that the decision gives.")
    changes_if: str = Field(description="What would change the decision.")


class Offer(Answer):
    """A personal offer: the part of the decision that the customer sees."""

    offer_type: str = Field(description="Kind of offer.", examples=["exclusive_early_access"])
    discount_percentage: int = Field(ge=0, le=100, description="Discount; 0 where the decision gives none.")
    message: str = Field(description="The message to the customer.")
    reason: str = Field(description="Reason for the discount, or for none.")
    expected_gain_cents: int = Field(description="Expected incremental revenue before any cost, in cents.")
    expected_cost_cents: int = Field(description="Expected cost of discount and contact, in cents.")
    expected_profit_cents: int = Field(
        description="Expected incremental profit after margin, discount and cost, in cents."
    )
    expected_profit_low_cents: int = Field(description="Lower end of the 80 % interval of that profit, in cents.")
    expected_profit_high_cents: int = Field(description="Upper end of the 80 % interval of that profit, in cents.")
    profit_basis: ProfitBasis


class PredictedHorizon(Answer):
    """Predictions at a horizon that was asked for."""

    days: int = Field(description="The horizon, in days.")
    purchase_probability: Probability
    expected_purchases: float = Field(ge=0, description="Expected number of purchase days within the horizon.")
    expected_revenue_cents: int = Field(ge=0, description="Expected gross revenue within the horizon, in cents.")
    revenue_low_cents: int = Field(description="Lower quantile of gross revenue, in cents.")
    revenue_high_cents: int = Field(description="Upper quantile of gross revenue, in cents.")
    ltv_cents: int = Field(description="Net revenue so far and, discounted, within the horizon, in cents.")


class Predictions(Answer):
    """Predictions, all from one curve and one revenue path per customer."""

    estimated_ltv_cents: int
    next_purchase_probability: Probability
    next_purchase_predicted_date: Day | None
    churn_risk_score: Probability
    recommended_actions: list[str] = Field(description="The decision, then its parts: product, channel, day.")
    probability_alive: Probability
    purchase_probability: Probability
    next_purchase_date_low: Day | None
    next_purchase_date_high: Day | None
    expected_purchases: float = Field(ge=0, description="Expected number of purchase days within the horizon.")
    purchases_low: float = Field(description="Lower quantile of purchase days: 10 % by default.")
    purchases_high: float = Field(description="Upper quantile of purchase days: 90 % by default.")
    expected_revenue_cents: int = Field(ge=0, description="Expected gross revenue within the horizon, in cents.")
    revenue_low_cents: int = Field(description="Lower quantile of gross revenue, in cents.")
    revenue_high_cents: int = Field(description="Upper quantile of gross revenue, in cents.")
    interval_mass: Probability = Field(
        description="Nominal probability between the quantiles, which leave out half of the rest on each side."
    )
    ltv_low_cents: int = Field(description="Lower quantile of the LTV, in cents.")
    ltv_high_cents: int = Field(description="Upper quantile of the LTV, in cents.")
    purchases_median: int | None = Field(default=None, description="Median of purchase days.")
    revenue_median_cents: int | None = Field(default=None, description="Median of gross revenue, in cents.")
    ltv_median_cents: int | None = Field(default=None, description="Median of the LTV, in cents.")
    interval_note: str | None = Field(
        default=None, description="Why a mean lies outside of its interval, in words; null where all lie inside."
    )
    hindsight: bool | None = Field(
        default=None,
        description="Whether the model knew orders after the as-of day: nobody could have predicted this then.",
    )
    hindsight_reason: str | None = Field(
        default=None, description="Why no model of that time answers; null if one does."
    )
    churn_reasons: list[str] = Field(description="What drives the churn risk, in words, strongest first.")
    horizon_days: int = Field(description="Horizon of the LTV, the counts and the date, in days.")
    churn_days: int = Field(description="Window of the churn score, in days.")
    as_of: Day = Field(description="The as-of day; predictions start on the day after.")
    tier: str
    tier_reason: str
    customer_status: CustomerStatus | None = Field(
        default=None,
        description="One word, by the model and the customer's own rhythm; `lost` if more likely gone than not.",
    )
    value_at_risk_cents: int | None = Field(
        default=None,
        description="Net revenue within `horizon_days` expected if surely kept, less that expected now, in cents.",
    )
    expected_profit_cents: int | None = Field(
        default=None, description="Expected net revenue within `horizon_days` times the margin, in cents."
    )
    ltv_profit_cents: int | None = Field(
        default=None,
        description="Profit to date, and the margin of what the LTV adds to net revenue to date, in cents.",
    )
    margin_percent: float | None = Field(
        default=None, description="What is expected to remain of net revenue after cost, in percent."
    )
    margin_basis: MarginBasis | None = None
    actions: list[Action] = Field(description="The recommended actions in full, in the same order.")
    offer: Offer | None = Field(description="The personal offer.")
    horizons: list[PredictedHorizon] | None = Field(
        default=None, description="Predictions at the horizons that were asked for, shortest first."
    )


class BatchCustomer(Answer):
    """A customer in a batch."""

    customer_id: str = Field(examples=["user_123"])
    period: Period
    revenue_summary: RevenueSummary
    predictions: Predictions | None = None
    customer_segment: str = Field(examples=["high_value"])
    lifecycle_stage: str | None
    activity_status: str | None


class CustomerRevenue(BatchCustomer, Complete):
    """Everything about one customer."""

    monthly_breakdown: list[MonthRow] | None = None
    quarterly_breakdown: list[QuarterRow] | None = None
    product_breakdown: list[ProductRow] | None = None


class BatchAnswer(Complete):
    """A batch of customers, in the order of the request."""

    customers: list[BatchCustomer] = Field(description="The known customers, in the order of the request.")
    unknown_customer_ids: list[str] = Field(description="Ids of unknown customers, each once.", examples=[["nobody"]])
