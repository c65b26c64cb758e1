"""Learned uplift of one campaign: what choosing by it would have earned, and whether decisions may use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from customer_revenue.actions.learned_uplift import (
    LEAST_IN_ARM,
    SIMPLE_RULES,
    CrossFitted,
    Estimated,
    fit_uplift,
    flat_trees,
)
from customer_revenue.arrays import Floats
from customer_revenue.policy import UpliftTrees
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.campaign_file import Member

UPLIFT_SEED = 1
RULES_IN_WORDS = {
    "everybody": "contacting everybody",
    "nobody": "contacting nobody",
    "by_value": "contacting as many, those of whom most revenue is expected",
    "unlikely_to_buy": "contacting as many, those who are least likely to buy",
}


def uplift_report(members: Sequence[Member], profit: Floats) -> Body:
    """What choosing by the learned effect would have earned, and simple rules.

    Args:
        members: of the campaign, with what was predicted of them when it began.
        profit: of each, after discount and contact, in cents.

    Returns:
        ``used``: whether the lower end of the 95 % interval of its advantage is above 0 against every simple rule;
        ``verdict``, that in words; and ``figures``, null where an arm is too small: ``contacted_percent``,
        ``value_cents`` per customer of the audience by rule, ``advantage_cents`` over each simple rule, ``auuc_cents``
        and ``qini_cents``.
    """
    treated = np.array([member.treated for member in members])
    smaller = int(min(treated.sum(), (~treated).sum()))
    if smaller < LEAST_IN_ARM:
        verdict = f"not used: {smaller:,} customers in the smaller arm, and {LEAST_IN_ARM:,} are needed to learn"
        return {"used": False, "verdict": verdict, "figures": None}
    found = CrossFitted.of(uplift_features(members), profit, treated, UPLIFT_SEED)
    choices = found.simple_choices(
        np.array([member.revenue_cents for member in members]), np.array([member.probability for member in members])
    )
    values = {"learned": found.value(found.chosen)} | {rule: found.value(own) for rule, own in choices.items()}
    over = {rule: found.value(found.chosen, choices[rule]) for rule in SIMPLE_RULES}
    used = all(advantage.low > 0 for advantage in over.values())
    best = max(SIMPLE_RULES, key=lambda rule: values[rule].mean)
    return {
        "used": used,
        "verdict": _verdict(used, over, best),
        "figures": {
            "contacted_percent": round(100 * float(found.chosen.mean()), 2),
            "value_cents": {rule: _interval(value) for rule, value in values.items()},
            "advantage_cents": {rule: _interval(advantage) for rule, advantage in over.items()},
            "best_simple_rule": best,
            "auuc_cents": _interval(found.auuc),
            "qini_cents": _interval(found.qini),
        },
    }


def uplift_trees(members: Sequence[Member], profit: Floats) -> UpliftTrees:
    """The effect as decisions use it, learned from all customers of a campaign."""
    treated = np.array([member.treated for member in members])
    rng, chance = np.random.default_rng(UPLIFT_SEED), float(treated.mean())
    return flat_trees(fit_uplift(uplift_features(members), profit, treated, rng, chance))


def uplift_features(members: Sequence[Member]) -> Floats:
    """What is learned from: the columns that ``decide`` has of every customer, in the same order."""
    return np.array([(member.probability, member.persuadable, member.revenue_cents) for member in members])


def _verdict(used: bool, over: Mapping[str, Estimated], best: str) -> str:
    # The rule that decides: the best of them, or the one that it does not surely beat.
    rule = best if used or over[best].low <= 0 else min(SIMPLE_RULES, key=lambda one: over[one].low)
    found = over[rule]
    more = f"{found.mean:+.2f} cents per customer ({found.low:+.2f} to {found.high:+.2f})"
    against = f"choosing by the learned effect earns {more} over {RULES_IN_WORDS[rule]}"
    return f"used: {against}" if used else f"not used: {against}, which is not better beyond chance"


def _interval(found: Estimated) -> Body:
    return {"mean": round(found.mean, 4), "low": round(found.low, 4), "high": round(found.high, 4)}
