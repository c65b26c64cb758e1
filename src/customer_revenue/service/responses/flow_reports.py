"""Responses about movements between segments, the sequence of orders, and refunds to come."""

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


class RefundSums(Answer):
    """Orders, and what becomes of their revenue."""

    revenue_cents: int = Field(description="Revenue of these orders, in cents; orders refunded as a whole left out.")
    refunds_so_far_cents: int = Field(description="What has been refunded of it, in cents.")
    refunds_to_come_cents: int = Field(description="What is still expected to be refunded, in cents.")
    refunds_low_cents: int = Field(description="Lower end of the 80 % interval of what is to come.")
    refunds_high_cents: int = Field(description="Upper end of that interval.")
    interval_note: str | None = Field(description="Why the mean lies outside of the interval; null where it does not.")
    expected_net_revenue_cents: int = Field(description="Revenue less both, in cents.")


class RefundMonth(RefundSums):
    """The orders of a month."""

    month: str = Field(description="Month of the orders, such as 2023-11.")


class RefundsToCome(Complete):
    """Refunds that are still to be expected on recent orders."""

    months: list[RefundMonth] = Field(description="The last twelve months with an order, oldest first.")
    total: RefundSums = Field(description="All of these months together.")
    foreseen_days: int = Field(
        description="Refunds up to so many days after their order are foreseen; 0 where no order is a day old."
    )
