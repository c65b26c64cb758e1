"""What a store needs of an engine, and how an Ibis expression becomes its SQL with bound parameters."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import ibis.expr.types as ir
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import SQLGlotCompiler

from customer_revenue.orders.engines.map_batches import BatchFunction, BatchTotals, map_batches
from customer_revenue.orders.expressions import PARAMETER_MARK
from customer_revenue.tables import Canonical

ROWS_PER_BATCH = 100_000

_PARAMETER_LITERAL = re.compile(f"'{PARAMETER_MARK}([A-Za-z_][A-Za-z_0-9]*)'")


@dataclass(frozen=True)
class Statement:
    """SQL of one engine, the names of its parameters, and the schema of its result."""

    sql: str
    names: frozenset[str]
    schema: pa.Schema


class Engine(ABC):
    """A database that holds a store. Safe to use from several threads."""

    prefers_local_joins: ClassVar[bool] = False
    """Whether a large join is faster in DuckDB, on rows that are fetched for it."""
    prefers_local_copy: ClassVar[bool] = False
    """Whether work on all customers at once is faster on a local copy, as with row-oriented storage."""
    is_snapshot: ClassVar[bool] = False
    """Whether what it reads stays the same until it is closed, as with a file that is held open."""

    @property
    def reports_changes(self) -> bool:
        """Whether :meth:`changed` notices every change, so that what was read may be cached until then."""
        return True

    @abstractmethod
    def tables(self, zone: str) -> Canonical:
        """The canonical tables, with days in the zone."""

    @abstractmethod
    def info(self) -> Mapping[str, Any]:
        """The store info: the columns of ``store_info.INFO_COLUMNS``."""

    @abstractmethod
    def quarantine(self) -> ir.Table:
        """The rows that were not imported."""

    @abstractmethod
    def compile(self, expr: ir.Table) -> Statement:
        """The SQL of an expression over the tables."""

    @abstractmethod
    def run(self, statement: Statement, values: Mapping[str, object]) -> pa.Table:
        """Run a statement.

        Raises:
            StoreError: the database does not answer.
        """

    @abstractmethod
    def rows(self, statement: Statement, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run a statement whose result is small, as Python values: half the time of ``run`` for a single row.

        Raises:
            StoreError: the database does not answer.
        """

    @abstractmethod
    def fetch(self, expr: ir.Table, values: Mapping[str, object]) -> pa.Table:
        """Run an expression once; it may contain Ibis tables in memory, and its result may be large."""

    @abstractmethod
    def stream(self, statement: Statement, rows: int) -> Iterator[pa.RecordBatch]:
        """Run a statement without parameters and stream its result, with a maximum number of rows per batch."""

    def map_batches(
        self, expr: ir.Table, function: BatchFunction, schema: pa.Schema, sum_columns: Sequence[str], path: Path | None
    ) -> BatchTotals:
        """Put an expression's rows through a function, and the results into a file or, on a cluster, a folder."""
        return map_batches(self.stream(self.compile(expr), ROWS_PER_BATCH), function, schema, sum_columns, path)

    @abstractmethod
    def changed(self) -> bool:
        """Whether there is other data now than at opening."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection to the database."""


def compile_statement(
    compiler: SQLGlotCompiler, dialect: str, expr: ir.Table, placeholder: Callable[[str], str], percent: str = "%"
) -> Statement:
    """Compile an expression, with the engine's placeholders where the parameters are.

    Args:
        compiler: of the engine.
        dialect: its name in sqlglot.
        expr: the expression.
        placeholder: how the engine writes the parameter of a name.
        percent: how it writes a percent sign in SQL with placeholders.
    """
    text = compiler.to_sqlglot(expr).sql(dialect=dialect).replace("%", percent)
    names = frozenset(_PARAMETER_LITERAL.findall(text))
    sql = _PARAMETER_LITERAL.sub(lambda match: placeholder(match.group(1)), text)
    return Statement(sql, names, expr.schema().to_pyarrow())


def double_literal(value: float) -> sge.Expression:
    """A number with an exponent: MySQL and Spark read one without as a decimal, and round what is computed from it."""
    text = repr(value)
    return sge.Literal.number(text if "e" in text else f"{text}e0")


def table_from_rows(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """A small result as Arrow. Arrow finds each column's type and converts: engines have wider ones for sums."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    arrays = [pa.array(column).cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
