"""Curves and predictive distributions: what they promise, checked by adding up and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from customer_revenue.arrays import central_coverage
from customer_revenue.modeling.posterior import Posterior
from customer_revenue.modeling.predictive_distribution import (
    CountForecast,
    Dispersion,
    fit_dispersion,
    further_purchases,
    revenue_quantiles,
)
from customer_revenue.modeling.purchase_curve import Curve
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk

CUSTOMERS = Histories.of([0, 0, 1, 4, 30], [0, 0, 50, 300, 350], [10, 300, 60, 310, 355])


@pytest.mark.parametrize("k", [1, 2])
def test_the_curve_passes_through_its_anchors_and_back(k):
    shape = ModifiedBetaGeoCNBDk(k=k)
    shape.alpha_ = 30.0
    anchors = [np.array([0.05, 0.01, 0.2, 0.3, 0.9]), np.array([0.1, 0.03, 0.3, 0.6, 0.95])]
    curve = Curve.through(Posterior(shape, CUSTOMERS), [30, 90], anchors)
    np.testing.assert_array_equal(curve.at(30), anchors[0])
    np.testing.assert_array_equal(curve.at(90), anchors[1])
    values = np.array([curve.at(day) for day in (0, 1, 5, 30, 45, 90, 200, 5_000, np.inf)])
    assert np.all(np.diff(values, axis=0) >= 0)
    for day in (10.0, 30.0, 60.0, 200.0):
        np.testing.assert_allclose(curve.when(curve.at(day)), day, rtol=1e-5)


def test_a_falling_anchor_is_lifted_and_nobody_is_certain():
    curve = Curve.through(Posterior(ModifiedBetaGeoCNBDk(), CUSTOMERS), [30, 90], [np.full(5, 1.0), np.full(5, 0.4)])
    assert np.all(curve.at(90) == curve.at(30))
    assert np.all(curve.at(np.inf) < 1)


def test_what_never_comes_has_no_day():
    curve = Curve.through(Posterior(ModifiedBetaGeoCNBDk(), CUSTOMERS), [30], [np.full(5, 0.1)])
    assert np.all(np.isinf(curve.when(np.full(5, 0.9999999))))


@settings(deadline=None)  # a busy machine is no failure
@given(
    p=st.floats(1e-4, 0.9999),
    ratio=st.floats(1.0, 80.0),
    size=st.floats(0.1, 50.0),
    mass=st.floats(0.5, 0.95),
)
def test_intervals_of_counts_are_central_quantiles(p, ratio, size, mass):
    counts = CountForecast(np.array([p * ratio]), np.array([p]), np.array([size]))
    mean = further_purchases(counts.expected, counts.p)[0]
    below = np.cumsum(np.concatenate([[1 - p], p * nbinom.pmf(np.arange(4_000), size, size / (size + mean))]))
    tail = (1 - mass) / 2
    for chance in (tail, 0.5, 1 - tail):
        count = int(counts.quantile(chance)[0])
        assert below[count] >= chance - 1e-9
        assert count == 0 or below[count - 1] <= chance + 1e-9
    found = counts.quantiles(mass)
    assert found.low[0] <= min(counts.quantile(tail)[0], found.median[0])
    assert found.high[0] >= max(counts.quantile(1 - tail)[0], found.median[0])
    assert found.low[0] <= counts.expected[0]
    assert p < tail or counts.expected[0] <= found.high[0]


def test_quantiles_of_counts_are_those_of_scipy_at_any_height():
    rng = np.random.default_rng(4)
    p, ratio, size = (
        rng.uniform(0.05, 1.0, 2_000),
        rng.choice([1.0, 1.3, 4.0, 90.0], 2_000),
        rng.uniform(0.2, 30, 2_000),
    )
    counts = CountForecast(p * ratio, p, size)
    further = counts.of_buyers - 1
    for chance in (0.1, 0.5, 0.99):
        inside = (chance - (1 - p)) / p
        expected = np.where(inside > 0, 1 + nbinom.ppf(np.maximum(inside, 0), size, size / (size + further)), 0)
        np.testing.assert_array_equal(counts.quantile(chance), expected)


def test_intervals_of_revenue_are_central_quantiles_of_the_stated_mean():
    rng = np.random.default_rng(2)
    n, dispersion = 200_000, Dispersion(2.0, 0.4, 0.6)
    for p in (0.05, 0.5, 0.97):
        counts = CountForecast(np.array([1.6 * p]), np.array([p]), np.array([2.0]))
        revenue = np.array([5_000.0 * p])
        found = revenue_quantiles(counts, revenue, dispersion, 0.8)
        variation = 0.4 + 0.6 / 1.6
        drawn = np.where(rng.random(n) < p, rng.gamma(1 / variation, 5_000 * variation, n), 0)
        expected = np.quantile(drawn, (0.1, 0.5, 0.9))
        np.testing.assert_allclose([found.low[0], found.median[0], found.high[0]], expected, rtol=0.02)
        inside = np.mean((drawn >= found.low[0]) & (drawn <= found.high[0]))
        assert inside == pytest.approx(central_coverage(np.array([p]), np.array([0.8]))[0], abs=0.005)
        assert drawn.mean() == pytest.approx(revenue[0], rel=0.02)


@pytest.mark.parametrize("growth", [0.0, 0.4, 0.9])
def test_the_dispersion_is_recovered(growth):
    rng = np.random.default_rng(4)
    n = 40_000
    p, mean, frequency = rng.uniform(0.2, 0.9, n), rng.uniform(0.2, 4, n), rng.integers(0, 30, n).astype(float)
    size = 1.5 * (1 + frequency) ** growth
    count = np.where(rng.random(n) < p, 1 + rng.negative_binomial(size, size / (size + mean)), 0)
    revenue = count * 1_000 * rng.gamma(4, 0.25, n)
    found = fit_dispersion(count, revenue, p * (1 + mean), p * (1 + mean) * 1_000, p, frequency)
    assert found.growth == pytest.approx(growth, abs=0.08)
    np.testing.assert_allclose(found.sizes(np.array([0.0, 8.0])), 1.5 * np.array([1, 9.0]) ** growth, rtol=0.2)


def test_an_uncertain_level_limits_what_is_known_of_anybody():
    loyal = np.array([200.0])
    sure = Dispersion(1.0)
    assert sure.widened(0.05).sizes(loyal)[0] < 20
    assert sure.widened(0.05).sizes(loyal) < sure.sizes(loyal)


def test_too_few_buyers_get_a_prior_dispersion():
    few = np.ones(5)
    assert fit_dispersion(few, few, few, few, few * 0.5, few) == Dispersion()
