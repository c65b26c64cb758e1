"""Customers who buy in one season of the year, as of the day before it, and customers who buy at any time."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.special import expit, logit

from customer_revenue.arrays import Floats
from customer_revenue.modeling.own_season import OwnSeason, SeasonPosterior
from customer_revenue.modeling.posterior import Posterior
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk
from customer_revenue.periods import DAYS_PER_YEAR

YEARS = 3
BUYS_IN_DECEMBER = 0.8


def columns_of(days: list[Floats]) -> dict[str, Floats]:
    """The columns of the features that a season needs, from the days before the as-of day of each customer."""
    repeats = [np.sort(own)[:-1] for own in days]

    def years(own: Floats, window_days: int) -> int:
        return len({int(-(-age // DAYS_PER_YEAR)) for age in own if (-age) % DAYS_PER_YEAR <= window_days})

    return {
        "frequency": np.array([float(len(own)) for own in repeats]),
        "T_days": np.array([own.max() for own in days]),
        "silence_days": np.array([own.min() for own in days]),
        "season_years_30": np.array([float(years(own, 30)) for own in repeats]),
        "season_years_90": np.array([float(years(own, 90)) for own in repeats]),
    }


def shop(december: int, others: int, seed: int) -> dict[str, Floats]:
    """December buyers, first, and customers who buy at random times, as of 25 November after four years."""
    rng = np.random.default_rng(seed)

    days: list[Floats] = []
    for _ in range(december):
        bought = rng.random(YEARS) < BUYS_IN_DECEMBER
        ages = DAYS_PER_YEAR * np.arange(1.0, YEARS + 1) - rng.integers(6, 37, YEARS)
        days.append(ages[bought] if bought.any() else ages[-1:])
    for _ in range(others):
        n = 1 + rng.poisson(rng.gamma(0.8, 4))
        days.append(np.unique(rng.integers(1, YEARS * DAYS_PER_YEAR, n)).astype(np.float64))
    return columns_of(days)


def posterior(columns: dict[str, Floats], season: OwnSeason) -> SeasonPosterior:
    recency = columns["T_days"] - columns["silence_days"]
    histories = Histories.of(columns["frequency"], recency, columns["T_days"])
    return season.posterior(Posterior(ModifiedBetaGeoCNBDk().fit(histories), histories), columns)


@pytest.fixture(scope="module")
def columns() -> dict[str, Floats]:
    return shop(400, 800, 1)


def test_december_buyers_come_in_december(columns):
    season = OwnSeason.fitted(columns)
    assert season is not None
    ours = posterior(columns, season)
    repeaters = (np.arange(1_200) < 400) & (columns["frequency"] >= 1)
    plain = ours.base.purchase_probability(36)[repeaters]
    chance = ours.purchase_probability(36)[repeaters]
    assert plain.mean() < 0.1
    assert chance.mean() > 0.55
    both = repeaters & (columns["season_years_30"] == 2)
    assert ours.purchase_probability(36)[both].mean() == pytest.approx(BUYS_IN_DECEMBER, abs=0.1)


def test_others_hardly_change(columns):
    ours = posterior(columns, OwnSeason(0.3, 0.75, 0.85))
    others = np.arange(1_200) >= 400
    assert np.median(ours.belongs[others]) < 0.05
    assert ours.purchase_probability(30)[others].mean() < ours.base.purchase_probability(30)[others].mean() + 0.04


@pytest.mark.parametrize("seed", range(4))
def test_a_shop_without_seasons_has_none(seed):
    assert OwnSeason.fitted(shop(0, 1_200, seed)) is None


def test_who_first_bought_in_a_season_may_have_one(columns):
    season = OwnSeason.fitted(columns)
    assert season is not None
    once = columns_of([np.array([340.0]), np.array([300.0]), np.array([200.0]), np.array([9.0, 100.0])])
    belongs = season.membership(once)
    assert belongs[0] > 0.5
    assert belongs[2] < 0.1
    np.testing.assert_array_equal(posterior(once, season).belongs[:2], belongs[:2])
    assert posterior(once, season).belongs[2] == 0
    assert OwnSeason.from_state(json.loads(json.dumps(asdict(season)))) == season


def test_forecasts_of_the_others_and_of_the_season_are_mixed(columns):
    ours = posterior(columns, OwnSeason(0.3, 0.75, 0.85))
    logs, odds = np.log(ours.base.expected_purchases(31)), -logit(ours.base.purchase_probability(31))
    np.testing.assert_allclose(np.exp(ours.with_purchases(logs, 31)), ours.expected_purchases(31))
    np.testing.assert_allclose(expit(-ours.with_churn(odds, 31)), ours.purchase_probability(31), atol=1e-8)
    sure = ours.belongs > 0.99
    doubled = ours.with_purchases(logs + np.log(2), 31) - ours.with_purchases(logs, 31)
    assert np.all(doubled[sure] < 0.01)
    np.testing.assert_allclose(doubled[ours.belongs == 0], np.log(2))


def test_who_has_bought_this_season_is_not_expected_again():
    season = OwnSeason(0.3, 0.8, 0.8)
    once = columns_of([np.array([350.0, 715.0, 1080.0]), np.array([5.0, 715.0, 1080.0])])
    belongs = posterior(once, season).belongs
    assert belongs[0] > 0.9
    assert belongs[1] == 0


def test_chances_grow_and_dates_invert_them(columns):
    ours = posterior(columns, OwnSeason(0.3, 0.75, 0.85))
    days = [1.0, 7.0, 30.0, 60.0, 90.0, 180.0, 365.0, 400.0, 1_000.0, 10_000.0, np.inf]
    chances = np.stack([ours.purchase_probability(day) for day in days])
    assert np.all(np.diff(chances, axis=0) >= -1e-9)
    np.testing.assert_allclose(chances[-1], ours.probability_alive)
    assert np.all(ours.probability_alive <= 1)
    assert np.all(ours.expected_purchases(30.0) >= chances[2] * 0.99)
    for p in (0.05, 0.6):
        wanted = np.full(len(ours.belongs), p)
        np.testing.assert_allclose(ours.wait_by(ours.wait_quantile(wanted)), p, atol=1e-6)
