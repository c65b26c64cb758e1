"""Create a campaign: choose the audience, hold some of it out, and say what the campaign can find."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from customer_revenue.actions.discounts import Discounts
from customer_revenue.actions.holdout import detectable_points, held_out, power_of
from customer_revenue.errors import InvalidParameter
from customer_revenue.policy import Policy, Rule, believed_of
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.audience import Audience, choose
from customer_revenue.workflows.campaigns.campaign_file import Campaign, CampaignFile, Member
from customer_revenue.workflows.customer_base.analytics import CustomerBase

LEAST_AUDIENCE = 20
VALUE_STRATA = 10
LEAST_HOLD_OUT, MOST_HOLD_OUT, MOST_DAYS = 0.01, 0.9, 365
WHY_LEFT_OUT = {
    "no_consent": "without consent",
    "recent_order": "with an order a few days ago",
    "recent_contact": "contacted a few days ago",
    "most_contacts": "contacted as often as is allowed",
    "other_campaign": "in another campaign",
}
"""The reasons for leaving somebody out, in words; each is counted among those whom the ones before it left."""


@dataclass(frozen=True)
class CampaignPlan:
    """What is to be done.

    Args:
        name: of the campaign.
        action: code of a rule of the policy.
        hold_out: share that is not contacted, between 0 and 1.
        days: for which orders count.

    Raises:
        InvalidParameter: a share or a number of days outside of its values.
    """

    name: str
    action: str
    hold_out: float = 0.2
    days: int = 30

    def __post_init__(self) -> None:
        if not LEAST_HOLD_OUT <= self.hold_out <= MOST_HOLD_OUT:
            raise InvalidParameter(f"hold_out must be {LEAST_HOLD_OUT} to {MOST_HOLD_OUT}, not {self.hold_out}")
        if not 1 <= self.days <= MOST_DAYS:
            raise InvalidParameter(f"days must be 1 to {MOST_DAYS}, not {self.days}")


def create_campaign(base: CustomerBase, file: CampaignFile, plan: CampaignPlan, audience: Audience) -> Body:
    """Record a campaign, and say what it can find.

    Left out are customers who do not accept marketing, who have ordered or been contacted within the policy's quiet
    days or been contacted too often, and who belong to a campaign that still runs.

    Args:
        base: the customers, as of the day after which it begins.
        file: of the campaigns.
        plan: what is to be done.
        audience: for whom.

    Returns:
        What was created: ``treated`` and ``held_out`` customers, ``left_out`` by reason, ``ends_on``, the share of
        buyers to be expected without it, the difference in points that it finds with a chance of 80 %, and the effect
        that is believed with the chance to find it.

    Raises:
        InvalidParameter: an unknown action or segment, a rule that cannot be read, a name that exists or has other
            characters than those allowed, or too few customers.
    """
    decisions = base.decisions
    rule, position = _rule(decisions.policy, plan.action)
    chosen = choose(base, audience, position, file)
    places = chosen.places
    if len(places) < LEAST_AUDIENCE:
        reasons = [f"{reason}: {count:,} left out" for reason, count in chosen.left_out.items() if count]
        raise InvalidParameter(
            f"campaign: {len(places)} customers are too few, at least {LEAST_AUDIENCE} are needed", reasons
        )
    situations = decisions.situations.take(places)
    deciles = (VALUE_STRATA * np.argsort(np.argsort(situations.month_revenue_cents)) // len(places)).astype(np.int64)
    _, segment = np.unique(situations.segment.astype(str), return_inverse=True)
    kept = held_out(
        situations.customer_id.tolist(), segment * VALUE_STRATA + deciles, plan.hold_out, secrets.token_bytes(32)
    )
    offered = Discounts(situations, decisions.policy).share if rule.needs_discount else np.zeros(len(places))
    margin = decisions.terms.margin
    campaign = Campaign(
        plan.name,
        plan.action,
        base.when.day,
        plan.days,
        plan.hold_out,
        rule.cost_cents,
        float(offered.mean()),
        decisions.policy.margin.assumed_percent / 100 if margin is None else margin,
        audience.described(plan.action),
    )
    columns = (situations.segment, situations.soon, situations.persuadable, situations.month_revenue_cents)
    lists = zip(
        situations.customer_id.tolist(), (~kept).tolist(), *(column.tolist() for column in columns), strict=True
    )
    file.add(campaign, [Member(*row) for row in lists])
    believed = believed_of(rule, decisions.policy).conversion_points * float(situations.persuadable.mean())
    rate, treated, control = float(situations.soon.mean()), int((~kept).sum()), int(kept.sum())
    return {
        **campaign_fields(campaign, base.when.day),
        "treated": treated,
        "held_out": control,
        "left_out": chosen.left_out,
        "buyers_anyway_percent": round(100 * rate, 2),
        "detectable_points": round(detectable_points(rate, treated, control), 4),
        "believed_points": round(believed, 4),
        "chance_to_find_percent": round(100 * power_of(believed, rate, treated, control), 1),
    }


def campaign_fields(campaign: Campaign, today: dt.date) -> Body:
    """A campaign as the fields of an answer; ``today`` decides whether it is running."""
    return {
        "campaign": campaign.name,
        "action": campaign.action,
        "audience": campaign.audience,
        "hold_out": campaign.hold_out,
        "started_on": campaign.started_on.isoformat(),
        "ends_on": campaign.ends_on.isoformat(),
        "running": campaign.started_on <= today <= campaign.ends_on,
    }


def listed_members(file: CampaignFile, name: str, *, treated: bool) -> pa.Table:
    """The ids of those who are to be contacted, or of those held out.

    Raises:
        CampaignNotFound: there is none of that name.
    """
    file.campaign(name)
    ids = [member.customer_id for member in file.members(name) if member.treated is treated]
    return pa.table({"customer_id": pa.array(ids, pa.string())})


def in_words(created: Mapping[str, Any]) -> str:
    """What :func:`create_campaign` returns, in words."""
    found = f"{created['detectable_points']:.2f} points more or fewer would be found with a chance of 80 %"
    left_out = ", ".join(
        f"{count:,} {WHY_LEFT_OUT[reason]}"
        for reason, count in cast("dict[str, int]", created["left_out"]).items()
        if count
    )
    lists = f"{created['treated']:,} to be contacted, {created['held_out']:,} held out"
    chance = f"chance of {created['chance_to_find_percent']:.0f} %"
    return "\n".join(
        [
            f"Campaign {created['campaign']}: {created['action']}, {lists}",
            f"For {created['audience']}; left out: {left_out or 'nobody'}",
            f"Orders count until {created['ends_on']}, the fixed date of its result",
            f"{created['buyers_anyway_percent']:.1f} % would buy within 30 days anyway; {found}",
            f"The effect that is believed, {created['believed_points']:.2f} points, would be found with a {chance}",
        ]
    )


def _rule(policy: Policy, code: str) -> tuple[Rule, int]:
    for position, rule in enumerate(policy.actions.rules):
        if rule.code == code:
            return rule, position
    codes = [rule.code for rule in policy.actions.rules]
    raise InvalidParameter(f"action: {code[:40]!r} is not one of {', '.join(codes)}", codes)
