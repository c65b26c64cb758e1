"""Probability models as estimators: every state is checked, and nothing of them is lost."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import customer_revenue as cr
from customer_revenue.errors import InvalidParameter, NotFitted
from customer_revenue.modeling.churn import ChurnClassifier
from customer_revenue.modeling.outcome_draws import draw_purchases
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk

ROWS = pd.DataFrame(
    {"customer_id": ["ann", "bob", "eve"], "frequency": [2, 0, 5], "recency": [30, 0, 80], "T": [40, 40, 90]}
)
EVERY_MODEL = [("bg_nbd", 1), ("mbg_nbd", 1), ("mbg_cnbd_k", 3), ("pareto_nbd", 1)]


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    with cr.load_cdnow(sample=True) as cdnow:
        return cdnow.features(as_of="1997-09-30")


@pytest.fixture(scope="module")
def model(features: pd.DataFrame) -> cr.ProbabilityModel:
    return cr.ProbabilityModel("bg_nbd").fit(features)


@pytest.mark.parametrize(
    "ask",
    [
        lambda m: m.predict(ROWS, 30),
        lambda m: m.expected_purchases(ROWS, 30),
        lambda m: m.purchase_probability(ROWS, 30),
        lambda m: m.probability_alive(ROWS),
        lambda m: m.expected_spend(ROWS),
        lambda m: m.lifetime_value(ROWS),
        lambda m: m.new_customer([30]),
        lambda m: m.repeat_distribution(ROWS),
        lambda m: m.bootstrap(2),
        lambda m: m.likelihood_ratio_test(),
        lambda m: m.log_likelihood_,
        lambda m: m.parameters_,
        lambda m: m.save("model.json"),
        lambda m: cr.plots.probability_alive_matrix(m),
        lambda m: cr.plots.frequency_recency_matrix(m),
    ],
)
def test_a_model_that_is_not_fitted_says_so(ask: Any) -> None:
    with pytest.raises(NotFitted, match="not fitted: call fit"):
        ask(cr.ProbabilityModel("pareto_nbd"))
    assert not Path("model.json").exists()


def test_spend_that_was_not_fitted_is_not_made_up(features: pd.DataFrame) -> None:
    bare = features[["customer_id", "frequency", "recency_days", "T_days"]]
    model = cr.ProbabilityModel("bg_nbd").fit(bare)
    assert "expected_spend_cents" not in model.predict(features)
    with pytest.raises(NotFitted, match="spend is not fitted"):
        model.expected_spend(features)
    with pytest.raises(InvalidParameter, match="no column monetary_cents"):
        cr.ProbabilityModel("bg_nbd").fit(features).lifetime_value(bare)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recency": [30, 0, 99]}, r"1 of 3 customers \(eve\) have impossible histories"),
        ({"frequency": [-1, 0, 5]}, r"\(ann\) have impossible"),
        ({"recency": [30, None, 80]}, r"\(bob\) have no finite recency_days"),
        ({"T": [np.inf, np.nan, 90]}, r"2 of 3 customers \(ann, bob\) have no finite T_days"),
        ({"frequency": ["2", "0", "5"]}, "frequency must be numbers, and is of type"),
        ({"frequency": [2, "x", 5]}, "the rows cannot be read|frequency must be numbers"),
        ({"T": pd.to_datetime(["2024-01-01"] * 3)}, "T_days must be numbers, and is times"),
        ({"monetary_value": [10.0, 0.0, -3.0]}, r"\(eve\) have a spend below zero"),
        ({"monetary_value": [None, None, 3.0]}, r"\(ann\) have purchase days without a spend"),
        ({"recency_days": [30, 0, 80]}, "two columns for recency_days"),
    ],
)
def test_rows_that_cannot_be_are_refused_with_their_customers(
    model: cr.ProbabilityModel, change: dict[str, Any], message: str
) -> None:
    wrong = ROWS.assign(**change)
    for use in (model.predict, model.probability_alive, cr.ProbabilityModel("bg_nbd").fit):
        with pytest.raises(InvalidParameter, match=message) as refused:
            use(wrong)
        assert "\n" not in str(refused.value)


def test_orders_are_no_rows_of_customers_and_the_message_says_what_makes_them(model: cr.ProbabilityModel) -> None:
    log = pd.DataFrame({"id": ["a", "a"], "date": ["2024-01-01", "2024-01-03"]})
    with pytest.raises(InvalidParameter, match=r"no column frequency, recency_days, T_days; .*load_orders"):
        model.predict(log)
    with pytest.raises(InvalidParameter, match="a frame of pandas, Polars or Arrow, not list"):
        model.predict([1, 2])


def test_no_rows_are_no_predictions_and_no_fit(model: cr.ProbabilityModel) -> None:
    assert len(model.predict(ROWS.iloc[:0])) == 0
    with pytest.raises(cr.CustomerRevenueError, match="the rows are empty"):
        cr.ProbabilityModel("bg_nbd").fit(ROWS.iloc[:0])


@pytest.mark.parametrize("horizon", [-1, np.nan, np.inf, "30", None])
def test_horizons_that_cannot_be_are_refused(model: cr.ProbabilityModel, horizon: Any) -> None:
    for ask in (model.predict, model.expected_purchases, model.purchase_probability, model.lifetime_value):
        with pytest.raises(InvalidParameter, match="horizon_days must be a number of days"):
            ask(ROWS, horizon)
    with pytest.raises(InvalidParameter, match="days must be a number of days"):
        model.new_customer([10, horizon])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 0}, "k must be a whole number"),
        ({"penalizer": -0.1}, "penalizer must be 0 or more"),
        ({"spend_penalizer": np.nan}, "spend_penalizer must be 0 or more"),
        ({"time_unit": "year"}, "day, week, month"),
    ],
)
def test_settings_are_checked_where_they_are_given_and_where_they_are_used(
    features: pd.DataFrame, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidParameter, match=message):
        cr.ProbabilityModel(**settings)
    changed = cr.ProbabilityModel().set_params(**settings)
    with pytest.raises(InvalidParameter, match=message):
        changed.fit(features)


@pytest.mark.parametrize(("name", "k"), EVERY_MODEL)
def test_a_loaded_model_is_the_saved_one_and_so_is_its_refit(
    features: pd.DataFrame, tmp_path: Path, name: str, k: int
) -> None:
    rows = features.assign(even=features["customer_id"].astype(int) % 2 == 0)
    settings: dict[str, Any] = {
        "k": k,
        "penalizer": 0.01,
        "spend_penalizer": 0.002,
        "covariates": ["even"],
        "time_unit": "week",
    }
    saved = cr.ProbabilityModel(name, **settings).fit(rows)
    loaded = cr.ProbabilityModel.load(saved.save(tmp_path / "model.json"))
    assert loaded.get_params() == saved.get_params() == {"name": name, "priors": None, **settings}
    pd.testing.assert_frame_equal(loaded.parameters_, saved.parameters_)
    assert loaded.cautions_ == saved.cautions_
    for kind in (None, "outcome", "parameters"):
        found, expected = (model.predict(rows[:50], 30, uncertainty=kind) for model in (loaded, saved))
        pd.testing.assert_frame_equal(found, expected)
    assert repr(loaded) == repr(saved)
    before = saved.parameters_
    pd.testing.assert_frame_equal(loaded.fit(rows).parameters_, before)
    state = json.loads((tmp_path / "model.json").read_text())
    assert state["penalizers_in_use"] == {"purchases": 0.01, "spend": 0.002}


def test_scikit_learn_clones_them_and_puts_them_into_pipelines(features: pd.DataFrame) -> None:
    first = cr.ProbabilityModel("mbg_cnbd_k", k=2, covariates=["channel"], penalizer=0.1)
    copy = clone(first)
    assert copy.get_params() == first.get_params()
    assert copy is not first
    steps = [("rows", FunctionTransformer(lambda rows: rows[rows["T_days"] > 200])), ("model", cr.ProbabilityModel())]
    pipeline = Pipeline(steps).fit(features)
    expected = cr.ProbabilityModel().fit(features[features["T_days"] > 200]).predict(features[features["T_days"] > 200])
    pd.testing.assert_frame_equal(pipeline.predict(features), expected)
    pipeline.set_params(model__name="bg_nbd", model__penalizer=0.5)
    assert pipeline.fit(features)[-1].parameters_["value"]["r"] < expected["expected_purchases"].max()
    assert pipeline[-1].purchases_.penalizer_ == 0.5


def test_frames_come_back_in_their_own_kind(model: cr.ProbabilityModel, features: pd.DataFrame) -> None:
    expected = model.predict(features)
    arrow = model.predict(pa.Table.from_pandas(features, preserve_index=False))
    polars = model.predict(pl.from_pandas(features))
    assert isinstance(arrow, pa.Table)
    assert isinstance(polars, pl.DataFrame)
    pd.testing.assert_frame_equal(arrow.to_pandas(), expected)
    pd.testing.assert_frame_equal(polars.to_pandas(), expected)


@pytest.mark.parametrize(("name", "k"), EVERY_MODEL)
def test_drawn_outcomes_have_the_means_and_chances_of_the_model(features: pd.DataFrame, name: str, k: int) -> None:
    fitted = cr.ProbabilityModel(name, k=k).fit(features)
    best = features.nlargest(20, "frequency")
    histories = fitted._fitted.rows.histories(pa.Table.from_pandas(best, preserve_index=False))
    drawn = draw_purchases(fitted.purchases_, histories, 90, 20_000, np.random.default_rng(1))
    error = 4 * drawn.std(axis=1) / np.sqrt(drawn.shape[1])
    assert np.all(np.abs(drawn.mean(axis=1) - fitted.expected_purchases(best, 90)) < error + 1e-3)
    some = fitted.purchase_probability(best, 90)
    assert np.all(np.abs((drawn > 0).mean(axis=1) - some) < 4 * np.sqrt(some * (1 - some) / drawn.shape[1]) + 1e-3)


def test_outcomes_lie_within_their_quantiles_as_often_as_stated() -> None:
    rng = np.random.default_rng(3)
    customers, age, horizon = 4_000, 200.0, 100.0
    rate, leaving = rng.gamma(1.2, 1 / 20, customers), rng.beta(1.0, 4.0, customers)
    x, last, later = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    moment, alive = np.zeros(customers), rng.random(customers) >= leaving
    while alive.any():
        moment = np.where(alive, moment + rng.exponential(size=customers) / rate, moment)
        alive &= moment < age + horizon
        x += alive & (moment < age)
        last = np.where(alive & (moment < age), moment, last)
        later += alive & (moment >= age)
        alive &= rng.random(customers) >= leaving
    rows = pd.DataFrame({"frequency": x, "recency": last, "T": age})
    found = cr.ProbabilityModel("mbg_nbd").fit(rows).predict(rows, horizon, uncertainty="outcome")
    for low, share in (("purchases_high", 0.1), ("purchases_median", 0.5)):
        assert np.mean(later > found[low]) < share + 0.02
    assert np.mean(later < found["purchases_low"]) < 0.1 + 0.02
    buyers = x >= 10  # not so wide that nobody is outside, though counts are discrete
    assert 0.03 < np.mean((later > found["purchases_high"])[buyers]) < 0.13


def test_the_interval_of_what_is_expected_narrows_with_the_customers(features: pd.DataFrame) -> None:
    one = features.nlargest(1, "frequency")
    widths = []
    for repeated in (1, 4):
        fitted = cr.ProbabilityModel("bg_nbd").fit(pd.concat([features] * repeated))
        found = fitted.predict(one, 365, uncertainty="parameters").iloc[0]
        assert found["expected_purchases_low"] < found["expected_purchases"] < found["expected_purchases_high"]
        assert (
            found["expected_revenue_low_cents"] < found["expected_revenue_cents"] < found["expected_revenue_high_cents"]
        )
        widths.append(found["expected_purchases_high"] - found["expected_purchases_low"])
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.05)


def test_other_uncertainties_are_refused(model: cr.ProbabilityModel) -> None:
    with pytest.raises(InvalidParameter, match="parameters, outcome"):
        model.predict(ROWS, uncertainty="both")
    with pytest.raises(InvalidParameter, match="between 0 and 1"):
        model.predict(ROWS, uncertainty="outcome", interval_mass=80)


def test_revenue_drawn_has_the_mean_that_is_expected(model: cr.ProbabilityModel, features: pd.DataFrame) -> None:
    best = features.nlargest(200, "frequency")
    wide = model.predict(best, 273, uncertainty="outcome", interval_mass=0.98)
    assert (wide["revenue_low_cents"] <= wide["revenue_median_cents"]).all()
    assert (wide["revenue_median_cents"] <= wide["revenue_high_cents"]).all()
    ratio = wide["revenue_median_cents"].sum() / wide["expected_revenue_cents"].sum()
    assert 0.7 < ratio < 1.0  # revenue is skewed to the right


def test_lifetime_value_is_revenue_without_interest_and_less_with_it(
    model: cr.ProbabilityModel, features: pd.DataFrame
) -> None:
    revenue = model.predict(features, 365)["expected_revenue_cents"].to_numpy()
    np.testing.assert_allclose(model.lifetime_value(features, 365, 0.0), revenue, rtol=1e-9)
    assert np.all(model.lifetime_value(features, 365, 0.15) <= revenue)
    weeks = features.assign(recency_days=features["recency_days"] / 7, T_days=features["T_days"] / 7)
    by_week = cr.ProbabilityModel("bg_nbd", time_unit="week").fit(weeks).lifetime_value(weeks, 365 / 7, 0.15)
    np.testing.assert_allclose(by_week, model.lifetime_value(features, 365, 0.15), rtol=2e-3)
    with pytest.raises(InvalidParameter, match="above -1"):
        model.lifetime_value(features, 365, -1)


def test_notebooks_see_the_essentials_and_nothing_is_run(model: cr.ProbabilityModel) -> None:
    shown = model._repr_html_() if callable(model._repr_html_) else model._repr_html_
    assert "bg_nbd" in shown
    assert "alpha" in shown
    hostile = cr.ProbabilityModel("bg_nbd", covariates=["<script>alert(1)</script>"])
    assert "<script>" not in hostile._html_repr()
    assert repr(hostile) == "<ProbabilityModel: bg_nbd, not fitted>"


def test_a_rhythm_has_the_rates_of_its_phases() -> None:
    model = ModifiedBetaGeoCNBDk(k=3)
    model.r_, model.alpha_, model.a_, model.b_ = 2.0, 30.0, 0.5, 4.0
    weights, shapes = model.rates_alive(Histories.of([4, 4], [80, 80], [81, 400], [12, 12]))
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    assert weights[0, 0] > 0.8  # a day after a purchase the next gap has hardly begun
    assert weights[2, 1] > weights[0, 1]
    np.testing.assert_array_equal(shapes[:, 0], [14, 15, 16])


QUICK = cr.ModelOptions(learned=False, windows=1, regularity=1)


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    frame: pd.DataFrame = cr.simulate_orders(300, days=300, seed=5).to_pandas()
    return frame


def test_customer_models_are_checked_cloned_and_loaded_with_their_options(log: pd.DataFrame, tmp_path: Path) -> None:
    model = cr.CustomerModel(45, interval_mass=0.9, discount_rate_per_year=0.2, seed=3, options=QUICK)
    with pytest.raises(NotFitted, match="CustomerModel is not fitted"):
        model.predict(ROWS)
    for name, wrong in (("horizon_days", -3), ("interval_mass", 1.5), ("discount_rate_per_year", -2)):
        with pytest.raises(InvalidParameter, match=name):
            clone(model).set_params(**{name: wrong}).fit(log)
    with cr.load_orders(log) as orders:
        fitted = clone(model).fit(orders)
        loaded = cr.CustomerModel.load(fitted.save(tmp_path / "bundle"))
        assert loaded.get_params() == model.get_params()
        again = clone(loaded).fit(orders, loaded.as_of)
        pd.testing.assert_frame_equal(again.predict(orders), fitted.predict(orders))
        features = orders.polars.features(loaded.as_of)
        assert isinstance(fitted.predict(features), pl.DataFrame)
        assert fitted.predict(features)["expected_purchases"].to_list() == pytest.approx(
            fitted.predict(orders)["expected_purchases"].to_list()
        )
        curve = fitted.curve(features, days=[30, 90])
        assert isinstance(curve, pl.DataFrame)
        assert curve.columns == ["customer_id", "30", "90"]
        in_pandas = fitted.curve(orders, days=[30, 90])
        assert curve["customer_id"].to_list() == in_pandas.index.tolist()
        assert curve["90"].to_list() == pytest.approx(in_pandas[90].tolist())
        for horizon in (-1, float("nan")):
            with pytest.raises(InvalidParameter, match="must be a number of days"):
                fitted.predict(orders, horizon_days=horizon)
            with pytest.raises(InvalidParameter, match="must be a number of days"):
                fitted.curve(orders, days=[horizon])
        with pytest.raises(InvalidParameter, match="all_time, last_12_months"):
            orders.facts(period="last_year")
        assert "300 customers" in orders._repr_html_()
    assert "probability_models" in fitted._html_repr()


def test_a_frame_is_fitted_as_of_its_last_order(log: pd.DataFrame) -> None:
    with cr.load_orders(log) as orders:
        expected = cr.CustomerModel(45, options=QUICK).fit(orders, as_of=orders.info.last_day)
        found = cr.CustomerModel(45, options=QUICK).fit(log)
        assert found.as_of == expected.as_of
        pd.testing.assert_frame_equal(found.predict(orders), expected.predict(orders))


def test_cross_validation_scores_the_future_that_the_fit_did_not_know(log: pd.DataFrame) -> None:
    splits, figure = cr.RollingOrigins(2, horizon_days=45, date="created_at"), "purchases_rmse"
    scores = cross_val_score(cr.CustomerModel(45, options=QUICK), log, cv=splits, scoring=cr.holdout_scorer(figure))
    with cr.load_orders(log) as orders:
        days = pd.to_datetime(log["created_at"], utc=True).dt.normalize()
        cutoffs = [days[train].max().date() for train, _ in splits.split(log)]
        result = cr.backtest(orders, 45, cutoffs=cutoffs, also=(), options=QUICK)
    expected = result.by_cutoff.xs("customer-revenue", level="model")[figure]
    np.testing.assert_allclose(-scores, expected, rtol=1e-9)
    assert len(repr(result)) < 200
    assert "customer-revenue" in result._repr_html_()
    with pytest.raises(InvalidParameter, match="not longer than 9 horizons"):
        list(cr.RollingOrigins(9, horizon_days=45, date="created_at").split(log))
    with pytest.raises(InvalidParameter, match="no column 'day'"):
        list(cr.RollingOrigins(2, date="day").split(log))
    with pytest.raises(InvalidParameter, match="unknown metric 'r2'"):
        cr.holdout_scorer("r2")


def test_the_churn_classifier_is_cross_validated(log: pd.DataFrame) -> None:
    with cr.load_orders(log) as orders:
        last = orders.info.last_day
        assert last is not None
        cutoff = last - dt.timedelta(days=60)
        rows, later = orders.features(cutoff), orders.outcomes(cutoff, 60)
    numbers = rows[["frequency", "recency_days", "T_days"]].to_numpy(dtype=float)
    churned = (later["purchases"] == 0).to_numpy(dtype=int)
    scores = cross_val_score(ChurnClassifier(trees=20), numbers, churned, cv=3, scoring="roc_auc")
    assert scores.mean() > 0.6


@pytest.mark.filterwarnings("ignore::customer_revenue.library.probability.FitWarning")
@pytest.mark.parametrize(("name", "k"), EVERY_MODEL)
def test_priors_weigh_as_much_as_they_say(features: pd.DataFrame, tmp_path: Path, name: str, k: int) -> None:
    plain = cr.ProbabilityModel(name, k=k, penalizer=0.0).fit(features)
    weak = cr.ProbabilityModel(name, k=k, priors={"r": (1.0, 1e3), "q": (2.0, 1e3)}).fit(features)
    columns = ["value", "standard_error"]
    np.testing.assert_allclose(weak.parameters_[columns], plain.parameters_[columns], rtol=2e-2)
    sure = cr.ProbabilityModel(name, k=k, priors={"r": (1.0, 1e-3), "q": (3.0, 1e-3)}).fit(features)
    assert sure.parameters_["value"]["r"] == pytest.approx(1.0, rel=5e-3)
    assert sure.parameters_["value"]["q"] == pytest.approx(3.0, rel=5e-3)
    assert sure.parameters_["standard_error"]["r"] == pytest.approx(1e-3, rel=0.1)
    assert sure.log_likelihood_ < plain.log_likelihood_
    between = cr.ProbabilityModel(name, k=k, priors={"r": (1.0, 0.1)}).fit(features).parameters_["value"]["r"]
    assert plain.parameters_["value"]["r"] < between < 1.0
    loaded = cr.ProbabilityModel.load(sure.save(tmp_path / "model.json"))
    assert loaded.get_params() == sure.get_params()
    pd.testing.assert_frame_equal(clone(loaded).fit(features).parameters_, sure.parameters_)


def test_the_maximum_a_posteriori_is_that_of_likelihood_and_prior(features: pd.DataFrame) -> None:
    priors = {"r": (0.5, 0.3), "alpha": (60.0, 0.2), "a": (0.5, 0.5), "b": (2.0, 0.5)}
    fitted = cr.ProbabilityModel("bg_nbd", priors=priors).fit(features)
    histories = Histories.from_table(pa.Table.from_pandas(features, preserve_index=False))
    at = fitted.purchases_.all_parameters

    def log_posterior(parameters: np.ndarray) -> float:
        prior = sum(
            -(np.log(value / median) ** 2) / (2 * spread**2)
            for value, (median, spread) in zip(parameters, priors.values(), strict=True)
        )
        return float(fitted.purchases_.log_likelihood(histories, parameters) + prior)

    best = log_posterior(at)
    for place in range(4):
        for factor in (0.98, 1.02):
            moved = at.copy()
            moved[place] *= factor
            assert log_posterior(moved) < best


@pytest.mark.filterwarnings("ignore::customer_revenue.library.probability.FitWarning")
def test_priors_fit_where_a_few_customers_alone_would_not() -> None:
    few = pd.DataFrame({"frequency": [1, 0, 2, 0], "recency": [9, 0, 30, 0], "T": 40})
    priors = {"r": (0.5, 0.5), "alpha": (30.0, 0.7), "a": (0.8, 0.7), "b": (2.5, 0.7)}
    found = cr.ProbabilityModel("bg_nbd", priors=priors).fit(few).parameters_
    assert np.isfinite(found.to_numpy()).all()
    assert (found["value"] / [median for median, _ in priors.values()]).between(0.5, 2).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"priors": {"beta": (1, 1)}}, "'beta' is no parameter of bg_nbd: r, alpha, a, b, p, q, v"),
        ({"priors": {"r": (0, 1)}}, "a median and a spread above 0"),
        ({"priors": {"r": (1, 1)}, "penalizer": 0.1}, "exclude each other"),
    ],
)
def test_wrong_priors_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        cr.ProbabilityModel("bg_nbd", **settings)


def test_priors_void_the_likelihood_ratio_test(features: pd.DataFrame) -> None:
    rows = features.assign(even=features["customer_id"].astype(int) % 2 == 0)
    model = cr.ProbabilityModel("bg_nbd", covariates=["even"], priors={"r": (1.0, 1.0)}).fit(rows)
    assert "priors, not tested" in repr(model)
    with pytest.raises(InvalidParameter, match="priors has no likelihood-ratio test"):
        model.likelihood_ratio_test()
    with pytest.raises(InvalidParameter, match="covariates are not handed over"):
        model.for_pymc_marketing(rows)
    with pytest.raises(InvalidParameter, match="pymc-marketing has no mbg_cnbd_k"):
        cr.ProbabilityModel("mbg_cnbd_k", k=2).fit(features).for_pymc_marketing(features)
