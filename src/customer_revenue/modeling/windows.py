"""Rolling training windows: what was known at a cut-off, and what came after it, all of it before the as-of day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

SHORT_HORIZONS_DAYS = (30, 90)
"""Horizons that the predictor learns beside its own."""

FEWEST_HISTORY_DAYS = 45
"""A window needs this many days of orders before its cut-off."""

MOST_WINDOWS = 5
YEAR_DAYS = 365


@dataclass(frozen=True)
class WindowPlan:
    """A window to materialise: features as of ``cutoff``, labels of ``horizons_days`` after it.

    ``horizons_days`` are ascending and complete by the as-of day; the last is the window's own horizon.
    """

    cutoff: dt.date
    horizons_days: tuple[int, ...]

    @property
    def horizon_days(self) -> int:
        """The longest horizon."""
        return self.horizons_days[-1]


@dataclass(frozen=True)
class Window:
    """A materialised window: ``features`` and ``labels`` as the features room gives them, one row a customer each.

    Rows of the two are joined by ``customer_id``. ``labels`` hold ``purchases_h`` and ``revenue_cents_h`` for the
    horizons of the plan.
    """

    cutoff: dt.date
    horizon_days: int
    features: pa.Table
    labels: pa.Table


def choose_cutoffs(first_day: dt.date, as_of_day: dt.date, horizon_days: int) -> list[WindowPlan]:
    """The rolling windows to learn a horizon from, latest first; none looks past the as-of day.

    Where the history is too short for the horizon and as much history again before it, the windows are as long as
    half of it: the predictor then extrapolates from them. The same season of a prior year is always among them.
    Without enough history for any window the list is empty.

    Args:
        first_day: day of the first order.
        as_of_day: last day that is known.
        horizon_days: what the predictor is asked for.
    """
    history = (as_of_day - first_day).days
    longest = min(horizon_days, history // 2)
    if longest < min(FEWEST_HISTORY_DAYS, horizon_days) or history - longest < FEWEST_HISTORY_DAYS:
        return []
    step = max(longest // 3, 15)
    room = history - longest - FEWEST_HISTORY_DAYS
    lags = [longest + i * step for i in range(min(MOST_WINDOWS, room // step + 1))]
    if longest < YEAR_DAYS <= history - FEWEST_HISTORY_DAYS:
        lags = sorted({*lags, YEAR_DAYS})
    return [WindowPlan(as_of_day - dt.timedelta(days=lag), _horizons(lag, longest)) for lag in lags]


def _horizons(lag_days: int, longest: int) -> tuple[int, ...]:
    wanted = {*(h for h in SHORT_HORIZONS_DAYS if h <= lag_days), longest}
    return tuple(sorted(h for h in wanted if h <= longest)) or (longest,)
