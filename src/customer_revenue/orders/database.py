"""The file of the embedded store: where it is, what it says of itself, how the next one takes its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import filelock

from customer_revenue.errors import InvalidParameter, StoreBusy, StoreError, StoreNotFound, StoreNotUsable
from customer_revenue.orders.sql import first_line

URL_PREFIX = "duckdb:///"

_ROW_GROUP_SIZE = 30_720


def path_of(url: str) -> Path:
    """The file of a store URL: ``duckdb:///relative/path``, ``duckdb:////absolute/path``, or a plain path.

    >>> path_of("duckdb:///data/orders.duckdb").as_posix(), path_of("duckdb:////srv/orders.duckdb").as_posix()
    ('data/orders.duckdb', '/srv/orders.duckdb')

    Raises:
        InvalidParameter: another kind of URL, or no path in it.
    """
    if "://" in url and not url.startswith(URL_PREFIX):
        scheme = url.split("://", 1)[0]
        raise InvalidParameter(f"store: no engine for {scheme!r} URLs here; use {URL_PREFIX}PATH")
    path = url.removeprefix(URL_PREFIX)
    if not path or path.endswith("/"):
        raise InvalidParameter(f"store: {url!r} names no file; use {URL_PREFIX}PATH")
    return Path(path)


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach a store's file for reading.

    An in-memory connection attaches it, instead of opening the file itself: DuckDB hands out one instance per opened
    path and process, which would keep serving the file that a rename has already replaced.

    Raises:
        StoreNotFound, StoreNotUsable.
    """
    if not path.is_file():
        raise StoreNotFound(
            f"no store at {path}: make one with 'customer-revenue import FILE --store {URL_PREFIX}{path}'"
        )
    try:
        con.execute(f"ATTACH '{_escaped(path)}' AS {name} (READ_ONLY)")
    except duckdb.Error as error:
        raise StoreNotUsable(f"{path} cannot be opened as a store of orders: {first_line(error)}") from None


def _escaped(path: Path) -> str:
    # ATTACH takes no bound parameter for its path.
    return str(path).replace("'", "''")


class Workshop:
    """A folder beside the store in which its next file is made; gone when the work is done or a new one starts."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.folder = store.with_name(f".{store.name}.next")
        self.next_file = self.folder / "store.duckdb"

    def attach(self, con: duckdb.DuckDBPyConnection) -> None:
        """Attach the file to be as ``next`` and one for the work in between as ``work``; spill into the folder."""
        con.execute("SET temp_directory = ?", [str(self.folder / "spill")])
        con.execute(f"ATTACH '{_escaped(self.folder / 'work.duckdb')}' AS work")
        # Small row groups: one customer's orders are found twice as fast as with the default of 122,880 rows.
        con.execute(f"ATTACH '{_escaped(self.next_file)}' AS next (ROW_GROUP_SIZE {_ROW_GROUP_SIZE})")

    def swap(self) -> None:
        """Put the next file in the store's place, in one step that a crash cannot divide."""
        _sync(self.next_file)
        self.next_file.replace(self.store)
        _sync(self.store.parent)

    def clean(self) -> None:
        """Remove the folder, whoever left it."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def workshop(store: Path) -> Iterator[Workshop]:
    """A fresh workshop, for one writer at a time.

    Raises:
        StoreBusy: another import holds it.
        StoreError: the folder cannot be written.
    """
    shop = Workshop(store)
    lock = filelock.FileLock(store.with_name(f".{store.name}.lock"), timeout=0)
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise StoreBusy(f"another import is writing to {store}: try again when it is done") from None
    except OSError as error:
        raise StoreError(f"{store.parent} cannot be written: {error.strerror}") from None
    try:
        shop.clean()
        shop.folder.mkdir()
        yield shop
    finally:
        shop.clean()
        lock.release()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
