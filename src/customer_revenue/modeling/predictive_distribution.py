"""The predictive distribution of purchases and revenue, and its quantiles.

With chance 1 - p there is no purchase. Given one, the further purchases are negative binomial and the revenue is
gamma, with such means that the whole has exactly the predicted ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import scipy
from scipy.special import betainc, gammaincinv, gammaln, nbdtrik, xlogy

from customer_revenue.arrays import Floats

MIN_FURTHER = 0.02

LIKELY = 0.5
INTERVAL_NOTES = (
    "most likely nothing: the mean comes from the few who buy",
    "the mean lies above the interval: a few spend very much",
)
"""Why a mean lies outside of its interval: where a purchase is less likely than none, and where it is not."""

MAX_COUNT_ADDED = 40
"""Quantiles up to this count are found by adding up the probabilities of counts."""

PRIOR_GROWTH, GROWTH_SPREAD = 0.5, 0.25
"""Of the growth over shops: Pareto/NBD's is 1, which is overconfident, since customers change."""


@dataclass(frozen=True)
class Dispersion:
    """How much outcomes scatter.

    The size of a customer's negative binomial is ``purchases * (1 + frequency) ** growth``: more is known of a customer
    who has bought often. The squared coefficient of variation of revenue given a purchase has a part that stays,
    ``revenue_fixed``, and one that is divided by the purchases. ``level_variance`` is that of the logarithm of the
    shop's level, which all customers share.
    """

    purchases: float = 1.0
    revenue_fixed: float = 0.3
    revenue_per_purchase: float = 0.5
    growth: float = PRIOR_GROWTH
    level_variance: float = 0.0

    def widened(self, level_variance: float) -> Dispersion:
        """The dispersion of one customer when the level of all is uncertain too, by the variance of its logarithm."""
        return replace(self, level_variance=level_variance)

    def sizes(self, frequency: Floats) -> Floats:
        """The negative binomial size of each customer."""
        return np.asarray(1 / (1 / (self.purchases * (1 + frequency) ** self.growth) + self.level_variance))

    def revenue_shapes(self, purchases: Floats) -> Floats:
        """The gamma shape of each customer's revenue, given the purchases expected of a buyer."""
        return np.asarray(1 / (self.revenue_fixed + self.level_variance + self.revenue_per_purchase / purchases))


@dataclass(frozen=True)
class Quantiles:
    """The lower, middle and upper quantile of something, one per customer."""

    low: Floats
    median: Floats
    high: Floats

    def times(self, factor: Floats) -> Quantiles:
        """The quantiles of the same, times a positive number per customer."""
        return Quantiles(self.low * factor, self.median * factor, self.high * factor)


@dataclass(frozen=True)
class CountForecast:
    """The distribution of each customer's purchases: its mean, the chance of any, the size of the further ones."""

    expected: Floats
    p: Floats
    size: Floats

    @property
    def of_buyers(self) -> Floats:
        """Mean purchases given one."""
        return further_purchases(self.expected, self.p) + 1

    def quantile(self, chance: float) -> Floats:
        """The least count that is not exceeded with the chance."""
        inside = _given_a_purchase(chance, self.p)
        some = inside > 0
        found = np.zeros_like(inside)
        found[some] = 1 + _negative_binomial_quantile(inside[some], self.size[some], self.of_buyers[some] - 1)
        return found

    def quantiles(self, mass: float) -> Quantiles:
        """The quantiles that leave out half of the rest on each side, and the median.

        Counts are whole: where few counts have all the chance the mean can lie beyond a quantile. Such an interval is
        drawn out to the mean, unless most of what is expected comes from a purchase that is not.
        """
        tail = (1 - mass) / 2
        low, median, high = (self.quantile(chance) for chance in (tail, 0.5, 1 - tail))
        likely = self.p >= tail
        return Quantiles(
            np.minimum(low, np.floor(self.expected)),
            median,
            np.where(likely, np.maximum(high, np.ceil(self.expected)), high),
        )


def _negative_binomial_quantile(chance: Floats, size: Floats, mean: Floats) -> Floats:
    """The least count that is not exceeded with the chance.

    Hardly anybody's is more than a few, and adding up so many probabilities costs a tenth of inverting the beta
    function, which is left to those whose count is high.
    """
    found = np.zeros_like(chance)
    probability = np.exp(-size * np.log1p(mean / size))
    ratio, reached, rows = mean / (size + mean), probability, np.arange(len(chance))
    for count in range(1, MAX_COUNT_ADDED + 1):
        above = reached < chance
        rows, chance, size, ratio = rows[above], chance[above], size[above], ratio[above]
        if not len(rows):
            return found
        probability = probability[above] * ratio * ((size + count - 1) / count)
        reached = reached[above] + probability
        found[rows] = count
    high = reached < chance
    found[rows[high]] = _inverted_quantile(chance[high], size[high], 1 - ratio[high])
    return found


def _inverted_quantile(chance: Floats, size: Floats, success: Floats) -> Floats:
    """The same by the inverse of the beta function: scipy.stats has it too, and takes longer to import than to run."""
    count = np.ceil(nbdtrik(chance, size, success))
    below = np.maximum(count - 1, 0)
    return np.where(betainc(size, below + 1, success) >= chance, below, count)


def further_purchases(expected: Floats, probability: Floats) -> Floats:
    """Mean of the purchases after the first within the horizon, given one; never quite none."""
    return np.maximum(expected / np.maximum(probability, 1e-12) - 1, MIN_FURTHER)


def _given_a_purchase(chance: float, p: Floats) -> Floats:
    """A chance of the whole distribution as one of its part with a purchase; not positive where the quantile is 0."""
    return np.minimum((chance - (1 - p)) / np.maximum(p, 1e-12), 1 - 1e-12)


def fit_dispersion(
    purchases: Floats, revenue: Floats, expected: Floats, expected_revenue: Floats, p: Floats, frequency: Floats
) -> Dispersion:
    """The scatter of what happened around what was predicted, by maximum likelihood; the growth under its prior."""
    bought = purchases > 0
    if bought.sum() < 20:
        return Dispersion()
    mean = further_purchases(expected, p)[bought]
    extra, history = purchases[bought] - 1, np.log1p(frequency[bought])

    def loss(parameters: Floats) -> float:
        size = np.exp(parameters[0] + parameters[1] * history)
        away = (parameters[1] - PRIOR_GROWTH) / GROWTH_SPREAD
        return float(away**2 / 2 - np.sum(_log_negative_binomial(extra, mean, size)))

    found = scipy.optimize.minimize(
        loss, np.array([0.0, PRIOR_GROWTH]), method="L-BFGS-B", bounds=[(-4, 6), (0, 1.5)]
    ).x
    fixed, per_purchase = _revenue_dispersion(revenue[bought], expected_revenue[bought] / p[bought], mean + 1)
    return Dispersion(float(np.exp(found[0])), fixed, per_purchase, float(found[1]))


def _revenue_dispersion(revenue: Floats, mean: Floats, purchases: Floats) -> tuple[float, float]:
    known = (revenue > 0) & (mean > 0)
    ratio, n = revenue[known] / mean[known], purchases[known]

    def loss(logs: Floats) -> float:
        shape = 1 / (np.exp(logs[0]) + np.exp(logs[1]) / n)
        return -float(np.sum(shape * np.log(shape) - gammaln(shape) + (shape - 1) * np.log(ratio) - shape * ratio))

    result = scipy.optimize.minimize(loss, np.log([0.3, 0.5]), method="L-BFGS-B", bounds=[(-6, 3), (-6, 3)])
    return float(np.exp(result.x[0])), float(np.exp(result.x[1]))


def _log_negative_binomial(k: Floats, mean: Floats, size: Floats) -> Floats:
    return np.asarray(
        gammaln(k + size)
        - gammaln(size)
        - gammaln(k + 1)
        + xlogy(k, mean / (size + mean))
        - size * np.log1p(mean / size)
    )


@dataclass(frozen=True)
class RevenueForecast:
    """The distribution of each customer's revenue: the chance of any, and the gamma of a buyer's, in cents."""

    p: Floats
    shape: Floats
    scale: Floats

    @classmethod
    def of(cls, counts: CountForecast, expected: Floats, dispersion: Dispersion) -> RevenueForecast:
        """The distribution with a stated mean.

        Args:
            counts: the purchases that the revenue comes from.
            expected: mean revenue in cents, zero purchases included.
            dispersion: how outcomes scatter.
        """
        shape = dispersion.revenue_shapes(counts.of_buyers)
        return cls(counts.p, shape, expected / np.maximum(counts.p, 1e-12) / shape)

    def quantile(self, chance: float) -> Floats:
        """The amount in cents that is not exceeded with the chance."""
        inside = _given_a_purchase(chance, self.p)
        found, some = np.zeros_like(self.scale), inside > 0
        found[some] = gammaincinv(self.shape[some], inside[some]) * self.scale[some]
        return found

    def quantiles(self, mass: float) -> Quantiles:
        """The quantiles that leave out half of the rest on each side, and the median."""
        tail = (1 - mass) / 2
        return Quantiles(self.quantile(tail), self.quantile(0.5), self.quantile(1 - tail))


def revenue_quantiles(counts: CountForecast, expected: Floats, dispersion: Dispersion, mass: float) -> Quantiles:
    """The quantiles of :class:`RevenueForecast` that leave out half of the rest on each side, and the median."""
    return RevenueForecast.of(counts, expected, dispersion).quantiles(mass)


def interval_notes(counts: CountForecast, means: Sequence[tuple[Floats, Quantiles]]) -> pa.Array:
    """Why a mean lies outside of its interval, in words; null where all lie inside.

    Args:
        counts: the purchases.
        means: each with its quantiles, one per customer.
    """
    outside = np.any([(mean > found.high) | (mean < found.low) for mean, found in means], axis=0)
    which = np.where(counts.p < LIKELY, 0, 1)
    return pa.array(INTERVAL_NOTES).take(pa.array(which, mask=~outside))
