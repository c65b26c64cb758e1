"""Responses about what the shop earns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_revenue.service.responses.advice import MarginBasis
from customer_revenue.service.responses.shape import Answer, Paged


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
    """Profit beside revenue."""

    by: Literal["month", "product", "customer"] = Field(description="What a row is.")
    total: ProfitSums = Field(description="All identified customers together.")
    profits: list[ProfitRow] = Field(description="The rows: months oldest first, others by profit, highest first.")
