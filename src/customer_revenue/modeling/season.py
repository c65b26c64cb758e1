"""This season's levels of purchases, spend and churn, learned from the same season of prior years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from customer_revenue.modeling.baselines import BaselineModels
from customer_revenue.modeling.levels import Level, shrunk
from customer_revenue.modeling.rolling_windows import OTHER_QUARTERS_DAYS, Window, whole_years
from customer_revenue.modeling.training_windows import TrainingWindow

HISTORY_OF_SEASON = 2
"""A prior year's window shows the season if its models knew this many of its horizons: a young shop has none."""

YEAR_TO_YEAR = 0.1
"""Standard deviation of one season from year to year, in logarithms."""

Compared: TypeAlias = tuple[TrainingWindow, Sequence[TrainingWindow]]
"""A window of the same season, and those that it is compared with, itself among them where they are a whole year."""


@dataclass(frozen=True)
class Season:
    """Logarithms by which this season is above the purchase models, learned from the same season of prior years.

    ``churn`` is in log-odds. All are 0 without a prior year.
    """

    purchases: float = 0.0
    spend: float = 0.0
    churn: float = 0.0


def around_season(
    windows: Sequence[Window], as_of_day: dt.date, models: BaselineModels, max_customers: int
) -> list[TrainingWindow]:
    """The same season of prior years and the other quarters of theirs, under the models of today.

    Args:
        windows: earlier ones, of any kind.
        as_of_day: of the models.
        models: fitted.
        max_customers: of each window.
    """
    horizons_days = {window.horizon_days for window in windows if window.of_other_quarter}
    lags = [(window, (as_of_day - window.cutoff).days) for window in windows if window.horizon_days in horizons_days]
    return [
        TrainingWindow.under(models, window.sample(max_customers), lag)
        for window, lag in lags
        if window.of_other_quarter or whole_years(lag)
    ]


def learn_season(windows: Sequence[TrainingWindow], around: Sequence[TrainingWindow]) -> Season:
    """This season's levels less those of other seasons, shrunk by their standard error.

    The same season of a prior year is compared with that year's quarters, all of them under the models of today, so
    that a level that changed since then is not taken for a season. In a history that is too short for that it is
    compared with the other windows, each under the models of its own cut-off.

    Args:
        windows: all of the same horizon.
        around: the same season of prior years and the other quarters, under the models of today.
    """
    compared = _quarters(around) or _others(windows)
    if not compared:
        return Season()
    return Season(
        purchases=_contrast(compared, lambda window: window.purchase_level()),
        spend=_contrast(compared, lambda window: window.spend_level()),
        churn=_contrast(compared, lambda window: window.churn_level(window.horizon_days)),
    )


def _quarters(around: Sequence[TrainingWindow]) -> list[Compared]:
    of_lag = {window.lag_days: window for window in around}
    found: list[Compared] = []
    for same in (window for window in around if window.same_season()):
        others = [of_lag[lag] for quarter in OTHER_QUARTERS_DAYS if (lag := same.lag_days + quarter) in of_lag]
        if len(others) == len(OTHER_QUARTERS_DAYS):
            found.append((same, [same, *others]))
    return found


def _others(windows: Sequence[TrainingWindow]) -> list[Compared]:
    others = [window for window in windows if not window.same_season()]
    return [
        (window, others)
        for window in windows
        if others and window.same_season() and window.history_days >= HISTORY_OF_SEASON * window.horizon_days
    ]


def _contrast(compared: Sequence[Compared], level_of: Callable[[TrainingWindow], Level]) -> float:
    """The mean difference of levels, shrunk by its own variance."""
    differences, variances = [], []
    for same, others in compared:
        here, there = level_of(same), [level_of(other) for other in others]
        differences.append(here.value - np.mean([level.value for level in there]))
        # The windows compared with share orders, so that their mean is hardly steadier than one of them.
        variances.append(here.variance + np.mean([level.variance for level in there]) + YEAR_TO_YEAR**2)
    return shrunk(float(np.mean(differences)), float(np.mean(variances)) / len(compared))
