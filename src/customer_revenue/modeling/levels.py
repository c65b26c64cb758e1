"""Levels of a whole shop: how far past windows were above the models, and how much of that to expect again.

A level is a logarithm (of purchases, of spend per purchase) or a difference of log-odds (of churn). What the next
window will bring is the mean over the past ones, shrunk by its own standard error. Of the purchases', which
move with the calendar, and of a season, which rests on a year or two, only what is beyond chance is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from customer_revenue.modeling.training_windows import TrainingWindow

PRIOR_WINDOWS = 2
"""How many windows the usual spread of levels weighs against that of the shop's own."""

PURCHASES_SPREAD, SPEND_SPREAD, CHURN_SPREAD = 0.15, 0.05, 0.25
"""The usual standard deviation of levels from window to window."""


@dataclass(frozen=True)
class LevelEstimate:
    """The mean of the levels of some windows, and its squared standard error."""

    mean: float
    variance: float

    @property
    def expected(self) -> float:
        """What to expect of the next window, if levels are as far from 0 as this one: half at one standard error."""
        return self.mean * self.mean**2 / (self.mean**2 + self.variance) if self.mean else 0.0

    @property
    def beyond_chance(self) -> float:
        """The mean as far as it is above its standard error, else 0 (James & Stein 1961, positive part)."""
        return self.mean * max(1 - self.variance / self.mean**2, 0.0) if self.mean else 0.0

    def less(self, other: LevelEstimate) -> LevelEstimate:
        """The difference of two independent estimates."""
        return LevelEstimate(self.mean - other.mean, self.variance + other.variance)


@dataclass(frozen=True)
class WindowLevel:
    """The level of one window, its variance by chance over customers, and where the window lies."""

    level: float
    sampling_variance: float
    lag_days: int
    horizon_days: int


def purchase_levels(windows: Sequence[TrainingWindow]) -> list[WindowLevel]:
    """Levels of the purchases over the regularity model's expectation."""
    return [WindowLevel(w.purchase_level(), w.purchase_variance(), w.lag_days, w.horizon_days) for w in windows]


def spend_levels(windows: Sequence[TrainingWindow]) -> list[WindowLevel]:
    """Levels of the spend per purchase over Gamma-Gamma's."""
    return [WindowLevel(w.spend_level(), w.spend_variance(), w.lag_days, w.horizon_days) for w in windows]


def churn_levels(windows: Sequence[TrainingWindow], horizon_days: int) -> list[WindowLevel]:
    """Levels of the log-odds of no purchase within a horizon that each window has."""
    return [
        WindowLevel(w.churn_level(horizon_days), w.churn_variance(horizon_days), w.lag_days, horizon_days)
        for w in windows
    ]


def estimate(levels: Sequence[WindowLevel], spread: float, fading: float = 1.0) -> LevelEstimate:
    """The mean of the levels, latest first, each weighing ``fading`` of the one before.

    Windows that overlap tell the same twice: as many count as would fit beside each other in the days that they cover.

    Args:
        levels: at least one.
        spread: the usual one of such levels.
        fading: 1 for equal weights.
    """
    values = np.array([one.level for one in levels])
    weights = fading ** np.arange(len(values))
    mean = float(np.average(values, weights=weights))
    scatter = float(np.average((values - mean) ** 2, weights=weights)) * len(values) + PRIOR_WINDOWS * spread**2
    by_time = scatter / (len(values) - 1 + PRIOR_WINDOWS)
    by_chance = float(np.average([one.sampling_variance for one in levels], weights=weights))
    lags = [one.lag_days for one in levels]
    beside = (max(lags) - min(lags)) / levels[0].horizon_days + 1
    effective = min(beside, float(weights.sum() ** 2 / (weights**2).sum()))
    return LevelEstimate(mean, max(by_time, by_chance) / effective)
