"""What other shops taught: features without a unit, levels of the shop's own, and a weight that evidence takes over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from customer_revenue.modeling.baselines import BaselineModels, BaselinePrediction
from customer_revenue.modeling.ensemble import Weights
from customer_revenue.modeling.fit_ensemble import CUSTOMERS_TO_TRUST
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk
from customer_revenue.modeling.shop_prior import (
    AT_HORIZON_NAMES,
    HISTORY_NAMES,
    TREES_FOLDER,
    ShopPrior,
    history_columns,
    horizon_columns,
    shipped_boosters,
    shop_gap_days,
)
from customer_revenue.modeling.tiers import Tier
from customer_revenue.settings import ModelOptions

from .conftest import AS_OF

HORIZONS = (30, 90)
DAY_COLUMNS = ("recency_days", "T_days", "silence_days", "max_gap_days", "last_gap_days")
COMPARED = tuple(name for name in HISTORY_NAMES if name.endswith("_per_expected"))


@pytest.fixture(scope="module")
def baseline(make_shop: Callable[..., Any]) -> BaselinePrediction:
    features = make_shop(customers=400).features()
    return BaselinePrediction.of(
        features, BaselineModels.fitted(Population.of(features), ModifiedBetaGeoCNBDk(), with_pareto=False)
    )


@pytest.fixture(scope="module")
def prior(baseline: BaselinePrediction) -> ShopPrior:
    shipped = ShopPrior.shipped(baseline, 90, HORIZONS)
    assert shipped is not None
    return shipped


def test_the_trees_are_those_of_these_features_and_small() -> None:
    names = [*HISTORY_NAMES, *AT_HORIZON_NAMES]
    assert all(booster.trained.feature_name() == names for booster in shipped_boosters().values())
    trees = [path for path in TREES_FOLDER.iterdir() if path.name.endswith(".txt")]
    assert sum(len(path.read_bytes()) for path in trees) < 300_000


def test_neither_the_unit_of_money_nor_that_of_time_matters(baseline: BaselinePrediction) -> None:
    money, time = 100.0, 2.0
    model = baseline.models.purchases
    assert isinstance(model, ModifiedBetaGeoCNBDk)
    slower = ModifiedBetaGeoCNBDk.from_state({**model.to_state(), "alpha": model.alpha_ * time})
    spend = baseline.models.spend
    dearer = type(spend).from_state(
        {**spend.to_state(), "v": spend.to_state()["v"] * money, "mean_cents": spend.mean_cents_ * money}
    )
    columns = dict(baseline.columns)
    for name in DAY_COLUMNS:
        columns[name] = columns[name] * time
    columns["gap_square_sum"] = columns["gap_square_sum"] * time**2
    columns["log_gap_sum"] = columns["log_gap_sum"] + columns["frequency"] * np.log(time)
    for name in [name for name in columns if "cents" in name and not name.startswith("log_")]:
        columns[name] = columns[name] * money
    columns["log_cents_square_sum"] = (
        columns["log_cents_square_sum"]
        + 2 * np.log(money) * columns["log_cents_sum"]
        + columns["positive_days"] * np.log(money) ** 2
    )
    columns["log_cents_sum"] = columns["log_cents_sum"] + columns["positive_days"] * np.log(money)
    other = BaselinePrediction(replace(baseline.models, purchases=slower, spend=dearer), columns, baseline.covariates)
    for name, before, after in zip(
        HISTORY_NAMES, history_columns(baseline, 10.0), history_columns(other, 10.0 * time), strict=True
    ):
        if name not in COMPARED:  # these count the days of a calendar
            np.testing.assert_allclose(after, before, atol=2e-3, err_msg=name)
    for before, after in zip(
        horizon_columns(baseline, 10.0, 90), horizon_columns(other, 10.0 * time, 90 * time), strict=True
    ):
        np.testing.assert_allclose(after, before, atol=1e-6)


def test_the_levels_stay_those_of_the_shop(baseline: BaselinePrediction, prior: ShopPrior) -> None:
    found, base = prior.predict(baseline), np.exp(baseline.log_purchases(90))
    assert np.std(found.purchases) > 0.01
    assert np.sum(base * np.exp(found.purchases)) == pytest.approx(base.sum())
    money = base * np.exp(found.purchases) * baseline.spend_cents
    assert np.sum(money * np.exp(found.spend)) == pytest.approx(money.sum())
    for horizon in HORIZONS:
        assert expit(found.churn[horizon]).mean() == pytest.approx(expit(baseline.churn_log_odds(horizon)).mean())


def test_the_prior_comes_back_as_it_was_written(baseline: BaselinePrediction, prior: ShopPrior) -> None:
    found, again = (p.predict(baseline) for p in (prior, ShopPrior.from_state(prior.to_state(), prior.to_texts())))
    assert np.array_equal(found.purchases, again.purchases)
    assert np.array_equal(found.spend, again.spend)
    assert all(np.array_equal(found.churn[horizon], again.churn[horizon]) for horizon in HORIZONS)


def test_a_customer_is_corrected_alone_as_among_others(baseline: BaselinePrediction, prior: ShopPrior) -> None:
    some = np.arange(len(baseline)) % 7 == 0
    np.testing.assert_allclose(prior.predict(baseline.take(some)).purchases, prior.predict(baseline).purchases[some])


def test_the_shops_own_evidence_takes_the_prior_over() -> None:
    weights = [Weights(0.6, 0.2, 0.2).shrunk(n / (n + CUSTOMERS_TO_TRUST)) for n in (0, 500, 1_500, 50_000)]
    assert [w.prior for w in weights] == pytest.approx([0.8, 0.4, 0.2, 0.8 / 101])
    assert all(w.base == pytest.approx(0) for w in weights)
    assert all(w.classifier + w.prior_churn == pytest.approx(2 / 3) for w in weights)


def test_a_shop_that_cannot_learn_has_what_others_taught(make_shop: Callable[..., Any]) -> None:
    shop = make_shop(customers=200)
    features = shop.features()
    corrected = shop.predictor()
    plain = Predictor(AS_OF, 90, options=ModelOptions(prior=False)).fit(features, shop.windows())
    assert corrected.tier_ is plain.tier_ is Tier.PROBABILITY_MODELS
    ours, base = (p.predict(features) for p in (corrected, plain))
    for name in ("expected_purchases", "purchase_probability", "expected_revenue_cents"):
        a, b = (np.asarray(table.column(name)) for table in (ours, base))
        assert not np.allclose(a, b, rtol=0.01), name
        assert a.sum() == pytest.approx(b.sum(), rel=0.1), name


def test_a_weight_without_a_prior_goes_to_the_purchase_models(make_shop: Callable[..., Any]) -> None:
    shop = make_shop(customers=500)
    with_prior = shop.predictor().weights()
    without = Predictor(AS_OF, 90, seed=7, options=ModelOptions(prior=False)).fit(shop.features(), shop.windows())
    assert with_prior["prior"] > 0.1
    assert without.weights()["base"] == pytest.approx(with_prior["base"] + with_prior["prior"])
    assert without.weights()["prior"] == without.weights()["prior_churn"] == 0
    assert without.learned_ is not None
    assert without.learned_.models.prior is None


def test_the_gap_of_a_shop_counts_every_customer_who_shares_a_history() -> None:
    two = Histories(
        np.array([1.0, 3.0]), np.array([10.0, 60.0]), np.array([50.0, 90.0]), np.zeros(2), np.array([2.0, 1.0])
    )
    assert shop_gap_days(two) == pytest.approx((2 * 10 + 60) / (2 * 1 + 3))
