"""Online Retail lived through: what a shop would have seen, in a few of its months."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from benchmarks.walk import BREAKS
from tests.trust.walk import alarms, last_look, walk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]  # MLflow's own

AUGUST, SEPTEMBER = dt.date(2011, 8, 31), dt.date(2011, 9, 30)


@pytest.mark.exhaustive
def test_month_by_month(online_retail: Path, tmp_path: Path) -> None:
    """Every month's challenger takes over; purchases come as predicted, within what the policy tolerates."""
    months = list(walk(online_retail, tmp_path, [AUGUST, SEPTEMBER]))
    assert [month.done.change is not None for month in months] == [True, True]
    assert not any(finding.alarm for month in months for finding in month.done.monitored.feed)
    realised = months[1].realised
    assert realised is not None
    assert realised.customers > 3_000
    assert realised.bands["purchases"].value == pytest.approx(1, abs=0.25)
    assert realised.bands["purchases_coverage"].value == pytest.approx(realised.stated, abs=0.10)


def test_tripled_prices_are_seen_kept_out_and_learned_from_later(online_retail: Path, tmp_path: Path) -> None:
    """The alarm comes with the first look after the break, and the champion stays until the feed is as usual again."""
    august, september = walk(online_retail, tmp_path, [AUGUST, SEPTEMBER], BREAKS["prices"])
    assert not any(finding.alarm for finding in august.done.monitored.feed)
    assert "amounts_changed" in alarms(september.done.monitored)
    assert september.done.trained is None
    assert september.done.champion == august.done.champion
    found = last_look(online_retail, tmp_path, SEPTEMBER, dt.date(2011, 12, 9), BREAKS["prices"])
    assert "revenue of 30 days" in alarms(found)
    assert "amounts_changed" not in alarms(found), "by then the new prices are the usual ones"
