"""The tables of a store as Parquet files: written from any store, and read into any."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from customer_revenue.errors import StoreNotFound, StoreNotUsable
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_target import Views, quoted
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.engines.urls import StoreKind, path_of, without_password
from customer_revenue.orders.forgotten_customers import keyed_hash

_IDS = {
    "orders": ("user_id", "original_user_id"),
    "refunds": ("user_id", "original_user_id"),
    "users": ("id",),
    "aliased_users": ("id",),
    "aliases": ("from_id", "to_id"),
    "alias_changes": ("from_id", "to_id"),
    "quarantine": ("user_id",),
}
"""The tables that name customers, and the columns that do."""


def write_tables(url: str, folder: Path) -> list[Path]:
    """Write each table of a store to a Parquet file, all as of one moment.

    An embedded store is read as it is, also while an import runs; for another one, imports wait until this is done.

    Raises:
        StoreError: there is no store, it cannot be read, or an import is running on a server.
    """
    from customer_revenue.orders.engines.server_target import TABLES

    written = []
    with _attached(url) as con:
        for name in TABLES:
            path = folder / f"{name}.parquet"
            con.execute(f"COPY (FROM old.{name}) TO '{quoted(path)}' (FORMAT parquet, COMPRESSION zstd)")
            written.append(path)
    return written


def read_tables(folder: Path, url: str, views: Views | None = None) -> None:
    """Replace the contents of a store, or make one, by the tables that :func:`write_tables` wrote.

    Args:
        folder: of the files.
        url: of the store.
        views: views to create in it.

    Raises:
        StoreNotUsable: a file is not the table that its name says.
        StoreError: the store cannot be written, or an import is running.
    """
    from customer_revenue.orders.engines.server_target import TABLES

    with open_target(url) as target, duckdb.connect() as con:
        target.attach(con)
        target.attach_old(con)
        try:
            for name, schema in TABLES.items():
                source = quoted(folder / f"{name}.parquet")
                con.execute(f"CREATE TABLE next.{name} AS SELECT {', '.join(schema)} FROM read_parquet('{source}')")
            ((zone,),) = con.execute("SELECT timezone FROM next.store_info").fetchall()
        except (duckdb.Error, ValueError) as error:
            raise StoreNotUsable(f"{folder} does not hold the tables of a store: {first_line(error)}") from None
        target.create_views(con, views or {}, str(zone))
        target.publish(con)


def store_exists(url: str) -> bool:
    """Return whether there is a store at a URL.

    Raises:
        StoreError: the server does not respond, or what is there is not a store.
    """
    if StoreKind.of(url) is StoreKind.DUCKDB:
        return path_of(url).exists()
    with open_target(url) as target, duckdb.connect() as con:
        target.attach(con)
        return bool(target.attach_old(con))


def forgotten_hashes(url: str) -> dict[str, bool]:
    """Return the keyed hashes of the forgotten customers of a store, with whether their orders went too.

    The hash of the empty id, by which the key is recognised, is among them, with ``False``.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    with _attached(url) as con:
        rows = con.execute("SELECT user_hash, coalesce(orders_too, false) FROM old.forgotten").fetchall()
    return dict(rows)


def ids_with_hashes(url: str, key: str, hashes: dict[str, bool]) -> dict[str, bool]:
    """Return the ids of a store whose keyed hash is among some, with what the hash says.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    named = " UNION ".join(f"SELECT {column} AS id FROM old.{table}" for table in _IDS for column in _IDS[table])
    with _attached(url) as con:
        con.execute("CREATE TEMP TABLE hashes (user_hash VARCHAR, orders_too BOOLEAN)")
        con.executemany("INSERT INTO hashes VALUES (?, ?)", [*hashes.items(), (keyed_hash(key, ""), False)])
        rows = con.execute(
            f"SELECT id, orders_too FROM ({named}) JOIN hashes ON user_hash = sha256($key || id)"
            " WHERE id <> '' ORDER BY id",
            {"key": key},
        ).fetchall()
    return dict(rows)


@contextmanager
def _attached(url: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the store attached as ``old``."""
    if StoreKind.of(url) is StoreKind.DUCKDB:
        from customer_revenue.orders.engines.duckdb.target import attach
        from customer_revenue.orders.engines.duckdb.upgrade import upgrade_if_older

        upgrade_if_older(path_of(url))
        with duckdb.connect() as con:
            attach(con, path_of(url), "old")
            yield con
        return
    with open_target(url) as target, duckdb.connect() as con:
        target.attach(con)
        if not target.attach_old(con):
            raise StoreNotFound(f"no store at {without_password(url)}")
        yield con
