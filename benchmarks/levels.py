"""Bias and log loss of the predictor beside BG/NBD on simulated shops whose level is known.

    python -m benchmarks.levels
    python -m benchmarks.levels --seeds 20 --customers 3000 --years 2 3

Each order of a stationary shop is kept with a chance that depends on its day: by the season, by a level that jumped
half a year before the cut-off, or by a promotion month that ended before it; in a growing shop customers are kept by
the day of their first order. Shops have two or three years of orders by the cut-off, and 90 days after it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from customer_revenue.arrays import Floats
from customer_revenue.console import silent
from customer_revenue.modeling.forecast_names import BG_NBD, OURS
from customer_revenue.orders.files.simulate import simulate_orders
from customer_revenue.orders.store import Store, open_store
from customer_revenue.periods import DAYS_PER_YEAR
from customer_revenue.settings import load_settings
from customer_revenue.workflows.evaluation.fold import predict_from
from customer_revenue.workflows.import_orders import import_orders

HORIZON_DAYS = 90
SPARE_DAYS = 7
"""Of orders after the horizon, so that it is over by the last order that is kept."""
FIRST_DAY = dt.date(2022, 1, 1)
FIGURES = ("purchases_bias", "revenue_bias", "probability_log_loss", "purchases_mae", "revenue_mae")


def _season(since_cutoff: Floats) -> Floats:
    return 0.6 + 0.4 * np.cos(2 * np.pi * (since_cutoff - HORIZON_DAYS / 2) / DAYS_PER_YEAR)


def _constant(since_cutoff: Floats) -> Floats:
    return np.full(len(since_cutoff), 0.7)


SHOPS: dict[str, Callable[[Floats], Floats]] = {
    "stationary": _constant,
    "seasonal": _season,
    "growing": _constant,
    "level jumped": lambda since_cutoff: np.where(since_cutoff > -DAYS_PER_YEAR / 2, 0.9, 0.6),
    "promotion month": lambda since_cutoff: np.where(np.abs(since_cutoff + 60) < 15, 1.0, 0.55),
}
"""The chance that an order is kept, by its days since the cut-off."""


def orders_of(kind: str, customers: int, years: int, seed: int) -> pa.Table:
    """The orders of a shop, up to 90 days after the cut-off."""
    cutoff = years * DAYS_PER_YEAR
    orders = simulate_orders(customers, cutoff + HORIZON_DAYS + SPARE_DAYS, seed, first_day=FIRST_DAY)
    moment = orders.column("created_at").to_numpy().astype("datetime64[us]")
    day = (moment - np.datetime64(FIRST_DAY, "us")) / np.timedelta64(1, "D")
    rng = np.random.default_rng(seed)
    kept = rng.random(len(day)) < SHOPS[kind](day - cutoff)
    if kind == "growing":
        _, customer = np.unique(np.asarray(orders.column("user_id").to_pylist()), return_inverse=True)
        first = np.full(customer.max() + 1, np.inf)
        np.minimum.at(first, customer, day)
        kept &= (rng.random(len(first)) < 0.2 + 0.8 * first / cutoff)[customer]
    return orders.filter(pa.array(kept))


@contextmanager
def store_of(orders: pa.Table) -> Iterator[Store]:
    """A store of its own that holds the orders."""
    with tempfile.TemporaryDirectory(prefix="customer-revenue-levels-") as folder:
        pq.write_table(orders, Path(folder, "orders.parquet"))
        settings = load_settings(store=f"duckdb:///{folder}/orders.duckdb", models=Path(folder, "models"))
        import_orders(settings, [Path(folder, "orders.parquet")], report=silent)
        with open_store(settings.store, settings.store_options) as store:
            yield store


def figures_of(kind: str, customers: int, years: int, seed: int) -> tuple[Floats, Floats]:
    """The figures of ours and of BG/NBD, in the order of :data:`FIGURES`."""
    cutoff = FIRST_DAY + dt.timedelta(days=years * DAYS_PER_YEAR)
    with store_of(orders_of(kind, customers, years, seed)) as store:
        metrics = predict_from(store, load_settings().fit_options, cutoff, HORIZON_DAYS).metrics()
    ours, theirs = (np.array([metrics[name][figure] for figure in FIGURES]) for name in (OURS, BG_NBD))
    return ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", nargs="+", choices=SHOPS, default=list(SHOPS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--years", type=int, nargs="+", default=[2])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'':24}" + "".join(f"{figure.replace('probability_', ''):>26}" for figure in FIGURES), flush=True)
    for years in arguments.years:
        for kind in arguments.shops:
            pairs = [figures_of(kind, arguments.customers, years, seed) for seed in range(arguments.seeds)]
            ours, theirs = (np.array(side) for side in zip(*pairs, strict=True))
            error = ours.std(axis=0, ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else np.zeros(len(FIGURES))
            cells = [
                f"{a:10.3f} ±{e:.3f} ({b:7.3f})" for a, e, b in zip(ours.mean(0), error, theirs.mean(0), strict=True)
            ]
            print(f"{kind + f', {years} years':24}" + "".join(f"{cell:>26}" for cell in cells), flush=True)
    print("mean of ours ± standard error (BG/NBD + Gamma-Gamma)")


if __name__ == "__main__":
    main()
