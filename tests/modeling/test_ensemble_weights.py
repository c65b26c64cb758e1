"""How far the learned members are trusted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from customer_revenue.modeling import fit_ensemble
from customer_revenue.modeling.baseline_guard import LogForecast, OwnShares
from customer_revenue.modeling.ensemble import Weights, combine
from customer_revenue.modeling.metrics import Outcomes
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.season import Season
from customer_revenue.modeling.training_windows import TrainingWindow
from customer_revenue.settings import ModelOptions
from tests.modeling.conftest import AS_OF, FIRST_DAY, HORIZON_DAYS


@pytest.mark.parametrize("learned", [0.0, 0.5, 1.0])
def test_what_is_not_trusted_goes_to_the_prior_or_else_to_the_purchase_models(learned: float) -> None:
    weights = Weights(offset=0.6, direct=0.2, pareto=0.2, spend=0.5, classifier=0.6)
    found = weights.shrunk(learned)
    assert found.prior == pytest.approx(0.8 * (1 - learned))
    assert found.base == pytest.approx(0)
    assert found.without_prior().base == pytest.approx(0.8 * (1 - learned))
    assert found.pareto == 0.2
    assert found.classifier == pytest.approx(0.6 * learned)
    assert found.base + found.offset + found.direct + found.pareto + found.prior == pytest.approx(1)


def test_members_that_disagree_about_customers_lower_no_total() -> None:
    rng = np.random.default_rng(3)
    members = {"base": rng.normal(-1, 1, 500), "offset": rng.normal(-1, 1, 500), "pareto": rng.normal(-0.5, 1, 500)}
    weights = Weights(offset=0.5, direct=0.0, pareto=0.2)
    totals = {name: float(np.exp(logs).sum()) for name, logs in members.items()}
    between = totals["base"] ** 0.3 * totals["offset"] ** 0.5 * totals["pareto"] ** 0.2
    assert np.exp(combine(members, weights)).sum() < 0.8 * between
    assert np.exp(combine(members, weights.centered(members))).sum() == pytest.approx(between)
    assert weights.centered(members).centered(members) == weights.centered(members)
    alone = Weights(offset=1.0, direct=0.0, pareto=0.0)
    assert alone.centered(members).center == pytest.approx(0)


def test_the_total_of_the_customers_is_that_of_the_members(make_shop: Callable[..., Any]) -> None:
    shop = make_shop(customers=600)
    predictor, features = shop.predictor(), shop.features()
    learned = predictor.learned_
    assert learned is not None
    members = learned.models.predict(predictor._baseline(features)).members(HORIZON_DAYS)
    assert learned.weights.center > 0
    assert learned.weights == learned.weights.centered(members)
    assert "center" not in predictor.weights()


def test_a_small_shop_leans_on_what_other_shops_taught(make_shop: Callable[..., Any], predictor: Predictor) -> None:
    small, large = make_shop(customers=500).predictor().weights(), predictor.weights()
    assert small["prior"] > large["prior"] > 0


def test_the_guard_judges_the_weights_as_they_are_applied(
    make_shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[tuple[LogForecast, LogForecast]] = []

    def record(_happened: Outcomes, ours: LogForecast, baseline: LogForecast, *_: object) -> OwnShares:
        judged.append((ours, baseline))
        return OwnShares()

    def nothing_learned(weights: Weights, _factor: float) -> Weights:
        return replace(weights, offset=0.0, direct=0.0, spend=0.0, classifier=0.0)

    monkeypatch.setattr(fit_ensemble, "own_shares", record)
    monkeypatch.setattr(Weights, "shrunk", nothing_learned)
    shop = make_shop(customers=600)
    options = ModelOptions(prior=False, pareto=False, trees=5, regularity=1)
    Predictor(AS_OF, HORIZON_DAYS, options=options).fit(shop.features(), shop.windows(max_windows=1))
    ((ours, baseline),) = judged
    np.testing.assert_allclose(ours.spend - baseline.spend, (ours.spend - baseline.spend)[0])


@pytest.mark.parametrize("max_windows", [1, 5])
def test_the_weights_are_chosen_on_outcomes_that_nothing_was_learned_from(
    make_shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, max_windows: int
) -> None:
    parted: list[tuple[TrainingWindow, list[TrainingWindow]]] = []
    part = fit_ensemble._parted

    def record(*arguments: Any) -> tuple[TrainingWindow, list[TrainingWindow]]:
        parted.append(part(*arguments))
        return parted[-1]

    monkeypatch.setattr(fit_ensemble, "_parted", record)
    shop = make_shop(customers=600)
    options = ModelOptions(pareto=False, trees=5, regularity=1)
    windows = shop.windows(max_windows=max_windows)
    Predictor(AS_OF, HORIZON_DAYS, options=options).fit(shop.features(), windows)
    ((test, learned_from),) = parted
    assert learned_from
    for window in learned_from:
        ended = window.lag_days - window.horizon_days >= test.lag_days
        assert ended or not set(window.customers) & set(test.customers)


@pytest.mark.parametrize(("customers", "counted_noise", "least", "most"), [
    (20_000, 0.0, 0.0, 0.1),
    (20_000, 1.0, 0.9, 1.0),
    (20, 0.0, 0.5, 0.7),
])  # fmt: skip
def test_the_classifier_counts_as_far_as_the_latest_window_speaks_for_it(
    customers: int, counted_noise: float, least: float, most: float
) -> None:
    rng = np.random.default_rng(3)
    true = rng.normal(0, 1, customers)
    none = rng.random(customers) < 1 / (1 + np.exp(-true))
    # A level that is wrong by .7 is not held against either of them.
    classified = true + 0.7 + (1 - counted_noise) * rng.normal(0, 1, customers)
    counted = true + counted_noise * rng.normal(0, 1, customers)
    assert least <= fit_ensemble._classifier_share(none, classified, counted) <= most


def test_a_young_shops_first_months_are_no_season(make_shop: Callable[..., Any]) -> None:
    shop = make_shop(customers=900, days=640)
    young, old = (shop.predictor(FIRST_DAY + dt.timedelta(days=days)) for days in (520, 620))
    assert young.learned_ is not None
    assert young.learned_.season == Season()
    assert old.learned_ is not None
    assert old.learned_.season.purchases != 0
