"""The shop's past by month and month of acquisition, and how many full trading days each month has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.periods import DAYS_PER_WEEK, DAYS_PER_YEAR, MONTHS_PER_YEAR, months_before

Days = npt.NDArray[np.datetime64]

MAX_PAST_MONTHS = 60
"""What is older says little about the coming months; it is still counted in the customers acquired until then."""

WEEKS_FOR_WEEKDAYS = 12
"""Minimum number of full weeks before the days of the week are compared."""

WEEKS_PER_YEAR = 52
PRIOR_WEEK_NOISE = 0.3
MEDIAN_OF_NORMAL = 0.6744897501960817
"""Of the absolute value of a standard normal variable."""

DAYS_OF_PRIOR = 4.0
"""What a weekday or a holiday brings is shrunk to what others do, as if so many of its days had been usual ones."""

LEAST_HOLIDAYS = 6
"""Minimum number of past holidays before they are compared with other days: fewer cannot differ beyond chance."""

WEEKS_AROUND_HOLIDAY = 2


@dataclass(frozen=True)
class DayWeights:
    """What a day brings: by its weekday, unless the shop is closed, and on public holidays.

    Attributes:
        weekdays: weight of Monday to Sunday, 1 on the mean; all 1 where they do not differ beyond chance.
        closed: days on which nothing is sold.
        holidays: public holidays.
        holiday: what they bring of what their weekday does; 1 where that is not proven to differ.
    """

    weekdays: Floats
    closed: Days
    holidays: Days
    holiday: float = 1.0

    def of(self, calendar: Days) -> Floats:
        """The weight of each day."""
        weights = self.weekdays[weekday(calendar)] * ~np.isin(calendar, self.closed)
        return np.where(np.isin(calendar, self.holidays), weights * self.holiday, weights)


@dataclass(frozen=True)
class ShopHistory:
    """Sums by month; months end with the as-of day's day of the month, and the last with the as-of day.

    Attributes:
        arrivals: customers with their first order in the month, one value per month.
        revenue_cents: by month of acquisition (rows) and month (columns).
        orders: likewise.
        days: trading days of each month, and then of each month to come: days weighed by what their weekday brings. One
            row per number of months that are known, as weekdays were known then; the last row is the present's.
        day_weights: what each day brings, 1 on the mean.
        has_weekdays: whether weekdays differ beyond chance.
        starts_late: whether the first row holds everyone acquired before the first column, too.
        week_noise: standard deviation of the logarithm of a week's revenue around those next to it.
    """

    arrivals: Floats
    revenue_cents: Floats
    orders: Floats
    days: Floats
    day_weights: DayWeights
    has_weekdays: bool
    starts_late: bool
    week_noise: float

    @property
    def months(self) -> int:
        """Months of history."""
        return len(self.arrivals)

    @property
    def has_holidays(self) -> bool:
        """Whether public holidays differ from other days beyond chance."""
        return self.day_weights.holiday != 1.0

    @classmethod
    def of(
        cls,
        rows: pa.Table,
        as_of_day: dt.date,
        months_ahead: int,
        closed_days: Collection[dt.date] = (),
        holidays: Collection[dt.date] = (),
        significance: float = 0.05,
    ) -> Self:
        """The history in the rows of ``daily_cohorts``.

        Args:
            rows: ``cohort`` (index of a month), ``day``, ``new_customers``, ``orders``, ``revenue_cents``.
            as_of_day: the day of the as-of moment, on or after every day of the rows.
            months_ahead: months to come whose days are wanted.
            closed_days: days on which nothing is sold, past and to come.
            holidays: public holidays, past and to come.
            significance: highest chance of weekdays, or of holidays, that differ so where they do not.
        """
        last = as_of_day.year * MONTHS_PER_YEAR + as_of_day.month - 1
        day = rows["day"].to_numpy().astype("datetime64[D]")
        cohort = rows["cohort"].to_numpy().astype(np.int64) - last
        first_day = day.min() if len(day) else np.datetime64(as_of_day, "D")
        months = int(min(max(-cohort.min(initial=0) + 1, 1), MAX_PAST_MONTHS))
        ends = month_ends_around(as_of_day, months, months_ahead)
        column = np.searchsorted(ends, day) - 1
        row = np.clip(cohort + months - 1, 0, None)
        cents, orders, new = (
            rows[name].to_numpy().astype(np.float64) for name in ("revenue_cents", "orders", "new_customers")
        )
        daily = daily_sums(day, cents, as_of_day)
        closed, public = (np.array(sorted(days), "datetime64[D]") for days in (closed_days, holidays))

        def known_weights(end: np.datetime64) -> tuple[DayWeights, bool]:
            past = daily[int((np.datetime64(as_of_day, "D") - end).astype(np.int64)) :]
            weekdays, has_weekdays = weekday_weights(past, end, significance)
            return DayWeights(weekdays, closed, public, holiday_weight(past, end, public, significance)), has_weekdays

        day_weights, has_weekdays = known_weights(np.datetime64(as_of_day, "D"))

        # What a few days bring, often one launch, is no rate of a month: a first month is a whole one.
        begin = max(ends[0] + 1, first_day) if months > 1 else ends[0] + 1
        inside = column >= 0
        arrivals = np.zeros(months)
        np.add.at(arrivals, row, new)
        return cls(
            arrivals=arrivals,
            revenue_cents=_table(row[inside], column[inside], cents[inside], months),
            orders=_table(row[inside], column[inside], orders[inside], months),
            days=np.stack([trading_days(begin, ends, known_weights(end)[0]) for end in ends[: months + 1]]),
            day_weights=day_weights,
            has_weekdays=has_weekdays,
            starts_late=bool(np.any(~inside)),
            week_noise=_week_noise(daily),
        )


def daily_sums(day: Days, cents: Floats, as_of_day: dt.date) -> Floats:
    """Cents by days back from the as-of day, to the first day with any."""
    return np.bincount((np.datetime64(as_of_day, "D") - day).astype(np.int64), cents).astype(np.float64)


def _week_noise(daily: Floats) -> float:
    """From second differences of the last year's full weeks, by their median; the prior's with few."""
    weeks = min(len(daily) // DAYS_PER_WEEK, WEEKS_PER_YEAR)
    sums = daily[: weeks * DAYS_PER_WEEK].reshape(weeks, DAYS_PER_WEEK).sum(axis=1)
    if weeks < WEEKS_FOR_WEEKDAYS or np.any(sums <= 0):
        return PRIOR_WEEK_NOISE
    bends = np.log(sums[1:-1]) - (np.log(sums[2:]) + np.log(sums[:-2])) / 2
    return float(np.median(np.abs(bends)) / MEDIAN_OF_NORMAL / np.sqrt(1.5))


def month_ends_around(as_of_day: dt.date, months: int, months_ahead: int) -> Days:
    """Last days of the month before the history, of its months and of the months to come."""
    days = [months_before(as_of_day, back) for back in range(months, -months_ahead - 1, -1)]
    return np.array(days, "datetime64[D]")


def trading_days(begin: np.datetime64, ends: Days, day_weights: DayWeights) -> Floats:
    """The weights of the open days between each two ends, added up; what lies before ``begin`` is left out."""
    calendar = np.arange(ends[0] + 1, ends[-1] + 1)
    weights = day_weights.of(calendar) * (calendar >= begin)
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    places = (ends - ends[0]).astype(np.int64)
    return np.asarray(np.maximum(np.diff(sums[places]), 1.0))


def shares_of_months(history: ShopHistory, month_ends: Days, step_ends: Days) -> Floats:
    """How much of each month (columns) lies in each step (rows), by trading days.

    Args:
        history: whose weekdays, holidays and closed days count.
        month_ends: the as-of day, and the last day of each month after it.
        step_ends: the as-of day, and the last day of each step, none beyond the last month.
    """
    calendar = np.arange(month_ends[0] + 1, month_ends[-1] + 1)
    weights = np.maximum(history.day_weights.of(calendar), 1e-6)
    month = np.searchsorted(month_ends, calendar) - 1
    step = np.searchsorted(step_ends, calendar) - 1
    shares = np.zeros((len(step_ends), len(month_ends) - 1))
    np.add.at(shares, (step, month), weights / np.bincount(month, weights)[month])
    return np.asarray(shares[: len(step_ends) - 1])


def weekday(days: Days) -> npt.NDArray[np.int64]:
    """0 for Monday to 6 for Sunday."""
    return np.asarray((days.astype("datetime64[D]").astype(np.int64) + 3) % DAYS_PER_WEEK)


def weekday_weights(daily: Floats, last: np.datetime64, significance: float) -> tuple[Floats, bool]:
    """How much each weekday brings of the mean day, over the last year, and whether they differ beyond chance.

    Kruskal and Wallis's test of each day's share of its week; shares are shrunk to 1 by :data:`DAYS_OF_PRIOR`.

    Args:
        daily: cents by days back from the last day.
        last: the last day.
        significance: highest chance of weekdays that differ so where they do not.
    """
    from scipy.stats import kruskal  # takes longer to import than most commands run

    weeks = min(len(daily), DAYS_PER_YEAR) // DAYS_PER_WEEK
    if weeks < WEEKS_FOR_WEEKDAYS:
        return np.ones(DAYS_PER_WEEK), False
    by_week = daily[: weeks * DAYS_PER_WEEK].reshape(weeks, DAYS_PER_WEEK)
    sums = by_week.sum(axis=1, keepdims=True)
    shares = by_week[sums[:, 0] > 0] / sums[sums > 0][:, None] * DAYS_PER_WEEK
    if len(shares) < WEEKS_FOR_WEEKDAYS or np.ptp(shares) == 0:
        return np.ones(DAYS_PER_WEEK), False
    if kruskal(*shares.T).pvalue >= significance:
        return np.ones(DAYS_PER_WEEK), False
    shrunk = (shares.sum(axis=0) + DAYS_OF_PRIOR) / (len(shares) + DAYS_OF_PRIOR)
    weights = np.empty(DAYS_PER_WEEK)
    weights[weekday(last - np.arange(DAYS_PER_WEEK))] = shrunk / shrunk.mean()
    return weights, True


def holiday_weight(daily: Floats, last: np.datetime64, holidays: Days, significance: float) -> float:
    """What public holidays bring of what the same weekday does around them; 1 where they do not differ beyond chance.

    Wilcoxon's signed-rank test of the sums of the holidays less the means of the same weekday in the two weeks before
    and after; their ratio is shrunk to 1 by :data:`DAYS_OF_PRIOR`.

    Args:
        daily: cents by days back from the last day.
        last: the last day.
        holidays: days, of which those up to the last count.
        significance: highest chance of holidays that differ so where they do not.
    """
    from scipy.stats import wilcoxon

    back = (last - holidays).astype(np.int64)
    weeks = DAYS_PER_WEEK * np.array([n for n in range(-WEEKS_AROUND_HOLIDAY, WEEKS_AROUND_HOLIDAY + 1) if n])
    back = back[(back >= 0) & (back < len(daily))]
    around = back[:, None] + weeks
    usable = (around >= 0) & (around < len(daily)) & ~np.isin(around, back)
    sums = np.where(usable, daily[np.clip(around, 0, max(len(daily) - 1, 0))], 0.0).sum(axis=1)
    usual = sums / np.maximum(usable.sum(axis=1), 1)
    found, usual = daily[back[usual > 0]], usual[usual > 0]
    if len(found) < LEAST_HOLIDAYS or np.all(found == usual):
        return 1.0
    if wilcoxon(found, usual).pvalue >= significance:
        return 1.0
    return float((found / usual).sum() + DAYS_OF_PRIOR) / (len(found) + DAYS_OF_PRIOR)


def _table(row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], values: Floats, months: int) -> Floats:
    table = np.zeros((months, months))
    np.add.at(table, (row, column), values)
    return table
