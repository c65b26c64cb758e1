"""A store of orders, open for reading."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from customer_revenue.errors import StoreError
from customer_revenue.orders.engines.base_engine import ROWS_PER_BATCH, Engine, Statement
from customer_revenue.orders.engines.duckdb.in_memory import fetch_in_memory
from customer_revenue.orders.engines.duckdb.local_copy import copy_to_local_file
from customer_revenue.orders.engines.map_batches import BatchFunction, BatchTotals
from customer_revenue.orders.engines.schemes import open_engine
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.expressions import parameter
from customer_revenue.orders.store_info import day_of
from customer_revenue.periods import AsOf, Clock
from customer_revenue.settings import StoreOptions

__all__ = ["Query", "Store", "StoreInfo", "open_store", "parameter"]


@dataclass(frozen=True)
class StoreInfo:
    """What a store is and holds. Days are in the reporting zone; counts are of all orders, whatever their status."""

    url: str
    """Without a password."""
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
    id: str
    """Of the shop: stays the same as orders come in, as long as the first order stays the first."""


def open_store(url: str, options: StoreOptions, mapping: Path | None = None) -> Store:
    """Open a store for reading.

    An embedded store is seen as it is at this moment until it is closed; a database server as it is at each query.

    Args:
        url: of the store.
        options: the reporting zone, and the currency of a shop's own database.
        mapping: file that says what a shop's own tables are called, see ``mapping``; by default the options'.

    Raises:
        StoreNotFound: there is none at that URL.
        StoreNotUsable: not one of ours, newer than this package, or damaged.
        StoreError: the database does not answer.
    """
    return Store(open_engine(url, options, mapping or options.mapping), options, url)


class Store:
    """A store of orders, open for reading. A context manager; usable from several threads."""

    def __init__(self, engine: Engine, options: StoreOptions, url: str) -> None:
        self._engine = engine
        try:
            self.info = _info(without_password(url), engine.info(), options)
            self.tables = engine.tables(self.info.timezone)
        except BaseException:
            engine.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection to the database. Queries under way in other threads fail."""
        self._engine.close()

    def stale(self) -> bool:
        """Whether there is other data now than at opening."""
        return self._engine.changed()

    @property
    def reports_changes(self) -> bool:
        """Whether :meth:`stale` notices every change, so that what was read may be cached until then."""
        return self._engine.reports_changes

    @property
    def is_snapshot(self) -> bool:
        """Whether what it reads stays the same until it is closed, as with a file that is held open."""
        return self._engine.is_snapshot

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

    def local_copy(self, options: StoreOptions) -> Store | None:
        """A copy on this machine, for work on all customers at once, if that is faster there.

        Raises:
            StoreError: the database does not answer, or has changed while it was read.
        """
        if not self._engine.prefers_local_copy:
            return None
        copy = Store(copy_to_local_file(self._engine, self.tables, options), options, self.info.url)
        if self.stale():
            copy.close()
            raise StoreError("the store has changed while it was read: try again")
        return copy

    def fetch(self, expr: ir.Table, **parameters: object) -> pa.Table:
        """Run an expression once.

        Args:
            expr: over ``tables``, and Ibis in-memory tables where needed.
            parameters: value of each ``parameter`` in it.

        Raises:
            StoreError: the database does not answer.
        """
        return self._engine.fetch(expr, parameters)

    def fetch_in_two_steps(self, first: ir.Table, then: Callable[[ir.Table], ir.Table]) -> pa.Table:
        """Run an expression in two steps, where the engine may be slow at the second, a join of many rows.

        Args:
            first: the first step, over ``tables``. Its result fits in memory.
            then: makes the whole from the result of the first step.

        Raises:
            StoreError: the database does not answer.
        """
        if self._engine.prefers_local_joins:
            return fetch_in_memory(then(ibis.memtable(self.fetch(first))))
        return self.fetch(then(first))

    def batches(self, expr: ir.Table, rows: int = ROWS_PER_BATCH) -> Iterator[pa.RecordBatch]:
        """Run an expression and stream its result, for results that need not fit in memory.

        Args:
            expr: over ``tables``.
            rows: maximum number of rows per batch.
        """
        return self._engine.stream(self._engine.compile(expr), rows)

    def map_batches(
        self,
        expr: ir.Table,
        function: BatchFunction,
        schema: pa.Schema,
        sum_columns: Sequence[str],
        path: Path | None,
    ) -> BatchTotals:
        """Put every row of an expression through a function, and write what it gives. Memory stays bounded.

        On Spark the function runs where the rows are, and ``path`` becomes a folder of Parquet files.

        Args:
            expr: over ``tables``.
            function: returns the results of a batch, one row for each of its rows; it can be pickled.
            schema: of the results.
            sum_columns: columns to sum up.
            path: CSV or Parquet file; without one the results are only summed up.

        Raises:
            InvalidParameter: this engine cannot write such a file.
            StoreError: the database does not answer.
        """
        return self._engine.map_batches(expr, function, schema, sum_columns, path)

    def prepare(self, expr: ir.Table, names: Sequence[str] = ()) -> Query:
        """Compile an expression once, to be run often, from any thread.

        Args:
            expr: over ``tables``.
            names: the names of all ``parameter``s in it.

        Raises:
            ValueError: the parameters in it are others.
        """
        statement = self._engine.compile(expr)
        if statement.names != set(names):
            raise ValueError(f"the query's parameters are {sorted(statement.names)}, not {sorted(names)}")
        return Query(self._engine, statement)

    def quarantine(self) -> pa.Table:
        """The rows that were not imported: ``source``, ``line``, ``reason``, ``user_id``, ``raw``."""
        return self.fetch(self._engine.quarantine().order_by("source", "line", "reason"))


class Query:
    """A compiled query with bound parameters."""

    def __init__(self, engine: Engine, statement: Statement) -> None:
        self._engine = engine
        self._statement = statement

    @property
    def sql(self) -> str:
        """The SQL that runs, for people to look at."""
        return self._statement.sql

    def run(self, **values: object) -> pa.Table:
        """Run it with these values.

        Raises:
            TypeError: a parameter is missing or unknown.
            StoreError: the store is closed or does not answer.
        """
        self._check(values)
        return self._engine.run(self._statement, values)

    def rows(self, **values: object) -> list[dict[str, Any]]:
        """Run it with these values, as ``run`` does, for a result of a few rows: it takes half the time.

        Raises:
            TypeError, StoreError: as for ``run``.
        """
        self._check(values)
        names = self._statement.schema.names
        return [dict(zip(names, row, strict=True)) for row in self._engine.rows(self._statement, values)]

    def _check(self, values: Mapping[str, object]) -> None:
        if values.keys() != self._statement.names:
            raise TypeError(f"the query takes {sorted(self._statement.names)}, not {sorted(values)}")


def _info(url: str, raw: Mapping[str, Any], options: StoreOptions) -> StoreInfo:
    # A zone that nobody chose is no reason to leave the one that the store was made with.
    zone = options.timezone if options.timezone_is_set else raw["timezone"]
    return StoreInfo(
        url=url,
        schema_version=raw["schema_version"],
        currency=raw["currency"],
        timezone=zone,
        clock=Clock(raw["clock"]),
        as_of=raw["as_of"],
        first_day=day_of(raw["first_created_at"], zone),
        last_day=day_of(raw["last_created_at"], zone),
        orders=raw["orders"],
        customers=raw["customers"],
        refunds=raw["refunds"],
        formats=tuple(name for name in raw["formats"].split(",") if name),
        fingerprint=raw["fingerprint"],
        id=_shop_id(raw["first_created_at"], raw["currency"]),
    )


def _shop_id(first: dt.datetime | None, currency: str) -> str:
    """From the moment of the first order, which no two shops share, and which is the same on every engine."""
    moment = "" if first is None else first.isoformat()
    return hashlib.sha256(f"{moment} {currency}".encode()).hexdigest()[:16]
