"""Standard errors, the distribution of counts, and the cautions about fits that cannot be trusted."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from customer_revenue.modeling.cautions import purchase_cautions, spend_cautions
from customer_revenue.modeling.count_distribution import PurchaseModel, expected_newcomer, repeat_distribution
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeo, ModifiedBetaGeoCNBDk
from customer_revenue.modeling.uncertainty import (
    Estimate,
    bootstrap,
    purchase_covariance,
    purchase_estimates,
    spend_covariance,
    spend_estimates,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # importing lifetimes warns
    from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value


@pytest.fixture(scope="module")
def summary():
    return load_cdnow_summary_data_with_monetary_value()


@pytest.fixture(scope="module")
def cdnow(summary) -> Histories:
    """The CDNOW sample, in weeks as in the papers."""
    return Histories.of(summary["frequency"], summary["recency"], summary["T"])


def _buyers(customers: int, *, dropout: bool, days: int = 365, seed: int = 2) -> Histories:
    """Poisson buyers with their own rates, who leave after a while or never."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2.0, 1 / 60, customers)
    life = rng.exponential(120, customers) if dropout else np.full(customers, np.inf)
    x = rng.poisson(rate * np.minimum(life, days))
    last = np.where(x > 0, np.minimum(life, days) * rng.random(customers) ** (1 / np.maximum(x, 1)), 0.0)
    return Histories.of(x, np.where(x > 0, np.maximum(last, 1e-3), 0), days)


def estimates_of(model: PurchaseModel, histories: Histories) -> list[Estimate]:
    return purchase_estimates(model, purchase_covariance(model, histories))


def test_pareto_standard_errors_on_cdnow_are_those_of_clvtools(cdnow):
    estimates = estimates_of(ParetoNBD().fit(cdnow), cdnow)
    found = {e.name: e.standard_error for e in estimates}
    published = {"r": 0.0476264, "alpha": 0.8427222, "s": 0.1872594, "beta": 6.2105448}
    assert found == pytest.approx(published, rel=1e-3)
    assert all(e.low < e.value < e.high for e in estimates)


@pytest.mark.parametrize("model", [BetaGeo(), ModifiedBetaGeo(penalizer=0.05)])
def test_the_bootstrap_agrees_with_the_curvature(cdnow, model):
    estimates = estimates_of(model.fit(cdnow), cdnow)
    draws = bootstrap(model, cdnow, 25, seed=1)
    spread = draws.std(axis=0) / [e.standard_error for e in estimates]
    # So few draws know a standard deviation to a seventh or so; a factor would be an error.
    assert np.all((spread > 0.5) & (spread < 2.0))


def test_four_times_the_customers_halve_the_error(cdnow):
    more = Histories.of(cdnow.frequency, cdnow.recency_days, cdnow.T_days, weights=4.0)
    few, many = (estimates_of(BetaGeo().fit(h), h) for h in (cdnow, more))
    ratio = [a.standard_error / b.standard_error for a, b in zip(few, many, strict=True)]
    assert ratio == pytest.approx([2, 2, 2, 2], rel=0.01)


def test_a_penalizer_pulls_the_parameters_towards_zero(cdnow, summary):
    plain, pulled = ParetoNBD(penalizer=0.0).fit(cdnow), ParetoNBD(penalizer=0.1).fit(cdnow)
    assert pulled.r_ < plain.r_
    assert pulled.penalizer_ == 0.1
    assert pulled.log_likelihood_ < plain.log_likelihood_
    spend = [GammaGamma(penalizer=p).fit(summary["frequency"], summary["monetary_value"]) for p in (0.0, 0.01)]
    assert spend[1].to_state()["p"] < spend[0].to_state()["p"]


def test_gamma_gamma_has_errors_in_the_unit_of_its_money(summary):
    x, m = np.asarray(summary["frequency"], dtype=float), np.asarray(summary["monetary_value"])
    units, cents = GammaGamma().fit(x, m), GammaGamma().fit(x, m * 100)
    in_units = spend_estimates(units, spend_covariance(units, x, m))
    in_cents = spend_estimates(cents, spend_covariance(cents, x, m * 100))
    assert in_cents[2].standard_error == pytest.approx(100 * in_units[2].standard_error, rel=1e-3)
    assert in_cents[0].standard_error == pytest.approx(in_units[0].standard_error, rel=1e-3)


@pytest.mark.parametrize("model", [BetaGeo(), ModifiedBetaGeo(), ModifiedBetaGeoCNBDk(k=2), ParetoNBD()])
def test_the_distribution_of_counts_has_the_mean_of_the_model(cdnow, model):
    model.fit(cdnow)
    distribution = repeat_distribution(model, np.array([10.0, 39.0]), 400)
    assert distribution.sum(axis=1) == pytest.approx([1, 1])
    assert np.all(distribution >= -1e-12)
    means = distribution @ np.arange(401)
    np.testing.assert_allclose(means, expected_newcomer(model, np.array([10.0, 39.0])), rtol=1e-3)


def test_a_sound_fit_gives_no_caution(cdnow, summary):
    for model in (BetaGeo(), ModifiedBetaGeo(), ParetoNBD()):
        assert not list(purchase_cautions(model.fit(cdnow), cdnow, estimates_of(model, cdnow)))
    assert not list(spend_cautions("", np.asarray(summary["frequency"]), np.asarray(summary["monetary_value"])))


@pytest.mark.parametrize("kind", [ModifiedBetaGeo, ParetoNBD])
def test_customers_who_never_leave_are_noticed(kind):
    for dropout in (False, True):
        histories = _buyers(2_000, dropout=dropout)
        model = kind().fit(histories)
        codes = {c.code for c in purchase_cautions(model, histories, estimates_of(model, histories))}
        assert ("no_dropout" in codes) is not dropout


def test_few_repeat_buyers_and_a_short_window_are_noticed():
    histories = _buyers(150, dropout=False, days=25)
    model = BetaGeo(penalizer=0.01).fit(histories)
    found = {c.code: c for c in purchase_cautions(model, histories, estimates_of(model, histories))}
    assert {"few_repeat_buyers", "short_window"} <= set(found)
    assert all(c.message and c.remedy.endswith(".") for c in found.values())


def test_spend_that_goes_with_frequency_is_noticed():
    x = np.random.default_rng(1).geometric(0.3, 500).astype(float)
    (caution,) = spend_cautions("", x, 1000 + 500 * x)
    assert caution.code == "spend_depends_on_frequency"
    assert "more each time" in caution.message
    assert not list(spend_cautions("", x, np.random.default_rng(2).gamma(5, 200, 500)))
