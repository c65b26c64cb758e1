"""A season is told from a level that changed, and from noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from customer_revenue.modeling.levels import Level
from customer_revenue.modeling.season import Season, learn_season


@dataclass
class WindowOf:
    """A window of which nothing is known but its levels, all of them the same."""

    lag_days: int
    level: float
    error: float = 0.05
    horizon_days: int = 90
    history_days: float = 400

    def same_season(self) -> bool:
        return self.lag_days in (365, 730)

    def purchase_level(self) -> Level:
        return Level(self.level, self.error**2)

    spend_level = purchase_level

    def churn_level(self, _horizon_days: int) -> Level:
        return self.purchase_level()


def season_of(around: dict[int, float], recent: dict[int, float], error: float = 0.05) -> Season:
    windows: list[Any] = [WindowOf(lag, level, error) for lag, level in recent.items()]
    return learn_season(windows, [WindowOf(lag, level, error) for lag, level in around.items()])  # type: ignore[misc]


def test_a_season_is_what_its_year_shows() -> None:
    season = season_of({365: 0.6, 274: 0.0, 456: 0.0, 547: -0.6}, {90: 0.3, 365: 0.6})
    assert season.purchases == pytest.approx(0.6, abs=0.05)
    assert season.purchases == season.spend == season.churn


def test_a_level_that_changed_is_no_season() -> None:
    lower_then = dict.fromkeys((365, 274, 456, 547), -0.4)
    assert season_of(lower_then, {90: 0.3, 120: 0.4, 365: -0.4}) == Season()


def test_what_may_be_noise_is_none() -> None:
    shown = {365: 0.2, 274: 0.0, 456: 0.0, 547: 0.0}
    assert season_of(shown, {}, error=0.03).purchases > 0.03
    assert season_of(shown, {}, error=0.2) == Season()


def test_a_short_history_is_compared_with_its_other_windows() -> None:
    assert season_of({}, {90: 0.0, 120: 0.1, 365: 0.6}).purchases == pytest.approx(0.52, abs=0.06)
    assert season_of({}, {90: 0.0, 120: 0.1}) == Season()


def test_two_years_say_more_than_one() -> None:
    one = {365: 0.25, 274: 0.0, 456: 0.0, 547: 0.0}
    two = one | {730: 0.25, 639: 0.0, 821: 0.0, 912: 0.0}
    assert season_of(two, {}).purchases > season_of(one, {}).purchases


def test_the_variance_of_a_level_is_that_of_other_customers() -> None:
    rng = np.random.default_rng(1)
    expected = rng.gamma(0.5, 1.0, 2_000)
    levels = [Level.of_totals(rng.poisson(expected * 1.5).astype(float), expected) for _ in range(200)]
    assert np.mean([level.value for level in levels]) == pytest.approx(np.log(1.5), abs=0.01)
    assert np.mean([level.variance for level in levels]) == pytest.approx(np.var([x.value for x in levels]), rel=0.3)
    chance = np.array([np.log(0.2 / 0.8)] * 500)
    share = Level.of_log_odds(chance, np.arange(500) < 250)
    assert share.value == pytest.approx(np.log(4), abs=1e-3)
    assert share.variance == pytest.approx(4 / 500, rel=1e-3)
