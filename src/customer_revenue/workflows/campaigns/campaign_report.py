"""What a campaign brought: incremental buyers, orders, revenue and profit against its hold-out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
from scipy.stats import binomtest

from customer_revenue.actions.campaign_effect import LEAST_CUSTOMERS, Difference, difference
from customer_revenue.arrays import Floats, Marks
from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.policy import LearnedEffect, Policy, UpliftTrees, believed_of, joined
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.campaign_file import Campaign, CampaignFile, Member
from customer_revenue.workflows.campaigns.campaign_uplift import uplift_report, uplift_trees
from customer_revenue.workflows.campaigns.observed_orders import ObservedOrders

WARNED_BELOW = 0.001
"""Chance of such a split if it were random, below which the report warns."""


def campaign_report(store: Store, policy: Policy, file: CampaignFile, name: str, when: AsOf) -> Body:
    """What a campaign brought until a day.

    Args:
        store: of the orders.
        policy: what was believed of the action.
        file: of the campaigns.
        name: of the campaign.
        when: last day that counts. Before the campaign's fixed date the intervals are wider, so that they hold however
            often one looks.

    Returns:
        ``buyers_points``, and ``orders``, ``revenue_cents`` and ``profit_cents`` per treated customer and in total,
        each with its 95 % interval and the share of variance that the predictions take away; ``by_segment``;
        ``warnings``; ``updated_effect``, the action's effect as the policy may now state it; ``learned_uplift``, of
        :func:`uplift_report`. The last two are null before the fixed date.

    Raises:
        CampaignNotFound: there is none of that name.
        InvalidParameter: nothing has come of it yet, or too few customers are left.
    """
    campaign, members = file.campaign(name), file.members(name)
    last = min(when.day, campaign.ends_on)
    if last <= campaign.started_on:
        raise InvalidParameter(f"campaign: {name[:60]!r} began on {campaign.started_on}; nothing has come since")
    ids = [member.customer_id for member in members]
    after = ObservedOrders.of(store, ids, campaign.started_on + dt.timedelta(days=1), last, policy)
    first = campaign.started_on - dt.timedelta(days=campaign.days - 1)
    before = ObservedOrders.of(store, ids, first, campaign.started_on, policy)
    is_final = last == campaign.ends_on
    treated = np.array([member.treated for member in members])
    measured = _measured(campaign, members, after, None if is_final else before)
    if measured is None:
        raise InvalidParameter(f"campaign: fewer than {LEAST_CUSTOMERS} customers are left in an arm")
    count = int(treated.sum())
    segments = sorted({member.segment for member in members})
    by_segment = {
        segment: _figures(found, int(treated[marks].sum()))
        for segment in segments
        if (marks := np.array([member.segment == segment for member in members])).any()
        and (found := _measured(campaign, members, after, None if is_final else before, marks))
    }
    return {
        "campaign": campaign.name,
        "action": campaign.action,
        "until": last.isoformat(),
        "interval": "at the fixed date" if is_final else "sequential, holds however often one looks",
        "treated": count,
        "held_out": len(members) - count,
        **_figures(measured, count),
        "by_segment": by_segment,
        "warnings": _warnings(campaign, members, treated),
        "updated_effect": _updated(campaign, members, measured["buyers_points"], policy, last) if is_final else None,
        "learned_uplift": uplift_report(members, _profit(campaign, members, after)) if is_final else None,
    }


def uplift_to_learn(
    store: Store, policy: Policy, file: CampaignFile, report: Mapping[str, object]
) -> UpliftTrees | None:
    """Whom a contact moves, by a finished campaign; ``None`` where its report does not say that it may be used."""
    found = report["learned_uplift"]
    if not isinstance(found, dict) or not found["used"]:
        return None
    campaign = file.campaign(str(report["campaign"]))
    members = file.members(campaign.name)
    ids, first = [member.customer_id for member in members], campaign.started_on + dt.timedelta(days=1)
    after = ObservedOrders.of(store, ids, first, campaign.ends_on, policy)
    return uplift_trees(members, _profit(campaign, members, after))


def _profit(campaign: Campaign, members: list[Member], after: ObservedOrders) -> Floats:
    """Of each customer, after discount and contact."""
    treated = np.array([member.treated for member in members])
    profit = campaign.margin * after.revenue_cents - treated * campaign.cost_cents
    # A discount is taken to have been used in every order of the treated: their goods cost what they cost without it.
    given = (1 - campaign.margin) * campaign.discount / (1 - campaign.discount + 1e-9)
    return np.asarray(profit - treated * given * after.revenue_cents)


def _measured(
    campaign: Campaign,
    members: list[Member],
    after: ObservedOrders,
    before: ObservedOrders | None,
    marks: Marks | None = None,
) -> dict[str, Difference] | None:
    chosen = np.ones(len(members), np.bool_) if marks is None else marks
    treated = np.array([member.treated for member in members])[chosen]
    if min(treated.sum(), (~treated).sum()) < LEAST_CUSTOMERS:
        return None
    predicted = np.array([(member.probability, member.revenue_cents) for member in members])[chosen]

    def compared(values: Floats, earlier: Floats | None) -> Difference:
        own = values[chosen]
        planned = None if earlier is None else _planned(earlier[chosen], treated)
        return difference(own, treated, predicted, planned)

    profit = _profit(campaign, members, after)
    return {
        "buyers_points": compared(100 * after.bought, None if before is None else 100 * before.bought),
        "orders": compared(after.orders, None if before is None else before.orders),
        "revenue_cents": compared(after.revenue_cents, None if before is None else before.revenue_cents),
        "profit_cents": compared(profit, None if before is None else campaign.margin * before.revenue_cents),
    }


def _planned(earlier: Floats, treated: Marks) -> float:
    """The variance of the difference that the customers' orders before the campaign lead one to expect."""
    return float(earlier.var() * (1 / treated.sum() + 1 / (~treated).sum()))


def _figures(measured: Mapping[str, Difference], treated: int) -> dict[str, object]:
    return {name: _figure(found, None if name == "buyers_points" else treated) for name, found in measured.items()}


def _figure(found: Difference, treated: int | None) -> dict[str, object]:
    figure: dict[str, object] = {
        "per_customer": round(found.per_customer, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "is_significant": found.is_significant,
        "variance_cut_percent": round(100 * found.variance_cut, 1),
    }
    if treated is not None:
        figure |= {
            "total": round(treated * found.per_customer, 1),
            "total_low": round(treated * found.low, 1),
            "total_high": round(treated * found.high, 1),
        }
    return figure


def _warnings(campaign: Campaign, members: list[Member], treated: Marks) -> list[str]:
    """What speaks against a random split: the size of the arms, and what was predicted of them."""
    found = []
    held = int((~treated).sum())
    if binomtest(held, len(members), campaign.hold_out).pvalue < WARNED_BELOW:
        found.append(
            f"{held:,} of {len(members):,} are held out, not {100 * campaign.hold_out:.0f} %: not a random split"
        )
    probability = np.array([member.probability for member in members])
    arms = (probability[treated], probability[~treated])
    spread = np.sqrt(sum(arm.var() / len(arm) for arm in arms))
    if abs(arms[0].mean() - arms[1].mean()) > 3.3 * spread > 0:
        found.append("treated and held-out customers differed before the campaign: not a random split")
    return found


def _updated(
    campaign: Campaign, members: list[Member], found: Difference, policy: Policy, day: dt.date
) -> dict[str, object] | None:
    """The action's effect, joined by precision with what was believed before."""
    rule = next((rule for rule in policy.actions.rules if rule.code == campaign.action), None)
    share = float(np.mean([member.persuadable for member in members]))
    if rule is None or share <= 0:
        return None
    measured = LearnedEffect(
        campaign=campaign.name,
        action=campaign.action,
        measured_points=round(min(max(found.per_customer / share, -100.0), 100.0), 4),
        measured_spread=round(max(found.spread / share, 1e-4), 4),
        started_on=campaign.started_on,
        measured_on=day,
        learned_on=day,
    )
    effect = joined(believed_of(rule, policy), [measured])
    return {
        "action": campaign.action,
        "measured_points": measured.measured_points,
        "measured_spread": measured.measured_spread,
        "conversion_points": round(effect.conversion_points, 4),
        "conversion_spread": round(effect.conversion_spread, 4),
        "basis": effect.basis,
        "source": effect.source,
        "measured_on": day.isoformat(),
    }
