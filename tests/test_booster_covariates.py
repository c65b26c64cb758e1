"""Covariates of the learned corrections: channels that matter, ones that do not, and shops without any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import customer_revenue as cr
from customer_revenue.errors import BundleIncompatible, InvalidParameter
from customer_revenue.library.frame_columns import as_table
from customer_revenue.library.orders import Orders
from customer_revenue.settings import load_settings
from customer_revenue.workflows.registry.bundles import find_model

DAYS = 400
HORIZON_DAYS = 60
PURCHASES_A_DAY = {"till": 0.03, "web": 0.01, "fair": 0.0005}
QUICK = cr.ModelOptions(churn_days=HORIZON_DAYS, windows=2, trees=20, pareto=False, regularity=1, prior=False)


def log_of(customers: int, seed: int) -> pd.DataFrame:
    """Orders of customers whose rate is that of the channel of their first one; the country says nothing."""
    rng = np.random.default_rng(seed)
    channel, country = rng.choice(list(PURCHASES_A_DAY), customers), rng.choice(["at", "be", "ch"], customers)
    first = rng.integers(0, DAYS - 30, customers)
    n = 1 + rng.poisson((DAYS - first) * np.array([PURCHASES_A_DAY[name] for name in channel]))
    who = np.repeat(np.arange(customers), n)
    is_first = np.diff(who, prepend=-1) > 0
    day = np.where(is_first, first[who], rng.integers(first[who], DAYS))
    return pd.DataFrame(
        {
            "customer": [f"{channel[i]}{i:05d}" for i in who],
            "date": pd.Timestamp("2023-01-01") + pd.to_timedelta(day, unit="D"),
            "amount": rng.integers(20, 60, len(who)),
            "channel": channel[who],
            "country": country[who],
        }
    )


@pytest.fixture(scope="module")
def orders() -> Orders:
    return cr.load_orders(log_of(1_200, 1))


@pytest.fixture(scope="module")
def model(orders: Orders) -> cr.CustomerModel:
    return cr.CustomerModel(HORIZON_DAYS, options=QUICK, covariates=["channel", "discount_cents"]).fit(orders)


def new_customers(orders: Orders) -> pd.DataFrame:
    """Rows of the customers who have bought once, so that the channel is nearly all that is known."""
    rows = orders.features()
    rows = rows[(rows["frequency"] == 0) & (rows["T_days"] < 60)]
    return rows.assign(discount_cents=np.nan)


def test_a_channel_that_matters_is_kept_and_one_that_says_nothing_is_dropped(orders: Orders) -> None:
    first = orders.first_orders()
    values = first[["customer_id", "country"]].assign(where=first["channel"])
    found = cr.backtest_covariates(
        orders, ["where", "country"], "customer_model", HORIZON_DAYS, values=values, draws=50, options=QUICK
    )
    assert found.kept == ("where",)
    assert found.added["probability_log_loss_high"].tolist()[0] < 0


def test_forecasts_differ_by_the_channel(model: cr.CustomerModel, orders: Orders) -> None:
    rows = new_customers(orders)
    expected = {
        name: float(model.predict(rows.assign(channel=name))["expected_purchases"].mean())
        for name in ("till", "web", "fair")
    }
    assert expected["till"] > 1.3 * expected["web"] > 1.3 * expected["fair"]
    assert any(text.startswith("channel fair: higher risk") for texts in model.reasons(orders) for text in texts)
    contributions, values = model.churn_contributions(orders)
    assert list(values.columns[-3:]) == ["channel", "discount_cents", "churn_log_odds"]
    assert contributions["channel"].std() > 0


def test_missing_and_new_values_are_answered(model: cr.CustomerModel, orders: Orders) -> None:
    rows = new_customers(orders)
    for value in (None, "a channel that nobody has heard of"):
        chance = model.predict(rows.assign(channel=pd.array([value] * len(rows), dtype="string")))
        assert chance["purchase_probability"].between(0, 1).all()
    with pytest.raises(InvalidParameter, match="lack the covariates channel"):
        model.predict(rows)


def test_a_bundle_keeps_the_covariates_and_only_python_gives_it_them(
    model: cr.CustomerModel, orders: Orders, tmp_path: Path
) -> None:
    again = cr.CustomerModel.load(model.save(tmp_path / "bundle"))
    pd.testing.assert_frame_equal(again.predict(orders), model.predict(orders), check_exact=True)
    registry = load_settings(models=tmp_path, model=str(tmp_path / "bundle")).registry
    with pytest.raises(BundleIncompatible, match="trained with the covariates channel, discount_cents"):
        find_model(registry)


def test_the_trees_are_read_as_lightgbm_reads_them(model: cr.CustomerModel, orders: Orders) -> None:
    predictor = model.predictor_
    assert predictor.learned_ is not None
    models = predictor.learned_.models
    rows = orders.features().merge(orders.first_orders()[["customer_id", "channel", "discount_cents"]])
    baseline = predictor._baseline(as_table(rows))
    assert any("==" in str(booster.trained.dump_model()) for booster in models.boosters)
    corrections = models.predict(baseline)
    np.testing.assert_allclose(corrections.offset, models.offset.correction(baseline.matrix), atol=1e-9)
    for horizon, classifier in models.churn.items():
        matrix = baseline.churn_matrix(horizon)
        direct = classifier.calibrated(matrix[:, -1], classifier.booster_.correction(matrix))
        np.testing.assert_allclose(corrections.classified[horizon], direct, atol=1e-9)
