"""The embedded engine: reads one DuckDB file."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from typing_extensions import override

from customer_revenue import lazy_ibis as ibis
from customer_revenue.errors import StoreError
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_engine import Engine, Statement, table_from_rows
from customer_revenue.orders.engines.duckdb.target import attach, memory_limit
from customer_revenue.orders.engines.statement_cache import StatementCache
from customer_revenue.orders.expressions import OWN_TABLES, canonical_tables, complete_table
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store_info import read_info
from customer_revenue.settings import StoreOptions
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.datatypes as dtypes
    import ibis.expr.types as ir

ATTACHED = "store"
"""The name under which the file is attached."""

_MAX_FETCHED_ROWS = 5_000
"""Results with fewer rows than this are fetched as Python objects."""

_ROWS = "rows_in_memory"
"""The name of a table in memory that a recipe is about."""

_STORE_FAILURES = (
    duckdb.ConnectionException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.SerializationException,
)
"""Raised by DuckDB for a closed connection, a damaged file or a full disk, but not for a wrong query."""


class DuckDBEngine(Engine):
    """A snapshot of a store's file, taken on opening. ``Engine`` documents the methods."""

    is_snapshot = True
    has_own_tables = True

    def __init__(self, path: Path, options: StoreOptions) -> None:
        self._path = path
        # Read before opening, so that a swap in between counts as a change; at worst the store is reopened once more.
        self._identity = _identity(path)
        # The store's own folder may be read-only.
        spill = Path(tempfile.gettempdir()) / f"customer-revenue-{os.getpid()}"
        self._con = duckdb.connect(config={"memory_limit": memory_limit(options), "temp_directory": str(spill)})
        self._local = threading.local()
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.Lock()
        self._statements = StatementCache()
        try:
            attach(self._con, path, ATTACHED)
            self._info = self._load_info()
        except BaseException:
            self._con.close()
            raise

    @override
    def tables(self, zone: str) -> Canonical:
        return canonical_tables(zone, ATTACHED, "main")

    @override
    def complete_table(self, name: str, zone: str) -> ir.Table:
        return complete_table(name, self._column_types(name), zone, ATTACHED, "main")

    @override
    def info(self) -> Mapping[str, Any]:
        return self._info

    @override
    def own_table(self, name: str) -> ir.Table:
        return ibis.table(OWN_TABLES[name], name=name, catalog=ATTACHED, database="main")

    @override
    def compile(self, expr: ir.Table) -> Statement:
        from customer_revenue.orders.engines.duckdb.dialect import compile_for_duckdb

        return compile_for_duckdb(expr)

    @override
    def compile_once(self, recipe: Recipe, tables: Callable[[], Canonical | ir.Table], zone: str) -> Statement:
        if not self.has_own_tables:
            return super().compile_once(recipe, tables, zone)
        key = f"{recipe.key} over {ATTACHED} in {zone}"
        if recipe.complete:  # a store of an older version lacks some of the optional columns
            there = [f"{name}.{column}" for name in recipe.complete for column in sorted(self._column_names(name))]
            key += f" of {','.join(there)}"
        return self._statements.get(key, lambda: self.compile(recipe.over(tables())))

    @override
    def run(self, statement: Statement, values: Mapping[str, object]) -> pa.Table:
        with _store_errors():
            rows = self._execute(statement, values).fetchmany(_MAX_FETCHED_ROWS)
            if len(rows) < _MAX_FETCHED_ROWS:
                # DuckDB's conversion to Arrow plans the query twice, which is too slow for a small result.
                self._cursor().fetchall()
                return table_from_rows(rows, statement.schema)
            self._cursor().abort()
        return _run(self._cursor(), statement, values)

    @override
    def rows(self, statement: Statement, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        with _store_errors():
            return self._execute(statement, values).fetchall()

    def _execute(self, statement: Statement, values: Mapping[str, object]) -> duckdb.DuckDBPyConnection:
        cursor = self._cursor()
        # Parsing a long query takes as long as running it for one customer, so each thread parses it once.
        parsed: dict[str, duckdb.Statement] = self._local.parsed
        if statement.sql not in parsed:
            (parsed[statement.sql],) = duckdb.extract_statements(statement.sql)
        return cursor.execute(parsed[statement.sql], dict(values))

    @override
    def fetch(self, expr: ir.Table, values: Mapping[str, object]) -> pa.Table:
        import ibis.expr.operations as ops

        statement = self.compile(expr)
        in_memory = expr.op().find(ops.InMemoryTable)
        if not in_memory:
            return _run(self._cursor(), statement, values)
        with self._lock, self._con.cursor() as cursor:
            for table in in_memory:
                cursor.register(table.name, table.data.to_pyarrow(table.schema))
            return _run(cursor, statement, values)

    @override
    def fetch_once(
        self, recipe: Recipe, tables: Callable[[], Canonical | ir.Table], zone: str, values: Mapping[str, object]
    ) -> pa.Table:
        return _run(self._cursor(), self.compile_once(recipe, tables, zone), values)

    @override
    def fetch_over(self, recipe: Recipe, rows: pa.Table, values: Mapping[str, object]) -> pa.Table:
        def compiled() -> Statement:
            return self.compile(recipe.over(ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=_ROWS)))

        statement = self._statements.get(f"{recipe.key} over {rows.schema.remove_metadata()}", compiled)
        with self._lock, self._con.cursor() as cursor:
            cursor.register(_ROWS, rows)
            return _run(cursor, statement, values)

    @override
    def stream(self, statement: Statement, rows: int) -> Iterator[pa.RecordBatch]:
        with _store_errors(), self._con.cursor() as cursor:
            for batch in cursor.sql(statement.sql).to_arrow_reader(rows):
                yield batch.cast(statement.schema)

    @override
    def changed(self) -> bool:
        return _identity(self._path) != self._identity

    @override
    def close(self) -> None:
        with self._lock:
            for cursor in self._cursors:
                cursor.close()
            self._cursors.clear()
            self._con.close()

    def _column_types(self, table: str) -> Mapping[str, dtypes.DataType]:
        from customer_revenue.orders.engines.duckdb.dialect import dtype_of

        return {column: dtype_of(sql_type) for column, sql_type in self._column_names(table).items()}

    def _column_names(self, table: str) -> Mapping[str, str]:
        """The columns of a table with their types in SQL."""
        schema, _, name = table.rpartition(".")
        rows = self._cursor().execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = ? AND schema_name = ?"
            " AND table_name = ?",
            [ATTACHED, schema.rpartition(".")[2] or "main", name],
        )
        return dict(rows.fetchall())

    def _load_info(self) -> Mapping[str, Any]:
        return read_info(self._con, ATTACHED, self._path)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """Return this thread's own connection, since a DuckDB connection runs one query at a time."""
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if cursor is None:
            with self._lock:
                with _store_errors():
                    cursor = self._con.cursor()
                self._cursors.append(cursor)
            self._local.cursor, self._local.parsed = cursor, {}
        return cursor


def _run(con: duckdb.DuckDBPyConnection, statement: Statement, values: Mapping[str, object]) -> pa.Table:
    with _store_errors():
        table = con.sql(statement.sql, params=dict(values)).to_arrow_table()
    assert isinstance(table, pa.Table)
    return table.cast(statement.schema)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except _STORE_FAILURES as error:
        raise StoreError(f"the store cannot answer: {first_line(error)}") from error


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns
