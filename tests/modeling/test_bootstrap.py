"""The bootstrap's metrics on weights are those of the customers repeated as often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from customer_revenue.modeling.bootstrap import paired_bootstrap
from customer_revenue.modeling.forecast_names import METRICS
from customer_revenue.modeling.metrics import Forecast, Outcomes, WeightedMetrics, measure, select


def shop(seed: int, customers: int = 400) -> tuple[Outcomes, Forecast]:
    """Outcomes and a forecast with many ties."""
    rng = np.random.default_rng(seed)
    purchases = rng.poisson(0.7, customers).astype(float)
    revenue = (purchases * rng.integers(1, 9, customers) * 100).astype(np.float64)
    next_days = np.where(purchases > 0, rng.integers(1, 90, customers), np.nan).astype(np.float64)
    predicted = np.round(rng.gamma(1.0, 0.7, customers), 1)
    probability = np.round(rng.beta(2, 2, customers), 1)
    dates = np.where(rng.random(customers) < 0.1, np.inf, rng.integers(1, 90, customers).astype(float))
    return Outcomes(purchases, revenue, next_days), Forecast(predicted, predicted * 300, probability, dates)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_on_weights_is_that_of_repeated_customers(name: str, seed: int) -> None:
    outcomes, forecast = shop(seed)
    rows = np.random.default_rng(seed).integers(0, 400, 400)
    weights = np.bincount(rows, minlength=400).astype(float)
    expected = measure(name, select(outcomes, rows), select(forecast, rows))
    assert WeightedMetrics(outcomes, forecast).metrics([name], weights)[0] == pytest.approx(
        expected, rel=1e-10, abs=1e-12
    )


def test_a_metric_without_meaning_stays_so() -> None:
    outcomes, forecast = shop(0)
    nobody = Outcomes(outcomes.purchases * 0, outcomes.revenue * 0, np.full(400, np.nan, np.float64))
    constant = replace(forecast, purchases=np.ones(400), probability=np.full(400, 0.5))
    found = {name: measure(name, nobody, constant) for name in METRICS}
    without = {name for name, value in found.items() if np.isnan(value)}
    assert without == {"purchases_bias", "revenue_gini", "revenue_bias", "probability_auc", "next_date_error_days"}
    assert found["purchases_spearman"] == 0
    assert (found["purchases_mae"], found["probability_ece"]) == (1, 0.5)


def test_the_interval_is_that_of_resampled_customers() -> None:
    outcomes, forecast = shop(1)
    worse = replace(forecast, purchases=forecast.purchases[::-1].copy())
    found = paired_bootstrap(outcomes, forecast, worse, draws=40, seed=3)
    seeds = np.random.default_rng(3).spawn(40)
    gaps = []
    for rng in seeds:
        rows = rng.integers(0, 400, 400)
        y = select(outcomes, rows)
        gaps.append(
            measure("purchases_mae", y, select(forecast, rows)) - measure("purchases_mae", y, select(worse, rows))
        )
    low, high = np.percentile(gaps, (2.5, 97.5))
    assert found["purchases_mae"][1:] == pytest.approx((low, high))
