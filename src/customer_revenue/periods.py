"""The as-of clock, observation periods and horizons: all calendar arithmetic of the package.

A *day* is a calendar day in the reporting time zone. A date used as a moment means the end of that day;
day 1 of a horizon is the day after.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from customer_revenue.errors import InvalidParameter

DAYS_PER_WEEK, DAYS_PER_YEAR, MONTHS_PER_QUARTER, MONTHS_PER_YEAR = 7, 365, 3, 12

MAX_SILENT_DAYS_OF_LIVE_STORE = 30
"""A store whose last order is older than this at import counts as historical."""

BEGINNING = dt.date(1, 1, 1)
"""First day of the unbounded period."""

MAX_HORIZON_DAYS = 3650
"""The longest horizon that is predicted, ten years."""

MIN_YEAR, MAX_YEAR = 1900, 2199
"""Years of a requested day: calendar arithmetic around it stays within the range of dates."""

CACHED_DAYS = 64
"""Number of days whose ends are cached: a response needs its own several times."""


class Period(StrEnum):
    """The observation periods of the revenue facts."""

    ALL_TIME = "all_time"
    LAST_12_MONTHS = "last_12_months"
    LAST_6_MONTHS = "last_6_months"
    YTD = "ytd"

    def first_day(self, as_of_day: dt.date) -> dt.date:
        """The first day inside the period that ends with ``as_of_day``.

        >>> Period.LAST_12_MONTHS.first_day(dt.date(2023, 12, 15))
        datetime.date(2022, 12, 16)
        >>> Period.YTD.first_day(dt.date(2023, 12, 15))
        datetime.date(2023, 1, 1)
        """
        match self:
            case Period.ALL_TIME:
                return BEGINNING
            case Period.LAST_12_MONTHS:
                return months_before(as_of_day, 12) + dt.timedelta(days=1)
            case Period.LAST_6_MONTHS:
                return months_before(as_of_day, 6) + dt.timedelta(days=1)
            case Period.YTD:
                return as_of_day.replace(month=1, day=1)


class Clock(StrEnum):
    """How a store's as-of moment is determined."""

    LIVE = "live"
    HISTORICAL = "historical"


@dataclass(frozen=True)
class AsOf:
    """The moment as of which everything is computed.

    ``moment`` is aware and in UTC; orders and refunds up to and including it count. ``day`` is its calendar day in
    the reporting zone; predictions start on the day after.
    """

    moment: dt.datetime
    day: dt.date
    clock: Clock

    @classmethod
    def end_of(cls, day: dt.date, zone: ZoneInfo) -> AsOf:
        """The end of a day in the reporting zone, to the microsecond."""
        return cls(end_of_day(day, zone), day, Clock.HISTORICAL)

    @classmethod
    def now(cls, zone: ZoneInfo) -> AsOf:
        """The present moment."""
        moment = dt.datetime.now(dt.UTC)
        return cls(moment, moment.astimezone(zone).date(), Clock.LIVE)

    @property
    def freshness(self) -> str:
        """``real_time`` for a live clock, ``historical`` otherwise, as in the response's ``meta``."""
        return "real_time" if self.clock is Clock.LIVE else "historical"

    @property
    def moment_utc_naive(self) -> dt.datetime:
        """The moment without its zone, as the canonical tables keep times."""
        return self.moment.astimezone(dt.UTC).replace(tzinfo=None)

    @property
    def calculation_date(self) -> str:
        """The moment as in the response's ``meta``: ISO 8601, whole seconds, ``Z``."""
        return self.moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(CACHED_DAYS)
def end_of_day(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The last microsecond of a day in ``zone``, in UTC."""
    next_midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone)
    return next_midnight.astimezone(dt.UTC) - dt.timedelta(microseconds=1)


def guess_clock(last_order_day: dt.date, today: dt.date, sample: bool) -> Clock:
    """Whether a store whose last order was on ``last_order_day`` is live.

    >>> guess_clock(dt.date(1998, 6, 30), dt.date(2026, 1, 1), sample=False)
    <Clock.HISTORICAL: 'historical'>
    """
    silent = (today - last_order_day).days > MAX_SILENT_DAYS_OF_LIVE_STORE
    return Clock.HISTORICAL if sample or silent else Clock.LIVE


def parse_day(text: str, name: str = "as_of") -> dt.date:
    """A date written as ``YYYY-MM-DD``.

    Raises:
        InvalidParameter: for any other text, and for years before 1900 or after 2199.
    """
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not MIN_YEAR <= day.year <= MAX_YEAR:
        raise InvalidParameter(f"{name} must be a date such as 2023-12-15, not {text[:40]!r}")
    return day


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day of the month, ``months`` calendar months earlier, or that month's last day.

    >>> months_before(dt.date(2024, 8, 31), 6)
    datetime.date(2024, 2, 29)
    """
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def month_starts(first_day: dt.date, last_day: dt.date, step_months: int = 1) -> Iterator[dt.date]:
    """First days of the months (or quarters, with a step of 3) that ``first_day`` to ``last_day`` touch.

    >>> [str(d) for d in month_starts(dt.date(2023, 5, 20), dt.date(2023, 10, 1), step_months=3)]
    ['2023-04-01', '2023-07-01', '2023-10-01']
    """
    month = (first_day.month - 1) // step_months * step_months
    year = first_day.year
    while (start := dt.date(year, month + 1, 1)) <= last_day:
        yield start
        year, month = divmod(year * 12 + month + step_months, 12)


def month_label(start: dt.date) -> str:
    """``2023-01`` for January 2023."""
    return f"{start.year:04d}-{start.month:02d}"


def quarter_label(start: dt.date) -> str:
    """``2023-Q1`` for a quarter by its first day."""
    return f"{start.year:04d}-Q{(start.month + 2) // 3}"
