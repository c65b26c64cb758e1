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
from tests.channel_shop import channel_orders

HORIZON_DAYS = 60
QUICK = cr.ModelOptions(churn_days=HORIZON_DAYS, windows=2, trees=20, pareto=False, regularity=1, prior=False)


@pytest.fixture(scope="module")
def orders() -> Orders:
    return cr.load_orders(channel_orders(1_200, 1))


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


def test_a_bundle_keeps_the_covariates(model: cr.CustomerModel, orders: Orders, tmp_path: Path) -> None:
    again = cr.CustomerModel.load(model.save(tmp_path / "bundle"))
    pd.testing.assert_frame_equal(again.predict(orders), model.predict(orders), check_exact=True)
    registry = load_settings(models=tmp_path, model=str(tmp_path / "bundle")).registry
    assert find_model(registry).covariates == ("channel", "discount_cents")


@pytest.mark.parametrize("name", ["age", "channel"])
def test_only_python_gives_a_bundle_the_columns_of_a_frame(orders: Orders, tmp_path: Path, name: str) -> None:
    values = orders.first_orders()[["customer_id"]].assign(**{name: "of a frame"})
    quick = QUICK.model_copy(update={"learned": False})
    model = cr.CustomerModel(HORIZON_DAYS, options=quick, covariates=[name]).fit(orders, values=values)
    model.save(tmp_path / "bundle")
    registry = load_settings(models=tmp_path, model=str(tmp_path / "bundle")).registry
    with pytest.raises(BundleIncompatible, match=f"the covariates {name}, which are in no order"):
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
