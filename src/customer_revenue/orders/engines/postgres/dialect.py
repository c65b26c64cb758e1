"""Overrides of Ibis's PostgreSQL compiler."""

from __future__ import annotations

from ibis.backends.sql.compilers import PostgresCompiler

from customer_revenue.orders.engines.integer_sums import IntegerSums


class PostgresStoreCompiler(IntegerSums, PostgresCompiler):  # type: ignore[misc]  # Ibis has no types
    """Compiles expressions over a store."""

    __slots__ = ()
