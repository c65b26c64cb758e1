"""The PostgreSQL engine: runs queries with bound parameters and returns Arrow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.csv as pv
from ibis.backends.sql.datatypes import PostgresType
from typing_extensions import override

from customer_revenue.errors import StoreError
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_engine import Statement, table_from_rows
from customer_revenue.orders.engines.compilation import compile_statement
from customer_revenue.orders.engines.postgres.connection import connection_pool, done_within, sql_text
from customer_revenue.orders.engines.postgres.dialect import PostgresStoreCompiler
from customer_revenue.orders.engines.server_engine import WAIT_SECONDS, ServerEngine
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.mapping import ShopMapping
from customer_revenue.settings import StoreOptions

if TYPE_CHECKING:
    import psycopg

_COMPILER = PostgresStoreCompiler()
_BLOCK_BYTES = 1 << 22
_STATEMENTS = 2
"""Maximum number of long statements on a connection that is borrowed: an upload and a download."""


class PostgresEngine(ServerEngine):
    """A store on a PostgreSQL server: our tables, or a shop's own. ``Engine`` documents the methods."""

    prefers_local_copy = True

    def __init__(self, url: str, options: StoreOptions, mapping: ShopMapping) -> None:
        display_url = without_password(url)
        self._pool = connection_pool(url, display_url, options.statement_seconds)
        self._seconds = _STATEMENTS * options.statement_seconds + WAIT_SECONDS
        super().__init__(display_url, options, mapping)

    @override
    def compile(self, expr: ir.Table) -> Statement:
        return compile_statement(_COMPILER, "postgres", expr, lambda name: f"%({name})s", percent="%%")

    @override
    def run(self, statement: Statement, values: Mapping[str, object]) -> pa.Table:
        return table_from_rows(self._rows(statement.sql, dict(values)), statement.schema)

    @override
    def fetch(self, expr: ir.Table, values: Mapping[str, object]) -> pa.Table:
        statement = self.compile(expr)
        with tempfile.TemporaryFile() as file, self._connection() as con, con.transaction():
            for table in expr.op().find(ops.InMemoryTable):
                _upload(con, table.name, table.data.to_pyarrow(table.schema))
            _download(con, statement, values, file)
            return pa.Table.from_batches(_batches(file, statement.schema), statement.schema)

    @override
    def stream(self, statement: Statement, rows: int) -> Iterator[pa.RecordBatch]:
        with tempfile.TemporaryFile() as file:
            with self._connection() as con:
                _download(con, statement, {}, file)
            for batch in _batches(file, statement.schema):
                yield from (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))

    @override
    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        import psycopg
        import psycopg_pool

        try:
            with self._pool.connection() as con, done_within(self._seconds, con):
                yield con
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg_pool.PoolTimeout) as error:
            raise StoreError(f"the store at {self._display_url} does not respond: {first_line(error)}") from error
        except psycopg_pool.PoolClosed as error:
            raise StoreError("the store is closed") from error

    def _rows(self, sql: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        with self._connection() as con:
            return con.execute(sql_text(sql), values).fetchall()

    @override
    def _has_store(self) -> bool:
        return self._rows("SELECT to_regclass('store_info') IS NOT NULL") == [(True,)]

    @override
    def _column_types(self, table: str) -> Mapping[str, dtypes.DataType]:
        rows = self._rows(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped",
            {"table": table},
        )
        return {name: PostgresType.from_string(sql_type) for name, sql_type in rows}

    @override
    def _ids_are_unique(self, table: str, column: str) -> bool:
        rows = self._rows(
            "SELECT count(*) > 0 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
            " WHERE indrelid = to_regclass(%(table)s) AND indisunique AND indnkeyatts = 1 AND indpred IS NULL"
            " AND attname = %(column)s",
            {"table": table, "column": column},
        )
        return rows == [(True,)]

    @override
    def _shop_change_marker(self, tables: list[str]) -> object:
        return self._rows(
            "SELECT relid, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables"
            " WHERE relid = ANY(SELECT to_regclass(name) FROM unnest(%(names)s::text[]) AS name) ORDER BY relid",
            {"names": tables},
        )


def _download(con: psycopg.Connection, statement: Statement, values: Mapping[str, object], file: BinaryIO) -> None:
    """Download the rows of a statement as CSV, which is far faster for many rows than Python objects."""
    with con.cursor().copy(sql_text(f"COPY ({statement.sql}) TO STDOUT (FORMAT csv)"), dict(values)) as copy:
        file.writelines(copy)
    file.seek(0)


def _batches(file: BinaryIO, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Read the rows of downloaded CSV."""
    if not file.read(1):
        return  # Arrow refuses an empty file
    file.seek(0)
    convert = pv.ConvertOptions(
        column_types=schema,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t"],
        false_values=["f"],
    )
    read = pv.ReadOptions(column_names=schema.names, block_size=_BLOCK_BYTES)
    parse = pv.ParseOptions(newlines_in_values=True)
    with pv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert) as reader:
        for batch in reader:
            yield batch.cast(schema)


def _upload(con: psycopg.Connection, name: str, rows: pa.Table) -> None:
    """Upload an in-memory table as a temporary table of the current transaction."""
    from psycopg import sql

    schema = ibis.Schema.from_pyarrow(rows.schema)
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(PostgresType.to_string(dtype)))
        for column, dtype in schema.items()
    )
    con.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(name), columns))
    with tempfile.TemporaryFile() as file:
        pv.write_csv(rows, file, pv.WriteOptions(include_header=False))
        file.seek(0)
        with con.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(sql.Identifier(name))) as copy:
            while block := file.read(_BLOCK_BYTES):
                copy.write(block)
