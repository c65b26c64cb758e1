"""The accuracy benchmark: simulated rivals agree with the models' formulas, and noise is no difference."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.accuracy import Shop, pooled
from benchmarks.accuracy_tables import figures_table, summary_table
from benchmarks.cells import Entry, drawn
from benchmarks.rivals import PROBABILITY_MODELS, ensemble_scores, futures

from customer_revenue.modeling.forecast_names import OURS
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.modeling.predictive_distribution import CountForecast
from customer_revenue.modeling.proper_scores import count_crps
from customer_revenue.modeling.purchase_histories import Histories

CUSTOMERS = Histories.of([0, 0, 1, 4, 30], [0, 0, 50, 300, 350], [10, 300, 60, 310, 355])


@pytest.mark.parametrize("name", PROBABILITY_MODELS)
def test_simulated_futures_have_the_moments_of_the_formulas(name):
    model = PROBABILITY_MODELS[name]()
    last = 90.0 if name.startswith("Pareto") else 5.0
    for parameter, value in zip(model.parameters, (0.6, 40.0, 0.8, last), strict=True):
        setattr(model, f"{parameter}_", value)
    many = CUSTOMERS.take(np.repeat(np.arange(5), 60))
    found = futures(model, many, 90, np.random.default_rng(1)).reshape(5, -1)
    np.testing.assert_allclose(found.mean(axis=1), model.expected_purchases(90, CUSTOMERS), rtol=0.05, atol=0.01)
    np.testing.assert_allclose((found > 0).mean(axis=1), model.purchase_probability(90, CUSTOMERS), atol=0.015)


def test_the_crps_of_an_ensemble_is_that_of_its_distribution():
    rng, n = np.random.default_rng(2), 300
    counts = CountForecast(np.full(n, 1.5), np.full(n, 0.6), np.full(n, 1.2))
    mean = 1.5 / 0.6 - 1
    further = rng.negative_binomial(1.2, 1.2 / (1.2 + mean), (n, 500))
    ensemble = np.where(rng.random((n, 500)) < 0.6, 1.0 + further, 0.0)
    happened = ensemble[:, 0]
    assert ensemble_scores(ensemble, happened)[0].mean() == pytest.approx(count_crps(counts, happened).mean(), rel=0.02)


def test_better_is_won_and_noise_is_even():
    rng, n = np.random.default_rng(3), 1_500
    rate = rng.gamma(0.8, 1.0, n)
    happened = Outcomes(rng.poisson(rate).astype(float), rate * 1_000, np.full(n, np.nan))

    def entry(rates: np.ndarray) -> Entry:
        forecast = Forecast(rates, rates * 1_000, 1 - np.exp(-rates), np.full(n, np.inf))
        return Entry(forecast, {"purchases_rmse": (rates - happened.purchases) ** 2})

    noisy = [rate * np.exp(rng.normal(0, 0.1, n)) for _ in range(2)]
    entries = {"ours": entry(noisy[0]), "as good": entry(noisy[1]), "constant": entry(np.full(n, rate.mean()))}
    found = drawn(happened, entries, ("purchases_rmse", "probability_auc", "purchases_crps"), 400, seed=0)
    cells = {(cell.model, cell.figure): cell for cell in found.cells("ours")}
    assert {figure for _, figure in cells} == {"purchases_rmse", "probability_auc"}, "nobody has a CRPS"
    for figure in ("purchases_rmse", "probability_auc"):
        assert cells["constant", figure].verdict == cells["constant", figure].after_holm == "won"
        assert cells["as good", figure].after_holm == "even"
    reverse = found.cells("constant")
    assert all(cell.verdict == "lost" and cell.better < 0 for cell in reverse if cell.model == "ours")
    assert found.mean_ranks()["constant"] == 3


def test_tables_name_what_is_lost_and_draws_are_pooled():
    rng, n = np.random.default_rng(4), 600
    rate = rng.gamma(0.8, 1.0, n)
    happened = Outcomes(rng.poisson(rate).astype(float), rate * 1_000, np.full(n, np.nan))
    table = pa.table({"customer_id": [str(i) for i in range(n)]})

    def entry(rates: np.ndarray) -> Entry:
        forecast = Forecast(rates, rates * 1_000, 1 - np.exp(-rates), np.full(n, np.inf))
        return Entry(forecast, {"purchases_rmse": (rates - happened.purchases) ** 2})

    shop = Shop(table, happened, {OURS: entry(np.full(n, rate.mean())), "better": entry(rate)})
    both = pooled([shop, shop])
    assert (
        len(both.happened.purchases) == both.features.num_rows == len(both.entries["better"].forecast.revenue) == 1_200
    )
    found = drawn(both.happened, both.entries, ("purchases_rmse", "probability_auc"), 200, seed=0)
    biases = dict.fromkeys(both.entries, (0.1, -0.2))
    text = figures_table(found, biases)
    assert "2 cells: 0 won, 0 even, 2 lost beyond noise" in text
    assert "Lost after the correction too: purchases rmse against better" in text
    assert "| shop | 2 | 0 | 0 | 2 | 0 | 2 | 2.00 | 1.00 (better) | -20.0% | -20.0% |" in summary_table(
        {"shop": (found, biases)}
    )
