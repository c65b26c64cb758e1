"""Files for bidding: in the form of Google and Meta, hashed as they prescribe, and never of what came later."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator

import pandas as pd
import pytest

import customer_revenue as cr
from customer_revenue.choices import BiddingForm, FirstDayBy
from customer_revenue.periods import AsOf
from customer_revenue.workflows.customer_base.bidding_files import BidOptions, bidding_body
from customer_revenue.workflows.customer_base.profits import MarginRate

HALF = MarginRate(0.5, "measured")
START = pd.Timestamp("2024-01-01 08:30")


@pytest.fixture(scope="module")
def orders() -> Iterator[cr.Orders]:
    """A customer every day, who spends 100 at once and 50 after ten days; the last has no address."""
    rows = [
        (f"o{n}-{again}", f"c{n}", START + pd.Timedelta(days=n + 10 * again), 50 if again else 100, "paid", n)
        for n in range(120)
        for again in range(2)
    ]
    log = pd.DataFrame(rows, columns=["order_id", "user_id", "created_at", "total", "status", "n"])
    log["user_email"] = [None if n == 119 else f"Ann.{n}@Gmail.com" for n in log.pop("n")]
    with cr.load_orders(log, as_of="2024-04-29", timezone="UTC") as found:
        yield found


def when(orders: cr.Orders, day: str = "2024-04-29") -> AsOf:
    return orders.store.as_of(pd.Timestamp(day).date())


def body(orders: cr.Orders, form: BiddingForm, **options: int) -> dict[str, object]:
    return bidding_body(orders.store, when(orders), HALF, form, BidOptions(FirstDayBy.ALL, 30, **options))


def test_google_gets_hashed_addresses_and_times_with_a_zone(orders: cr.Orders) -> None:
    found = body(orders, BiddingForm.GOOGLE, since_days=2)
    zone, header, *rows = csv.reader(str(found["file"]).splitlines())
    assert zone == ["Parameters:TimeZone=+0000"]
    assert header[:4] == ["Email", "Conversion Name", "Conversion Time", "Conversion Value"]
    assert (found["conversions"], found["without_email"]) == (1, 1)
    (row,) = rows
    assert row[0] == hashlib.sha256(b"ann118@gmail.com").hexdigest()
    assert (row[2], row[4], row[5]) == ("2024-04-28 08:30:00", "USD", "o118-0")
    assert float(row[3]) == pytest.approx(75, rel=0.02)


def test_meta_gets_one_request_per_line(orders: cr.Orders) -> None:
    (line,) = str(body(orders, BiddingForm.META, since_days=2)["file"]).splitlines()
    with_address, without = json.loads(line)["data"]
    assert with_address["user_data"]["em"] == [hashlib.sha256(b"ann.118@gmail.com").hexdigest()]
    assert "em" not in without["user_data"]
    assert without["user_data"]["external_id"] == [hashlib.sha256(b"c119").hexdigest()]
    assert without["event_time"] == int((START + pd.Timedelta(days=119)).timestamp())
    assert without["custom_data"]["order_id"] == without["event_id"] == "o119-0"


def test_after_some_days_what_came_until_then_is_in_it(orders: cr.Orders) -> None:
    found = body(orders, BiddingForm.META, since_days=1, mature_days=20)
    (event,) = json.loads(str(found["file"]))["data"]
    assert (event["event_id"], event["event_name"]) == ("o99-0", "PredictedValue")
    ordered = int((START + pd.Timedelta(days=99)).timestamp())
    assert event["event_time"] == ordered + 20 * 86_400
    assert event["original_event_data"] == {"event_name": "Purchase", "event_time": ordered, "order_id": "o99-0"}
    assert 75 <= event["custom_data"]["value"] <= 85


def test_values_are_capped(orders: cr.Orders) -> None:
    capped = body(orders, BiddingForm.GOOGLE, since_days=30, cap_percent=50)
    whole = body(orders, BiddingForm.GOOGLE, since_days=30, cap_percent=100)
    assert int(str(capped["total_value_cents"])) <= int(str(whole["total_value_cents"]))
    assert capped["conversions"] == whole["conversions"] == 29


def test_meta_gets_no_event_that_it_would_refuse(orders: cr.Orders) -> None:
    for mature in (0, 20):
        found = body(orders, BiddingForm.META, since_days=30, mature_days=mature)
        events = json.loads(str(found["file"]))["data"]
        assert (len(events), found["conversions"], found["too_old"]) == (7, 7, 23)
        oldest = pd.Timestamp("2024-04-30") - pd.Timedelta(days=7)
        assert min(event["event_time"] for event in events) >= oldest.timestamp()
    assert body(orders, BiddingForm.GOOGLE, since_days=30)["too_old"] == 0
