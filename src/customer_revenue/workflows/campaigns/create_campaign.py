"""Create a campaign: choose the audience, hold some of it out, and say what the campaign can find."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.actions.discounts import Discounts
from customer_revenue.actions.holdout import detectable_points, held_out, power_of
from customer_revenue.arrays import Ints
from customer_revenue.errors import InvalidParameter
from customer_revenue.policy import Policy, Rule
from customer_revenue.settings import Settings
from customer_revenue.workflows.campaigns.campaign_file import Campaign, CampaignFile, Member
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.shop_decisions import ShopDecisions
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.exports import check_output, write_table

LEAST_AUDIENCE = 20
VALUE_STRATA = 10


@dataclass(frozen=True)
class Audience:
    """Whom a campaign is for: customers whose decision is its action, or those of some segments or of a list."""

    segments: Sequence[str] = ()
    customer_ids: Collection[str] | None = None


@dataclass(frozen=True)
class CampaignPlan:
    """What is to be done.

    Args:
        name: of the campaign.
        action: code of a rule of the policy.
        hold_out: share that is not contacted, between 0 and 1.
        days: for which orders count.
    """

    name: str
    action: str
    hold_out: float = 0.2
    days: int = 30


def create_campaign(
    settings: Settings,
    plan: CampaignPlan,
    audience: Audience,
    as_of: str | None = None,
    treated: Path | None = None,
    control: Path | None = None,
) -> str:
    """Record a campaign and write its lists; says what it can find.

    Left out are customers who do not accept marketing, who have ordered within the policy's quiet days, and who belong
    to a campaign that still runs.

    Args:
        settings: the store, the model, the policy and the file of campaigns.
        plan: what is to be done.
        audience: for whom.
        as_of: the day it begins after; by default the store's own.
        treated: file of those to be contacted.
        control: file of those held out.

    Raises:
        InvalidParameter: an unknown action, a name that exists, or too few customers.
    """
    for output in (treated, control):
        if output is not None:
            check_output(output)
    answers, file = Answers.open(settings, lazily=True), CampaignFile(settings.campaigns)
    base = answers.base(as_of)
    decisions = base.decisions
    rule, position = _rule(decisions.policy, plan.action)
    places = _places(base, decisions, position, audience, file)
    if len(places) < LEAST_AUDIENCE:
        raise InvalidParameter(f"campaign: {len(places)} customers are too few, at least {LEAST_AUDIENCE} are needed")
    situations = decisions.situations.take(places)
    deciles = (VALUE_STRATA * np.argsort(np.argsort(situations.month_revenue_cents)) // len(places)).astype(np.int64)
    _, segment = np.unique(situations.segment.astype(str), return_inverse=True)
    kept = held_out(
        situations.customer_id.tolist(), segment * VALUE_STRATA + deciles, plan.hold_out, secrets.token_bytes(32)
    )
    offered = Discounts.of(situations, decisions.policy).share if rule.needs_discount else np.zeros(len(places))
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
    )
    columns = (situations.segment, situations.soon, situations.persuadable, situations.month_revenue_cents)
    lists = zip(
        situations.customer_id.tolist(), (~kept).tolist(), *(column.tolist() for column in columns), strict=True
    )
    members = [Member(*row) for row in lists]
    file.add(campaign, members)
    for path, marks in ((treated, ~kept), (control, kept)):
        if path is not None:
            write_table(pa.table({"customer_id": situations.customer_id[marks].tolist()}), path)
    believed = decisions.policy.effects[rule.effect].conversion_points * float(situations.persuadable.mean())
    return _text(campaign, float(situations.soon.mean()), int((~kept).sum()), int(kept.sum()), believed)


def _rule(policy: Policy, code: str) -> tuple[Rule, int]:
    for position, rule in enumerate(policy.actions.rules):
        if rule.code == code:
            return rule, position
    codes = [rule.code for rule in policy.actions.rules]
    raise InvalidParameter(f"action: {code[:40]!r} is not one of {', '.join(codes)}", codes)


def _places(
    base: CustomerBase, decisions: ShopDecisions, position: int, audience: Audience, file: CampaignFile
) -> Ints:
    """The places of the audience among the situations."""
    situations, quiet = decisions.situations, decisions.policy.decisions.quiet_days
    ids = situations.facts["customer_id"]
    if audience.customer_ids is not None:
        chosen = pc.is_in(ids, value_set=pa.array(sorted(audience.customer_ids), pa.string())).to_numpy()
    elif audience.segments:
        chosen = np.isin(situations.segment.astype(str), list(audience.segments))
    else:
        chosen = decisions.all.rule == position
    barred = sorted(file.busy_on(base.when.day) | _without_consent(base))
    free = ~pc.is_in(ids, value_set=pa.array(barred, pa.string())).to_numpy()
    return np.flatnonzero(chosen & free & (situations.silence_days >= quiet))


def _without_consent(base: CustomerBase) -> set[str]:
    users = base.store.table("users")
    if "accepts_marketing" not in users.columns:
        return set()
    refused = users.filter(~users.accepts_marketing.coalesce(True)).select("id")
    return set(base.store.fetch(refused)["id"].to_pylist())


def _text(campaign: Campaign, rate: float, treated: int, control: int, believed: float) -> str:
    chance = power_of(believed, rate, treated, control)
    found = f"{detectable_points(rate, treated, control):.2f} points more or fewer would be found with a chance of 80 %"
    return "\n".join(
        [
            f"Campaign {campaign.name}: {campaign.action}, {treated:,} to be contacted, {control:,} held out",
            f"Orders count until {campaign.ends_on}, the fixed date of its result",
            f"{100 * rate:.1f} % would buy within 30 days anyway; {found}",
            f"The effect that is believed, {believed:.2f} points, would be found with a chance of {100 * chance:.0f} %",
        ]
    )
