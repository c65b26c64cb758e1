"""A local copy of a store for work on all customers at once, which takes minutes on a database server."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from customer_revenue import lazy_ibis as ibis
from customer_revenue.errors import StoreError
from customer_revenue.orders.duckdb_sql import duckdb_type, first_line
from customer_revenue.orders.engines.base_engine import ROWS_PER_BATCH, Engine
from customer_revenue.orders.engines.base_target import quoted
from customer_revenue.orders.engines.duckdb.engine import DuckDBEngine
from customer_revenue.orders.engines.duckdb.target import memory_limit
from customer_revenue.orders.expressions import STORE_TABLES
from customer_revenue.orders.store_info import INFO_COLUMNS, create_info
from customer_revenue.settings import StoreOptions
from customer_revenue.tables import OPTIONAL_COLUMNS, Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir

_OWNER = {"users": "id"}
"""The column with the customer's id, where it is not ``user_id``. The copy is clustered by it, as every store is."""


COPY = "store.duckdb"


def copy_to_local_file(
    engine: Engine, tables: Canonical, options: StoreOptions, kept: Path | None = None
) -> DuckDBEngine:
    """Copy orders, users, items and refunds with their optional columns to a local DuckDB file, and open it.

    Args:
        engine: the store to copy.
        tables: its tables.
        options: the memory that it may take.
        kept: the folder that the file stays in. By default it is unlinked once it is open, so that nothing is left of
            it however the process ends.

    Raises:
        StoreError: the database does not respond, or the copy cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="customer-revenue-copy-", ignore_cleanup_errors=True) as folder:
            file = (kept or Path(folder)) / COPY
            with duckdb.connect(config={"memory_limit": memory_limit(options), "temp_directory": folder}) as con:
                con.execute(f"ATTACH '{quoted(file)}' AS next")
                con.execute("USE next")
                _copy_all(con, engine, tables)
            return DuckDBEngine(file, options)
    except (duckdb.Error, OSError) as error:
        raise StoreError(f"the store could not be copied: {first_line(error)}") from error


def open_local_file(folder: Path, options: StoreOptions) -> DuckDBEngine:
    """Open the copy that was kept in a folder.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        return DuckDBEngine(folder / COPY, options)
    except (duckdb.Error, OSError) as error:
        raise StoreError(f"the copy of the store cannot be read: {first_line(error)}") from error


def _copy_all(con: duckdb.DuckDBPyConnection, engine: Engine, tables: Canonical) -> None:
    for name in STORE_TABLES:
        _copy(con, engine, tables, name)
    create_info(con)
    marks = ", ".join(f"${name}" for name in INFO_COLUMNS)
    info = engine.info()
    con.execute(f"INSERT INTO store_info VALUES ({marks})", {name: info[name] for name in INFO_COLUMNS})


def _copy(con: duckdb.DuckDBPyConnection, engine: Engine, tables: Canonical, name: str) -> None:
    schema = {**STORE_TABLES[name], **OPTIONAL_COLUMNS.get(name, {})}
    columns = ", ".join(f"{column} {duckdb_type(dtype)}" for column, dtype in schema.items())
    con.execute(f"CREATE TABLE {name} ({columns})")
    table = _with_owner(engine.complete_table(name, "UTC"), tables, name).select(*schema)
    batches = engine.stream(engine.compile(table), ROWS_PER_BATCH)
    rows = pa.RecordBatchReader.from_batches(ibis.schema(schema).to_pyarrow(), batches)
    con.register("rows_read", rows)
    con.execute(f"INSERT INTO {name} FROM rows_read ORDER BY {_OWNER.get(name, 'user_id')}")
    con.unregister("rows_read")


def _with_owner(table: ir.Table, tables: Canonical, name: str) -> ir.Table:
    """The table with its customer, which the items of a shop's own tables lack."""
    if "user_id" not in STORE_TABLES[name] or "user_id" in table.columns:
        return table
    owners = tables.orders.select(owned_id="id", user_id="user_id")
    return table.left_join(owners, table.order_id == owners.owned_id)
