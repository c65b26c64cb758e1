"""The table ``store_info`` of a store: one row that describes it."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from customer_revenue.errors import StoreNotUsable
from customer_revenue.orders.duckdb_sql import filled_columns, first_line, one_row
from customer_revenue.periods import Clock
from customer_revenue.tables import COUNTED_STATUSES, OPTIONAL_COLUMNS

SCHEMA_VERSION = 3
"""Version of the store's tables. With every change of them, increment it and add a step to ``upgrade.UPGRADES``."""

INFO_COLUMNS = {
    "schema_version": "INTEGER",
    "currency": "VARCHAR",
    "timezone": "VARCHAR",
    "clock": "VARCHAR",
    "clock_is_chosen": "BOOLEAN",
    "as_of": "DATE",
    "first_created_at": "TIMESTAMP",
    "last_created_at": "TIMESTAMP",
    "orders": "BIGINT",
    "customers": "BIGINT",
    "refunds": "BIGINT",
    "formats": "VARCHAR",
    "fingerprint": "VARCHAR",
}
"""The columns of the table ``store_info``, with their DuckDB types."""


def read_info(con: duckdb.DuckDBPyConnection, database: str, path: Path) -> dict[str, object]:
    """Return the store info of an attached store.

    Raises:
        StoreNotUsable: the database is not a store of ours, or is newer than this package.
    """
    try:
        table = con.table(f"{database}.store_info")
        rows = table.fetchall()
    except duckdb.CatalogException:
        raise StoreNotUsable(f"{path} is a DuckDB file but not a store of orders: choose another path") from None
    except duckdb.Error as error:
        raise StoreNotUsable(f"{path} is damaged: {first_line(error)}") from None
    info = dict(zip(table.columns, rows[0], strict=True)) if len(rows) == 1 else {}
    check_version(info, str(path))
    return info


def check_version(info: Mapping[str, object], where: str) -> None:
    """Check that this package can read the tables of a store.

    Raises:
        StoreNotUsable: the store has no version, or a newer one.
    """
    version = info.get("schema_version")
    if not isinstance(version, int):
        raise StoreNotUsable(f"{where} is a damaged store: import the orders into a new one")
    if version > SCHEMA_VERSION:
        raise StoreNotUsable(
            f"{where} has schema {version}; this package reads up to {SCHEMA_VERSION}: upgrade the package"
        )


def day_of(moment: dt.datetime | None, zone: str) -> dt.date | None:
    """Return the calendar day in ``zone`` of a timestamp of the store, which is in UTC and carries no zone."""
    return None if moment is None else moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).date()


def last_counted(prefix: str) -> str:
    """Return SQL for the time of the last order or refund that counts, or of the last order if none does.

    Args:
        prefix: what stands before the names of the tables, such as ``next.``.
    """
    orders, refunds, counted = f"{prefix}orders", f"{prefix}refunds", f"status IN {COUNTED_STATUSES}"
    refunded = (
        f"SELECT max(created_at) AS last_at FROM {refunds} WHERE NOT EXISTS"
        f" (SELECT 1 FROM {orders} AS o WHERE o.id = order_id AND NOT {counted})"
    )
    bought = f"SELECT max(created_at) AS last_at FROM {orders} WHERE {counted}"
    last = f"SELECT max(last_at) FROM ({bought} UNION ALL {refunded}) AS m"
    return f"coalesce(({last}), (SELECT max(created_at) FROM {orders}))"


def create_info(con: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table ``store_info`` in ``next``."""
    columns = ", ".join(f"{name} {sql_type}" for name, sql_type in INFO_COLUMNS.items())
    con.execute(f"CREATE OR REPLACE TABLE next.store_info ({columns})")


def write_info(
    con: duckdb.DuckDBPyConnection,
    *,
    currency: str,
    zone: str,
    clock: Clock,
    clock_is_chosen: bool,
    as_of: dt.date | None,
    formats: str,
) -> None:
    """Write the store info of ``next``. Counts, times and fingerprint are computed from its tables."""
    create_info(con)
    # A query for each table: planning one over all of them takes longer than a small import.
    counts, hashes = {}, []
    for table, always in _FINGERPRINTED.items():
        columns = ", ".join([always, *filled_columns(con, f"next.{table}", [*OPTIONAL_COLUMNS.get(table, ())])])
        counts[table], row_hash = one_row(
            con, f"SELECT count(*), coalesce(sum(CAST(hash({columns}) AS HUGEINT)), 0) FROM next.{table}"
        )
        hashes.append(str(row_hash))
    con.execute(
        f"""
        INSERT INTO next.store_info
        SELECT $version, $currency, $zone, $clock, $chosen, $as_of,
            (SELECT min(created_at) FROM next.orders), {last_counted("next.")},
            $orders, $users, $refunds, $formats, $fingerprint
        """,
        {
            "version": SCHEMA_VERSION,
            "currency": currency,
            "zone": zone,
            "clock": clock.value,
            "chosen": clock_is_chosen,
            "as_of": as_of,
            **{table: counts[table] for table in ("orders", "users", "refunds")},
            "formats": formats,
            "fingerprint": hashlib.md5(" ".join(hashes).encode(), usedforsecurity=False).hexdigest(),
        },
    )


def rewrite_info(con: duckdb.DuckDBPyConnection, old: Mapping[str, object]) -> None:
    """Write the store info of ``next``, whose clock, zone and currency are those of ``old``."""
    day = old["as_of"]
    write_info(
        con,
        currency=str(old["currency"]),
        zone=str(old["timezone"]),
        clock=Clock(str(old["clock"])),
        clock_is_chosen=bool(old["clock_is_chosen"]),
        as_of=day if isinstance(day, dt.date) else None,
        formats=str(old["formats"]),
    )


_FINGERPRINTED = {
    "orders": "id, user_id, total_cents, status, created_at",
    "order_items": "order_id, product_id, product_name, quantity, amount_cents",
    "refunds": "id, order_id, user_id, amount_cents, created_at",
    "users": "id, name, email",
}
"""Columns whose row hashes are summed, so that the fingerprint does not depend on the order of the rows.

The optional columns are among them if they hold a value.
"""
