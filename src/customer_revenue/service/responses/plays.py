"""Responses about what changed, what is wrong, and what is worth doing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_revenue.service.responses.customer_base import CustomerAction
from customer_revenue.service.responses.customers import Day, MarginBasis
from customer_revenue.service.responses.shape import Answer, Complete

EffectBasis = Literal["assumed", "published", "measured"]


class PlayMoney(Answer):
    """What a play, or all of them, are expected to bring within 30 days, in cents."""

    customers: int = Field(description="Customers who may be contacted.")
    gain_cents: int = Field(description="Net revenue beyond what would come anyway.")
    cost_cents: int = Field(description="Discounts and contacts.")
    profit_cents: int = Field(description="Margin of the gain, less the cost.")
    profit_low_cents: int = Field(description="Lower end of the 80 % interval of the profit.")
    profit_high_cents: int = Field(description="Upper end of that interval.")
    basis: EffectBasis = Field(description="What the effect rests on; of several, the weakest.")


class HoldOutPower(Answer):
    """What holding out a share of the customers can find."""

    share: float = Field(description="Share that is not contacted.")
    treated: int = Field(description="Customers who would be contacted.")
    held_out: int = Field(description="Customers who would be held out.")
    detectable_points: float | None = Field(description="Difference in points that is found with a chance of 80 %.")
    chance_to_find_percent: float | None = Field(description="Chance that the effect that is believed is found.")


class Play(PlayMoney):
    """The customers with the same decision, as one campaign."""

    code: str = Field(description="Code of the action.")
    text: str = Field(description="The action in words.")
    channel: str = Field(description="How the customers are contacted.")
    priority: str = Field(description="Priority of the action in the policy.")
    left_out: dict[str, int] = Field(description="Customers who may not be contacted, by reason.")
    effect: str = Field(description="The policy's effect that it rests on.")
    source: str = Field(description="Where that effect comes from.")
    conversion_points: float = Field(description="Further buyers of 100 who can be persuaded.")
    segments: dict[str, int] = Field(description="Customers by value segment.")
    median_silence_days: int | None = Field(description="Median of the days since their last order.")
    median_orders: int | None = Field(description="Median of their numbers of orders.")
    discount_percent: float | None = Field(description="Mean discount that is offered.")
    buyers_anyway_percent: float = Field(description="Share of buyers within 30 days to be expected without it.")
    believed_points: float = Field(description="Further buyers of 100 of its customers that are expected.")
    hold_out: HoldOutPower = Field(description="What a hold-out of 20 % can find.")
    customers_needed: int | None = Field(
        description="Customers with whom such a hold-out would find the expected effect with a chance of 80 %."
    )


class PlaysOfDay(Complete):
    """All plays of a day."""

    plays: list[Play] = Field(description="The most profitable first.")
    total: PlayMoney = Field(description="All of them together.")
    customers_considered: int = Field(description="Customers with an order and a prediction.")
    customers_left_alone: int = Field(description="Those for whom nothing is worth its cost, or nothing is due.")
    expected_revenue_cents: int = Field(description="Net revenue expected of all customers within 30 days, anyway.")
    most_promised_percent: float = Field(description="The policy's limit of what all plays promise of that revenue.")
    effect_scale: float = Field(description="Factor of effects that are not measured here, so that the limit holds.")
    margin_percent: float = Field(description="What remains of revenue after the cost of what is sold.")
    margin_basis: MarginBasis = Field(description="What the margin rests on.")


class PlayInDetail(Complete):
    """One play with its test and some of its customers."""

    play: Play = Field(description="The play.")
    hold_outs: list[HoldOutPower] = Field(description="What other shares held out can find.")
    preview: list[CustomerAction] = Field(description="The customers with the highest expected profit.")
    margin_percent: float = Field(description="What remains of revenue after the cost of what is sold.")
    margin_basis: MarginBasis = Field(description="What the margin rests on.")


class ChangedFigures(Answer):
    """Figures of some days."""

    orders: int = Field(description="Orders.")
    buyers: int = Field(description="Customers with an order.")
    revenue_cents: int = Field(description="Revenue before refunds, in cents.")
    refunds_cents: int = Field(description="Refunds, in cents.")
    net_revenue_cents: int = Field(description="Revenue less refunds, in cents.")
    new_customers: int = Field(description="Customers with their first order.")
    gone_quiet: int = Field(description="Customers whose silence reached `quiet_from_days`.")


class Changes(Complete):
    """What changed since a day."""

    days: int = Field(description="Number of days.")
    first_day: Day = Field(description="The first of them.")
    last_day: Day = Field(description="The last of them, the as-of day.")
    before_is_known: bool = Field(description="Whether the store reaches back over as many days before.")
    quiet_from_days: int = Field(description="Silence in days from which a customer is quiet.")
    now: ChangedFigures = Field(description="Figures of these days.")
    before: ChangedFigures | None = Field(description="Figures of as many days before; null if they are not known.")


class FeedCheckResult(Answer):
    """A check of the order feed."""

    name: str = Field(description="Name of the check.")
    alarm: bool = Field(description="Whether it raises an alarm.")
    checked: bool = Field(description="Whether there was enough to check.")
    text: str = Field(description="One line for people.")


class ModelState(Answer):
    """What speaks against the model in use."""

    problem: str | None = Field(description="Why a newer model, or any, is not in use.")
    warning: str | None = Field(description="A warning about the model in use.")


class Alarms(Complete):
    """What is wrong."""

    feed: list[FeedCheckResult] = Field(description="The checks of the order feed.")
    model: ModelState = Field(description="The model in use.")


class SegmentSetting(Answer):
    """A value segment as the policy has it."""

    name: str = Field(description="Name of the segment.")
    from_total_revenue_cents: int = Field(description="Revenue of all time from which a customer belongs to it.")
    discount_percentage: int = Field(description="Discount of its offer, in percent.")


class Consent(Answer):
    """What is known of consent to marketing."""

    known: int = Field(description="Customers of whom it is known.")
    refused: int = Field(description="Those of them who do not accept marketing.")


class DecidedOutcome(Answer):
    """What the decisions of the day come to."""

    total: PlayMoney = Field(description="All plays together.")
    plays: int = Field(description="Number of plays.")
    segments: dict[str, int] = Field(description="Customers by value segment.")


class PageSettings(Complete):
    """What decisions rest on, and what other values would change."""

    margin_percent: float = Field(description="What remains of revenue after the cost of what is sold.")
    margin_basis: MarginBasis = Field(description="What the margin rests on.")
    segments: list[SegmentSetting] = Field(description="The ladder in use, highest first.")
    ladder: str = Field(description="Name of the ladder in use.")
    basis: Literal["net", "total"] = Field(description="Revenue that segments go by: net of refunds, or in total.")
    quiet_days: int = Field(description="Days after an order before a customer is contacted.")
    quiet_days_after_contact: int = Field(description="Days after a contact before the next.")
    most_contacts: int = Field(description="Contacts within `most_contacts_days`, at most.")
    most_contacts_days: int = Field(description="Days within which contacts are counted.")
    consent: Consent | None = Field(description="Consent to marketing; null where the orders do not say.")
    now: DecidedOutcome = Field(description="What the decisions come to.")
    then: DecidedOutcome = Field(description="What they would come to with the values to try.")
