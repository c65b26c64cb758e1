"""Ibis's DuckDB compiler, with overrides that generate faster SQL.

Imported only where something is compiled: with Ibis, it takes longer than most commands.
"""

from __future__ import annotations

import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType

from customer_revenue.orders.engines.base_engine import Statement
from customer_revenue.orders.engines.compilation import compile_statement
from customer_revenue.orders.engines.integer_sums import IntegerSums


class DuckDBStoreCompiler(IntegerSums, DuckDBCompiler):  # type: ignore[misc]  # Ibis has no types
    """Compiles expressions over a store."""

    __slots__ = ()


COMPILER = DuckDBStoreCompiler()
"""The one of this process."""


def compile_for_duckdb(expr: ir.Table) -> Statement:
    """Compile an expression over tables of DuckDB or in memory."""
    return compile_statement(COMPILER, "duckdb", expr, lambda name: f"${name}")


def dtype_of(sql_type: str) -> dtypes.DataType:
    """Return Ibis's type for one of DuckDB's."""
    return DuckDBType.from_string(sql_type)
