"""The checks of the feed on simulated orders, one accident each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from customer_revenue.monitoring.feed_anomalies import CHECK_NAMES, check_feed
from customer_revenue.monitoring.findings import Finding
from customer_revenue.policy import Monitoring, load_policy

FIRST, LAST = dt.date(2023, 1, 1), dt.date(2023, 6, 30)
LATE = pd.Timestamp("2023-06-24")
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def policy() -> Monitoring:
    return load_policy().monitoring


def shop(seed: int, orders_a_day: int = 60) -> pd.DataFrame:
    """Orders between 8 and 20 o'clock, of 600 customers, a tenth of them refunded."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(FIRST, LAST)
    day = days.repeat(rng.negative_binomial(20, 20 / (20 + orders_a_day), len(days)))
    number = len(day)
    return pd.DataFrame(
        {
            "id": [f"W-{n}" for n in range(number)],
            "user_id": [f"{n}" for n in rng.integers(100, 700, number)],
            "total_cents": np.round(np.exp(rng.normal(8, 0.8, number))).astype(int),
            "status": np.where(rng.random(number) < 0.1, "refunded", "paid"),
            "created_at": day + pd.to_timedelta(rng.normal(14, 2, number), unit="h"),
            "day": day,
        }
    )


def look(frame: pd.DataFrame, policy: Monitoring, last: dt.date = LAST) -> dict[str, Finding]:
    frame = frame.assign(first_day=frame.groupby("user_id")["day"].transform("min"))
    refunds = pa.table({"id": pa.array([], pa.string()), "day": pa.array([], pa.timestamp("us"))})
    found = check_feed(pa.Table.from_pandas(frame, preserve_index=False), refunds, FIRST, last, policy)
    return {finding.name: finding for finding in found}


def late(frame: pd.DataFrame, name: str, change: Callable[[pd.Series[Any]], pd.Series[Any]]) -> pd.DataFrame:
    """The frame with a column changed in the last week."""
    return frame.assign(**{name: frame[name].mask(frame["day"] >= LATE, change(frame[name]))})


ACCIDENTS: dict[str, Change] = {
    "day_missing": lambda f: f[f["day"] != pd.Timestamp("2023-06-20")],
    "orders_doubled": lambda f: pd.concat([f, f[f["day"] >= LATE].assign(id=lambda g: g["id"] + "0")]),
    "amounts_changed": lambda f: late(f, "total_cents", lambda c: c * 100),
    "status_vanished": lambda f: f[(f["day"] < LATE) | (f["status"] == "paid")],
    "hours_shifted": lambda f: late(f, "created_at", lambda c: c + pd.Timedelta(hours=5)),
    "ids_reformatted": lambda f: late(f, "user_id", lambda c: "cus_" + c),
    "customers_unknown": lambda f: late(f, "user_id", lambda c: (c.astype(int) + 9_000).astype(str)),
}


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_an_accident_raises_its_alarm_and_no_other(policy: Monitoring, accident: str) -> None:
    found = look(ACCIDENTS[accident](shop(1)), policy)
    alarms = {name for name, finding in found.items() if finding.alarm}
    assert accident in alarms, found[accident].text
    assert alarms <= {accident, "customers_unknown"}


def test_clean_feeds_raise_none(policy: Monitoring) -> None:
    for seed in range(2, 5):
        found = look(shop(seed), policy)
        assert set(found) == set(CHECK_NAMES)
        assert [finding.text for finding in found.values() if finding.alarm] == []


def test_a_small_shop_is_noisy_and_raises_none(policy: Monitoring) -> None:
    rash = policy.model_copy(update={"false_alarms_per_year": 1e6})
    texts: list[str] = []
    for seed in range(2, 6):
        found = look(shop(seed, 4), policy)
        texts += [finding.text for finding in look(shop(seed, 4), rash).values() if finding.alarm]
        assert [finding.text for finding in found.values() if finding.alarm] == []
    assert texts, "else this shows nothing"


def test_a_clock_change_is_no_alarm_and_a_small_shop_has_no_baseline(policy: Monitoring) -> None:
    moved = late(shop(1), "created_at", lambda c: c - pd.Timedelta(hours=1))
    assert not look(moved, policy)["hours_shifted"].alarm
    orders = shop(1)
    early = look(orders[orders["day"] <= "2023-02-28"], policy, dt.date(2023, 2, 28))
    assert all(finding.text.startswith("not checked") for finding in early.values())


def test_a_day_that_the_shop_names_as_closed_is_not_missing(policy: Monitoring) -> None:
    closed = policy.feed.model_copy(update={"closed_days": (dt.date(2023, 6, 20),)})
    own = policy.model_copy(update={"feed": closed})
    assert not look(ACCIDENTS["day_missing"](shop(1)), own)["day_missing"].alarm


def test_a_change_that_the_shop_accepts_is_told_and_raises_no_alarm(policy: Monitoring) -> None:
    known = policy.feed.model_copy(update={"accepted": ("amounts_changed",)})
    found = look(ACCIDENTS["amounts_changed"](shop(1)), policy.model_copy(update={"feed": known}))
    assert not found["amounts_changed"].alarm
    assert found["amounts_changed"].text.startswith("accepted: ")
