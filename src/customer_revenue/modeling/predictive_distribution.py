"""The predictive distribution of purchases and revenue, and its intervals.

With chance 1 - p there is no purchase. Given one, the further purchases are negative binomial and the revenue is
gamma, with such means that the whole has exactly the predicted ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import gammaincinv, gammaln, xlogy

from customer_revenue.arrays import Floats

MAX_STEPS = 100_000

MIN_FURTHER = 0.02


@dataclass(frozen=True)
class Dispersion:
    """How much outcomes scatter: ``purchases`` is the negative binomial's size, ``revenue`` two parts of the squared
    coefficient of variation of revenue given a purchase: one that stays, and one that is divided by the purchases."""

    purchases: float = 1.0
    revenue_fixed: float = 0.3
    revenue_per_purchase: float = 0.5

    def widened(self, level_variance: float) -> Dispersion:
        """The dispersion of one customer when the level of all is uncertain too, by the variance of its logarithm."""
        return Dispersion(
            1 / (1 / self.purchases + level_variance), self.revenue_fixed + level_variance, self.revenue_per_purchase
        )


@dataclass(frozen=True)
class CountIntervals:
    """The shortest run of counts with enough mass, and its mass, one per customer.

    ``expected`` is the mean of the count and ``p`` the chance that it is not 0.
    """

    expected: Floats
    p: Floats
    low: Floats
    high: Floats
    mass: Floats


def further_purchases(expected: Floats, probability: Floats) -> Floats:
    """Mean of the purchases after the first within the horizon, given one; never quite none."""
    return np.maximum(expected / np.maximum(probability, 1e-12) - 1, MIN_FURTHER)


def fit_dispersion(
    purchases: Floats, revenue: Floats, expected: Floats, expected_revenue: Floats, p: Floats
) -> Dispersion:
    """The scatter of what happened around what was predicted, by maximum likelihood and by moments."""
    bought = purchases > 0
    if bought.sum() < 20:
        return Dispersion()
    mean = further_purchases(expected, p)[bought]
    extra = purchases[bought] - 1

    def loss(log_size: float) -> float:
        size = np.exp(log_size)
        return -float(np.sum(_log_negative_binomial(extra, mean, size)))

    size = float(np.exp(minimize_scalar(loss, bounds=(-4, 6), method="bounded").x))
    fixed, per_purchase = _revenue_dispersion(revenue[bought], expected_revenue[bought] / p[bought], mean + 1)
    return Dispersion(size, fixed, per_purchase)


def _revenue_dispersion(revenue: Floats, mean: Floats, purchases: Floats) -> tuple[float, float]:
    known = (revenue > 0) & (mean > 0)
    ratio, n = revenue[known] / mean[known], purchases[known]

    def loss(logs: Floats) -> float:
        shape = 1 / (np.exp(logs[0]) + np.exp(logs[1]) / n)
        return -float(np.sum(shape * np.log(shape) - gammaln(shape) + (shape - 1) * np.log(ratio) - shape * ratio))

    result = minimize(loss, np.log([0.3, 0.5]), method="L-BFGS-B", bounds=[(-6, 3), (-6, 3)])
    return float(np.exp(result.x[0])), float(np.exp(result.x[1]))


def _log_negative_binomial(k: Floats, mean: Floats, size: float) -> Floats:
    return np.asarray(
        gammaln(k + size)
        - gammaln(size)
        - gammaln(k + 1)
        + xlogy(k, mean / (size + mean))
        - size * np.log1p(mean / size)
    )


def count_intervals(expected: Floats, p: Floats, dispersion: Dispersion, min_mass: float) -> CountIntervals:
    """Intervals of each customer's purchases that hold at least ``min_mass``."""
    mean = further_purchases(expected, p)
    high, mass = _from_zero(mean, p, dispersion.purchases, min_mass)
    low = np.zeros_like(high)
    inner = np.flatnonzero(p >= min_mass)
    if len(inner):
        in_low, in_high, in_mass = _without_zero(mean[inner], p[inner], dispersion.purchases, min_mass)
        shorter = in_high - in_low < high[inner]
        rows = inner[shorter]
        low[rows], high[rows], mass[rows] = in_low[shorter], in_high[shorter], in_mass[shorter]
    return CountIntervals(expected, p, low, high, mass)


def _from_zero(mean: Floats, p: Floats, size: float, min_mass: float) -> tuple[Floats, Floats]:
    """The shortest run of counts from 0: its end and its mass."""
    high, mass = np.zeros(len(mean)), 1 - p
    rows = np.flatnonzero(mass < min_mass)
    odds = mean[rows] / (size + mean[rows])
    term = p[rows] * np.exp(-size * np.log1p(mean[rows] / size))
    for count in range(1, MAX_STEPS):
        if not len(rows):
            break
        mass[rows] += term
        high[rows] = count
        term = term * odds * (count - 1 + size) / count
        wanted = mass[rows] < min_mass
        rows, term, odds = rows[wanted], term[wanted], odds[wanted]
    return high, mass


def _without_zero(mean: Floats, p: Floats, size: float, min_mass: float) -> tuple[Floats, Floats, Floats]:
    """The shortest run of counts above 0: grown from the mode by the likelier neighbour."""
    mode = np.floor(np.maximum((size - 1) * mean / size, 0.0))
    low, high = mode + 1, mode + 1

    def at(count: Floats, rows: np.ndarray) -> Floats:
        inside = np.where(count >= 1, count - 1, 0.0)
        logs = _log_negative_binomial(inside, mean[rows], size)
        return np.where(count >= 1, p[rows] * np.exp(logs), -1.0)

    rows = np.arange(len(mean))
    mass = at(low, rows)
    for _ in range(MAX_STEPS):
        rows = rows[mass[rows] < min_mass]
        if not len(rows):
            break
        below, above = at(low[rows] - 1, rows), at(high[rows] + 1, rows)
        down = below > above
        low[rows] -= down
        high[rows] += ~down
        mass[rows] += np.where(down, below, above)
        # What lies above may be too thin ever to fill the mass; such a run is longer than the one from 0.
        stuck = np.maximum(below, above) < 1e-12
        mass[rows[stuck]] = np.inf
        high[rows[stuck]] = np.inf
    return low, high, mass


def revenue_intervals(counts: CountIntervals, expected: Floats, dispersion: Dispersion) -> tuple[Floats, Floats]:
    """Low and high revenue of the same mass: from 0 where the counts' is, else central among the buyers'.

    Args:
        counts: the purchases that the revenue comes from.
        expected: mean revenue, zero purchases included.
        dispersion: how outcomes scatter.
    """
    p = counts.p
    variation = dispersion.revenue_fixed + dispersion.revenue_per_purchase / (further_purchases(counts.expected, p) + 1)
    shape = 1 / variation
    scale = expected / np.maximum(p, 1e-12) / shape
    from_zero = np.clip((counts.mass - (1 - p)) / np.maximum(p, 1e-12), 0.0, 1 - 1e-12)
    tail = np.clip((p - counts.mass) / np.maximum(p, 1e-12) / 2, 0.0, 0.5)
    upper = np.where(counts.low == 0, from_zero, 1 - tail)
    high, low = np.zeros_like(scale), np.zeros_like(scale)
    some, inner = upper > 0, counts.low > 0
    high[some] = gammaincinv(shape[some], upper[some]) * scale[some]
    low[inner] = gammaincinv(shape[inner], tail[inner]) * scale[inner]
    return low, high
