"""One customer, and many."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from customer_revenue.periods import Period
from customer_revenue.service.responses.shape import Answer, Meta, Probability

Cents = Annotated[int, Field(description="Money in cents of `meta.currency`.")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="A day in the reporting time zone.")]


class RevenueSummary(Answer):
    """Facts of the period, up to the as-of moment."""

    total_revenue_cents: Cents = Field(description="Sum of paid and refunded orders, in cents.", examples=[125000])
    total_orders: int = Field(description="Number of orders.", examples=[10])
    avg_order_value_cents: Cents = Field(description="Revenue per order, rounded, in cents.", examples=[12500])
    first_purchase_date: Day | None = Field(description="Day of the period's first order.", examples=["2023-01-15"])
    last_purchase_date: Day | None = Field(description="Day of the period's last order.", examples=["2023-12-10"])
    customer_lifespan_days: int = Field(description="Days from the first to the last of them.", examples=[329])
    purchase_frequency_days: int | None = Field(
        description="Lifespan divided by orders, rounded; null for fewer than two orders.", examples=[33]
    )
    total_refunds_cents: Cents = Field(description="Refunds, in cents.", examples=[2500])
    net_revenue_cents: int = Field(description="Revenue less refunds, in cents.", examples=[122500])
    avg_days_between_purchases: float | None = Field(
        description="Lifespan divided by orders less one; null for fewer than two orders.", examples=[36.6]
    )


class MonthRow(Answer):
    """Revenue of one month."""

    month: str = Field(description="Calendar month.", examples=["2023-01"])
    revenue_cents: Cents
    orders: int = Field(description="Number of orders.")
    avg_order_value_cents: Cents


class QuarterRow(Answer):
    """Revenue of one quarter."""

    quarter: str = Field(description="Calendar quarter.", examples=["2023-Q1"])
    revenue_cents: Cents
    orders: int = Field(description="Number of orders.")
    avg_order_value_cents: Cents


class ProductRow(Answer):
    """Revenue of one product."""

    product_id: str = Field(description="Product; `unattributed` for revenue that no order line explains.")
    product_name: str | None = Field(description="Its name.")
    revenue_cents: int = Field(description="Revenue of its order lines, in cents.")
    orders: int = Field(description="Number of orders with it.")
    percentage_of_total: float = Field(description="Share of the period's revenue, in percent.", examples=[48.0])


class Action(Answer):
    """Something to do about a customer."""

    code: str = Field(description="Stable name of the rule.")
    topic: str = Field(description="What it is about, such as retention.")
    text: str = Field(description="What to do, in words.")
    reason: str = Field(description="Why, with the customer's own numbers.")
    priority: str = Field(description="How urgent it is.")
    expected_value_cents: int = Field(description="What acting is worth, in cents.")


class Offer(Answer):
    """A personal offer."""

    offer_type: str = Field(description="Kind of offer.", examples=["exclusive_early_access"])
    discount_percentage: int = Field(ge=0, le=100, description="Discount; 0 where it would cost more than it brings.")
    message: str = Field(description="The message to the customer.")
    reason: str = Field(description="Why this discount, or none.")
    expected_gain_cents: int = Field(description="Revenue that the offer is expected to bring, in cents.")
    expected_cost_cents: int = Field(description="What the discount is expected to cost, in cents.")


class Predictions(Answer):
    """Predictions, all from one curve and one revenue path per customer."""

    estimated_ltv_cents: int = Field(
        description="Net revenue to date and the discounted net revenue expected within the horizon, in cents."
    )
    next_purchase_probability: Probability = Field(description="Chance of a purchase within 30 days.")
    next_purchase_predicted_date: Day | None = Field(
        description="Median day of the next purchase, given that one comes within the horizon."
    )
    churn_risk_score: Probability = Field(description="Chance of no purchase within the next 90 days.")
    recommended_actions: list[str] = Field(description="What to do, most valuable first.")
    probability_alive: Probability = Field(description="Chance of any purchase ever again.")
    purchase_probability: Probability = Field(
        description="Chance of a purchase within the horizon: how far to trust the predicted date."
    )
    next_purchase_date_low: Day | None = Field(description="10 % point of the next purchase's day, given one comes.")
    next_purchase_date_high: Day | None = Field(description="90 % point of the next purchase's day, given one comes.")
    expected_purchases: float = Field(ge=0, description="Mean number of purchase days within the horizon.")
    purchases_low: float = Field(description="Lower end of the interval of purchase days.")
    purchases_high: float = Field(description="Upper end of the interval of purchase days.")
    expected_revenue_cents: int = Field(ge=0, description="Mean gross revenue within the horizon, in cents.")
    revenue_low_cents: int = Field(description="Lower end of the interval of gross revenue, in cents.")
    revenue_high_cents: int = Field(description="Upper end of the interval of gross revenue, in cents.")
    interval_mass: Probability = Field(description="Probability that the intervals of purchases and revenue hold.")
    ltv_low_cents: int = Field(description="Lower end of the 80 % interval of the LTV, in cents.")
    ltv_high_cents: int = Field(description="Upper end of the 80 % interval of the LTV, in cents.")
    churn_reasons: list[str] = Field(description="What drives the churn risk, strongest first, in words.")
    horizon_days: int = Field(description="Horizon of the LTV, the counts and the date, in days.")
    as_of: Day = Field(description="The day after which the predictions start counting.")
    tier: str = Field(description="What the predictions rest on: full, probability_models, population or facts_only.")
    tier_reason: str = Field(description="Why that tier.")
    actions: list[Action] = Field(description="The recommended actions in full, in the same order.")
    offer: Offer | None = Field(description="The personal offer.")


class CustomerRevenue(Answer):
    """Everything about one customer."""

    success: Literal[True] = Field(description="Always true.")
    customer_id: str = Field(description="The customer.", examples=["user_123"])
    period: Period = Field(description="The period of the facts.")
    revenue_summary: RevenueSummary
    monthly_breakdown: list[MonthRow] | None = Field(
        default=None, description="Every month from the first purchase on; present when asked for."
    )
    quarterly_breakdown: list[QuarterRow] | None = Field(
        default=None, description="Every quarter from the first purchase on; present when asked for."
    )
    product_breakdown: list[ProductRow] | None = Field(
        default=None, description="Products by revenue; present with every breakdown."
    )
    predictions: Predictions | None = Field(
        default=None, description="Present unless turned off; null for a customer without an order."
    )
    customer_segment: str = Field(description="Value segment, by total revenue of all time.", examples=["high_value"])
    lifecycle_stage: str | None = Field(description="new, active, at_risk or churned; null without an order.")
    activity_status: str | None = Field(
        description="highly_active, active, declining or at_risk; null without an order."
    )
    meta: Meta


class BatchCustomer(Answer):
    """One of many customers."""

    customer_id: str = Field(description="The customer.", examples=["user_123"])
    period: Period = Field(description="The period of the facts.")
    revenue_summary: RevenueSummary
    predictions: Predictions | None = Field(
        default=None, description="Present unless turned off; null for a customer without an order."
    )
    customer_segment: str = Field(description="Value segment, by total revenue of all time.", examples=["high_value"])
    lifecycle_stage: str | None = Field(description="new, active, at_risk or churned; null without an order.")
    activity_status: str | None = Field(
        description="highly_active, active, declining or at_risk; null without an order."
    )


class BatchAnswer(Answer):
    """Many customers, in the order asked for."""

    success: Literal[True] = Field(description="Always true.")
    customers: list[BatchCustomer] = Field(description="Those that are known, in the order asked for.")
    unknown_customer_ids: list[str] = Field(description="Those that are not, each once.", examples=[["nobody"]])
    meta: Meta
