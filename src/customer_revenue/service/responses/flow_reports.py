"""Responses about movements between segments, and about the sequence of orders."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_revenue.service.responses.shape import Answer, Complete


class SegmentFlow(Answer):
    """The customers who were in one group and are in another, or still in the same."""

    from_group: str | None = Field(description="The group on the earlier day; null for those with no order by then.")
    to_group: str = Field(description="The group on the later day.")
    customers: int = Field(description="Number of these customers.")
    net_revenue_cents: int = Field(description="Their net revenue up to the later day, in cents.")
    revenue_change_cents: int = Field(description="Their net revenue between the two days, in cents.")
    percentage_of_group: float = Field(description="Share of those who were in the earlier group, in percent.")
    is_small: bool = Field(description="Whether they are fewer than 30, whose figures say little.")
    commonest_reason: Literal["first_order", "bought", "refunded", "silent"] = Field(
        description="What most of them did between the days: a first order, another, a refund without one, or nothing."
    )
    reason_percent: float = Field(description="Share of them for whom that is so, in percent.")


class SegmentFlows(Complete):
    """Movements between groups; the flows of the later day's customers add up to all of them."""

    by: Literal["segment", "stage", "activity", "rfm"] = Field(description="What the groups are.")
    since: str = Field(description="The earlier day.", examples=["2023-09-16"])
    until: str = Field(description="The later day, the as-of day.", examples=["2023-12-15"])
    customers_before: int = Field(description="Customers with an order by the earlier day.")
    customers_now: int = Field(description="Customers with an order by the later day.")
    flows: list[SegmentFlow] = Field(description="The flows, the most customers first.")


class OrderLag(Answer):
    """How many orders were followed by another within some days."""

    days: int = Field(description="Days since the order.")
    orders: int = Field(description="Orders that are so old.")
    followed_orders: int = Field(description="Those of them that were followed within the days.")
    followed_percent: float | None = Field(description="Their share in percent; null where no order is so old.")


class OrderNumber(Answer):
    """The orders that were their customer's first, second and so on."""

    order_number: int = Field(description="1 for the first order of each customer.")
    and_later: bool = Field(description="Whether the row holds all later orders too.")
    orders: int = Field(description="Number of these orders.")
    revenue_cents: int = Field(description="Their totals, in cents.")
    avg_order_value_cents: int = Field(description="Their mean total, in cents.")
    followed_orders: int = Field(description="Those that were followed by another so far.")
    followed_percent: float | None = Field(description="Their share in percent; late orders have had little time.")
    mean_days_to_next: float | None = Field(description="Mean days to the next order, of those that were followed.")
    within: list[OrderLag] = Field(description="The share that was followed in time, among orders that are old enough.")


class OrderSequence(Complete):
    """What customers' first, second … orders bring, and how soon the next follows."""

    order_numbers: list[OrderNumber] = Field(description="By number, 1 to 10.")
