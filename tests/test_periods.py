"""The clock and the calendar."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_revenue.errors import InvalidParameter
from customer_revenue.periods import (
    AsOf,
    Clock,
    Period,
    end_of_day,
    guess_clock,
    month_starts,
    months_before,
    parse_day,
    quarter_label,
)

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


def test_last_twelve_months_start_the_day_after():
    assert Period.LAST_12_MONTHS.first_day(dt.date(2023, 12, 15)) == dt.date(2022, 12, 16)
    assert Period.LAST_6_MONTHS.first_day(dt.date(2024, 8, 31)) == dt.date(2024, 3, 1)
    assert Period.YTD.first_day(dt.date(2024, 2, 29)) == dt.date(2024, 1, 1)


@given(DAYS, st.integers(0, 60))
def test_months_before_keeps_the_day_or_takes_the_months_last(day, months):
    earlier = months_before(day, months)
    assert (day.year - earlier.year) * 12 + day.month - earlier.month == months
    if earlier.day != day.day:
        assert (earlier + dt.timedelta(days=1)).day == 1
        assert earlier.day < day.day


@given(DAYS, st.integers(0, 900), st.sampled_from([1, 3]))
def test_month_starts_cover_each_day_once(first, length, step):
    last = first + dt.timedelta(days=length)
    starts = list(month_starts(first, last, step))
    assert starts[0] <= first
    assert starts[-1] <= last
    assert all(start.day == 1 for start in starts)
    assert all(months_before(after, step) == before for before, after in pairwise(starts))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"])
@given(day=DAYS)
def test_the_end_of_a_day_is_its_last_microsecond_there(zone, day):
    place = ZoneInfo(zone)
    end = end_of_day(day, place)
    assert end.astimezone(place).date() == day
    assert (end + dt.timedelta(microseconds=1)).astimezone(place).date() == day + dt.timedelta(days=1)


def test_an_explicit_day_is_historical_and_now_is_live():
    then = AsOf.end_of(dt.date(2011, 12, 9), ZoneInfo("UTC"))
    assert (then.calculation_date, then.freshness) == ("2011-12-09T23:59:59Z", "historical")
    now = AsOf.now(ZoneInfo("UTC"))
    assert (now.clock, now.freshness) == (Clock.LIVE, "real_time")


def test_a_store_is_live_until_thirty_days_of_silence():
    today = dt.date(2026, 6, 30)
    assert guess_clock(today - dt.timedelta(days=30), today, sample=False) is Clock.LIVE
    assert guess_clock(today - dt.timedelta(days=31), today, sample=False) is Clock.HISTORICAL
    assert guess_clock(today, today, sample=True) is Clock.HISTORICAL


def test_quarters_are_named_by_their_first_day():
    starts = month_starts(dt.date(2023, 2, 1), dt.date(2024, 1, 1), 3)
    assert [quarter_label(s) for s in starts] == ["2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4", "2024-Q1"]


@pytest.mark.parametrize("text", ["", "yesterday", "2023-02-30", "15/12/2023", "2023-12-15T10:00", "x" * 500])
def test_a_day_that_is_none_is_refused_by_name(text):
    with pytest.raises(InvalidParameter, match=r"^cutoff must be a date such as 2023-12-15"):
        parse_day(text, "cutoff")
