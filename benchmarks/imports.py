"""How long an import takes, relative to DuckDB's bare read and sort of the same file, in one run.

``python -m benchmarks.imports --lines 2000000 --store-orders 10000000``. The file is a CSV of simulated orders, 3.5 a
customer. Then a month's file of 10,000 orders is imported into a store of many orders, each in a process of its own.
The folder keeps the simulated orders for the next time; stores are made anew.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import sys
from pathlib import Path

import duckdb

from benchmarks.scale import run_measured
from customer_revenue.orders.files.simulate import write_simulated_orders

DAYS = 730
SEED = 5
ORDERS_PER_CUSTOMER = 3.5
INCREMENT = 10_000
BARE = """
import duckdb, sys
with duckdb.connect(sys.argv[2]) as con:
    con.execute(
        "CREATE TABLE orders AS SELECT * FROM read_csv(?, columns = {'order_id': 'VARCHAR', 'user_id': 'VARCHAR',"
        " 'created_at': 'TIMESTAMP', 'total_cents': 'BIGINT', 'status': 'VARCHAR'}) ORDER BY user_id, created_at",
        [sys.argv[1]],
    )
"""
"""The least that an import has to do: types, and orders clustered by customer in a file."""


def write_orders(path: Path, orders: int) -> None:
    """Write at least so many simulated orders as Parquet."""
    if not path.exists():
        write_simulated_orders(path, int(orders / ORDERS_PER_CUSTOMER * 1.05), DAYS, SEED)


def write_csv(path: Path, source: Path, rows: str) -> None:
    """Write the rows that an SQL condition over ``source`` chooses as CSV."""
    if not path.exists():
        duckdb.execute(
            f"COPY (SELECT order_id, user_id, created_at, total_cents, status FROM read_parquet(?) {rows})"
            " TO ? (FORMAT csv)",
            [str(source), str(path)],
        )


def import_once(folder: Path, store: Path, file: Path) -> tuple[float, float]:
    """Seconds and peak gigabytes of one import."""
    return run_measured(
        folder, sys.executable, "-m", "customer_revenue", "import", str(file), "--store", f"duckdb:///{store}"
    )


def against_bare(folder: Path, lines: int) -> None:
    """Print an import of CSV lines beside the bare read and sort of them."""
    source, file = folder / f"orders_{lines}.parquet", folder / f"orders_{lines}.csv"
    write_orders(source, lines)
    write_csv(file, source, f"LIMIT {lines}")
    bare, ours = folder / "bare.duckdb", folder / "orders.duckdb"
    results = []
    for _ in range(2):
        for made in (bare, ours):
            made.unlink(missing_ok=True)
        results.append(
            (run_measured(folder, sys.executable, "-c", BARE, str(file), str(bare)), import_once(folder, ours, file))
        )
    (bare_seconds, bare_gigabytes) = min(bare for bare, _ in results)
    (seconds, gigabytes) = min(ours for _, ours in results)
    print(f"{lines:,} lines of CSV ({file.stat().st_size / 1e6:.0f} MB)")
    print(f"  bare read and sort   {bare_seconds:.1f} s, {bare_gigabytes:.2f} GB")
    print(
        f"  import               {seconds:.1f} s, {gigabytes:.2f} GB: {seconds / bare_seconds:.1f}x the bare read and"
        " sort"
    )


def increment(folder: Path, orders: int) -> None:
    """Print how long a month's orders take into a store of many orders."""
    source, month = folder / f"store_{orders}.parquet", folder / f"month_{orders}.csv"
    write_orders(source, orders)
    write_csv(month, source, f"ORDER BY created_at DESC LIMIT {INCREMENT}")
    first = folder / f"first_{orders}.parquet"
    if not first.exists():
        duckdb.execute(
            "COPY (FROM read_parquet(?) ANTI JOIN read_csv(?) USING (order_id)) TO ?",
            [str(source), str(month), str(first)],
        )
    store, kept = folder / "many.duckdb", folder / f"kept_{orders}.duckdb"
    if not kept.exists():
        seconds, gigabytes = import_once(folder, kept, first)
        print(f"first import of {orders:,} orders from Parquet: {seconds:.1f} s, {gigabytes:.2f} GB")
    shutil.copyfile(kept, store)
    seconds, gigabytes = import_once(folder, store, month)
    print(f"{INCREMENT:,} orders into a store of {orders:,}: {seconds:.1f} s, {gigabytes:.2f} GB")


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--store-orders", type=int, default=10_000_000, help="0 leaves the increment out")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / "build" / "bench-imports")
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{dt.date.today()}, {os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}")
    if given.lines:
        against_bare(folder, given.lines)
    if given.store_orders:
        increment(folder, given.store_orders)


if __name__ == "__main__":
    main()
