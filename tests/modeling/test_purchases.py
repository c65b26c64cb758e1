"""The purchase models against the papers, against lifetimes, against each other, and at their limits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from customer_revenue.errors import InvalidParameter, NotEnoughData
from customer_revenue.modeling.cautions import log_likelihood_without_dropout
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeo, ModifiedBetaGeoCNBDk

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # importing lifetimes warns
    import lifetimes
    from lifetimes.datasets import load_cdnow_summary

MODELS = (BetaGeo, ModifiedBetaGeo, ParetoNBD)


@pytest.fixture(scope="module")
def cdnow() -> Histories:
    """The CDNOW sample, in weeks as in the papers."""
    table = load_cdnow_summary()
    return Histories.of(table["frequency"], table["recency"], table["T"])


@pytest.fixture(scope="module")
def fitted(cdnow):
    return {model: model().fit(cdnow) for model in MODELS}


def _simulated(k: int, n: int = 4_000, seed: int = 1) -> Histories:
    """Customers of an MBG/CNBD-k process with r 0.9, alpha 30 / k, a 0.6, b 2, watched for 100 to 400 days."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.9, k / 30, n)
    drop = rng.beta(0.6, 2.0, n)
    age = rng.uniform(100, 400, n)
    x, last, gaps, now = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    alive = rng.random(n) > drop
    while alive.any():
        gap = rng.gamma(k, 1 / rate)
        alive &= now + gap <= age
        now = np.where(alive, now + gap, now)
        x, last = x + alive, np.where(alive, now, last)
        gaps += np.where(alive, np.log(np.maximum(gap, 1e-9)), 0)
        alive &= rng.random(n) > drop
    return Histories.of(x, last, age, gaps)


@pytest.mark.parametrize(
    ("model", "parameters", "log_likelihood"),
    [
        (BetaGeo, {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, -9582.4),  # Fader, Hardie & Lee 2005
        (ModifiedBetaGeo, {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, -9582.1),  # BTYDplus
        (ParetoNBD, {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, -9595.0),  # FHL 2005, table 2
    ],
)
def test_cdnow_parameters_are_those_of_the_papers(fitted, model, parameters, log_likelihood):
    state = fitted[model].to_state()
    assert {name: state[name] for name in parameters} == pytest.approx(parameters, rel=2e-3)
    assert state["log_likelihood"] == pytest.approx(log_likelihood, abs=0.06)
    assert state["problem"] == ""


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (BetaGeo, lifetimes.BetaGeoFitter, ("r", "alpha", "a", "b")),
        (ModifiedBetaGeo, lifetimes.ModifiedBetaGeoFitter, ("r", "alpha", "a", "b")),
        (ParetoNBD, lifetimes.ParetoNBDFitter, ("r", "alpha", "s", "beta")),
    ],
)
def test_predictions_equal_those_of_lifetimes(fitted, cdnow, ours, theirs, names):
    model, oracle = fitted[ours], theirs()
    oracle.params_ = {name: getattr(model, f"{name}_") for name in names}
    oracle._unload_params = lambda *wanted: [oracle.params_[name] for name in wanted]
    rows = (cdnow.frequency, cdnow.recency_days, cdnow.T_days)
    expected = oracle.conditional_expected_number_of_purchases_up_to_time(39, *rows)
    np.testing.assert_allclose(model.expected_purchases(39, cdnow), expected, rtol=1e-6)
    np.testing.assert_allclose(model.probability_alive(cdnow), oracle.conditional_probability_alive(*rows), rtol=1e-6)


def test_pareto_chance_of_a_purchase_equals_that_of_lifetimes(fitted, cdnow):
    model, oracle = fitted[ParetoNBD], lifetimes.ParetoNBDFitter()
    oracle._unload_params = lambda *names: [getattr(model, f"{name}_") for name in names]
    silent = oracle.conditional_probability_of_n_purchases_up_to_time(
        0, 39, cdnow.frequency, cdnow.recency_days, cdnow.T_days
    )
    np.testing.assert_allclose(1 - model.purchase_probability(39, cdnow), silent, rtol=1e-6)


def test_one_customer_of_the_paper(fitted):
    assert fitted[BetaGeo].expected_purchases(39, Histories.of([2], [30.43], [38.86])) == pytest.approx(1.226, abs=2e-3)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_simulated_customers_give_their_parameters_back(k):
    model = ModifiedBetaGeoCNBDk(k=k).fit(_simulated(k, 8_000))
    found = np.array([model.r_, model.alpha_ * k, model.a_ / (model.a_ + model.b_)])
    np.testing.assert_allclose(found, [0.9, 30, 0.6 / 2.6], rtol=0.15)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_likelihood_finds_the_rhythm(k):
    histories = _simulated(k)
    best = max((1, 2, 3), key=lambda tried: ModifiedBetaGeoCNBDk(k=tried).fit(histories).log_likelihood_)
    assert best == k


@pytest.mark.parametrize("k", [1, 2, 3])
def test_expected_purchases_equal_what_simulated_customers_do(k):
    rng = np.random.default_rng(5)
    n, horizon, model = 200_000, 60.0, ModifiedBetaGeoCNBDk(k=k)
    model.r_, model.alpha_, model.a_, model.b_ = 2.0, 20.0 / k, 0.8, 2.0
    rate, drop = rng.gamma(2.0, k / 20, n), rng.beta(0.8, 2.0, n)
    now, count, alive = np.zeros(n), np.zeros(n), rng.random(n) > drop
    while alive.any():
        now = now + rng.gamma(k, 1 / rate)
        alive &= now <= horizon
        count += alive
        alive &= rng.random(n) > drop
    newcomer = Histories.of([0], [0], [0])
    assert model.expected_purchases(horizon, newcomer)[0] == pytest.approx(count.mean(), rel=0.01)
    assert model.purchase_probability(horizon, newcomer)[0] == pytest.approx((count > 0).mean(), rel=0.01)


def test_series_and_closed_form_agree(fitted, cdnow):
    model = fitted[ModifiedBetaGeo]
    closed = model.expected_purchases(39, cdnow)
    nudged = ModifiedBetaGeo.from_state({**model.to_state(), "a": 1.0})
    near = ModifiedBetaGeo.from_state({**model.to_state(), "a": 1.0 + 2e-6})
    np.testing.assert_allclose(nudged.expected_purchases(39, cdnow), near.expected_purchases(39, cdnow), rtol=1e-5)
    assert np.all(closed <= (model.r_ + cdnow.frequency) * 39 / (model.alpha_ + cdnow.T_days))


@pytest.mark.parametrize("model", [*MODELS, ModifiedBetaGeoCNBDk])
def test_a_unit_of_time_changes_nothing(cdnow, model):
    if model is ModifiedBetaGeoCNBDk:
        cdnow = _simulated(1, 2_000)
    in_days = Histories.of(cdnow.frequency, cdnow.recency_days * 7, cdnow.T_days * 7)
    weekly, daily = model().fit(cdnow), model().fit(in_days)
    np.testing.assert_allclose(
        weekly.expected_purchases(39, cdnow), daily.expected_purchases(273, in_days), rtol=2e-3, atol=1e-6
    )


@pytest.mark.parametrize("model", MODELS)
def test_weights_stand_for_rows(cdnow, model):
    few = cdnow.take(slice(0, 400))
    doubled = Histories.of(few.frequency, few.recency_days, few.T_days, weights=2.0)
    twice = Histories.of(*(np.tile(v, 2) for v in (few.frequency, few.recency_days, few.T_days)))
    a, b = model().fit(doubled), model().fit(twice)
    np.testing.assert_allclose(a.expected_purchases(39, few), b.expected_purchases(39, few), rtol=1e-3)


@pytest.mark.parametrize("model", [*MODELS, ModifiedBetaGeoCNBDk])
def test_the_state_is_the_model(model):
    histories = _simulated(2, 500)
    fit = model().fit(histories)
    again = model.from_state(fit.to_state())
    np.testing.assert_array_equal(again.expected_purchases(90, histories), fit.expected_purchases(90, histories))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_extreme_histories_stay_finite_and_silent(k):
    x = np.array([0, 1, 10, 400, 500, 1_000, 5_000])
    grid = [(f, t, age) for f in x for t in (1, 10, 132, 3_000) for age in (1, 100, 200, 3_650) if t <= age]
    f, t, age = np.array(grid, dtype=float).T
    histories = Histories.of(f, np.where(f > 0, t, 0), age)
    modified, plain, pareto = ModifiedBetaGeoCNBDk(k=k), BetaGeo(), ParetoNBD()
    modified.b_ = plain.b_ = 0.3
    models: tuple[ModifiedBetaGeoCNBDk | ParetoNBD, ...] = (modified, plain, pareto)
    for small in (1e-4, 0.4, 1.0, 3.0):
        modified.a_ = plain.a_ = pareto.s_ = small
        for model in models:
            for days in (1.0, 365.0, 10_000.0):
                expected = model.expected_purchases(days, histories)
                chance = model.purchase_probability(days, histories)
                assert np.all(np.isfinite(expected) & (expected >= 0))
                assert np.all((chance >= 0) & (chance <= 1) & (chance <= expected * (1 + 1e-6) + 1e-12))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_silence_kills_and_a_purchase_revives(k):
    model = ModifiedBetaGeoCNBDk(k=k).fit(_simulated(k, 2_000))
    days = np.arange(40.0, 400.0)
    alive = model.probability_alive(Histories.of(3.0, 40.0, days))
    assert np.all(np.diff(alive) < 0)
    assert model.probability_alive(Histories.of([4.0], [400.0], [400.0]))[0] > alive[-1]
    once = model.probability_alive(Histories.of(0.0, 0.0, days))
    assert np.all(once < 1)
    assert np.all(np.diff(once) < 0)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_quantile_inverts_the_wait(k):
    model = ModifiedBetaGeoCNBDk(k=k).fit(_simulated(k, 1_000))
    histories = Histories.of([0, 1, 5, 30], [0, 20, 300, 90], [10, 200, 300, 100])
    for p in (0.01, 0.5, 0.95):
        days = model.wait_quantile(np.full(4, p), histories)
        np.testing.assert_allclose(model.wait_probability(days, histories), p, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "k"),
    [(BetaGeo, 1), (ModifiedBetaGeo, 1), (ModifiedBetaGeoCNBDk, 3), (ModifiedBetaGeoCNBDk, 30)],
)
@pytest.mark.parametrize("parameters", [(0.5, 30.0, 0.7, 2.5), (1.3, 80.0, 0.2, 0.4)])
def test_slopes_are_those_of_the_likelihood(cdnow, kind, k, parameters):
    model, rows, at = kind(k=k), cdnow.take(slice(0, 500)), np.array(parameters)
    value, slope = model.log_likelihood_and_slope(rows, at)
    assert value == pytest.approx(model.log_likelihood(rows, at), rel=1e-12)

    def log_likelihood(parameters):
        return model.log_likelihood(rows, parameters)

    differences = approx_fprime(at, log_likelihood, 1e-6 * at)
    np.testing.assert_allclose(slope, differences, rtol=1e-4, atol=1e-4)


def test_without_repeats_there_is_no_model():
    for model in MODELS:
        with pytest.raises(NotEnoughData, match="two days"):
            model().fit(Histories.of(np.zeros(5), np.zeros(5), np.arange(5.0)))


@pytest.mark.parametrize("row", [(1, 5, 4), (0, 3, 5), (2, 0, 5), (-1, 0, 5)])
def test_impossible_histories_are_refused(row):
    with pytest.raises(InvalidParameter, match="impossible"):
        Histories.of(*([v] for v in row))


def test_distinct_histories_keep_weights_and_gaps():
    histories = Histories.of([1, 1, 0, 1], [5, 5, 0, 6], [9, 9, 9, 9], [1.0, 3.0, 0.0, 2.0])
    rows, place = histories.distinct
    assert sorted(rows.weights.tolist()) == [1, 1, 2]
    assert float(rows.weights @ rows.log_gap_sum) == pytest.approx(6.0)
    np.testing.assert_array_equal(rows.recency_days[place], histories.recency_days)


@pytest.mark.parametrize("model", MODELS)
def test_where_nobody_leaves_the_fit_is_as_good_as_a_model_without_leaving(model):
    rng = np.random.default_rng(4)
    x = rng.poisson(rng.gamma(2.0, 1 / 60, 3_000) * 365)
    last = np.where(x > 0, 365 * rng.random(3_000) ** (1 / np.maximum(x, 1)), 0.0)
    histories = Histories.of(x, last, 365.0)
    fit = model().fit(histories)
    # The maximum lies at the edge of what is searched; a prior in its place would be hundreds below.
    assert fit.log_likelihood_ > log_likelihood_without_dropout(fit, histories) - 1
    assert fit.expected_purchases(365, histories).sum() == pytest.approx(x.sum(), rel=0.05)


def test_histories_take_their_gaps_and_weights_from_the_columns() -> None:
    known = {name: np.array([2.0, 1.0]) for name in ("frequency", "recency_days", "T_days")}
    plain = Histories.from_columns(known)
    assert (plain.log_gap_sum.tolist(), plain.weights.tolist()) == ([0.0, 0.0], [1.0, 1.0])
    given = known | {"log_gap_sum": np.array([0.5, 0.0]), "weights": np.array([3.0, 4.0])}
    assert Histories.from_columns(given).log_gap_sum.tolist() == [0.5, 0.0]
    assert Histories.from_columns(given).weights.tolist() == [3.0, 4.0]
