"""Two policies on the shop's own customers: whose decision changes, what that costs and is expected to earn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from customer_revenue.actions.decide import INTERVAL_MASS
from customer_revenue.actions.discounts import Discounts
from customer_revenue.actions.recommend import LEAVE_ALONE
from customer_revenue.actions.situations import DECISION_DAYS
from customer_revenue.arrays import Floats, Ints
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.policy import believed_of
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.observed_orders import ObservedOrders
from customer_revenue.workflows.customer_base.shop_decisions import ShopDecisions

EXAMPLES_PER_CHANGE = 3
_WIDTH = NormalDist().inv_cdf((1 + INTERVAL_MASS) / 2)


def compare_decisions(before: ShopDecisions, after: ShopDecisions, store: Store, when: AsOf) -> Body:
    """How the decisions of two policies about the same customers differ.

    Args:
        before: of the first policy.
        after: of the second.
        store: of the orders, for what came after the day.
        when: the day of the decisions.

    Returns:
        ``before`` and ``after``: customers who are contacted, discounts, cost, expected revenue and profit within 30
        days; ``difference`` of the second less the first, both with 80 % intervals; ``changes``, the customers by their
        two decisions, the most first, with examples; ``then``, what all of them did in the 30 days after, as far as
        the store knows them, null where it ends on the day. Each change has its own.
    """
    labels = [_labels(decided) for decided in (before, after)]
    pairs = np.array([f"{one}\n{other}" for one, other in zip(*labels, strict=True)], np.object_)
    afterwards = _afterwards(before, store, when)
    groups = [
        (pair, np.flatnonzero(pairs == pair)) for pair in sorted(set(pairs.tolist())) if len(set(pair.split("\n"))) > 1
    ]
    groups.sort(key=lambda group: -len(group[1]))
    return {
        "customers": len(pairs),
        "unchanged": len(pairs) - sum(len(places) for _, places in groups),
        "before": _sums(before),
        "after": _sums(after),
        "difference": _difference(before, after),
        "changes": [_change(*group, before, after, afterwards) for group in groups],
        "then": _then(np.arange(len(pairs)), before, afterwards),
    }


def _labels(decided: ShopDecisions) -> list[str]:
    """Each customer's decision: the code of the action, and its discount if it gives one."""
    codes = [rule.code for rule in decided.policy.actions.rules]
    percents = np.where(decided.all.offer >= 0, _discount_percents(decided), 0)
    named = zip(decided.all.rule.tolist(), percents.tolist(), strict=True)
    return [
        LEAVE_ALONE if rule < 0 else f"{codes[rule]}, {percent:.0f} % off" if percent else codes[rule]
        for rule, percent in named
    ]


def _discount_percents(decided: ShopDecisions) -> Floats:
    return 100 * Discounts(decided.situations, decided.policy).share


def _sums(decided: ShopDecisions) -> dict[str, object]:
    found, acts = decided.all, decided.all.acts
    gain, cost, profit = (
        float(column[acts].sum()) for column in (found.gain_cents, found.cost_cents, found.profit_cents)
    )
    spread = float(np.sqrt(sum(value**2 for value in _spreads(decided).values())))
    return {
        "contacted": int(acts.sum()),
        "discounts": int((found.offer >= 0).sum()),
        "cost_cents": round(cost),
        "expected_revenue_cents": round(gain),
        **_profit(profit, spread),
        "effect_scale": round(found.scale, 4),
    }


def _difference(before: ShopDecisions, after: ShopDecisions) -> dict[str, object]:
    """The second less the first; an effect that both believe alike is the same unknown in both."""
    spreads = [_spreads(decided) for decided in (before, after)]
    names = {*spreads[0], *spreads[1]}
    variance = sum((spreads[1].get(name, 0.0) - spreads[0].get(name, 0.0)) ** 2 for name in names)
    cost, profit = (
        sum(
            sign * float(getattr(decided.all, name)[decided.all.acts].sum())
            for sign, decided in ((-1, before), (1, after))
        )
        for name in ("cost_cents", "profit_cents")
    )
    return {"cost_cents": round(cost), **_profit(profit, float(np.sqrt(variance)))}


def _profit(expected: float, spread: float) -> dict[str, object]:
    return {
        "expected_profit_cents": round(expected),
        "expected_profit_low_cents": round(expected - _WIDTH * spread),
        "expected_profit_high_cents": round(expected + _WIDTH * spread),
    }


def _spreads(decided: ShopDecisions) -> Mapping[str, float]:
    """The spread of the profit of all decisions by the effect that they rest on: within one, all are right or wrong
    together."""
    found: dict[str, float] = {}
    own = (decided.all.high_cents - decided.all.profit_cents) / _WIDTH
    for position, rule in enumerate(decided.policy.actions.rules):
        name = believed_of(rule, decided.policy).model_dump_json()
        found[name] = found.get(name, 0.0) + float(own[decided.all.rule == position].sum())
    return found


def _change(
    pair: str, places: Ints, before: ShopDecisions, after: ShopDecisions, afterwards: ObservedOrders | None
) -> dict[str, object]:
    old, new = pair.split("\n")
    cents = [float(decided.all.profit_cents[places][decided.all.acts[places]].sum()) for decided in (before, after)]
    # The examples are those whose expected profit changes most.
    moved = np.abs(after.all.profit_cents[places] - before.all.profit_cents[places])
    best = places[np.argsort(-moved, kind="stable")[:EXAMPLES_PER_CHANGE]]
    return {
        "from": old,
        "to": new,
        "customers": len(places),
        "expected_profit_change_cents": round(cents[1] - cents[0]),
        "examples": before.situations.customer_id[best].tolist(),
        "then": _then(places, before, afterwards),
    }


def _afterwards(decided: ShopDecisions, store: Store, when: AsOf) -> ObservedOrders | None:
    last = min(when.day + dt.timedelta(days=DECISION_DAYS), store.as_of().day)
    if last <= when.day:
        return None
    ids: Sequence[str] = decided.situations.customer_id.tolist()
    return ObservedOrders.of(store, ids, when.day + dt.timedelta(days=1), last, decided.policy)


def _then(places: Ints, decided: ShopDecisions, afterwards: ObservedOrders | None) -> dict[str, float] | None:
    if afterwards is None or not len(places):
        return None
    return {
        "expected_buyers_percent": round(100 * float(decided.situations.soon[places].mean()), 1),
        "buyers_percent": round(100 * float(afterwards.bought[places].mean()), 1),
        "orders": int(afterwards.orders[places].sum()),
        "net_revenue_cents": int(afterwards.revenue_cents[places].sum()),
    }
