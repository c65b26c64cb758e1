"""Curves and predictive distributions: what they promise, checked by adding up and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from customer_revenue.modeling.posterior import Posterior
from customer_revenue.modeling.predictive_distribution import (
    Dispersion,
    count_intervals,
    fit_dispersion,
    further_purchases,
    revenue_intervals,
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
    least=st.floats(0.5, 0.95),
)
def test_the_interval_is_the_shortest_with_its_stated_mass(p, ratio, size, least):
    expected = np.array([p * ratio])
    found = count_intervals(expected, np.array([p]), Dispersion(size), least)
    mean = further_purchases(expected, np.array([p]))[0]
    pmf = np.concatenate([[1 - p], p * nbinom.pmf(np.arange(3_000), size, size / (size + mean))])
    low, high = int(found.low[0]), int(found.high[0])
    assert pmf[low : high + 1].sum() == pytest.approx(found.mass[0], abs=1e-6)
    assert found.mass[0] >= least - 1e-9
    shorter = np.convolve(pmf, np.ones(high - low), mode="valid") if high > low else np.zeros(1)
    assert shorter.max() < least + 1e-9


def test_the_revenue_interval_has_the_same_mass():
    rng = np.random.default_rng(2)
    n, p, dispersion = 200_000, 0.7, Dispersion(2.0, 0.4, 0.6)
    expected, revenue = np.array([1.6]), np.array([5_000.0])
    counts = count_intervals(expected, np.array([p]), dispersion, 0.8)
    low, high = revenue_intervals(counts, revenue, dispersion)
    variation = dispersion.revenue_fixed + dispersion.revenue_per_purchase / (expected[0] / p)
    drawn = np.where(rng.random(n) < p, rng.gamma(1 / variation, revenue[0] / p * variation, n), 0)
    inside = (drawn >= low[0]) & (drawn <= high[0])
    assert inside.mean() == pytest.approx(counts.mass[0], abs=0.005)
    assert drawn.mean() == pytest.approx(revenue[0], rel=0.01)


def test_the_dispersion_is_recovered():
    rng = np.random.default_rng(4)
    n = 40_000
    p, mean = rng.uniform(0.2, 0.9, n), rng.uniform(0.2, 4, n)
    count = np.where(rng.random(n) < p, 1 + rng.negative_binomial(1.5, 1.5 / (1.5 + mean)), 0)
    revenue = count * 1_000 * rng.gamma(4, 0.25, n)
    found = fit_dispersion(count, revenue, p * (1 + mean), p * (1 + mean) * 1_000, p)
    assert found.purchases == pytest.approx(1.5, rel=0.1)


def test_too_few_buyers_get_a_prior_dispersion():
    few = np.ones(5)
    assert fit_dispersion(few, few, few, few, few * 0.5) == Dispersion()
