"""The file of the embedded store: how it is attached, and how the next file replaces it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import filelock
import sqlglot.expressions as sge
from ibis.backends.sql.compilers import DuckDBCompiler
from typing_extensions import override

from customer_revenue.errors import StoreBusy, StoreError, StoreNotFound, StoreNotUsable
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_target import Target, Views, quoted
from customer_revenue.orders.engines.urls import EMBEDDED
from customer_revenue.orders.expressions import as_of_day, canonical_tables
from customer_revenue.orders.store_info import read_info
from customer_revenue.settings import StoreOptions


def memory_limit(options: StoreOptions) -> str:
    """DuckDB's setting ``memory_limit`` for a store's options."""
    return f"{options.embedded_memory // 2**20} MiB"


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach a store's file for reading.

    An in-memory connection attaches it, instead of opening the file itself: DuckDB hands out one instance per opened
    path and process, which would keep serving the file that a rename has already replaced.

    Raises:
        StoreNotFound, StoreNotUsable.
    """
    if not path.is_file():
        raise StoreNotFound(
            f"no store at {path}: make one with 'customer-revenue import FILE --store {EMBEDDED}{path}'"
        )
    try:
        con.execute(f"ATTACH '{quoted(path)}' AS {name} (READ_ONLY)")
    except duckdb.Error as error:
        raise StoreNotUsable(f"{path} cannot be opened as a store of orders: {first_line(error)}") from None


class DuckDBTarget(Target):
    """A store's file under import: the next file is made in a folder of its own and then replaces the store's."""

    def __init__(self, store: Path) -> None:
        super().__init__(store.with_name(f".{store.name}.next"))
        self.store = store

    @override
    def attach_old(self, con: duckdb.DuckDBPyConnection) -> dict[str, object]:
        if not self.store.exists():
            return {}
        attach(con, self.store, "old")
        return read_info(con, "old", self.store)

    @override
    def create_views(self, con: duckdb.DuckDBPyConnection, views: Views, zone: str) -> bool:
        # With no database name in them, since the file will be attached under another one.
        con.execute("USE next")
        tables = canonical_tables(zone)
        for name, build in views.items():
            body = DuckDBCompiler().to_sqlglot(build(tables, as_of_day(zone)))
            view = sge.Create(this=sge.to_identifier(name, quoted=True), kind="VIEW", expression=body)
            con.execute(view.sql(dialect="duckdb"))
        if not views:
            for _name, statement in _views(con, "old"):
                con.execute(statement)
        con.execute("USE memory")
        return _views(con, "next") != _views(con, "old")

    @override
    def publish(self, con: duckdb.DuckDBPyConnection) -> None:
        con.execute("CHECKPOINT next")
        con.execute("DETACH next")
        self.swap()

    def swap(self) -> None:
        """Put the next file in the store's place, in one step that a crash cannot divide."""
        _sync(self.next_file)
        self.next_file.replace(self.store)
        _sync(self.store.parent)

    def clean(self) -> None:
        """Remove the folder, whoever left it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _views(con: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    return con.execute(
        "SELECT view_name, sql FROM duckdb_views() WHERE database_name = ? AND NOT internal ORDER BY view_name",
        [database],
    ).fetchall()


@contextmanager
def duckdb_target(store: Path) -> Iterator[DuckDBTarget]:
    """The target of a store's file, for one writer at a time.

    Raises:
        StoreBusy: another import holds it.
        StoreError: the folder cannot be written.
    """
    target = DuckDBTarget(store)
    lock = filelock.FileLock(store.with_name(f".{store.name}.lock"), timeout=0)
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise StoreBusy(f"another import is writing to {store}: try again when it is done") from None
    except OSError as error:
        raise StoreError(f"{store.parent} cannot be written: {error.strerror}") from None
    try:
        target.clean()
        target.folder.mkdir()
        yield target
    finally:
        target.clean()
        lock.release()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
