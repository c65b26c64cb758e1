"""One decision for each customer and day: what to do, or nothing, from one distribution of what acting earns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.actions.barring import Barring
from customer_revenue.actions.discounts import Discounts
from customer_revenue.actions.learned_uplift import uplift_of
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.terms import Terms
from customer_revenue.arrays import Floats, Ints, Marks, Texts
from customer_revenue.policy import Actions, Effect, Policy, Rule, believed_of

NOTHING_SUITS = -1
NO_ORDER_LIMIT = np.iinfo(np.int64).max
INTERVAL_MASS = 0.8
"""Probability between the ends of the interval of an expected profit."""
MEASURED = "measured"
LEAST_KEPT = 0.01
"""Of a further purchase, after its cost and discount, for a profit to be written as one."""
SCALE_STEPS = 14
"""Halvings in the search for the scale: it is found to within a ten-thousandth."""


@dataclass(frozen=True)
class Decisions:
    """One decision per customer, in the order of the situations.

    Args:
        rule: position of the rule that is acted on; below 0 nothing is done: ``NOTHING_SUITS``, or -2 less the
            position of the rule that suits and comes nearest to being likely to pay.
        offer: place of the offer in the catalogue whose discount is given; -1 for none.
        gain_cents: expected incremental revenue within 30 days, net of refunds, before any cost.
        cost_cents: discount and contact.
        profit_cents: margin of the gain less the cost; with the ends of its 80 % interval. All amounts are of the rule
            acted on or nearest, 0 where none suits.
        low_cents: lower end.
        high_cents: upper end.
        chance: probability of a profit.
        needed_points: conversion in points from which on the rule has a profit; not a number where none would do.
        scale: factor of all effects that are not measured in this shop.
        barred: why each must not be contacted; ``None`` where nobody is barred.
    """

    rule: Ints
    offer: Ints
    gain_cents: Floats
    cost_cents: Floats
    profit_cents: Floats
    low_cents: Floats
    high_cents: Floats
    chance: Floats
    needed_points: Floats
    scale: float = 1.0
    barred: npt.NDArray[np.object_] | None = None

    @classmethod
    def none(cls, count: int, scale: float = 1.0) -> Decisions:
        """Nothing is done about any of so many customers, and nothing suits them."""
        gain, cost, profit, low, high, chance, needed = np.zeros((7, count))
        return cls(
            np.full(count, NOTHING_SUITS), np.full(count, -1), gain, cost, profit, low, high, chance, needed, scale
        )

    def at(self, places: Ints | slice) -> Decisions:
        """Some of them."""
        own = {name: getattr(self, name)[places] for name in DECISION_COLUMNS}
        return Decisions(**own, scale=self.scale, barred=None if self.barred is None else self.barred[places])

    def without(self, customer_ids: Texts, barred: Mapping[str, Barring]) -> Decisions:
        """The same, with nothing to be done about those who must not be contacted.

        Args:
            customer_ids: in the order of the decisions.
            barred: who must not be contacted, by their ids, and why.
        """
        found = pc.index_in(pa.array(list(barred), pa.string()), value_set=pa.array(customer_ids, pa.string()))
        places = found.drop_null().to_numpy()
        if not len(places):
            return self
        reasons = np.full(len(customer_ids), None, np.object_)
        reasons[places] = np.array(list(barred.values()), np.object_)[found.is_valid().to_numpy(zero_copy_only=False)]
        own = {name: getattr(self, name).copy() for name in DECISION_COLUMNS}
        nothing = Decisions.none(len(places))
        for name, values in own.items():
            values[places] = getattr(nothing, name)
        return Decisions(**own, scale=self.scale, barred=reasons)

    @property
    def acts(self) -> Marks:
        """For whom something is done."""
        return np.asarray(self.rule >= 0)


DECISION_COLUMNS = tuple(field.name for field in fields(Decisions) if field.name not in ("scale", "barred"))
"""The names of what each customer has one value of."""


def decide(situations: Situations, policy: Policy, terms: Terms | None = None) -> Decisions:
    """The decision about each customer with an order and a prediction.

    Of the rules that suit a customer, that one is chosen whose profit is highest at the level that it reaches with the
    policy's ``least_chance``; where that is not above 0, nothing is done. The effects of a contact are normal: further
    buyers among those who are not lost and would not buy unasked, and further spend of those who buy anyway; or what a
    campaign taught about whom it moves. A discount is paid on all that is bought within 30 days, wanted or not.

    Args:
        situations: one customer or many.
        policy: rules, effects, offers, margin.
        terms: of the shop; by default the policy's margin, and effects as they are.
    """
    terms = terms or Terms()
    return _Candidates(situations, policy, terms.margin).best(terms.scale)


def promise_scale(situations: Situations, policy: Policy, margin: float | None = None) -> float:
    """The highest factor, at most 1, with which all customers together are promised no more than the policy allows.

    The promise is the gain of all decisions whose effects are not measured in this shop, as a share of the revenue that
    is expected of the customers within 30 days.
    """
    candidates = _Candidates(situations, policy, margin)
    allowed = policy.decisions.most_promised_percent / 100 * float(situations.month_revenue_cents.sum())
    if candidates.promised(1.0) <= allowed:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(SCALE_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if candidates.promised(middle) <= allowed else (low, middle)
    return low


@dataclass(frozen=True)
class _Candidate:
    """One rule and the customers that it suits."""

    position: int
    rule: Rule
    customers: Ints
    effects: Sequence[tuple[Effect, Marks | slice]]
    """Effects with the customers, among those that it suits, for whom they hold."""
    learned_cents: Floats | None
    """Profit that a contact brings of each, where a campaign has taught it."""


class _Candidates:
    def __init__(self, situations: Situations, policy: Policy, margin: float | None) -> None:
        self._situations, self._policy = situations, policy
        self._margin = policy.margin.assumed_percent / 100 if margin is None else margin
        self._discounts = Discounts(situations, policy)
        self._of_rules = list(self._suiting())

    def promised(self, scale: float) -> float:
        """The gain of all decisions that rests on effects that are not measured in this shop, in cents."""
        best = self.best(scale)
        rules, effects = self._policy.actions.rules, self._policy.effects
        unmeasured = np.array([effects[rule.effect].basis != MEASURED for rule in rules])
        counted = best.acts & unmeasured[np.maximum(best.rule, 0)]
        return float(best.gain_cents[counted].sum())

    def best(self, scale: float) -> Decisions:
        count, limits = len(self._situations), self._policy.decisions
        found = Decisions.none(count, scale)
        level = np.full(count, -np.inf)
        for candidate in self._of_rules:
            own = self._worth(candidate, scale)
            spread = (own.high_cents - own.profit_cents) / _INTERVAL_WIDTH
            reached = own.profit_cents - NormalDist().inv_cdf(limits.least_chance) * spread
            reached[~self._may_give(candidate, own)] = -np.inf
            better = reached > level[candidate.customers]
            places = candidate.customers[better]
            level[places] = reached[better]
            for name in DECISION_COLUMNS:
                getattr(found, name)[places] = getattr(own, name)[better]
        nothing = (level <= 0) & (found.rule >= 0)
        found.rule[nothing] = -2 - found.rule[nothing]
        found.offer[nothing] = -1
        return found

    def _suiting(self) -> Iterator[_Candidate]:
        suits = _suiting(self._situations, self._policy.actions)
        suits &= self._situations.silence_days >= self._policy.decisions.quiet_days
        for position, rule in enumerate(self._policy.actions.rules):
            marks = suits[position] & self._discounts.open if rule.needs_discount else suits[position]
            customers = np.flatnonzero(marks)
            if len(customers):
                trees = believed_of(rule, self._policy).uplift
                learned = None if trees is None else uplift_of(trees, self._situations.uplift_features[customers])
                yield _Candidate(position, rule, customers, list(self._effects(rule, customers)), learned)

    def _effects(self, rule: Rule, customers: Ints) -> Iterator[tuple[Effect, Marks | slice]]:
        yield believed_of(rule, self._policy), slice(None)
        if rule.needs_discount:
            places = self._discounts.place[customers]
            for place, offer in enumerate(self._discounts.catalogue):
                if offer.assumed_uplift:
                    yield Effect.of_uplift(offer.assumed_uplift), places == place

    def _worth(self, candidate: _Candidate, scale: float) -> Decisions:
        """What acting on one rule is worth, for the customers that it suits."""
        from scipy.special import ndtr  # facts are given by commands that need nothing of SciPy

        rule, customers = candidate.rule, candidate.customers
        purchase = self._situations.expected_purchase_cents[customers]
        reach = purchase * self._situations.persuadable[customers] / 100
        anyway = self._situations.anyway_cents[customers]
        discount = self._discounts.share[customers] if rule.needs_discount else np.zeros(len(customers))
        kept = self._margin
        gain, variance, spent = (np.zeros(len(customers)) for _ in range(3))
        for effect, who in candidate.effects:
            factor = 1.0 if effect.basis == MEASURED else scale
            spent[who] = factor * effect.spend_percent / 100 * anyway[who]
            gain[who] = factor * effect.conversion_points * reach[who] + spent[who]
            won = effect.conversion_spread * reach[who]
            variance[who] = factor**2 * (won**2 + (effect.spend_spread / 100 * anyway[who]) ** 2)
        if candidate.learned_cents is not None:
            # The gain of which that profit remains.
            paid = candidate.learned_cents + rule.cost_cents + discount * anyway
            gain = paid / np.maximum(kept - discount, LEAST_KEPT)
        cost = discount * (anyway + gain) + rule.cost_cents
        profit = kept * gain - cost
        spread = np.abs(kept - discount) * np.sqrt(variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            missing = rule.cost_cents + discount * anyway - (kept - discount) * spent
            needed = np.where((kept > discount) & (reach > 0), missing / ((kept - discount) * reach), np.nan)
            chance = np.where(spread > 0, ndtr(profit / spread), profit > 0)
        return Decisions(
            np.full(len(customers), candidate.position),
            self._discounts.place[customers] if rule.needs_discount else np.full(len(customers), -1),
            gain,
            cost,
            profit,
            profit - _INTERVAL_WIDTH * spread,
            profit + _INTERVAL_WIDTH * spread,
            chance,
            needed,
        )

    def _may_give(self, candidate: _Candidate, worth: Decisions) -> Marks:
        """Whether the discount, if there is one, costs no more than the policy's share of what it brings."""
        if not candidate.rule.needs_discount:
            return np.ones(len(candidate.customers), np.bool_)
        given = worth.cost_cents - candidate.rule.cost_cents
        return np.asarray(given <= self._policy.offers.most_cost_share * worth.gain_cents)


_INTERVAL_WIDTH = NormalDist().inv_cdf((1 + INTERVAL_MASS) / 2)


def _suiting(situations: Situations, policy: Actions) -> Marks:
    """Whether each rule (rows) suits each customer (columns)."""
    rules, orders = policy.rules, situations.orders
    marks = orders >= np.array([[rule.orders_from] for rule in rules])
    marks &= orders <= np.array([[rule.orders_to or NO_ORDER_LIMIT] for rule in rules])
    marks &= _among(situations.stage, [rule.stages for rule in rules])
    marks &= _among(situations.risk_level(policy), [rule.risks for rule in rules])
    marks &= _among(situations.timing(policy), [rule.timings for rule in rules])
    marks &= _among(situations.segment, [rule.segments for rule in rules])
    return marks


def _among(words: Texts, allowed: Sequence[Collection[str] | None]) -> Marks:
    """Whether each rule (rows) allows each customer's word (columns); ``None`` allows all."""
    known: dict[str, int] = {}
    places = [known.setdefault(word, len(known)) for word in words.tolist()]
    table = np.array([[among is None or word in among for word in known] for among in allowed], np.bool_)
    return np.asarray(table[:, places])
