"""Overrides of Ibis's DuckDB compiler that generate faster SQL."""

from __future__ import annotations

from ibis.backends.sql.compilers import DuckDBCompiler

from customer_revenue.orders.engines.integer_sums import IntegerSums


class DuckDBStoreCompiler(IntegerSums, DuckDBCompiler):  # type: ignore[misc]  # Ibis has no types
    """Compiles expressions over a store."""

    __slots__ = ()
