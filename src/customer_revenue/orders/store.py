"""Stores of orders, open for reading."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

import pyarrow as pa

from customer_revenue import lazy_ibis as ibis
from customer_revenue.errors import InvalidParameter, StoreError
from customer_revenue.orders.engines.base_engine import ROWS_PER_BATCH, Engine, Statement
from customer_revenue.orders.engines.duckdb.local_copy import copy_to_local_file, open_local_file
from customer_revenue.orders.engines.map_batches import BatchFunction, BatchTotals
from customer_revenue.orders.engines.schemes import open_engine
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.expressions import STORE_TABLES, parameter
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.shop_checks import ShopFinding
from customer_revenue.orders.store_info import day_of
from customer_revenue.periods import AsOf, Clock
from customer_revenue.settings import StoreOptions
from customer_revenue.spans import span
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["Query", "Store", "StoreInfo", "open_store", "parameter"]


logger = logging.getLogger(__name__)

OTHER_QUERY = "expression"
"""In traces, a query that no recipe names."""


@dataclass(frozen=True)
class StoreInfo:
    """A description of a store. Days are in the reporting zone. Counts include orders of every status."""

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
    """A hash of the contents: equal for equal rows, and different after any change."""
    id: str
    """Identifies the shop. It stays the same as orders arrive, unless one precedes the first."""


def open_store(url: str, options: StoreOptions, mapping: Path | None = None) -> Store:
    """Open a store for reading.

    An embedded store is read as of its opening, until it is closed. A database server is read as of each query.

    Args:
        url: the URL of the store.
        options: the reporting zone, and the currency of a shop's own database.
        mapping: file that maps a shop's own tables, see ``mapping``; by default the one in the options.

    Raises:
        StoreNotFound: there is no store at the URL.
        StoreNotUsable: it is not a store of ours, is newer than this package, or is damaged.
        StoreError: the database does not respond.
    """
    return Store(open_engine(url, options, mapping or options.mapping), options, url)


class Store:
    """A store of orders, open for reading. A context manager; usable from several threads."""

    def __init__(self, engine: Engine, options: StoreOptions, url: str) -> None:
        self._engine, self._options = engine, options
        try:
            self.info: StoreInfo = _info(without_password(url), engine.info(), options)
            if not engine.has_own_tables:
                _ = self.tables
            _warn(self.info.url, engine.findings)
        except BaseException:
            engine.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def tables(self) -> Canonical:
        """The canonical tables, as expressions."""
        return self._engine.tables(self.info.timezone)

    def close(self) -> None:
        """Close the connection to the database. Running queries of other threads fail."""
        self._engine.close()

    def stale(self) -> bool:
        """Return whether the data has changed since the store was opened."""
        return self._engine.changed()

    @property
    def findings(self) -> tuple[ShopFinding, ...]:
        """What was found wrong in a shop's own tables on opening; empty for a store of ours."""
        return self._engine.findings

    @property
    def reports_changes(self) -> bool:
        """Whether :meth:`stale` detects every change, so that results can be cached until it does."""
        return self._engine.reports_changes

    @property
    def is_snapshot(self) -> bool:
        """Whether the data stays the same until the store is closed, as with a file that is held open."""
        return self._engine.is_snapshot

    def as_of(self, day: dt.date | None = None) -> AsOf:
        """Return the moment as of which everything is computed.

        Args:
            day: the end of this day. By default it is now for a live store. For a historical store it is the end of
                the day that the import chose, or else of the last order's day.
        """
        zone = ZoneInfo(self.info.timezone)
        if day is None and self.info.clock is Clock.HISTORICAL:
            day = self.info.as_of or self.info.last_day
        return AsOf.now(zone) if day is None else AsOf.end_of(day, zone)

    def local_copy(self, options: StoreOptions, folder: Path | None = None) -> Store | None:
        """Copy the store to this machine for work on all customers, or return ``None`` if that is not faster.

        Args:
            options: how the copy is opened.
            folder: where to keep it, for :meth:`kept_copy`; by default nothing is left of it once it is closed.

        Raises:
            StoreError: the database does not respond, or changed while it was read.
        """
        if not self._engine.prefers_local_copy:
            return None
        copy = Store(copy_to_local_file(self._engine, self.tables, options, folder), options, self.info.url)
        if self.stale():
            copy.close()
            raise StoreError("the store changed while it was read: try again")
        return copy

    def kept_copy(self, options: StoreOptions, folder: Path) -> Store:
        """The copy that :meth:`local_copy` keeps in a folder; this store itself, where none was made.

        Raises:
            StoreError: the copy cannot be read.
        """
        if not self._engine.prefers_local_copy:
            return self
        return Store(open_local_file(folder, options), options, self.info.url)

    def for_joins(self) -> Store:
        """Return this store, or a copy of it on this machine where the engine takes minutes to join large tables.

        Raises:
            StoreError: the database does not respond, or changed while it was read.
        """
        return (self._engine.prefers_local_joins and self.local_copy(self._options)) or self

    def fetch(self, expr: ir.Table | Recipe, **parameters: object) -> pa.Table:
        """Run an expression once.

        Args:
            expr: an expression over ``tables``, and optionally Ibis in-memory tables; or the recipe of one.
            parameters: the value of each ``parameter`` in it.

        Raises:
            StoreError: the database does not respond.
        """
        if isinstance(expr, Recipe):
            with _query_span(expr.name):
                return self._engine.fetch_once(expr, lambda: self._tables_of(expr), self.info.timezone, parameters)
        with _query_span():
            return self._engine.fetch(expr, parameters)

    def fetch_over(self, rows: pa.Table, recipe: Recipe, **parameters: object) -> pa.Table:
        """Run an expression over rows in memory.

        Args:
            rows: the rows.
            recipe: the recipe of the expression, given the rows as a table.
            parameters: the value of each ``parameter`` in it.

        Raises:
            StoreError: the database does not respond.
        """
        with _query_span(recipe.name):
            return self._engine.fetch_over(recipe, rows, parameters)

    def fetch_in_two_steps(self, first: ir.Table, then: Callable[[ir.Table], ir.Table]) -> pa.Table:
        """Run an expression in two steps. On engines with slow joins, DuckDB runs the second step.

        Args:
            first: the first step, an expression over ``tables``. Its result must fit in memory.
            then: returns the second step, given the result of the first.

        Raises:
            StoreError: the database does not respond.
        """
        if self._engine.prefers_local_joins:
            from customer_revenue.orders.engines.duckdb.in_memory import fetch_in_memory

            return fetch_in_memory(then(ibis.memtable(self.fetch(first))))
        return self.fetch(then(first))

    def batches(self, expr: ir.Table, rows: int = ROWS_PER_BATCH) -> Iterator[pa.RecordBatch]:
        """Run an expression and stream its result, which may be larger than memory.

        Args:
            expr: an expression over ``tables``.
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
        """Apply a function to the rows of an expression in batches, and write its results. Memory stays bounded.

        On Spark the function runs on the executors, and ``path`` becomes a folder of Parquet files.

        Args:
            expr: an expression over ``tables``.
            function: returns one result per row of a batch. It must be picklable.
            schema: the schema of the results.
            sum_columns: columns of the results to sum up.
            path: a CSV or Parquet file. Without one, the results are only summed up.

        Raises:
            InvalidParameter: the engine cannot write such a file.
            StoreError: the database does not respond.
        """
        return self._engine.map_batches(expr, function, schema, sum_columns, path)

    def prepare(self, expr: ir.Table | Recipe, names: Sequence[str] = ()) -> Query:
        """Compile an expression that runs often. The query can be run from any thread.

        Args:
            expr: an expression over ``tables``, or the recipe of one.
            names: the names of every ``parameter`` in it.

        Raises:
            ValueError: the expression has other parameters.
        """
        if isinstance(expr, Recipe):
            statement = self._engine.compile_once(expr, lambda: self._tables_of(expr), self.info.timezone)
        else:
            statement = self._engine.compile(expr)
        if statement.names != set(names):
            raise ValueError(f"the query's parameters are {sorted(statement.names)}, not {sorted(names)}")
        return Query(self._engine, statement, expr.name if isinstance(expr, Recipe) else OTHER_QUERY)

    def table(self, name: str) -> ir.Table:
        """Return one of the tables of the store with its optional columns, null where nothing states them.

        ``tables`` has the columns that figures and models need. This is for whoever wants all of them: orders of every
        status, with and without a customer.

        Args:
            name: ``orders``, ``order_items``, ``refunds`` or ``users``.

        Raises:
            InvalidParameter: there is no such table.
        """
        if name not in STORE_TABLES:
            raise InvalidParameter(f"the store has no table {name[:40]!r}: use one of {', '.join(STORE_TABLES)}")
        return self._engine.complete_table(name, self.info.timezone)

    def _tables_of(self, recipe: Recipe) -> Canonical:
        complete = {name: self.table(name) for name in recipe.complete}
        if "orders" in complete:
            complete["orders"] = complete["orders"].filter(complete["orders"].user_id.notnull())
        return replace(self.tables, **complete)

    def quarantine(self) -> pa.Table:
        """Return the rows that were not imported, with the columns of ``expressions.QUARANTINE_COLUMNS``."""
        recipe, zone = Recipe(_quarantined_in_order), self.info.timezone
        return self._engine.fetch_once(recipe, lambda: self._engine.own_table("quarantine"), zone, {})

    def aliases(self) -> pa.Table:
        """Return the aliases as they were given: ``from_id`` is merged into ``to_id``."""
        return self.fetch(self._engine.own_table("aliases").order_by("from_id"))

    def alias_changes(self) -> pa.Table:
        """Return when aliases were added and removed: ``changed_at`` (UTC), ``action``, ``from_id``, ``to_id``."""
        return self.fetch(self._engine.own_table("alias_changes").order_by("changed_at", "from_id"))


class Query:
    """A compiled query with bound parameters."""

    def __init__(self, engine: Engine, statement: Statement, name: str) -> None:
        self._engine = engine
        self._statement, self._name = statement, name

    @property
    def sql(self) -> str:
        """The SQL of the query."""
        return self._statement.sql

    def run(self, **values: object) -> pa.Table:
        """Run the query with these values.

        Raises:
            TypeError: a parameter is missing or unknown.
            StoreError: the store is closed or does not respond.
        """
        self._check(values)
        with _query_span(self._name):
            return self._engine.run(self._statement, values)

    def rows(self, **values: object) -> list[dict[str, Any]]:
        """Run the query and return a few rows, which takes half the time of ``run``.

        Raises:
            TypeError, StoreError: as for ``run``.
        """
        self._check(values)
        names = self._statement.schema.names
        with _query_span(self._name):
            return [dict(zip(names, row, strict=True)) for row in self._engine.rows(self._statement, values)]

    def _check(self, values: Mapping[str, object]) -> None:
        if values.keys() != self._statement.names:
            raise TypeError(f"the query takes {sorted(self._statement.names)}, not {sorted(values)}")


def _query_span(name: str = OTHER_QUERY) -> AbstractContextManager[None]:
    return span("store.query", **{"db.operation.name": name})


def _warn(url: str, findings: Sequence[ShopFinding]) -> None:
    """Log what is left out of all figures, in one line."""
    left_out = [finding for finding in findings if finding.is_left_out]
    if left_out:
        counts = ", ".join(f"{finding.rows:,} {finding.meaning}" for finding in left_out)
        logger.warning("%s: left out of all figures: %s; run 'customer-revenue check' for remedies", url, counts)


def _info(url: str, raw: Mapping[str, Any], options: StoreOptions) -> StoreInfo:
    # Without an explicit choice, keep the zone that the store was created with.
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
    """Derive the id from the time of the first order, which is unique to a shop and the same on every engine."""
    moment = "" if first is None else first.isoformat()
    return hashlib.sha256(f"{moment} {currency}".encode()).hexdigest()[:16]


def _quarantined_in_order(rows: ir.Table) -> ir.Table:
    return rows.order_by("source", "line", "reason")
