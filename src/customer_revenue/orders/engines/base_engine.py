"""The interface of an engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from customer_revenue import lazy_ibis as ibis
from customer_revenue.orders.engines.map_batches import BatchFunction, BatchTotals, map_batches
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.shop_checks import ShopFinding
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir

ROWS_PER_BATCH = 100_000


@dataclass(frozen=True)
class Statement:
    """SQL for one engine, with the names of its parameters and the schema of its result."""

    sql: str
    names: frozenset[str]
    schema: pa.Schema


class Engine(ABC):
    """A database that holds a store. Safe to use from several threads."""

    prefers_local_joins: ClassVar[bool] = False
    """Whether to fetch the rows of a large join and join them in DuckDB, which is faster."""
    prefers_local_copy: ClassVar[bool] = False
    """Whether work on all customers is faster on a local copy, as with row-oriented storage."""
    has_own_tables: ClassVar[bool] = False
    """Whether the tables are always those of a store: their expressions need no look at the database."""
    is_snapshot: ClassVar[bool] = False
    """Whether the data stays the same until the engine is closed, as with a file that is held open."""

    @property
    def reports_changes(self) -> bool:
        """Whether :meth:`changed` detects every change, so that results can be cached until it does."""
        return True

    @property
    def findings(self) -> tuple[ShopFinding, ...]:
        """What was found wrong in a shop's own tables on opening."""
        return ()

    @abstractmethod
    def tables(self, zone: str) -> Canonical:
        """Return the canonical tables, with days in the zone."""

    @abstractmethod
    def complete_table(self, name: str, zone: str) -> ir.Table:
        """Return one of the tables of a store with its optional columns; orders with and without a customer."""

    @abstractmethod
    def info(self) -> Mapping[str, Any]:
        """Return the store info: the columns of ``store_info.INFO_COLUMNS``."""

    @abstractmethod
    def own_table(self, name: str) -> ir.Table:
        """Return a table of ``OWN_TABLES``; it is empty for a shop's own tables."""

    @abstractmethod
    def compile(self, expr: ir.Table) -> Statement:
        """Compile an expression over the tables to SQL."""

    def compile_once(self, recipe: Recipe, tables: Callable[[], Canonical | ir.Table], zone: str) -> Statement:  # noqa: ARG002
        """Compile a recipe over the tables, unless its SQL is known.

        Args:
            recipe: the expression.
            tables: returns the canonical tables.
            zone: the reporting zone of the tables.
        """
        return self.compile(recipe.over(tables()))

    @abstractmethod
    def run(self, statement: Statement, values: Mapping[str, object]) -> pa.Table:
        """Run a statement.

        Raises:
            StoreError: the database does not respond.
        """

    @abstractmethod
    def rows(self, statement: Statement, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run a statement and return Python values. For a single row, this takes half the time of ``run``.

        Raises:
            StoreError: the database does not respond.
        """

    @abstractmethod
    def fetch(self, expr: ir.Table, values: Mapping[str, object]) -> pa.Table:
        """Run an expression once. It may contain Ibis in-memory tables, and its result may be large."""

    def fetch_once(
        self,
        recipe: Recipe,
        tables: Callable[[], Canonical | ir.Table],
        zone: str,  # noqa: ARG002  # of the embedded store
        values: Mapping[str, object],
    ) -> pa.Table:
        """As :meth:`fetch`, of a recipe over the tables; see :meth:`compile_once`."""
        return self.fetch(recipe.over(tables()), values)

    def fetch_over(self, recipe: Recipe, rows: pa.Table, values: Mapping[str, object]) -> pa.Table:
        """As :meth:`fetch`, of a recipe over rows in memory."""
        return self.fetch(recipe.over(ibis.memtable(rows)), values)

    @abstractmethod
    def stream(self, statement: Statement, rows: int) -> Iterator[pa.RecordBatch]:
        """Run a statement without parameters and stream its result in batches of at most ``rows`` rows."""

    def map_batches(
        self, expr: ir.Table, function: BatchFunction, schema: pa.Schema, sum_columns: Sequence[str], path: Path | None
    ) -> BatchTotals:
        """Apply a function to the rows of an expression, and write the results to a file or, on a cluster, a folder."""
        return map_batches(self.stream(self.compile(expr), ROWS_PER_BATCH), function, schema, sum_columns, path)

    def one_row(self, expr: ir.Table) -> dict[str, Any]:
        """Run an expression of one row."""
        (row,) = self.run(self.compile(expr), {}).to_pylist()
        found: dict[str, Any] = row
        return found

    @abstractmethod
    def changed(self) -> bool:
        """Return whether the data has changed since the store was opened."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection to the database."""


def table_from_rows(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Convert a small result to Arrow, casting each column: engines return sums in wider types."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    arrays = [pa.array(column).cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
