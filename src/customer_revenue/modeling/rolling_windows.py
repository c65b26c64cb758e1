"""Rolling training windows: what was known at a cut-off, and what came after it, all of it before the as-of day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.periods import DAYS_PER_YEAR

NEXT_DAYS = 30
"""Horizon of the chance of a next purchase."""

CHURN_DAYS = 90
"""Horizon of the churn score, by default."""

MIN_HISTORY_DAYS = 45
"""A window needs this many days of orders before its cut-off."""

MAX_WINDOWS = 5
SEASON_TOLERANCE_DAYS = 7

OTHER_QUARTERS_DAYS = (-91, 91, 182)
"""Days from a window of the same season to those of the other quarters of its year."""

LONGEST_SEASON_DAYS = 182
"""A longer horizon is no season."""


@dataclass(frozen=True)
class WindowPlan:
    """A window to materialise: features as of ``cutoff``, labels of each of ``horizons_days`` after it.

    Every horizon is over by the as-of day; ``horizon_days``, the window's own, is the one that amounts are learned at.
    A window ``of_other_quarter`` is only compared with the same season of its year.
    """

    cutoff: dt.date
    horizon_days: int
    horizons_days: tuple[int, ...]
    of_other_quarter: bool = False


@dataclass(frozen=True)
class Window:
    """A materialised window: ``features`` and ``labels`` of the features package, one row per customer each.

    Rows of the two are joined by ``customer_id``. ``labels`` hold ``purchases_h`` and ``revenue_cents_h`` for the
    horizons of the plan.
    """

    cutoff: dt.date
    horizon_days: int
    features: pa.Table
    labels: pa.Table
    of_other_quarter: bool = False

    @property
    def labels_in_order(self) -> pa.Table:
        """The labels, one row for each of the features, in their order."""
        ids = self.labels.column("customer_id").combine_chunks()
        return self.labels.take(pc.index_in(self.features.column("customer_id"), value_set=ids))

    def sample(self, max_customers: int) -> Window:
        """The window with at most ``max_customers`` of its customers: every n-th row of the features."""
        step = -(-self.features.num_rows // max_customers)
        if step <= 1:
            return self
        rows = np.arange(0, self.features.num_rows, step)
        return replace(self, features=self.features.take(rows))


def short_horizons(churn_days: int) -> tuple[int, ...]:
    """Horizons that the predictor learns in addition to its own, shortest first."""
    return tuple(sorted({NEXT_DAYS, churn_days}))


def whole_years(lag_days: int) -> bool:
    """Whether a window so long before the as-of day is of the same season."""
    years = round(lag_days / DAYS_PER_YEAR)
    return years > 0 and abs(lag_days - years * DAYS_PER_YEAR) <= SEASON_TOLERANCE_DAYS


def choose_cutoffs(
    first_day: dt.date,
    as_of_day: dt.date,
    horizon_days: int,
    max_windows: int = MAX_WINDOWS,
    churn_days: int = CHURN_DAYS,
) -> list[WindowPlan]:
    """The rolling windows to learn a horizon from; none looks past the as-of day.

    First come those of the longest horizon, latest first, and then, where that is long, recent ones for the short
    horizons. Where the history is too short for the horizon and as much history again before it, the windows are as
    long as half of it: the predictor then extrapolates from them. The same season of prior years is always among
    them. Without enough history for any window the list is empty.

    Args:
        first_day: day of the first order.
        as_of_day: last day that is known.
        horizon_days: the predictor's horizon.
        max_windows: maximum number of windows of the longest horizon, not counting the same season of prior years.
        churn_days: horizon of the churn score.
    """
    history = (as_of_day - first_day).days
    longest = min(horizon_days, history // 2)
    if longest < min(MIN_HISTORY_DAYS, horizon_days) or history - longest < MIN_HISTORY_DAYS:
        return []
    step = max(longest // 3, 15)
    room = history - longest - MIN_HISTORY_DAYS
    lags = {longest + i * step for i in range(min(max_windows, room // step + 1))}
    years = [year * DAYS_PER_YEAR for year in (1, 2) if longest <= year * DAYS_PER_YEAR <= history - MIN_HISTORY_DAYS]
    # A window a few days apart would add nothing.
    lags = {lag for lag in lags if all(abs(lag - year) > SEASON_TOLERANCE_DAYS for year in years)} | set(years)
    short = short_horizons(churn_days)
    recent = [h for h in reversed(short) if 2 * h <= longest]
    plans = [_plan(as_of_day, lag, (*short, longest)) for lag in sorted(lags)]
    plans += [_plan(as_of_day, lag, (*short, lag)) for lag in recent]
    if longest <= LONGEST_SEASON_DAYS:
        quarters = [
            year + quarter
            for year in years
            for quarter in OTHER_QUARTERS_DAYS
            if year + OTHER_QUARTERS_DAYS[-1] + 2 * longest <= history
        ]
        plans += [_plan(as_of_day, lag, (longest,), of_other_quarter=True) for lag in quarters]
    return plans


def _plan(
    as_of_day: dt.date, lag_days: int, horizons_days: tuple[int, ...], *, of_other_quarter: bool = False
) -> WindowPlan:
    """A window whose own horizon is the last one."""
    horizon_days = horizons_days[-1]
    over = {h for h in horizons_days if h <= lag_days}
    return WindowPlan(as_of_day - dt.timedelta(days=lag_days), horizon_days, tuple(sorted(over)), of_other_quarter)
