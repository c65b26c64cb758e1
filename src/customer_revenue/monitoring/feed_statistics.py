"""The statistics behind the checks of the feed: a size, and the chance of such a one in orders of the usual kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binom, mannwhitneyu, nbinom, poisson

from customer_revenue.monitoring.holidays import days_near_holidays

MIN_ORDERS = 5
HOURS = 24


def orders_of_day(
    day: dt.date, orders: int, by_day: pd.Series[int], holidays: Collection[dt.date]
) -> tuple[float, float] | None:
    """The usual number of orders on this weekday, and the chance of this few.

    ``None`` for a day near a holiday, and for a weekday on which the shop has been without an order before.
    """
    date = pd.Timestamp(day)
    near = days_near_holidays(holidays)
    counts = by_day[~by_day.index.isin(list(near))]
    weekday = counts.index.to_series().dt.day_of_week
    same = counts[weekday == date.day_of_week]
    if date in near or len(same) < 2 or (same == 0).any():
        return None
    weekday_means = counts.groupby(weekday).transform("mean")
    open_days = weekday_means > 0
    spread = _spread(counts[open_days], weekday_means[open_days])
    usual = float(same.mean())
    return usual, _chance_of_fewer(orders, usual, spread)


def duplicate_orders(orders: pd.DataFrame, usual_repeats: int, usual_orders: int) -> tuple[float, float]:
    """Share of orders that repeat another one under another id, and the chance of this many."""
    number = repeats(orders)
    rate = (usual_repeats + 1) / (usual_orders + 2)
    return number / max(len(orders), 1), float(binom.sf(number - 1, len(orders), rate))


def amounts(totals: pd.Series[int], usual: pd.Series[int]) -> tuple[float, float] | None:
    """Median total (all above 0) over the usual one, and the chance that ranks differ this much (Mann and Whitney)."""
    if len(totals) < MIN_ORDERS or len(usual) < MIN_ORDERS:
        return None
    return float(totals.median() / usual.median()), float(mannwhitneyu(totals, usual).pvalue)


def vanished(number: int, orders: int, weeks: pd.Series[int], all_weeks: pd.Series[int]) -> tuple[float, float]:
    """Number of a kind over the usual one among the same number of orders, and the chance of this few.

    Args:
        number: of the kind.
        orders: of all kinds.
        weeks: the usual number of the kind, week by week.
        all_weeks: of all kinds.
    """
    usual = float(weeks.sum() / max(all_weeks.sum(), 1)) * orders
    if usual <= 0:
        return float("nan"), 1.0
    means = all_weeks * weeks.sum() / all_weeks.sum()
    return number / usual, _chance_of_fewer(number, usual, _spread(weeks, means))


def shifted_hours(now: npt.NDArray[np.int64], usual: npt.NDArray[np.int64]) -> tuple[int, float]:
    """The shift in hours at which the usual hours of the day fit best, and the chance of fitting this much better.

    The likelihood ratio of a wrong against the true distribution has mean 1, so it exceeds x with a chance of 1 / x
    (Markov), and one of the 23 shifts with 23 / x.
    """
    before = usual + 0.5
    log_shares = np.log(before / before.sum())
    fits = np.array([now @ np.roll(log_shares, shift) for shift in range(HOURS)])
    best = int(np.argmax(fits))
    chance = min(1.0, (HOURS - 1) * float(np.exp(min(fits[0] - fits[best], 0.0))))
    return (best + HOURS // 2) % HOURS - HOURS // 2, chance


def new_shapes(shapes: pd.Series[str], known: Collection[str], usual_orders: int) -> tuple[float, float, str]:
    """Share of ids of a shape not seen before, the chance of this many, and one such shape."""
    new = ~shapes.isin(known)
    chance = float(binom.sf(int(new.sum()) - 1, len(shapes), (1 + len(known)) / (usual_orders + 2)))
    return float(new.mean()), chance, str(shapes[new].iloc[0]) if new.any() else ""


def new_customers(
    orders: pd.DataFrame, shares: pd.Series[float], first_day: dt.date
) -> tuple[float, float, float] | None:
    """Share of orders by customers known before the week, the usual share, and the chance of this few.

    The week of the baseline that had the fewest is what chance is measured by.
    """
    if len(orders) < MIN_ORDERS or shares.empty:
        return None
    number = int((pd.to_datetime(orders["first_day"]) < pd.Timestamp(first_day)).sum())
    chance = float(binom.cdf(number, len(orders), float(shares.min())))
    return number / len(orders), float(shares.mean()), chance


def hours(moments: pd.Series[pd.Timestamp]) -> npt.NDArray[np.int64]:
    """Number of moments in each hour of the day."""
    return np.bincount(moments.dt.hour, minlength=HOURS)


def repeats(orders: pd.DataFrame) -> int:
    """Orders of the same customer, moment and total as another one."""
    return int(orders.duplicated(["user_id", "created_at", "total_cents"]).sum())


def shape_of(ids: pd.Series[str]) -> pd.Series[str]:
    """An id with its runs of letters and of digits as one each: ``A-17`` and ``B-2031`` are both ``A-9``."""
    letters = ids.str.replace(r"[^\W\d_]+", "A", regex=True)
    return letters.str.replace(r"\d+", "9", regex=True)


def _spread(counts: pd.Series[int], means: pd.Series[float]) -> float:
    """Variance beyond Poisson's as a share of the squared mean: 1 / k of a negative binomial, by moments."""
    beyond = float(((counts - means) ** 2 - means).sum())
    return max(beyond / max(float((means**2).sum()), 1e-9), 0.0)


def _chance_of_fewer(number: int, usual: float, spread: float) -> float:
    """The chance of this few or fewer under a negative binomial."""
    if spread < 1e-6:
        return float(poisson.cdf(number, usual))
    size = 1 / spread
    return float(nbinom.cdf(number, size, size / (size + usual)))
