"""The metrics against hand-made cases and against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn import metrics as oracle

from customer_revenue.arrays import Floats
from customer_revenue.modeling import metrics as ev
from customer_revenue.modeling.bootstrap import paired_bootstrap
from customer_revenue.modeling.comparators import beta_geo_forecast, naive_forecast, outcomes

from .conftest import AS_OF, HORIZON_DAYS


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    n = 3_000
    p = rng.beta(0.6, 1.5, n)
    count = np.where(rng.random(n) < p, 1 + rng.poisson(1.0, n), 0).astype(float)
    days = np.where(count > 0, rng.integers(1, 91, n), np.nan)
    happened = ev.Outcomes(count, count * rng.gamma(2, 500, n), days)
    predicted = np.round(p * 2, 2)
    forecast = ev.Forecast(
        purchases=predicted,
        revenue=predicted * 1_000,
        probability=np.round(p, 2),
        next_days=np.full(n, 40.0),
        purchases_interval=(np.zeros(n), np.full(n, 3.0)),
        revenue_interval=(np.zeros(n), np.full(n, 4_000.0)),
        interval_mass=np.full(n, 0.9),
    )
    return happened, forecast


def measured(name: str, y: Floats, predicted: Floats) -> float:
    return ev.measure(name, ev.Outcomes(y, y, y), ev.Forecast(predicted, predicted, predicted, predicted))


def test_metrics_agree_with_the_libraries(case):
    y, f = case
    bought = y.bought
    found = ev.evaluate(y, f)
    assert found["probability_auc"] == pytest.approx(oracle.roc_auc_score(bought, f.probability))
    clipped = np.clip(f.probability, 1e-6, 1 - 1e-6)
    assert found["probability_log_loss"] == pytest.approx(oracle.log_loss(bought, clipped))
    assert found["probability_brier"] == pytest.approx(oracle.brier_score_loss(bought, f.probability))
    assert found["purchases_mae"] == pytest.approx(oracle.mean_absolute_error(y.purchases, f.purchases))
    assert found["purchases_rmse"] == pytest.approx(oracle.root_mean_squared_error(y.purchases, f.purchases))
    assert found["purchases_spearman"] == pytest.approx(spearmanr(y.purchases, f.purchases).statistic)
    assert found["next_date_error_days"] == np.median(np.abs(y.next_days[bought] - 40))


def test_no_metric_depends_on_the_order_of_rows(case):
    y, f = case
    shuffled = np.random.default_rng(1).permutation(len(y.purchases))
    assert ev.evaluate(ev.select(y, shuffled), ev.select(f, shuffled)) == pytest.approx(ev.evaluate(y, f))


def test_gini_is_one_for_a_perfect_ranking_and_none_for_a_constant():
    y = np.array([0.0, 0, 1, 5, 3])
    assert measured("revenue_gini", y, y * 7) == pytest.approx(1)
    assert measured("revenue_gini", np.arange(1_000.0), np.zeros(1_000)) == pytest.approx(0, abs=0.01)


def test_calibration_error_by_hand():
    p = np.array([0.1] * 10 + [0.9] * 10)
    y = np.array([0.0] * 8 + [1] * 2 + [1] * 10)
    assert ev.expected_calibration_error(y, p) == pytest.approx(0.1)


def test_degenerate_cases_are_nan_or_zero_and_silent():
    nothing = np.zeros(4)
    for name in ("purchases_bias", "revenue_bias", "revenue_gini", "probability_auc"):
        assert np.isnan(measured(name, nothing, nothing))
    assert np.isnan(measured("next_date_error_days", np.full(4, np.nan), nothing))
    assert measured("purchases_spearman", nothing, np.arange(4.0)) == 0


def test_coverage_counts_what_lies_inside(case):
    y, f = case
    found = ev.coverage(y, f)
    assert found["purchases_coverage"] == np.mean(y.purchases <= 3)
    stated = np.where(f.probability > 0.95, 0.9, np.maximum(0.95, 1 - f.probability))
    assert found["interval_mass"] == pytest.approx(stated.mean())
    assert "purchases_coverage_near_certain" in found


def test_the_bootstrap_tells_better_from_equal(case):
    y, f = case
    worse = ev.Forecast(f.purchases * 3, f.revenue, f.probability, f.next_days)
    found = paired_bootstrap(y, f, worse, draws=50)
    difference, low, high = found["purchases_mae"]
    assert low <= difference <= high < 0
    assert found["revenue_mae"] == (0, 0, 0)


def test_slices_never_split_a_tie():
    spend = np.array([1.0, 1, 1, 1, 1, 1, 2, 3, 4, 5])
    groups = ev.slices(np.arange(10.0), np.arange(10.0) * 60, spend)
    deciles = [rows for name, rows in groups.items() if name.startswith("spend")]
    assert sum(int(rows[:6].any()) for rows in deciles) == 1
    assert np.sum(deciles, axis=0).tolist() == [1] * 10


def test_comparators_forecast_every_customer(shop):
    features, (window, *_) = shop.features(), shop.windows()
    for forecast in (beta_geo_forecast(features, HORIZON_DAYS), naive_forecast(features, window, HORIZON_DAYS)):
        assert len(forecast.purchases) == features.num_rows
        assert np.all(np.isfinite(forecast.purchases) & np.isfinite(forecast.revenue))
        assert np.all((forecast.probability >= 0) & (forecast.probability <= 1))


def test_outcomes_are_in_the_order_of_the_features(shop):
    (window, *_) = shop.windows()
    backwards = window.features.take(np.arange(window.features.num_rows)[::-1])
    a, b = (outcomes(rows, window.labels, HORIZON_DAYS) for rows in (window.features, backwards))
    np.testing.assert_array_equal(a.purchases[::-1], b.purchases)
    assert window.cutoff < AS_OF


def test_published_intervals_are_quantiles_of_the_scored_distributions(shop, predictor):
    features = shop.features()
    predictions = predictor.predict(features)
    counts, amounts = predictor.distributions(features, predictions)
    found, money = counts.quantiles(predictor.interval_mass), amounts.quantiles(predictor.interval_mass)
    np.testing.assert_array_equal(found.high, predictions.column("purchases_high").to_numpy())
    np.testing.assert_allclose(money.high, predictions.column("revenue_high_cents").to_numpy())
