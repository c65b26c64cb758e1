"""Learned uplift: whom a contact moves, from a campaign with a hold-out, and whether choosing by it earns more.

A doubly robust learner (Kennedy, Electronic Journal of Statistics 17, 2023): expected outcomes of each arm, corrected
by what came, are a score of each customer whose mean is the effect, and a regression of the scores says whose effect
is larger. What is learned is judged on customers of other folds than those it was learned from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from customer_revenue.arrays import Floats, Ints, Marks
from customer_revenue.policy import UpliftTrees

if TYPE_CHECKING:
    from lightgbm import LGBMRegressor

UPLIFT_FOLDS = 5
INNER_FOLDS = 2
LEAST_IN_ARM = 1_000
"""Customers: two fifths of an arm teach what is expected of it, which has to split into two leaves."""
UPLIFT_SETTING: dict[str, Any] = {
    "n_estimators": 100,
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_child_samples": 200,
    "verbose": -1,
    "n_jobs": 1,
}
"""Few leaves of many customers, since effects are small against the noise."""
BLOCK_CUSTOMERS = 4_096
"""Customers that are evaluated together, so that they stay in the processor's cache."""
WIDTH_95 = 1.959963984540054
EVERYBODY, NOBODY, BY_VALUE, UNLIKELY = "everybody", "nobody", "by_value", "unlikely_to_buy"
SIMPLE_RULES = (EVERYBODY, NOBODY, BY_VALUE, UNLIKELY)
"""What choosing by the learned effect has to beat: to contact all, none, or as many as it does, namely those of whom
most revenue is expected, or those who are least likely to buy, as the specification's actions do."""


def doubly_robust(outcome: Floats, treated: Marks, expected: Floats, chance: float = 0.5) -> Floats:
    """A score of each customer whose mean is the effect: expected differences, corrected by what came.

    Args:
        outcome: of each customer.
        treated: who was contacted.
        expected: outcome without and with a contact, one column each, learned from others.
        chance: of a customer to be contacted.
    """
    own = expected[np.arange(len(outcome)), treated.astype(int)]
    score: Floats = expected[:, 1] - expected[:, 0] + (treated - chance) / (chance * (1 - chance)) * (outcome - own)
    return score


def expected_outcomes(features: Floats, outcome: Floats, treated: Marks, others: Floats, seed: int) -> Floats:
    """What others are expected to do without and with a contact, learned from each arm alone."""
    arms = [_regressor(seed).fit(features[arm], outcome[arm]) for arm in (~treated, treated)]
    return np.column_stack([np.asarray(arm.predict(others), np.float64) for arm in arms])


def fit_uplift(
    features: Floats, outcome: Floats, treated: Marks, rng: np.random.Generator, chance: float = 0.5
) -> LGBMRegressor:
    """The effect as a function of the features: a regression of doubly robust scores, made across inner folds."""
    seed = int(rng.integers(2**31))
    inner = rng.permutation(len(outcome)) % INNER_FOLDS
    scores = np.zeros(len(outcome))
    for fold in range(INNER_FOLDS):
        known, asked = inner != fold, inner == fold
        expected = expected_outcomes(features[known], outcome[known], treated[known], features[asked], seed)
        scores[asked] = doubly_robust(outcome[asked], treated[asked], expected, chance)
    return _regressor(seed).fit(features, scores)


def learned_uplift(
    features: Floats, outcome: Floats, treated: Marks, others: Floats, rng: np.random.Generator, chance: float = 0.5
) -> Floats:
    """The effect to be expected on others."""
    return np.asarray(fit_uplift(features, outcome, treated, rng, chance).predict(others), np.float64)


@dataclass(frozen=True)
class Estimated:
    """A mean per customer, with its 95 % interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Floats) -> Estimated:
        """Of one value per customer."""
        mean, spread = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
        return cls(mean, mean - WIDTH_95 * spread, mean + WIDTH_95 * spread)


@dataclass(frozen=True)
class CrossFitted:
    """What was learned of each customer from those of other folds.

    Args:
        effect: profit that a contact is expected to bring.
        score: doubly robust score of it, of which a mean over some customers is the effect on them.
    """

    effect: Floats
    score: Floats

    @classmethod
    def of(cls, features: Floats, profit: Floats, treated: Marks, seed: int) -> CrossFitted:
        """Learned and scored across the folds."""
        rng, count, chance = np.random.default_rng(seed), len(profit), float(treated.mean())
        folds = rng.permutation(count) % UPLIFT_FOLDS
        effect, score = np.zeros((2, count))
        for fold in range(UPLIFT_FOLDS):
            known, asked = folds != fold, folds == fold
            own, came, arm, others = features[known], profit[known], treated[known], features[asked]
            effect[asked] = learned_uplift(own, came, arm, others, rng, chance)
            expected = expected_outcomes(own, came, arm, others, int(rng.integers(2**31)))
            score[asked] = doubly_robust(profit[asked], treated[asked], expected, chance)
        return cls(effect, score)

    @property
    def chosen(self) -> Marks:
        """Whom it pays to contact."""
        return np.asarray(self.effect > 0)

    @property
    def auuc(self) -> Estimated:
        """Area under the uplift curve: profit per customer of contacting a share by the effect, over all shares."""
        return Estimated.of(self.score * (1 - self._ranks))

    @property
    def qini(self) -> Estimated:
        """That area less the one of a random order."""
        return Estimated.of(self.score * (0.5 - self._ranks))

    def simple_choices(self, value: Floats, probability: Floats) -> Mapping[str, Marks]:
        """Whom each simple rule contacts.

        Args:
            value: expected revenue.
            probability: of a purchase anyway.
        """
        count, everybody = int(self.chosen.sum()), np.ones(len(value), np.bool_)
        choices = (everybody, ~everybody, _first(-value, count), _first(probability, count))
        return dict(zip(SIMPLE_RULES, choices, strict=True))

    def value(self, chosen: Marks, other: Marks | None = None) -> Estimated:
        """Profit per customer of the audience of contacting some of them, less that of another choice."""
        weight = chosen.astype(np.float64) - (0.0 if other is None else other)
        return Estimated.of(self.score * weight)

    @property
    def _ranks(self) -> Floats:
        """From 0 for the largest effect to 1; equals share their ranks."""
        _, place, count = np.unique(-self.effect, return_inverse=True, return_counts=True)
        middle = np.cumsum(count) - count / 2
        return np.asarray(middle[place] / len(self.effect))


def flat_trees(model: LGBMRegressor) -> UpliftTrees:
    """The trees of a fitted learner as lists of numbers, rounded: they are kept as text."""
    nodes: list[tuple[int, float, int, int, float]] = []

    def add(node: Mapping[str, Any]) -> int:
        place = len(nodes)
        nodes.append((-1, 0.0, -1, -1, round(float(node.get("leaf_value", 0.0)), 4)))
        if "split_feature" in node:
            left, right = add(node["left_child"]), add(node["right_child"])
            nodes[place] = (int(node["split_feature"]), float(f"{node['threshold']:.9g}"), left, right, 0.0)
        return place

    roots = [add(tree["tree_structure"]) for tree in model.booster_.dump_model()["tree_info"]]
    column, threshold, left, right, value = zip(*nodes, strict=True)
    return UpliftTrees(roots=tuple(roots), column=column, threshold=threshold, left=left, right=right, value=value)


def uplift_of(trees: UpliftTrees, features: Floats) -> Floats:
    """The profit in cents that a contact is expected to bring, for each row of features."""
    column, left, right = (np.array(part, np.int64) for part in (trees.column, trees.left, trees.right))
    threshold, value = np.array(trees.threshold), np.array(trees.value)
    found = [np.zeros(0)]
    for begin in range(0, len(features), BLOCK_CUSTOMERS):
        block = features[begin : begin + BLOCK_CUSTOMERS]
        rows, total = np.arange(len(block)), np.zeros(len(block))
        for root in trees.roots:
            node: Ints = np.full(len(block), root, np.int64)
            while len(inner := np.flatnonzero(left[node] >= 0)):
                at = node[inner]
                below = block[rows[inner], column[at]] <= threshold[at]
                node[inner] = np.where(below, left[at], right[at])
            total += value[node]
        found.append(total)
    return np.concatenate(found)


def _first(values: Floats, count: int) -> Marks:
    """Who has the lowest values."""
    chosen = np.zeros(len(values), np.bool_)
    chosen[np.argsort(values, kind="stable")[:count]] = True
    return chosen


def _regressor(seed: int) -> LGBMRegressor:
    from lightgbm import LGBMRegressor  # only where something is learned

    return LGBMRegressor(**UPLIFT_SETTING, random_state=seed)
