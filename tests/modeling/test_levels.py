"""Levels are trusted as far as their standard errors allow."""

from __future__ import annotations

import numpy as np
import pytest

from customer_revenue.modeling.levels import LevelEstimate, WindowLevel, estimate


def levels(*values: float, step_days: int = 90, variance: float = 0.001) -> list[WindowLevel]:
    return [WindowLevel(value, variance, 90 + place * step_days, 90) for place, value in enumerate(values)]


def test_a_level_that_all_windows_show_is_expected_again() -> None:
    assert estimate(levels(0.42, 0.4, 0.41, 0.39, 0.4), 0.15).expected == pytest.approx(0.4, abs=0.03)


def test_levels_that_contradict_each_other_are_not() -> None:
    found = estimate(levels(0.4, -0.35, 0.3, -0.2), 0.15)
    assert abs(found.expected) < 0.02
    assert found.beyond_chance == 0


def test_one_window_proves_less_than_several_and_overlapping_ones_hardly_more_than_one() -> None:
    one, overlapping, apart = (
        estimate(levels(*[0.3] * n, step_days=step), 0.15) for n, step in ((1, 90), (4, 10), (4, 90))
    )
    assert one.variance > overlapping.variance > apart.variance
    assert one.expected < overlapping.expected < apart.expected < 0.3
    assert one.variance == pytest.approx(0.15**2)


def test_a_level_of_few_customers_proves_nothing() -> None:
    assert estimate(levels(0.3, 0.3, variance=0.5), 0.15).beyond_chance == 0


def test_a_season_is_used_only_beyond_chance() -> None:
    usual = estimate(levels(0.02, -0.03, 0.01, 0.0), 0.15)
    strong, weak = (estimate(levels(level), 0.15).less(usual) for level in (0.8, 0.12))
    assert 0.65 < strong.beyond_chance < 0.8
    assert weak.beyond_chance == 0


def test_no_level_has_none() -> None:
    nothing = LevelEstimate(0.0, 0.0)
    assert (nothing.expected, nothing.beyond_chance) == (0.0, 0.0)


def test_stationary_shops_get_hardly_a_season() -> None:
    rng = np.random.default_rng(3)
    seasons = []
    for _ in range(300):
        same, *other = rng.normal(0, 0.15, 6)
        seasons.append(estimate(levels(same), 0.15).less(estimate(levels(*other), 0.15)).beyond_chance)
    assert np.mean(np.abs(seasons)) < 0.08
    assert np.mean(np.array(seasons) == 0) > 0.5
