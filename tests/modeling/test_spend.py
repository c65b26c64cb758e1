"""Gamma-Gamma against the paper, at its limits, and in any unit of money."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from customer_revenue.modeling.gamma_gamma import (
    GammaGamma,
    spend_log_likelihood,
    spend_log_likelihood_and_slope,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # importing lifetimes warns
    from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value

FIRST_TEN = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]


@pytest.fixture(scope="module")
def cdnow():
    table = load_cdnow_summary_data_with_monetary_value()
    return table["frequency"].to_numpy(float), table["monetary_value"].to_numpy(float) * 100


def test_cdnow_parameters_are_those_of_the_paper(cdnow):
    model = GammaGamma().fit(*cdnow)
    assert (model.p_, model.q_, model.v_) == pytest.approx((6.25, 3.74, 1_544), rel=2e-3)
    assert model.problem_ == ""


def test_cdnow_spend_is_that_of_lifetimes(cdnow):
    spend = GammaGamma().fit(*cdnow).expected_spend(*cdnow)[:10] / 100
    assert spend == pytest.approx(FIRST_TEN, abs=0.02)


def test_a_unit_of_money_changes_nothing(cdnow):
    x, cents = cdnow
    one, other = GammaGamma().fit(x, cents), GammaGamma().fit(x, cents * 117)
    np.testing.assert_allclose(other.expected_spend(x, cents * 117), one.expected_spend(x, cents) * 117, rtol=1e-6)


def test_weights_stand_for_rows():
    x, m = np.array([1.0, 2, 3, 4, 6] * 4), np.array([900.0, 2_000, 700, 1_500, 3_000] * 4)
    m = m * np.linspace(0.8, 1.3, 20)
    twice = GammaGamma().fit(np.tile(x, 2), np.tile(m, 2))
    weighted = GammaGamma().fit(x, m, weights=2.0)
    np.testing.assert_allclose(weighted.expected_spend(x, m), twice.expected_spend(x, m), rtol=1e-4)


def test_the_mean_is_shrunk_to_the_shop_as_far_as_days_are_few(cdnow):
    model = GammaGamma().fit(*cdnow)
    days = np.array([0.0, 1, 5, 50, 5_000])
    spend = model.expected_spend(days, 20_000.0)
    assert np.all(np.diff(spend) > 0)
    assert spend[-1] == pytest.approx(20_000, rel=0.01)


def test_an_infinite_mean_is_named_and_answered():
    rng = np.random.default_rng(0)
    m = 1_000 * rng.pareto(0.6, 400) + 1
    model = GammaGamma().fit(np.ones(400), m)
    assert "q =" in model.problem_ or "no maximum" in model.problem_
    spend = model.expected_spend([0, 1, 3], [0.0, 500.0, 500.0])
    assert np.all(np.isfinite(spend) & (spend > 0))


def test_too_few_customers_get_the_mean():
    model = GammaGamma().fit([1, 2, 0], [300, 600, 0])
    assert "fewer than" in model.problem_
    assert model.expected_spend([0], [0])[0] == pytest.approx(500)


def test_without_spend_nothing_is_expected():
    assert GammaGamma().fit([0, 0], [0, 0]).expected_spend([0, 2], [0, 0]).tolist() == [0, 0]


def test_the_state_is_the_model(cdnow):
    model = GammaGamma().fit(*cdnow)
    again = GammaGamma.from_state(model.to_state())
    np.testing.assert_array_equal(again.expected_spend(*cdnow), model.expected_spend(*cdnow))


def test_many_spends_are_fitted_to_the_maximum_of_all_and_not_of_the_sample_that_they_start_from():
    rng = np.random.default_rng(4)
    x = rng.integers(1, 9, 20_000).astype(float)
    m = 100 * rng.gamma(6.0 * x, 1.0) / x / rng.gamma(4.0, 1 / 15.0, len(x))
    weight = rng.integers(1, 4, len(x)).astype(float)
    model = GammaGamma().fit(x, m, weight)
    repeated = GammaGamma().fit(np.repeat(x, weight.astype(int)), np.repeat(m, weight.astype(int)))
    found = np.array([model.p_, model.q_, model.v_], dtype=float)
    np.testing.assert_allclose(found, np.array([repeated.p_, repeated.q_, repeated.v_]), rtol=1e-12)
    value, slope = spend_log_likelihood_and_slope(x, m, weight, found)
    assert np.all(np.abs(slope * found) < 1e-5 * weight.sum())
    for place, step in enumerate(1e-4 * np.eye(3)):
        up, down = (spend_log_likelihood(x, m, weight, found * np.exp(sign * step)) for sign in (1, -1))
        assert value > max(up, down) - 1e-6 * weight.sum()
        away = found * np.exp(np.full(3, 0.3))
        up, down = (spend_log_likelihood(x, m, weight, away * np.exp(sign * step)) for sign in (1, -1))
        by_log = spend_log_likelihood_and_slope(x, m, weight, away)[1][place] * away[place]
        assert by_log == pytest.approx((up - down) / 2e-4, rel=1e-4)
