"""How far the learned members are trusted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from customer_revenue.modeling.ensemble import Weights
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.season import Season
from tests.modeling.conftest import FIRST_DAY


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


def test_a_young_shops_first_months_are_no_season(make_shop: Callable[..., Any]) -> None:
    shop = make_shop(customers=900, days=640)
    young, old = (shop.predictor(FIRST_DAY + dt.timedelta(days=days)) for days in (520, 620))
    assert young.learned_ is not None
    assert young.learned_.season == Season()
    assert old.learned_ is not None
    assert old.learned_.season.purchases != 0
