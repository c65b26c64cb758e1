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
from customer_revenue.modeling.ensemble import Weights
from customer_revenue.modeling.metrics import Outcomes
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.season import Season
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


def test_a_young_shops_first_months_are_no_season(make_shop: Callable[..., Any]) -> None:
    shop = make_shop(customers=900, days=640)
    young, old = (shop.predictor(FIRST_DAY + dt.timedelta(days=days)) for days in (520, 620))
    assert young.learned_ is not None
    assert young.learned_.season == Season()
    assert old.learned_ is not None
    assert old.learned_.season.purchases != 0
