"""Imports into the embedded store: a new file is written and replaces the store's."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
from typing_extensions import override

from customer_revenue.errors import StoreNotFound, StoreNotUsable
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_target import Views, quoted, view_queries
from customer_revenue.orders.engines.local_target import LocalTarget, lock_target
from customer_revenue.orders.engines.urls import DUCKDB_PREFIX
from customer_revenue.orders.store_info import read_info
from customer_revenue.settings import StoreOptions

_MAX_COPIES = 10
"""After so many small imports, which add their orders at the end, an import sorts all orders again."""

_COMMENT = "SELECT comment FROM duckdb_tables() WHERE database_name = 'old' AND table_name = 'orders'"


def memory_limit(options: StoreOptions) -> str:
    """Return DuckDB's setting ``memory_limit`` for the options of a store."""
    return f"{options.embedded_memory // 2**20} MiB"


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach a store's file for reading.

    An in-memory connection attaches the file instead of opening it. DuckDB keeps one instance per opened path and
    process, which would go on reading a file that a rename has replaced.

    Raises:
        StoreNotFound: there is no file.
        StoreNotUsable: the file is not a DuckDB database.
    """
    if not path.is_file():
        raise StoreNotFound(
            f"no store at {path}: create one with 'customer-revenue import FILE --store {DUCKDB_PREFIX}{path}'"
        )
    try:
        con.execute(f"ATTACH '{quoted(path)}' AS {name} (READ_ONLY)")
    except duckdb.Error as error:
        raise StoreNotUsable(f"{path} cannot be opened as a store of orders: {first_line(error)}") from None


class DuckDBTarget(LocalTarget):
    """A store's file. The new file is written in a working folder and then replaces it; see ``Target``."""

    def __init__(self, store: Path) -> None:
        super().__init__(store, store.with_name(f".{store.name}.next"))

    @override
    def attach_old(self, con: duckdb.DuckDBPyConnection) -> dict[str, object]:
        if not self.store.exists():
            return {}
        attach(con, self.store, "old")
        return read_info(con, "old", self.store)

    @override
    def copy_old(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Copy the store's file, unless so many orders were added to it that they have to be sorted.

        A comment on the table of orders says how many imports were written into a copy since.
        """
        (comment,) = con.execute(_COMMENT).fetchall()[0]
        copies = int(comment or 0) + 1
        if copies > _MAX_COPIES:
            return False
        con.execute("DETACH next")
        shutil.copyfile(self.store, self.next_file)
        self.attach_next(con)
        con.execute(f"COMMENT ON TABLE next.orders IS '{copies}'")
        return True

    @override
    def create_views(self, con: duckdb.DuckDBPyConnection, views: Views, zone: str) -> bool:
        from customer_revenue.orders.engines.duckdb.dialect import COMPILER

        # The views contain no database name, since the file will be attached under another one.
        con.execute("USE next")
        for name, query in view_queries(views, zone, COMPILER, "duckdb").items():
            con.execute(f'CREATE OR REPLACE VIEW "{name}" AS {query}')
        if not views:
            for name, statement in _views(con, "old"):
                con.execute(f'DROP VIEW IF EXISTS "{name}"')
                con.execute(statement)
        con.execute("USE memory")
        return _views(con, "next") != _views(con, "old")

    @override
    def publish(self, con: duckdb.DuckDBPyConnection) -> None:
        con.execute("CHECKPOINT next")
        con.execute("DETACH next")
        self.swap()

    def swap(self) -> None:
        """Replace the store's file with the new one, atomically."""
        _sync(self.next_file)
        self.next_file.replace(self.store)
        _sync(self.store.parent)


def _views(con: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    return con.execute(
        "SELECT view_name, sql FROM duckdb_views() WHERE database_name = ? AND NOT internal ORDER BY view_name",
        [database],
    ).fetchall()


def duckdb_target(store: Path) -> AbstractContextManager[DuckDBTarget]:
    """Open a store's file for one writer at a time.

    Raises:
        StoreBusy: another import holds the lock.
        StoreError: the folder cannot be written.
    """
    return lock_target(DuckDBTarget(store), store.with_name(f".{store.name}.lock"))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
