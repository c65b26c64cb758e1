"""Responses about campaigns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_revenue.service.responses.shape import Answer, Complete


class CampaignOutline(Answer):
    """A campaign as it was created."""

    campaign: str = Field(description="Name of the campaign.")
    action: str = Field(description="Code of the action.")
    audience: str = Field(description="For whom it is, in words.")
    hold_out: float = Field(description="Share that is not contacted.")
    started_on: str = Field(description="Day after which orders count.")
    ends_on: str = Field(description="Last day that counts: the fixed date of the result.")
    running: bool = Field(description="Whether the store's as-of day is one of its days.")


class Campaigns(Complete):
    """The campaigns."""

    campaigns: list[CampaignOutline] = Field(description="In the order of their first day.")


class CampaignCreated(CampaignOutline, Complete):
    """A campaign that was created, and what it can find."""

    treated: int = Field(description="Customers to be contacted.")
    held_out: int = Field(description="Customers held out.")
    left_out: dict[str, int] = Field(
        description="Customers of the audience who may not be contacted, by reason; each is counted once."
    )
    buyers_anyway_percent: float = Field(description="Share of buyers within 30 days to be expected without it.")
    detectable_points: float = Field(description="Difference in points that is found with a chance of 80 %.")
    believed_points: float = Field(description="The effect that is believed, in points.")
    chance_to_find_percent: float = Field(description="Chance that this effect is found.")


class ContactsRecorded(Complete):
    """Contacts that were recorded."""

    contacts: int = Field(description="Contacts in the request.")
    new: int = Field(description="Those of them that were not known yet.")


class CampaignDifference(Answer):
    """Treated less held out."""

    per_customer: float = Field(description="The difference, per treated customer.")
    low: float = Field(description="Lower end of its 95 % interval.")
    high: float = Field(description="Upper end of that interval.")
    is_significant: bool = Field(description="Whether 0 is outside the interval.")
    variance_cut_percent: float = Field(description="Share of the variance that knowing the predictions takes away.")


class CampaignSum(CampaignDifference):
    """A difference that adds up over the treated customers."""

    total: float = Field(description="The difference of all treated customers together.")
    total_low: float = Field(description="Lower end of its 95 % interval.")
    total_high: float = Field(description="Upper end of that interval.")


class CampaignFigures(Answer):
    """What a campaign brought."""

    buyers_points: CampaignDifference = Field(description="Buyers, in points.")
    orders: CampaignSum = Field(description="Orders.")
    revenue_cents: CampaignSum = Field(description="Net revenue, in cents.")
    profit_cents: CampaignSum = Field(description="Profit after discount and contact, in cents.")


class UpdatedEffect(Answer):
    """An action's effect, what was measured joined with what was believed."""

    action: str = Field(description="Code of the action.")
    measured_points: float = Field(description="The campaign's effect on those who can be persuaded, in points.")
    measured_spread: float = Field(description="Its standard error.")
    conversion_points: float = Field(description="Both joined, weighed by precision.")
    conversion_spread: float = Field(description="Standard deviation of what the effect may really be.")
    basis: Literal["assumed", "published", "measured"] = Field(
        description="`measured` where the campaign has at least half of the weight."
    )
    source: str = Field(description="Where the figures come from.")
    measured_on: str = Field(description="Last day of the campaign.")


class UpliftInterval(Answer):
    """Cents per customer of the audience."""

    mean: float = Field(description="The estimate.")
    low: float = Field(description="Lower end of its 95 % interval.")
    high: float = Field(description="Upper end of that interval.")


class UpliftFigures(Answer):
    """What choosing whom to contact by the learned effect would have earned, and simple rules."""

    contacted_percent: float = Field(description="Share of the audience whom it pays to contact, as learned.")
    value_cents: dict[str, UpliftInterval] = Field(
        description="Profit of `learned`, and of contacting `everybody`, `nobody`, and as many as learned `by_value` "
        "or those `unlikely_to_buy`."
    )
    advantage_cents: dict[str, UpliftInterval] = Field(
        description="Profit of the learned choice over each simple rule."
    )
    best_simple_rule: str = Field(description="The simple rule that would have earned most.")
    auuc_cents: UpliftInterval = Field(
        description="Area under the uplift curve: mean profit over all shares contacted."
    )
    qini_cents: UpliftInterval = Field(description="That area less the one of a random order.")


class LearnedUplift(Answer):
    """Whether decisions may choose by whom the contact moved."""

    used: bool = Field(description="Whether it surely earned more than every simple rule; `learn` takes it over then.")
    verdict: str = Field(description="That in words.")
    figures: UpliftFigures | None = Field(description="Null where an arm is too small to learn from.")


class CampaignResult(CampaignFigures, Complete):
    """What a campaign brought until a day."""

    campaign: str = Field(description="Name of the campaign.")
    action: str = Field(description="Code of the action.")
    until: str = Field(description="Last day that counts.")
    interval: str = Field(description="Whether the intervals are those of the fixed date, or hold at every look.")
    treated: int = Field(description="Customers contacted.")
    held_out: int = Field(description="Customers held out.")
    by_segment: dict[str, CampaignFigures] = Field(
        description="The same by value segment, where it has enough customers."
    )
    warnings: list[str] = Field(description="What speaks against a random split.")
    updated_effect: UpdatedEffect | None = Field(description="The action's effect; null before the fixed date.")
    learned_uplift: LearnedUplift | None = Field(description="Whom the contact moved; null before the fixed date.")


class CampaignLearned(Complete):
    """What decisions believe of an action from now on."""

    campaign: str = Field(description="Name of the campaign.")
    learned_on: str = Field(description="The day of today.")
    effect: UpdatedEffect = Field(description="The action's effect, what was measured joined with what was believed.")


class CampaignUnlearned(Complete):
    """What decisions no longer use."""

    campaign: str = Field(description="Name of the campaign.")
    action: str = Field(description="Code of the action.")
    measured_points: float = Field(description="The effect that it had measured, in points.")


class CampaignRemoved(Complete):
    """A campaign that is no longer there."""

    removed: str = Field(description="Name of the campaign.")


class CampaignCustomers(Complete):
    """The customers of one arm of a campaign."""

    campaign: str = Field(description="Name of the campaign.")
    arm: Literal["treated", "held_out"] = Field(description="Whether they are contacted.")
    customer_ids: list[str] = Field(description="Ids of the customers, in their order.")


class ListedWebhook(Answer):
    """A webhook of the settings."""

    webhook: int = Field(description="Its place in the setting, from 1.")
    host: str = Field(description="Host of its address.")


class ListedWebhooks(Complete):
    """Where lists may be sent."""

    webhooks: list[ListedWebhook] = Field(description="The webhooks of the settings.")


class CampaignSent(Complete):
    """A campaign's list that was sent."""

    campaign: str = Field(description="Name of the campaign.")
    host: str = Field(description="Host that took it.")
    customers: int = Field(description="Customers to contact, whose ids were sent.")
    messages: int = Field(description="Messages, of up to 10,000 customers each.")
