"""Proper scores of each customer's forecast: CRPS, pinball loss, interval score, and the randomised PIT.

A proper score is best, in expectation, for the distribution that outcomes really have (Gneiting & Raftery 2007,
"Strictly proper scoring rules, prediction, and estimation"). All work is on whole columns, and the work for a customer
does not grow with what is expected of them.
"""

from __future__ import annotations

import numpy as np
import scipy
from scipy.special import beta, betainc, gammainc

from customer_revenue.arrays import Floats
from customer_revenue.modeling.predictive_distribution import CountForecast, RevenueForecast

PIT_BINS = 10

NODES = 64
REACH = 8.0
"""Nodes of the integral of the mean difference, and how far they reach beyond its transitions, in logarithms."""


def count_cdf(counts: CountForecast, count: Floats) -> Floats:
    """P(X <= count) of each customer's purchases; 0 below 0."""
    further = _negative_binomial_cdf(counts.size, counts.of_buyers - 1, count - 1)
    return np.where(count < 0, 0.0, 1 - counts.p + counts.p * further)


def count_crps(counts: CountForecast, happened: Floats) -> Floats:
    """The CRPS of each customer's purchases: E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007, eq. 21).

    X is 0 or 1 + K, where K is negative binomial. E|K - j| needs the distribution functions of sizes n and n + 1, for
    k P(K = k) is mean P(K' = k - 1) with K' of size n + 1.
    """
    p, size, mean = counts.p, counts.size, counts.of_buyers - 1
    further = np.maximum(happened - 1, 0.0)
    below, weighted = (_negative_binomial_cdf(size + more, mean, further - more, size) for more in (0, 1))
    to_buyers = further * (2 * below - 1) + mean * (1 - 2 * weighted)
    to_all = (1 - p) * happened + p * np.where(happened > 0, to_buyers, 1 + mean)
    between = 2 * p * (1 - p) * (1 + mean) + p**2 * mean_difference(size, mean)
    return np.asarray(to_all - between / 2)


def mean_difference(size: Floats, mean: Floats) -> Floats:
    """E|K - K'| of two independent negative binomials, one pair per customer.

    For a whole number d, pi |d| is the integral of (1 - cos dt) / (1 - cos t) over 0 < t < pi (the Fejér kernel). Its
    expectation has the squared characteristic function in the place of cos dt, and is an integral over u = tan(t / 2)
    that the trapezoidal rule in log u finds to about eight digits; beyond its ends the integrand is geometric.
    """
    spread = 4 * mean * (1 + mean / size)
    low = -np.log1p(spread) / 2 - REACH
    step = (REACH - low) / (NODES - 1)

    def integrand(node: int) -> Floats:
        u = np.exp(low + step * node)
        square = u * u
        return np.asarray(-np.expm1(-size * np.log1p(spread / size * square / (1 + square))) / u)

    total = (integrand(0) + integrand(NODES - 1)) / np.expm1(step)
    for node in range(NODES):
        total += integrand(node)
    return step * total / np.pi


def revenue_crps(revenue: RevenueForecast, happened: Floats) -> Floats:
    """The CRPS of each customer's revenue, which is 0 or gamma, in cents.

    Of a gamma alone it is that of Möller & Scheuerer (2013), "Probabilistic wind speed forecasting on a grid based on
    ensemble model output statistics".
    """
    p, shape, scale = revenue.p, revenue.shape, revenue.scale
    mean, x = shape * scale, happened / np.maximum(scale, 1e-300)
    to_buyers = happened * (2 * gammainc(shape, x) - 1) + mean * (1 - 2 * gammainc(shape + 1, x))
    half_between = p * (1 - p) * mean + p**2 * scale / beta(0.5, shape)
    return np.asarray((1 - p) * happened + p * to_buyers - half_between)


def pinball(quantile: Floats, happened: Floats, chance: Floats | float) -> Floats:
    """The pinball loss of each customer's quantile of a chance."""
    over = happened - quantile
    return np.maximum(chance * over, (chance - 1) * over)


def interval_score(low: Floats, high: Floats, happened: Floats, mass: Floats) -> Floats:
    """The interval score of central intervals (Gneiting & Raftery 2007, eq. 43): width, and a penalty for a miss."""
    missed = np.maximum(low - happened, 0.0) + np.maximum(happened - high, 0.0)
    return np.asarray(high - low + 2 / np.maximum(1 - mass, 1e-12) * missed)


def count_pit(counts: CountForecast, happened: Floats, seed: int = 0) -> Floats:
    """The randomised PIT of each customer's purchases: uniform, if the distribution is right (Czado et al. 2009)."""
    below, reached = count_cdf(counts, happened - 1), count_cdf(counts, happened)
    return below + np.random.default_rng(seed).random(len(happened)) * (reached - below)


def revenue_pit(revenue: RevenueForecast, happened: Floats, seed: int = 0) -> Floats:
    """The PIT of each customer's revenue, randomised where there is none."""
    reached = 1 - revenue.p + revenue.p * gammainc(revenue.shape, happened / np.maximum(revenue.scale, 1e-300))
    drawn = np.random.default_rng(seed).random(len(happened)) * (1 - revenue.p)
    return np.where(happened > 0, reached, drawn)


def pit_histogram(pit: Floats) -> Floats:
    """The shares of ten bins of equal width, each a tenth where forecasts are right."""
    counts, _ = np.histogram(pit, bins=PIT_BINS, range=(0.0, 1.0))
    return np.asarray(counts / max(len(pit), 1))


def pit_uniformity(pit: Floats) -> float:
    """The p-value of Pearson's test that the ten bins are equally full; NaN for nobody."""
    if not len(pit):
        return float("nan")
    return float(scipy.stats.chisquare(pit_histogram(pit) * len(pit)).pvalue)


def _negative_binomial_cdf(size: Floats, mean: Floats, count: Floats, mean_size: Floats | None = None) -> Floats:
    """P(K <= count), 0 below 0; the mean is that of another size where one is given."""
    of_mean = size if mean_size is None else mean_size
    return np.where(count < 0, 0.0, betainc(size, np.maximum(count, 0.0) + 1, of_mean / (of_mean + mean)))
