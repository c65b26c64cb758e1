"""Static covariates of the purchase models: coding, effects, their errors and tests, against simulated customers."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import kstest

import customer_revenue as cr
from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter
from customer_revenue.modeling.count_distribution import PurchaseModel, expected_newcomer, repeat_distribution
from customer_revenue.modeling.covariates import MISSING, OTHER, CovariateColumns
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeo, ModifiedBetaGeoCNBDk
from customer_revenue.modeling.uncertainty import bootstrap, effect_estimates, purchase_covariance, purchase_estimates

ON_PURCHASE, ON_LEAVING = np.array([0.5, -0.3]), np.array([-0.4, 0.6])
MODELS = (ParetoNBD(), BetaGeo(), ModifiedBetaGeo(), ModifiedBetaGeoCNBDk(k=2))


def _covariates(rng: np.random.Generator, n: int) -> Floats:
    return np.column_stack([rng.random(n) < 0.4, rng.integers(-2, 3, n) / 2]).astype(np.float64)


def _pareto(n: int, seed: int, strength: float = 1.0) -> Histories:
    """Customers of a Pareto/NBD with r 0.9, alpha 20, s 0.8, beta 60 and the effects above, watched 100 to 400 days."""
    rng = np.random.default_rng(seed)
    z = _covariates(rng, n)
    rate = rng.gamma(0.9, np.exp(z @ ON_PURCHASE * strength) / 20)
    life = rng.exponential(1 / rng.gamma(0.8, np.exp(z @ ON_LEAVING * strength) / 60))
    age = rng.integers(100, 400, n).astype(float)
    watched = np.minimum(life, age)
    x = rng.poisson(rate * watched)
    last = np.where(x > 0, watched * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    return Histories.of(x, last, age).with_covariates(z)


def _beta_geo(model: ModifiedBetaGeoCNBDk, n: int, seed: int, strength: float = 1.0) -> Histories:
    """The same with r 0.9, alpha 30 / k, a 0.6 and b 2."""
    rng = np.random.default_rng(seed)
    z = _covariates(rng, n)
    rate = rng.gamma(0.9, np.exp(z @ ON_PURCHASE * strength) * model.k / 30)
    drop = rng.beta(0.6 * np.exp(z @ ON_LEAVING * strength), 2.0)
    age = rng.integers(100, 400, n).astype(float)
    x, last, gaps, now = np.zeros((4, n))
    alive = rng.random(n) > drop if model.dropout_after_first_purchase else np.ones(n, dtype=bool)
    while alive.any():
        gap = rng.gamma(model.k, 1 / rate)
        alive &= now + gap <= age
        now = np.where(alive, now + gap, now)
        x, last = x + alive, np.where(alive, now, last)
        gaps += np.where(alive, np.log(np.maximum(gap, 1e-9)), 0)
        alive &= rng.random(n) > drop
    return Histories.of(x, last, age, gaps).with_covariates(z)


def _simulated(model: PurchaseModel, n: int, seed: int, strength: float = 1.0) -> Histories:
    return _pareto(n, seed, strength) if isinstance(model, ParetoNBD) else _beta_geo(model, n, seed, strength)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_effects_of_simulated_customers_are_found_within_two_standard_errors(model):
    # Of many seeds about 95 % are within two errors, one by one: of any one seed's four effects, not always all.
    histories = _simulated(model, 2_500, seed=8)
    model.fit(histories)
    found = effect_estimates(model, purchase_covariance(model, histories), ["first", "second"], np.ones(2))
    away = [(e.value - true) / e.standard_error for e, true in zip(found, [*ON_PURCHASE, *ON_LEAVING], strict=True)]
    assert np.all(np.abs(away) < 2)
    assert all(0 < e.standard_error < 0.15 for e in found)
    assert model.problem_ == ""
    assert model.likelihood_ratio_test().p_value < 1e-6
    assert histories.covariates is not None
    expected = repeat_distribution(model, histories.T_days, 2, histories.covariates)
    for group in (0.0, 1.0):  # what they did is what the model expects of each group
        inside = histories.covariates[:, 0] == group
        assert expected[inside, 0].mean() == pytest.approx((histories.frequency[inside] == 0).mean(), abs=0.04)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_the_slope_is_that_of_the_likelihood(model):
    rows, _ = _simulated(model, 300, seed=1).distinct
    at = np.array([0.7, 25.0, 0.7, 1.8, 0.2, -0.3, 0.1, 0.4])
    value, slope = model.log_likelihood_and_slope(rows, at)
    assert value == pytest.approx(model.log_likelihood(rows, at), rel=1e-12)
    differences = approx_fprime(at, partial(model.log_likelihood, rows), 1e-6)
    np.testing.assert_allclose(slope, differences, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_effects_of_zero_are_the_plain_model_to_the_last_digit(model):
    histories = _simulated(model, 400, seed=2)
    plain = histories.with_covariates(None)
    model.fit(plain)
    zero = model.from_state({**model.to_state(), "effects": [0.0] * 4, "without_covariates": 0.0, "penalizer": 0.0})
    rows, _ = plain.distinct
    same = rows.with_covariates(_covariates(np.random.default_rng(1), len(rows)))
    assert zero.log_likelihood(same, zero.all_parameters) == model.log_likelihood(rows, model.all_parameters)
    for days in (30.0, 365.0):
        np.testing.assert_array_equal(zero.expected_purchases(days, histories), model.expected_purchases(days, plain))
        np.testing.assert_array_equal(
            zero.purchase_probability(days, histories), model.purchase_probability(days, plain)
        )
    np.testing.assert_array_equal(zero.probability_alive(histories), model.probability_alive(plain))
    np.testing.assert_array_equal(
        repeat_distribution(zero, histories.T_days, 5, histories.covariates),
        repeat_distribution(model, plain.T_days, 5),
    )
    one = Histories.of([0], [0], [0])
    np.testing.assert_array_equal(
        expected_newcomer(zero, np.array([0.0, 90.0]), one.with_covariates(np.ones((1, 2)))),
        expected_newcomer(model, np.array([0.0, 90.0])),
    )


def test_without_an_effect_the_likelihood_ratio_test_has_its_size():
    chances = [
        ModifiedBetaGeo().fit(_beta_geo(ModifiedBetaGeo(), 300, seed, strength=0.0)).likelihood_ratio_test()
        for seed in range(30)
    ]
    assert {test.degrees_of_freedom for test in chances} == {4}
    p = np.array([test.p_value for test in chances])
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.sum(p < 0.05) <= 5


def test_the_bootstrap_of_effects_agrees_with_the_curvature():
    histories = _beta_geo(ModifiedBetaGeo(), 600, seed=5)
    model = ModifiedBetaGeo().fit(histories)
    errors = [
        e.standard_error for e in effect_estimates(model, purchase_covariance(model, histories), ["a", "b"], np.ones(2))
    ]
    spread = bootstrap(model, histories, 12, seed=1)[:, 4:].std(axis=0) / errors
    assert np.all((spread > 0.5) & (spread < 2.0))
    assert all(np.isfinite(e.standard_error) for e in purchase_estimates(model, purchase_covariance(model, histories)))


def test_a_penalizer_pulls_effects_towards_zero_and_has_no_test():
    histories = _beta_geo(ModifiedBetaGeo(), 1_000, seed=5)
    plain, pulled = (ModifiedBetaGeo(penalizer=p).fit(histories) for p in (0.0, 0.1))
    assert np.sum(pulled.effects_**2) < np.sum(plain.effects_**2) / 2
    with pytest.raises(InvalidParameter, match=r"penalizer 0\.1"):
        pulled.likelihood_ratio_test()


def test_distinct_histories_are_distinct_in_their_covariates_too():
    z = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    rows, place = Histories.of([1, 1, 1, 2], [5, 5, 5, 5], [9, 9, 9, 9]).with_covariates(z).distinct
    assert sorted(rows.weights) == [1, 1, 2]
    assert rows.covariates is not None
    np.testing.assert_array_equal(rows.covariates[place], z)
    assert rows.frequency[place].tolist() == [1, 1, 1, 2]


def test_columns_become_numbers_and_what_is_missing_or_new_has_a_place():
    table = pa.table(
        {
            "channel": ["web"] * 50 + ["shop"] * 40 + [None] * 35 + ["fax"] * 20 + ["telex"] * 15,
            "age": pa.array([20.0, 40.0] * 60 + [None] * 40),
            "member": [True, False, True, True] * 40,
        }
    )
    columns = CovariateColumns.of(table, ["channel", "age", "member"])
    assert columns.names == [
        *("channel=shop", f"channel={MISSING}", f"channel={OTHER}"),
        *("age", f"age={MISSING}", "member=false"),
    ]
    assert columns.units.tolist() == [1, 1, 1, 10, 1, 1]
    told = pa.table(
        {"channel": ["web", "shop", None, "new"], "age": [30, 50, None, 30], "member": [True, None, False, True]}
    )
    expected = [[0, 0, 0, 0, 0, 0], [1, 0, 0, 2, 0, 0], [0, 1, 0, 0, 1, 1], [0, 0, 1, 0, 0, 0]]
    assert columns.matrix(told).tolist() == expected
    again = CovariateColumns.from_state(json.loads(json.dumps(columns.to_state())))
    assert again == columns


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ({"z": ["a"] * 90}, "is the same for all customers"),
        ({"z": [1.0] * 90}, "is the same for all customers"),
        ({"z": [None] * 90}, "missing for all"),
        ({"z": [[1]] * 90}, "not list"),
        ({"y": list(range(90))}, "lack the covariates z"),
        ({"z": [2 * n for n in range(90)], "w": list(range(90))}, "follows from the others"),
    ],
)
def test_a_column_that_cannot_be_used_is_refused_in_one_line(column, problem):
    names = ["z", "w"] if "w" in column else ["z"]
    with pytest.raises(InvalidParameter, match=problem) as told:
        CovariateColumns.of(pa.table(column), names)
    assert "\n" not in str(told.value)


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    """Customers of two channels with very different habits, and of ages without any effect."""
    rng = np.random.default_rng(99)
    histories = _beta_geo(ModifiedBetaGeo(), 1_500, seed=7, strength=2.0)
    assert histories.covariates is not None
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(1_500)],
            "frequency": histories.frequency,
            "recency_days": histories.recency_days,
            "T_days": histories.T_days,
            "channel": np.where(histories.covariates[:, 0] == 1, "shop", "web"),
            "age": np.where(rng.random(1_500) < 0.1, np.nan, rng.integers(20, 60, 1_500)),
        }
    )


@pytest.fixture(scope="module")
def fitted(shop) -> cr.ProbabilityModel:
    return cr.ProbabilityModel("mbg_nbd", covariates=["channel", "age"]).fit(shop)


def test_the_library_tells_the_effects_their_errors_and_their_test(fitted):
    effects = fitted.parameters_.filter(like="effect", axis=0)
    names = ("channel=shop", "age", f"age={MISSING}")
    assert list(effects.index) == [f"{rate}_effect[{name}]" for rate in ("purchase", "leaving") for name in names]
    shop = effects.loc["purchase_effect[channel=shop]"]
    assert abs(shop["value"] - 1.0) < 2 * shop["standard_error"]
    age = effects.loc["purchase_effect[age]"]  # per year
    assert age["standard_error"] < 0.02
    assert age["low"] < 0 < age["high"]
    test = fitted.likelihood_ratio_test()
    assert test.degrees_of_freedom == 6
    assert str(test) in repr(fitted)
    assert fitted.likelihood_ratio_test("channel").p_value < 1e-6
    assert fitted.likelihood_ratio_test("age").p_value > 0.01
    assert fitted.likelihood_ratio_test("age").degrees_of_freedom == 4
    assert {c.code for c in fitted.cautions_}.isdisjoint({"unidentified", "no_maximum"})


def test_predictions_of_customers_and_newcomers_use_the_covariates(fitted, shop):
    twins = pd.concat([shop.head(1)] * 2, ignore_index=True).assign(customer_id=["a", "b"], channel=["web", "shop"])
    few, many = fitted.expected_purchases(twins.assign(frequency=0, recency_days=0, T_days=1), 90)
    assert many > 1.5 * few
    assert fitted.predict(shop, 90)["expected_purchases"].notna().all()
    web, there = (fitted.new_customer([90], {"channel": c, "age": 40}).iloc[0] for c in ("web", "shop"))
    assert there > 1.5 * web
    assert web < fitted.new_customer([90]).iloc[0] < there
    alike = cr.plots.probability_alive_matrix(fitted, T_days=90, covariates={"channel": "web", "age": None})
    assert alike.images[0].get_array() is not None
    counts = fitted.repeat_distribution(shop, most=3)
    assert counts.sum() == pytest.approx(len(shop))
    assert counts.iloc[0] == pytest.approx((shop["frequency"] == 0).sum(), rel=0.1)


def test_rows_without_the_columns_are_refused(fitted, shop):
    with pytest.raises(cr.CustomerRevenueError, match="lack the covariates channel, age"):
        fitted.predict(shop.drop(columns=["channel", "age"]))
    with pytest.raises(cr.CustomerRevenueError, match="lack the covariates age"):
        fitted.new_customer([90], {"channel": "web"})
    with pytest.raises(cr.CustomerRevenueError, match="no covariate country"):
        fitted.new_customer([90], {"channel": "web", "age": 4, "country": "DE"})
    with pytest.raises(cr.CustomerRevenueError, match="frequency is what the model explains"):
        cr.ProbabilityModel("bg_nbd", covariates=["frequency"])
    with pytest.raises(cr.CustomerRevenueError, match="named twice"):
        cr.ProbabilityModel("bg_nbd", covariates=["age", "age"])
    with pytest.raises(cr.CustomerRevenueError, match="no covariates"):
        cr.ProbabilityModel("bg_nbd").fit(shop).likelihood_ratio_test()
    with pytest.raises(cr.CustomerRevenueError, match="not fitted: call fit"):
        cr.ProbabilityModel("bg_nbd", covariates=["age"]).predict(shop)


def test_a_saved_model_keeps_everything_and_a_refit_is_equal(fitted, shop, tmp_path):
    again = cr.ProbabilityModel.load(fitted.save(tmp_path / "model.json"))
    pd.testing.assert_frame_equal(again.parameters_, fitted.parameters_, check_exact=True)
    pd.testing.assert_frame_equal(again.predict(shop), fitted.predict(shop), check_exact=True)
    pd.testing.assert_series_equal(again.new_customer([90]), fitted.new_customer([90]), check_exact=True)
    assert repr(again) == repr(fitted)
    refit = cr.ProbabilityModel("mbg_nbd", covariates=again.covariates).fit(shop)
    pd.testing.assert_frame_equal(refit.parameters_, fitted.parameters_, check_exact=True)
