"""The usual accidents of an order feed, planted in Online Retail, and the feed as it is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest
from tests.trust.online_retail import imported, monitoring_policy

from customer_revenue.monitoring.feed_anomalies import CHECK_NAMES
from customer_revenue.monitoring.findings import Finding
from customer_revenue.orders.store import open_store
from customer_revenue.settings import Settings
from customer_revenue.workflows.monitoring.feed_checks import check_store

pytestmark = pytest.mark.slow

LAST_DAY = dt.date(2011, 10, 14)
LINES = f"SELECT * FROM lines WHERE InvoiceDate < DATE '{LAST_DAY}' + 1"  # what the shop knows by then
LAST_WEEK = f"InvoiceDate >= DATE '{LAST_DAY}' - 6"
KEPT = f"{LINES} AND NOT ({LAST_WEEK})"
COLUMNS = "InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country"

ACCIDENTS = {
    "day_missing": f"{LINES} AND InvoiceDate::DATE <> DATE '2011-10-12'",
    "orders_doubled": f"""
        {LINES} UNION ALL
        SELECT {COLUMNS.replace("InvoiceNo", "'9' || InvoiceNo")} FROM ({LINES})
        WHERE {LAST_WEEK} AND InvoiceNo NOT LIKE 'C%'
    """,
    "amounts_changed": f"""
        {KEPT} UNION ALL
        SELECT {COLUMNS.replace("UnitPrice", "UnitPrice * 100")} FROM ({LINES}) WHERE {LAST_WEEK}
    """,
    "status_vanished": f"{LINES} AND NOT ({LAST_WEEK} AND InvoiceNo LIKE 'C%')",
    "hours_shifted": f"""
        {KEPT} UNION ALL
        SELECT {COLUMNS.replace("InvoiceDate", "InvoiceDate - INTERVAL 5 HOUR")} FROM ({LINES}) WHERE {LAST_WEEK}
    """,
    "ids_reformatted": f"""
        {KEPT} UNION ALL
        SELECT {COLUMNS.replace("CustomerID", "'C-' || CustomerID")} FROM ({LINES}) WHERE {LAST_WEEK}
    """,
    "customers_unknown": f"""
        {KEPT} UNION ALL
        SELECT {COLUMNS.replace("CustomerID", "CustomerID + 80000")} FROM ({LINES}) WHERE {LAST_WEEK}
    """,
}
"""Each planted in the last week, under the name of the check that is for it; both last ones are ids reformatted."""


@pytest.fixture
def lines(online_retail: Path) -> Path:
    return online_retail


@pytest.fixture(scope="module")
def clean(online_retail: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The feed as it is, imported. Not to be changed."""
    return imported(online_retail, tmp_path_factory.mktemp("clean"))


def findings(settings: Settings, day: dt.date = LAST_DAY) -> dict[str, Finding]:
    with open_store(settings.store, settings.store_options) as store:
        return {finding.name: finding for finding in check_store(store, store.as_of(day), monitoring_policy())}


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_an_accident_raises_its_alarm(lines: Path, tmp_path: Path, accident: str) -> None:
    spoilt = tmp_path / "lines.parquet"
    duckdb.sql(
        f"COPY (WITH lines AS (SELECT * REPLACE (CustomerID::VARCHAR AS CustomerID) FROM '{lines}') "
        f"{ACCIDENTS[accident].replace('CustomerID + 80000', '(CustomerID::BIGINT + 80000)::VARCHAR')}) "
        f"TO '{spoilt}' (FORMAT parquet)"
    )
    found = findings(imported(spoilt, tmp_path))
    assert found[accident].alarm, found[accident].text
    also = {name for name, finding in found.items() if finding.alarm} - {accident}
    # New ids are unknown customers as well; nothing else is alarmed by what it does not look for.
    assert also <= ({"customers_unknown"} if accident == "ids_reformatted" else set()), also


def test_the_clean_feed_raises_none_on_any_day(clean: Settings) -> None:
    """Looked at every eighth day of nine months: every day lies in a window several times."""
    with open_store(clean.store, clean.store_options) as store:
        day, looks = dt.date(2011, 3, 7), 0
        while day <= dt.date(2011, 12, 8):
            found = check_store(store, store.as_of(day), monitoring_policy())
            assert [finding.text for finding in found if finding.alarm] == []
            assert {finding.name for finding in found} == set(CHECK_NAMES)
            assert not any(finding.text.startswith("not checked") for finding in found)
            looks += 1
            day += dt.timedelta(days=8)
    assert looks > 30


def test_a_public_holiday_that_nobody_named_is_told(clean: Settings) -> None:
    with open_store(clean.store, clean.store_options) as store:
        found = check_store(store, store.as_of(dt.date(2011, 9, 2)), monitoring_policy(closed_days=()))
    (missing,) = (finding for finding in found if finding.name == "day_missing")
    assert missing.alarm
    assert "2011-08-29, a Monday" in missing.text


def test_a_public_holiday_of_the_policys_country_is_not(clean: Settings) -> None:
    policy = monitoring_policy(closed_days=())
    named = policy.model_copy(update={"feed": policy.feed.model_copy(update={"country": "GB-ENG"})})
    with open_store(clean.store, clean.store_options) as store:
        found = check_store(store, store.as_of(dt.date(2011, 9, 2)), named)
    assert not any(finding.alarm for finding in found)
