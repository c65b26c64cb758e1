"""Canonical tables for histories outside the store, such as those posted in a request."""

from __future__ import annotations

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from customer_revenue.orders.engines.duckdb.dialect import compile_for_duckdb
from customer_revenue.orders.engines.duckdb.kept_in_memory import run_over
from customer_revenue.orders.expressions import STORE_TABLES, local_day
from customer_revenue.tables import Canonical


def canonical_in_memory(orders: pa.Table, refunds: pa.Table, zone: str) -> Canonical:
    """Return orders and refunds in memory as canonical tables.

    Args:
        orders: the columns of the canonical orders, with times in UTC.
        refunds: the columns of the canonical refunds.
        zone: IANA name of the reporting zone, which decides the days.
    """
    known = {"orders": orders, "refunds": refunds}
    schemas = {name: ibis.schema(columns).to_pyarrow() for name, columns in STORE_TABLES.items()}
    tables = {
        name: ibis.memtable(known[name].cast(schema) if name in known else schema.empty_table())
        for name, schema in schemas.items()
    }
    return Canonical(
        orders=tables["orders"].mutate(day=local_day(tables["orders"].created_at, zone)),
        users=tables["users"],
        order_items=tables["order_items"],
        refunds=tables["refunds"].mutate(day=local_day(tables["refunds"].created_at, zone)),
    )


def fetch_in_memory(expr: ir.Table) -> pa.Table:
    """Run an expression over in-memory tables only, in a temporary database."""
    tables = {table.name: table.data.to_pyarrow(table.schema) for table in expr.op().find(ops.InMemoryTable)}
    return run_over(compile_for_duckdb(expr), tables)
