"""Responses about what the shop earns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_revenue.service.responses.customers import MarginBasis
from customer_revenue.service.responses.shape import Answer, Complete, Paged


class ProfitSums(Answer):
    """Revenue less refunds and cost."""

    revenue_cents: int
    refunds_cents: int
    net_revenue_cents: int
    cost_cents: int = Field(description="Cost of what was sold and kept, in cents.")
    profit_cents: int = Field(description="Net revenue less cost, in cents.")
    margin_percent: float | None = Field(description="Profit as a percentage of net revenue; null without any.")
    margin_basis: MarginBasis


class ProfitRow(ProfitSums):
    """The profit of a month, product or customer."""

    id: str = Field(description="The month such as 2023-01, or the id of the product or customer.")
    name: str | None = Field(description="Name of the product; null for months and customers.")


class Profits(Paged):
    """Profit and revenue."""

    by: Literal["month", "product", "customer"] = Field(description="What a row is.")
    total: ProfitSums = Field(description="All identified customers together.")
    profits: list[ProfitRow] = Field(description="The rows: months oldest first, others by profit, highest first.")


class ValueWithin(Answer):
    """What a new customer is expected to bring within some days."""

    days: int = Field(description="Days since the first order.")
    net_revenue_cents: int = Field(description="Expected revenue after refunds, the first order's included, in cents.")
    low_cents: int = Field(description="Lower end of the 80 % interval of the mean of a coming month's customers.")
    high_cents: int = Field(description="Upper end of that interval.")
    profit_cents: int = Field(description="Expected net revenue times the margin, in cents.")
    is_observed: bool = Field(description="Whether enough customers have been known so long; else the curve goes on.")


class NewCustomerGroup(Answer):
    """Customers to be won of one group."""

    level: str | None = Field(description="The group; null where none is stated, (other) for those of few customers.")
    customers: int = Field(description="Customers so far that the values rest on.")
    values: list[ValueWithin] = Field(description="Expected value by days since the first order.")
    max_acquisition_cost_cents: int


class ChannelCost(Answer):
    """What was spent on a channel in a month, and what it brings."""

    channel: str = Field(description="The channel, as in the file and in the orders.")
    month: str
    cost_cents: int = Field(description="What was spent, in cents.")
    customers: int = Field(description="Customers whose first order was of the channel in the month.")
    cac_cents: int | None = Field(description="Cost per new customer, in cents; null without any.")
    ltv_profit_cents: int = Field(description="Expected profit of a new customer of the channel in a year, in cents.")
    ltv_to_cac: float | None = Field(description="That profit divided by the cost per customer.")
    payback_month: int | None = Field(
        description="Month since the first order by which the profit reaches the cost; null if not within two years."
    )


class Acquisition(Complete):
    """What new customers are worth and may cost."""

    by: str = Field(description="What makes the groups.")
    payback_days: int = Field(description="Days within which the profit is to pay the cost.")
    margin_percent: float = Field(description="What remained of the last year's net revenue after cost, in percent.")
    margin_basis: MarginBasis
    all: NewCustomerGroup = Field(description="All new customers.")
    groups: list[NewCustomerGroup] = Field(description="By what is known on the first day.")
    channels: list[ChannelCost] = Field(description="Rows of the file of acquisition costs; empty without one.")


class CohortPoint(Answer):
    """What a cohort's customers have brought up to an age, per customer."""

    days: int = Field(description="Days since the first order of each customer.")
    net_revenue_cents: int = Field(
        description="Net revenue per customer so far, in cents; expected where not complete."
    )
    low_cents: int = Field(description="Lower end of the 80 % band; the figure itself where it is complete.")
    high_cents: int = Field(description="Upper end of the 80 % band.")
    profit_cents: int = Field(description="Net revenue times the margin, in cents.")
    reached_percent: float = Field(description="Share of the cohort's customers who have reached the age, in percent.")
    complete: bool = Field(description="Whether all have; else the others' part is predicted.")


class CohortCurves(Answer):
    """The customers of a month of acquisition, or of a channel, first product and the like."""

    cohort: str
    customers: int = Field(description="Customers of the cohort.")
    curve: list[CohortPoint] = Field(description="Cumulative money per customer by age.")


class CohortsMoney(Complete):
    """Money by cohort."""

    by: str = Field(description="What makes the cohorts.")
    margin_percent: float = Field(description="What remained of the last year's net revenue after cost, in percent.")
    margin_basis: MarginBasis
    cohorts: list[CohortCurves]


class Bidding(Complete):
    """A file for bidding."""

    form: Literal["google", "meta"] = Field(description="Whose form the file has.")
    conversions: int = Field(description="First orders in the file.")
    too_old: int = Field(description="First orders left out for Meta, which takes events of the last 7 days.")
    without_email: int = Field(description="First orders without an e-mail address; not in a file for Google.")
    total_value_cents: int = Field(description="Sum of the values in the file, in cents.")
    margin_percent: float = Field(description="What remained of the last year's net revenue after cost, in percent.")
    margin_basis: MarginBasis
    file: str = Field(description="Text of the file: CSV for Google, a request body per line for Meta.")
