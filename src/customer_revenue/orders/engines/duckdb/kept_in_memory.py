"""Queries over tables in memory, whose SQL may be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from customer_revenue import lazy_ibis as ibis
from customer_revenue.orders.engines.base_engine import Statement
from customer_revenue.orders.engines.statement_cache import StatementCache
from customer_revenue.orders.recipe import Recipe


def fetch_over_tables(recipe: Recipe, tables: Sequence[pa.Table]) -> pa.Table:
    """Run an expression over tables in memory, in a temporary database.

    Args:
        recipe: of the expression, given the tables.
        tables: the rows.
    """
    named = {f"rows_{place}": rows for place, rows in enumerate(tables)}

    def compiled() -> Statement:
        from customer_revenue.orders.engines.duckdb.dialect import compile_for_duckdb

        shapes = [ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=name) for name, rows in named.items()]
        return compile_for_duckdb(recipe.over(shapes))

    schemas = " and ".join(str(rows.schema.remove_metadata()) for rows in tables)
    return run_over(StatementCache().get(f"{recipe.key} over {schemas}", compiled), named)


def run_over(statement: Statement, tables: Mapping[str, pa.Table]) -> pa.Table:
    """Run a statement over tables in memory, by their names in it, in a temporary database."""
    with duckdb.connect(config={"threads": 1}) as con:
        for name, rows in tables.items():
            con.register(name, rows)
        found = con.sql(statement.sql).to_arrow_table()
    assert isinstance(found, pa.Table)
    return found.cast(statement.schema)
