"""The statistics behind the checks of the feed: a size, and the chance of such a one in orders of the usual kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy.stats import binom, mannwhitneyu, nbinom, poisson

WEEK_DAYS = 7
FEWEST_ORDERS = 5
HOURS = 24
MOST_CLOSED_DAYS = 1
"""A shop that is closed on a day may stay closed for so many days before or after it."""


def orders_of_day(
    day: dt.date, orders: int, usual_days: pd.Series[pd.Timestamp], closed: Collection[pd.Timestamp]
) -> tuple[float, float] | None:
    """The usual number of orders on such a weekday, and the chance of so few.

    ``None`` for a day near one that is closed, and for a weekday on which the shop has been without an order before.
    """
    date = pd.Timestamp(day)
    near = {
        closing + pd.Timedelta(days=n) for closing in closed for n in range(-MOST_CLOSED_DAYS, MOST_CLOSED_DAYS + 1)
    }
    counts = _daily(usual_days)
    counts = counts[~counts.index.isin(list(near))]
    weekday = counts.index.to_series().dt.day_of_week
    same = counts[weekday == date.day_of_week]
    if date in near or len(same) < 2 or (same == 0).any():
        return None
    weekday_means = counts.groupby(weekday).transform("mean")
    open_days = weekday_means > 0
    spread = _spread(counts[open_days], weekday_means[open_days])
    usual = float(same.mean())
    return usual, _chance_of_fewer(orders, usual, spread)


def twins(orders: pd.DataFrame, usual: pd.DataFrame) -> tuple[float, float]:
    """Share of orders that repeat another one under another id, and the chance of so many."""
    number, before = _repeats(orders), _repeats(usual)
    rate = (before + 1) / (len(usual) + 2)
    return number / max(len(orders), 1), float(binom.sf(number - 1, len(orders), rate))


def amounts(totals: pd.Series[int], usual: pd.Series[int]) -> tuple[float, float] | None:
    """Median total over the usual one, and the chance that ranks differ so much (Mann and Whitney)."""
    now, before = totals[totals > 0], usual[usual > 0]
    if len(now) < FEWEST_ORDERS or len(before) < FEWEST_ORDERS:
        return None
    return float(now.median() / before.median()), float(mannwhitneyu(now, before).pvalue)


def vanished(
    number: int, orders: int, usual_days: pd.Series[pd.Timestamp], all_days: pd.Series[pd.Timestamp]
) -> tuple[float, float]:
    """Number of a kind over the usual one among so many orders, and the chance of so few, from its numbers by week."""
    weeks = (all_days - all_days.min()).dt.days // WEEK_DAYS if len(all_days) else pd.Series(dtype=int)
    of_kind = ((usual_days - all_days.min()).dt.days // WEEK_DAYS).value_counts()
    per_order = pd.DataFrame({"all": weeks.value_counts()}).join(of_kind.rename("kind")).fillna(0)
    usual = float(per_order["kind"].sum() / max(per_order["all"].sum(), 1)) * orders
    if usual <= 0:
        return float("nan"), 1.0
    means = per_order["all"] * per_order["kind"].sum() / per_order["all"].sum()
    return number / usual, _chance_of_fewer(number, usual, _spread(per_order["kind"], means))


def shifted_hours(moments: pd.Series[pd.Timestamp], usual: pd.Series[pd.Timestamp]) -> tuple[int, float]:
    """By how many hours the usual hours of the day fit best, and the chance that they fit so much better than unmoved.

    The likelihood ratio of a wrong against the true distribution has mean 1, so it exceeds x with a chance of 1 / x
    (Markov), and one of the 23 shifts with 23 / x.
    """
    before = np.bincount(usual.dt.hour, minlength=HOURS) + 0.5
    now = np.bincount(moments.dt.hour, minlength=HOURS)
    log_shares = np.log(before / before.sum())
    fits = np.array([now @ np.roll(log_shares, shift) for shift in range(HOURS)])
    best = int(np.argmax(fits))
    chance = min(1.0, (HOURS - 1) * float(np.exp(min(fits[0] - fits[best], 0.0))))
    return (best + HOURS // 2) % HOURS - HOURS // 2, chance


def new_shapes(shapes: pd.Series[str], usual: pd.Series[str]) -> tuple[float, float, str]:
    """Share of ids of a shape not seen before, the chance of so many, and one such shape."""
    known = usual.unique()
    new = ~shapes.isin(known)
    chance = float(binom.sf(int(new.sum()) - 1, len(shapes), (1 + len(known)) / (len(usual) + 2)))
    return float(new.mean()), chance, str(shapes[new].iloc[0]) if new.any() else ""


def new_customers(orders: pd.DataFrame, usual: pd.DataFrame, first_day: dt.date) -> tuple[float, float, float] | None:
    """Share of orders by customers known before the week, the usual share, and the chance of so few.

    The week of the baseline that had the fewest is what chance is measured by.
    """
    weeks = (usual["day"].max() - usual["day"]).dt.days // WEEK_DAYS
    starts = usual["day"].max() - pd.to_timedelta(weeks * WEEK_DAYS + WEEK_DAYS - 1, unit="D")
    known = (pd.to_datetime(usual["first_day"]) < starts).groupby(weeks).agg(["mean", "size"])
    shares = known.loc[known["size"] >= FEWEST_ORDERS, "mean"]
    if len(orders) < FEWEST_ORDERS or shares.empty:
        return None
    number = int((pd.to_datetime(orders["first_day"]) < pd.Timestamp(first_day)).sum())
    chance = float(binom.cdf(number, len(orders), float(shares.min())))
    return number / len(orders), float(shares.mean()), chance


def _daily(days: pd.Series[pd.Timestamp]) -> pd.Series[int]:
    counts = days.value_counts()
    return counts.reindex(pd.date_range(days.min(), days.max()), fill_value=0)


def _repeats(orders: pd.DataFrame) -> int:
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
    """The chance of so few or fewer, of a negative binomial."""
    if spread < 1e-6:
        return float(poisson.cdf(number, usual))
    size = 1 / spread
    return float(nbinom.cdf(number, size, size / (size + usual)))
