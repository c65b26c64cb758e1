"""How fast many customers are counted, fitted and predicted, relative to a bare scan and to lifetimes, in one run.

``python -m benchmarks.scale --customers 10000 100000 1000000``. Orders come from our own simulator, 3.5 a customer over
two years. Ratios compare times of the same run; a machine that is busy makes all of them long. The folder keeps the
simulated orders for the next time; stores and models are made anew.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import os
import resource
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from customer_revenue.features.behaviour import features
from customer_revenue.features.rfm import rfm_features
from customer_revenue.modeling import bundle
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.purchase_histories import Histories, column
from customer_revenue.modeling.purchase_models import BetaGeo
from customer_revenue.orders.files.simulate import write_simulated_orders
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import load_settings
from customer_revenue.tables import FEATURE_COLUMNS

DAYS = 730
SEED = 5
BARE = """
    SELECT user_id, count(*), sum(total_cents), min(created_at), max(created_at)
    FROM orders WHERE status IN ('paid', 'refunded') GROUP BY user_id
"""
"""The least that any answer needs: the same columns, scanned and grouped."""

MAX_FOR_LIFETIMES = 1_000_000


@dataclass
class Row:
    """The measurements of one size, by name."""

    customers: int
    orders: int
    values: dict[str, str] = field(default_factory=dict)


def best(function: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of some runs."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def command(folder: Path, *words: str) -> tuple[float, float]:
    """Seconds and peak gigabytes of one of our commands, run as its user does."""
    return run_measured(folder, sys.executable, "-m", "customer_revenue", *words)


def run_measured(folder: Path, *words: str) -> tuple[float, float]:
    """Seconds and peak gigabytes of a program that runs in a process of its own."""
    code = "import resource,subprocess,sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - began, int(done.stdout) / 1024**2


def measure(folder: Path, customers: int) -> Row:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "orders.parquet"
    if not file.exists():
        write_simulated_orders(file, customers, DAYS, SEED)
    for made in ("data", "models"):
        shutil.rmtree(folder / made, ignore_errors=True)
    row = Row(customers, int(duckdb.read_parquet(str(file)).count("*").fetchall()[0][0]))
    for name, words in (
        ("import", ("import", "orders.parquet")),
        ("train", ("train",)),
        ("score", ("score", "--output", "predictions.parquet")),
    ):
        seconds, gigabytes = command(folder, *words)
        row.values[name] = f"{seconds:.1f} s, {gigabytes:.1f} GB"
    settings = load_settings(store=f"duckdb:///{folder}/data/orders.duckdb")
    with open_store(settings.store, settings.store_options) as store:
        count(store, folder, row)
        if customers <= MAX_FOR_LIFETIMES:
            against_lifetimes(store, folder, row)
    return row


def count(store: Store, folder: Path, row: Row) -> None:
    """Features against a bare scan of the same columns, all to Arrow."""
    with duckdb.connect(str(folder / "data" / "orders.duckdb"), read_only=True) as con:
        bare = best(lambda: con.sql(BARE).to_arrow_table())
    day, tables = store.as_of().day, store.tables
    short = best(lambda: store.fetch(rfm_features(tables.orders, day)))
    long = best(lambda: store.fetch(features(tables.orders, tables.refunds, day)))
    row.values["bare scan and group"] = f"{bare:.2f} s"
    row.values["RFM"] = f"{short:.2f} s, {short / bare:.1f}x the bare scan"
    row.values[f"{len(FEATURE_COLUMNS)} features"] = f"{long:.2f} s, {long / bare:.1f}x the bare scan"


def against_lifetimes(store: Store, folder: Path, row: Row) -> None:
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter, GammaGammaFitter
        from lifetimes.utils import summary_data_from_transaction_data

        orders = store.fetch(store.tables.orders.select("user_id", "created_at", "total_cents")).to_pandas()
        theirs = best(lambda: summary_data_from_transaction_data(orders, "user_id", "created_at", "total_cents"), 1)
        day = store.as_of().day
        ours = best(lambda: store.fetch(rfm_features(store.tables.orders, day)))
        row.values["RFM, lifetimes"] = f"{theirs:.1f} s, ours is {theirs / ours:.0f}x as fast"
        table = store.fetch(features(store.tables.orders, store.tables.refunds, day)).sort_by("customer_id")
        x, recency, age, spend = (
            pd.Series(column(table, name)) for name in ("frequency", "recency_days", "T_days", "monetary_cents")
        )
        paying = spend > 0
        beta_geo, gamma_gamma = BetaGeoFitter(), GammaGammaFitter()

        def fit_theirs() -> None:
            beta_geo.fit(x, recency, age)
            gamma_gamma.fit(x[paying], spend[paying] / 100)

        def fit_ours() -> tuple[BetaGeo, GammaGamma]:
            return BetaGeo().fit(Histories.from_table(table)), GammaGamma().fit(column(table, "spend_days"), spend)

        theirs, ours = best(fit_theirs, 1), best(fit_ours, 2)
        purchases, _ = fit_ours()
        off = max(abs(getattr(purchases, f"{n}_") / beta_geo.params_[n] - 1) for n in ("r", "alpha", "a", "b"))
        row.values["BG/NBD + Gamma-Gamma fit"] = (
            f"{ours:.1f} s, lifetimes {theirs:.1f} s: {theirs / ours:.1f}x as fast, parameters within {off:.0e}"
        )
        predictor = bundle.load((folder / "models" / "current").resolve())
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        ours = best(lambda: predictor.predict(table), 2)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2

        def value() -> object:
            money = np.maximum(spend, 1) / 100
            return gamma_gamma.customer_lifetime_value(beta_geo, x, recency, age, money, time=12, freq="D")

        theirs = best(value, 2)
        row.values["predict everything"] = (
            f"{ours:.1f} s, {theirs / ours:.1f}x as fast as lifetimes' lifetime value alone ({theirs:.1f} s), "
            f"peak +{after - before:.1f} GB"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / "build" / "bench-scale")
    given = arguments.parse_args()
    print(f"{dt.date.today()}, {os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}")
    for customers in given.customers:
        row = measure((given.folder / str(customers)).resolve(), customers)
        print(f"\n{row.customers:,} customers, {row.orders:,} orders")
        for name, value in row.values.items():
            print(f"  {name:26} {value}", flush=True)


if __name__ == "__main__":
    main()
