"""A store of orders, open for reading."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.sql.compilers import DuckDBCompiler

from customer_revenue.errors import StoreError
from customer_revenue.orders.database import attach, path_of
from customer_revenue.orders.expressions import PARAMETER_MARK, canonical_tables, parameter
from customer_revenue.orders.info import read_info
from customer_revenue.orders.quarantine import QUARANTINE_COLUMNS
from customer_revenue.orders.sql import first_line
from customer_revenue.orders.upgrading import upgrade_if_older
from customer_revenue.periods import AsOf, Clock
from customer_revenue.settings import Settings

__all__ = ["Query", "Store", "StoreInfo", "open_store", "parameter"]

_ATTACHED = "store"
_COMPILER = DuckDBCompiler()
_BROKEN = (
    duckdb.ConnectionException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.SerializationException,
)
"""What DuckDB raises for a closed connection, a damaged file or a full disk, rather than for a wrong query."""
_QUARANTINE = ibis.table(
    dict.fromkeys(QUARANTINE_COLUMNS, "string") | {"line": "int64"},
    name="quarantine",
    catalog=_ATTACHED,
    database="main",
)


@dataclass(frozen=True)
class StoreInfo:
    """What a store is and holds. Days are in the reporting zone; counts are of all orders, whatever their status."""

    url: str
    schema_version: int
    currency: str
    timezone: str
    clock: Clock
    as_of: dt.date | None
    first_day: dt.date | None
    last_day: dt.date | None
    orders: int
    customers: int
    refunds: int
    formats: tuple[str, ...]
    fingerprint: str
    """Of the contents: the same rows give the same one, and any change another."""


def open_store(url: str, settings: Settings) -> Store:
    """Open a store for reading; it sees the data of this moment until it is closed.

    Raises:
        StoreNotFound: there is none at that URL.
        StoreNotUsable: not one of ours, newer than this package, or damaged.
    """
    upgrade_if_older(path_of(url))
    return Store(url, settings)


class Store:
    """A store of orders, open for reading. A context manager; usable from several threads."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._path = path_of(url)
        # Looked at before opening: a swap in between shows as stale, and costs one opening more at worst.
        self._identity = _identity(self._path)
        self._con = duckdb.connect()
        try:
            attach(self._con, self._path, _ATTACHED)
            raw = read_info(self._con, _ATTACHED, self._path)
            self.info = _info(url, raw, settings)
            self.tables = canonical_tables(self.info.timezone, _ATTACHED, "main")
        except BaseException:
            self._con.close()
            raise
        self._local = threading.local()
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Queries under way in other threads fail."""
        with self._lock:
            for cursor in self._cursors:
                cursor.close()
            self._cursors.clear()
            self._con.close()

    def stale(self) -> bool:
        """Whether another file has taken the place of the one that is open."""
        return _identity(self._path) != self._identity

    def as_of(self, day: dt.date | None = None) -> AsOf:
        """The moment to compute everything as of.

        Args:
            day: the end of this day; by default now for a live store and, for a historical one, the end of the day
                that the import chose or of the last order's day.
        """
        zone = ZoneInfo(self.info.timezone)
        if day is None and self.info.clock is Clock.HISTORICAL:
            day = self.info.as_of or self.info.last_day
        return AsOf.now(zone) if day is None else AsOf.end_of(day, zone)

    def fetch(self, expr: ir.Table, **parameters: object) -> pa.Table:
        """Run an expression once.

        Args:
            expr: over ``tables``, and Ibis in-memory tables where needed.
            parameters: value of each ``parameter`` in it.
        """
        with self._lock:
            for table in expr.op().find(ops.InMemoryTable):
                self._con.register(table.name, table.data.to_pyarrow(table.schema))
            return self.prepare(expr, list(parameters))._run_on(self._con, parameters)

    def batches(self, expr: ir.Table, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """Run an expression and stream its result, for results that need not fit in memory.

        Args:
            expr: over ``tables``.
            rows: at most so many rows a batch.
        """
        query = self.prepare(expr)
        with self._con.cursor() as cursor:
            for batch in cursor.sql(query.sql).to_arrow_reader(rows):
                yield batch.cast(query.schema)

    def prepare(self, expr: ir.Table, names: Sequence[str] = ()) -> Query:
        """Compile an expression once, to be run often, from any thread.

        Args:
            expr: over ``tables``.
            names: the names of all ``parameter``s in it.

        Raises:
            ValueError: the parameters in it are others.
        """
        tree = _COMPILER.to_sqlglot(expr)
        tree, found = _with_placeholders(tree)
        if found != set(names):
            raise ValueError(f"the query's parameters are {sorted(found)}, not {sorted(names)}")
        return Query(self, tree.sql(dialect="duckdb"), frozenset(names), expr.schema().to_pyarrow())

    def quarantine(self) -> pa.Table:
        """The rows that were not imported: ``source``, ``line``, ``reason``, ``user_id``, ``raw``."""
        return self.fetch(_QUARANTINE.order_by("source", "line", "reason"))

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's own connection: DuckDB lets one connection run one query at a time."""
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if cursor is None:
            with self._lock:
                cursor = self._con.cursor()
                self._cursors.append(cursor)
            self._local.cursor = cursor
        return cursor


class Query:
    """A compiled query with bound parameters."""

    def __init__(self, store: Store, sql: str, names: frozenset[str], schema: pa.Schema) -> None:
        self._store = store
        self.sql = sql
        self.names = names
        self.schema = schema

    def run(self, **values: object) -> pa.Table:
        """Run it with these values.

        Raises:
            TypeError: a parameter is missing or unknown.
            StoreError: the store is closed or its file cannot be read.
        """
        return self._run_on(self._store._cursor(), values)

    def _run_on(self, cursor: duckdb.DuckDBPyConnection, values: Mapping[str, object]) -> pa.Table:
        if values.keys() != self.names:
            raise TypeError(f"the query takes {sorted(self.names)}, not {sorted(values)}")
        try:
            table = cursor.sql(self.sql, params=dict(values)).to_arrow_table()
        except _BROKEN as error:
            raise StoreError(f"the store cannot answer: {first_line(error)}") from error
        assert isinstance(table, pa.Table)
        return table.cast(self.schema)


def _with_placeholders(tree: sge.Expression) -> tuple[sge.Expression, set[str]]:
    """The query with placeholders for the parameters' stand-ins, and the names found.

    The tree is copied: the compiler may have put one and the same literal in several places.
    """
    found: set[str] = set()

    def placeholder(node: sge.Expression) -> sge.Expression:
        if not (isinstance(node, sge.Literal) and node.is_string and str(node.this).startswith(PARAMETER_MARK)):
            return node
        name = str(node.this).removeprefix(PARAMETER_MARK)
        found.add(name)
        return sge.Parameter(this=sge.Var(this=name))

    return tree.copy().transform(placeholder), found


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _info(url: str, raw: Mapping[str, Any], settings: Settings) -> StoreInfo:
    # A zone that nobody chose is no reason to leave the one that the store was made with.
    zone = settings.timezone if "timezone" in settings.model_fields_set else raw["timezone"]
    return StoreInfo(
        url=url,
        schema_version=raw["schema_version"],
        currency=raw["currency"],
        timezone=zone,
        clock=Clock(raw["clock"]),
        as_of=raw["as_of"],
        first_day=_day(raw["first_created_at"], zone),
        last_day=_day(raw["last_created_at"], zone),
        orders=raw["orders"],
        customers=raw["customers"],
        refunds=raw["refunds"],
        formats=tuple(name for name in raw["formats"].split(",") if name),
        fingerprint=raw["fingerprint"],
    )


def _day(moment: dt.datetime | None, zone: str) -> dt.date | None:
    return None if moment is None else moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).date()
