"""The MySQL and MariaDB engine: runs queries with bound parameters and returns Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql.datatypes import MySQLType
from typing_extensions import override

from customer_revenue.errors import StoreError
from customer_revenue.orders.engines.base_engine import Statement, table_from_rows
from customer_revenue.orders.engines.compilation import compile_statement
from customer_revenue.orders.engines.mysql.connection import ROWS_PER_FETCH, MySQLPool, MySQLServer, collation_of
from customer_revenue.orders.engines.mysql.dialect import MySQLStoreCompiler, exact_text, variable_values
from customer_revenue.orders.engines.server_engine import MAX_CONNECTIONS, WAIT_SECONDS, ServerEngine
from customer_revenue.orders.mapping import ShopMapping
from customer_revenue.settings import StoreOptions
from customer_revenue.tables import Canonical

_WHERE_TABLE = "WHERE table_schema = coalesce(nullif(%(database)s, ''), DATABASE()) AND table_name = %(name)s"


class MySQLEngine(ServerEngine):
    """A store on a MySQL or MariaDB server: our tables, or a shop's own. ``Engine`` documents the methods.

    The driver is PyMySQL. It is pure Python, so installing it needs no compiler or system library. Ibis compiles the
    queries and never connects, so its own driver is not needed.
    """

    prefers_local_joins = True
    prefers_local_copy = True

    def __init__(self, url: str, options: StoreOptions, mapping: ShopMapping) -> None:
        server = MySQLServer(url, WAIT_SECONDS, options.statement_seconds)
        self._pool = MySQLPool(server, MAX_CONNECTIONS, WAIT_SECONDS)
        with self._pool.connection() as con:
            self._compiler = MySQLStoreCompiler(collation_of(con))
        super().__init__(server.display_url, options, mapping)

    @override
    def tables(self, zone: str) -> Canonical:
        if zone != "UTC" and self._rows("SELECT CONVERT_TZ('2000-01-01', '+00:00', %(zone)s)", {"zone": zone}) == [
            (None,)
        ]:
            raise StoreError(
                f"the server at {self._display_url} does not know the time zone {zone}: load its time zone tables with"
                " mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql"
            )
        return super().tables(zone)

    @override
    def _exact_text(self, text: ir.StringValue) -> ir.StringValue:
        return exact_text(text)

    @override
    def compile(self, expr: ir.Table) -> Statement:
        return compile_statement(self._compiler, "mysql", expr, lambda name: f"%({name})s", percent="%%")

    @override
    def run(self, statement: Statement, values: Mapping[str, object]) -> pa.Table:
        return table_from_rows(self._rows(statement.sql, values), statement.schema)

    @override
    def fetch(self, expr: ir.Table, values: Mapping[str, object]) -> pa.Table:
        statement = self.compile(expr)
        memory: dict[str, str] = {}
        for table in expr.op().find(ops.InMemoryTable):
            memory |= variable_values(table.name, table.data.to_pyarrow(table.schema))
        batches = self._batches(statement, values, memory, ROWS_PER_FETCH)
        return pa.Table.from_batches(list(batches), statement.schema)

    @override
    def stream(self, statement: Statement, rows: int) -> Iterator[pa.RecordBatch]:
        yield from self._batches(statement, {}, {}, rows)

    @override
    def close(self) -> None:
        self._pool.close()

    def _batches(
        self, statement: Statement, values: Mapping[str, object], memory: Mapping[str, str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        from pymysql.cursors import SSCursor

        with self._pool.connection() as con, con.cursor(SSCursor) as cursor:
            for variable, lists in memory.items():
                cursor.execute(f"SET @{variable} = %s", [lists])
            try:
                cursor.execute(statement.sql, dict(values))
                while found := cursor.fetchmany(rows):
                    yield from table_from_rows(found, statement.schema).to_batches()
            finally:
                for variable in memory:
                    cursor.execute(f"SET @{variable} = NULL")

    def _rows(self, sql: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        with self._pool.connection() as con, con.cursor() as cursor:
            # Always pass values, even none: only then does PyMySQL replace %% by %.
            cursor.execute(sql, dict(values or {}))
            return list(cursor.fetchall())

    @override
    def _has_store(self) -> bool:
        return bool(self._column_types("store_info"))

    @override
    def _column_types(self, table: str) -> Mapping[str, dtypes.DataType]:
        sql = f"SELECT column_name, column_type FROM information_schema.columns {_WHERE_TABLE}"  # noqa: S608
        rows = self._rows(sql, _table_parameters(table))
        return {column: MySQLType.from_string(str(sql_type)) for column, sql_type in rows}

    @override
    def _ids_are_unique(self, table: str, column: str) -> bool:
        sql = (
            f"SELECT index_name FROM information_schema.statistics {_WHERE_TABLE} AND non_unique = 0"  # noqa: S608
            " GROUP BY index_name HAVING count(*) = 1 AND max(column_name) = %(column)s"
        )
        return bool(self._rows(sql, {**_table_parameters(table), "column": column}))

    @override
    def _shop_change_marker(self, tables: list[str]) -> object:
        # Changes within one second may go unnoticed: the server records update times in seconds.
        sql = f"SELECT update_time, auto_increment FROM information_schema.tables {_WHERE_TABLE}"  # noqa: S608
        return [self._rows(sql, _table_parameters(table)) for table in tables]


def _table_parameters(table: str) -> dict[str, object]:
    database, _, name = table.rpartition(".")
    return {"database": database, "name": name}
