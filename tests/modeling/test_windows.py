"""Which windows are cut, and that none of them sees the future."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_revenue.modeling.rolling_windows import Window, choose_cutoffs

AS_OF = dt.date(2011, 9, 9)


@settings(deadline=None)
@given(history=st.integers(0, 2_000), horizon=st.integers(1, 800))
def test_no_window_looks_past_the_as_of_day(history, horizon):
    first = AS_OF - dt.timedelta(days=history)
    for plan in choose_cutoffs(first, AS_OF, horizon):
        assert first < plan.cutoff < AS_OF
        assert plan.horizon_days in plan.horizons_days
        assert plan.horizon_days <= horizon
        assert plan.cutoff + dt.timedelta(days=max(plan.horizons_days)) <= AS_OF


def test_the_longest_horizon_comes_first_latest_first():
    plans = choose_cutoffs(AS_OF - dt.timedelta(days=282), AS_OF, 90)
    own = [plan for plan in plans if plan.horizon_days == 90]
    assert plans[: len(own)] == own
    assert own[0].cutoff == AS_OF - dt.timedelta(days=90)
    assert [p.cutoff for p in own] == sorted((p.cutoff for p in own), reverse=True)


def test_the_same_season_of_prior_years_is_among_them():
    plans = choose_cutoffs(AS_OF - dt.timedelta(days=900), AS_OF, 90)
    lags = {(AS_OF - plan.cutoff).days for plan in plans}
    assert {365, 730} <= lags


def test_a_long_horizon_has_recent_windows_for_the_short_ones():
    plans = choose_cutoffs(AS_OF - dt.timedelta(days=1_000), AS_OF, 365)
    assert {(plan.horizon_days, (AS_OF - plan.cutoff).days) for plan in plans} >= {(90, 90), (30, 30), (365, 365)}


def test_a_short_history_has_shorter_windows_or_none():
    assert {p.horizon_days for p in choose_cutoffs(AS_OF - dt.timedelta(days=272), AS_OF, 273)} == {136, 30}
    assert choose_cutoffs(AS_OF - dt.timedelta(days=60), AS_OF, 90) == []
    assert choose_cutoffs(AS_OF, AS_OF, 365) == []


def test_the_other_quarters_of_the_year_of_a_season_are_counted_where_the_history_reaches_so_far():
    def quarters(history, horizon):
        plans = choose_cutoffs(AS_OF - dt.timedelta(days=history), AS_OF, horizon)
        return sorted((AS_OF - plan.cutoff).days for plan in plans if plan.of_other_quarter)

    assert quarters(730, 90) == [274, 456, 547]
    assert quarters(1_095, 90) == [274, 456, 547, 639, 821, 912]
    assert quarters(700, 90) == []
    assert quarters(2_000, 365) == [], "a year is no season"


@pytest.mark.parametrize(("most", "kept"), [(20, 20), (19, 10), (10, 10), (7, 7), (1, 1)])
def test_a_sample_of_a_window_is_every_nth_customer(most: int, kept: int) -> None:
    rows = pa.table({"customer_id": [str(place) for place in range(20)], "place": range(20)})
    window = Window(dt.date(2023, 1, 1), 30, rows, rows)
    found = window.sample(most).features["place"].to_pylist()
    assert len(found) == kept
    assert found == list(range(0, 20, -(-20 // most)))
