"""A shop where some customers buy in December only, and the others at any time, as of 25 November."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.arrays import Floats
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.modeling.rolling_windows import Window, choose_cutoffs
from customer_revenue.settings import ModelOptions
from tests.modeling.conftest import FIRST_DAY, shop_of

AS_OF = dt.date(2025, 11, 25)
HORIZON_DAYS = 31
BUYS_IN_DECEMBER = 0.8
OTHERS_PER_DAY = 1 / 310
DAYS_KNOWN = (AS_OF - FIRST_DAY).days + 1


def orders(december: int, others: int, seed: int) -> pa.Table:
    """December buyers first come in any of three Decembers; the others come and buy at a constant rate."""
    rng = np.random.default_rng(seed)
    decembers = np.array([(dt.date(year, 12, 1) - FIRST_DAY).days for year in (2022, 2023, 2024)])
    first_year = rng.integers(0, 3, december)
    bought = (np.arange(3) > first_year[:, None]) & (rng.random((december, 3)) < BUYS_IN_DECEMBER)
    bought |= np.arange(3) == first_year[:, None]
    who, year = np.nonzero(bought)
    start = rng.integers(0, DAYS_KNOWN - 100, others)
    n = 1 + rng.poisson((DAYS_KNOWN - start) * OTHERS_PER_DAY)
    other = np.repeat(np.arange(others), n)
    days = np.concatenate([decembers[year] + rng.integers(0, 31, len(who)), rng.integers(start[other], DAYS_KNOWN)])
    names = [*(f"d{i:04d}" for i in who), *(f"o{i:04d}" for i in other)]
    moments = np.datetime64(FIRST_DAY, "us") + days.astype("timedelta64[D]") + np.timedelta64(10, "h")
    return pa.table(
        {
            "id": [f"r{i}" for i in range(len(days))],
            "user_id": names,
            "total_cents": rng.integers(2_000, 6_000, len(days)),
            "status": ["paid"] * len(days),
            "created_at": moments,
        }
    )


@pytest.fixture(scope="module")
def forecasts() -> dict[str, Floats]:
    """The chance to buy by Christmas of each class of customers, by the first letter of their ids."""
    shop = shop_of(orders(300, 700, 1))
    options = ModelOptions(trees=30, pareto=False, regularity=1, prior=False)
    plans = choose_cutoffs(FIRST_DAY, AS_OF, HORIZON_DAYS, max_windows=1)
    windows = [
        Window(plan.cutoff, HORIZON_DAYS, shop.features(plan.cutoff), shop.labels(plan.cutoff, plan.horizons_days))
        for plan in plans
        if not plan.of_other_quarter
    ]
    predictor = Predictor(AS_OF, HORIZON_DAYS, seed=7, options=options).fit(shop.features(AS_OF), windows)
    assert predictor.base_ is not None
    assert predictor.base_.season is not None
    predictions = predictor.predict(shop.features(AS_OF))
    kind = np.array([name[0] for name in predictions.column("customer_id").to_pylist()])
    return {letter: column(predictions, "purchase_probability")[kind == letter] for letter in "do"}


def test_december_buyers_are_expected(forecasts: dict[str, Floats]) -> None:
    assert forecasts["d"].mean() > 0.5


def test_the_season_of_some_is_not_that_of_the_others(forecasts: dict[str, Floats]) -> None:
    truth = 1 - np.exp(-HORIZON_DAYS * OTHERS_PER_DAY)
    assert forecasts["o"].mean() == pytest.approx(truth, abs=0.04)
