"""What every script of the leaderboard takes and returns, so that each runs in an environment of its own.

    python SCRIPT orders.csv 1997-09-30 90 predictions.csv

``orders.csv`` has the orders up to the cut-off: ``customer_id``, ``date`` (a day), ``amount`` (units of the currency).
A forecast has one row per customer with ``customer_id`` and what the model gives of ``purchases`` (days with a purchase
within the horizon), ``revenue``, ``probability`` (of at least one purchase), and the 10, 50 and 90 % quantiles
``purchases_low``, ``purchases_median``, ``purchases_high`` and likewise of ``revenue``. What it has not is left out.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

Forecast = Callable[[pd.DataFrame, pd.Timestamp, int], pd.DataFrame]


def run(forecast: Forecast) -> None:
    """Forecast what the command line asks for, and print the seconds and the memory that it took as JSON.

    The clock starts with the orders in a frame and stops with the forecasts in one: reading, writing and imports are
    left out, compiling is not. Memory is the most that the process held, or the largest of those that it started.
    """
    source, cutoff, horizon, target = sys.argv[1:]
    orders = pd.read_csv(source, dtype={"customer_id": str}, parse_dates=["date"])
    began = time.perf_counter()
    found = forecast(orders, pd.Timestamp(cutoff), int(horizon))
    seconds = time.perf_counter() - began
    found.to_csv(target, index=False)
    most = max(_peak_kilobytes(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    print(json.dumps({"seconds": seconds, "megabytes": most / 1024}))


def _peak_kilobytes() -> int:
    """The most that this process held; its ``ru_maxrss`` would begin with what its parent held."""
    (line,) = (line for line in Path("/proc/self/status").read_text("utf-8").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def windows(
    orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """For what learns from outcomes: features a horizon before the cut-off, their outcomes, and features at it."""
    earlier = cutoff - pd.Timedelta(days=horizon)
    before, after = orders[orders["date"] <= earlier], orders[orders["date"] > earlier]
    features = rfm(before, earlier)
    outcomes = after.groupby("customer_id").agg(purchases=("date", "nunique"), revenue=("amount", "sum"))
    return features, outcomes.reindex(features.index).fillna(0.0), rfm(orders, cutoff)


def rfm(orders: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Purchase days, days since the first and the last, revenue and its mean, and both within 90 days, by customer."""
    found = orders.groupby("customer_id").agg(
        days=("date", "nunique"), first=("date", "min"), last=("date", "max"), revenue=("amount", "sum")
    )
    late = orders[orders["date"] > day - pd.Timedelta(days=90)].groupby("customer_id")
    recent = late.agg(recent_days=("date", "nunique"), recent_revenue=("amount", "sum"))
    found["age"], found["silence"] = (day - found.pop("first")).dt.days, (day - found.pop("last")).dt.days
    found["mean"] = found["revenue"] / found["days"]
    return found.join(recent).fillna(0.0).astype(float)
