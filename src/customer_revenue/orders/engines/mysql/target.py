"""Imports into a MySQL or MariaDB store.

The server commits at every statement that creates a table or a view. So the tables of a new store are created first,
and count as a store only once ``store_info`` has its row. Each view is tried under another name before any row is
written.
"""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import ibis.expr.datatypes as dtypes
from typing_extensions import override

from customer_revenue.errors import StoreBusy, StoreError, StoreNotUsable
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_engine import table_from_rows
from customer_revenue.orders.engines.mysql.connection import ROWS_PER_FETCH, MySQLServer, collation_of
from customer_revenue.orders.engines.mysql.dialect import MySQLStoreCompiler
from customer_revenue.orders.engines.mysql.upsert import mysql_upsert
from customer_revenue.orders.engines.server_engine import STATEMENT_SECONDS, WAIT_SECONDS
from customer_revenue.orders.engines.server_target import INDEXES, KEYED, TABLES, ServerTarget

if TYPE_CHECKING:
    from pymysql.connections import Connection

_TRIAL_SUFFIX = "_trial"


@contextmanager
def mysql_target(url: str) -> Iterator[ServerTarget]:
    """Open the server's store for one writer at a time.

    Raises:
        StoreBusy: another import holds the lock.
        StoreError: the server does not respond, or refuses a statement.
    """
    server = MySQLServer(url, WAIT_SECONDS, STATEMENT_SECONDS)
    import pymysql

    con = server.connect()
    try:
        with tempfile.TemporaryDirectory() as folder:
            target = MySQLTarget(con, Path(folder), server.display_url)
            if target.read("SELECT GET_LOCK(%s, 0)", [_lock(server.database)]) != [(1,)]:
                raise StoreBusy(f"another import is writing to {server.display_url}: try again when it is done")
            try:
                target.upgrade()
                yield target
            finally:
                if con.open:
                    target.read("SELECT RELEASE_LOCK(%s)", [_lock(server.database)])
    except pymysql.MySQLError as error:
        raise StoreError(f"{server.display_url}: {error.args[-1] if error.args else first_line(error)}") from error
    finally:
        if con.open:
            con.close()


class MySQLTarget(ServerTarget):
    """A store on a MySQL or MariaDB server; see ``Target``."""

    def __init__(self, con: Connection[Any], folder: Path, display_url: str) -> None:
        self._con = con
        self._collation = collation_of(con)
        super().__init__(folder, display_url, MySQLStoreCompiler(self._collation), "mysql")
        self._options = f"ENGINE InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {self._collation}"

    @override
    def read(self, sql: str, values: list[object] | None = None) -> list[tuple[Any, ...]]:
        with self._con.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    @override
    def _upgrade_sql(self, statement: str) -> str:
        """Translate types, and write a column that may be null as the server does."""
        sql = super()._upgrade_sql(statement)
        sql = sql.replace("ALTER COLUMN user_id DROP NOT NULL", "MODIFY user_id VARCHAR")
        for ours, theirs in (("VARCHAR", "VARCHAR(255)"), ("TEXT", "MEDIUMTEXT"), ("TIMESTAMP", "DATETIME(6)")):
            sql = re.sub(rf"\b{ours}\b", theirs, sql)
        return f"{sql} {self._options}" if sql.startswith("CREATE TABLE") else sql

    @override
    def _exists(self) -> bool:
        return "store_info" in self._existing_tables() and self.read("SELECT count(*) FROM store_info") == [(1,)]

    def _existing_tables(self) -> set[str]:
        rows = self.read("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
        return {name for (name,) in rows}

    @override
    def _copy_out(self, con: duckdb.DuckDBPyConnection, name: str, schema: ibis.Schema) -> None:
        from pymysql.cursors import SSCursor

        arrow = ibis.schema({column: dtype.copy(nullable=True) for column, dtype in schema.items()}).to_pyarrow()
        with self._con.cursor(SSCursor) as cursor:
            cursor.execute(f"SELECT {', '.join(schema)} FROM {name}")
            while rows := cursor.fetchmany(ROWS_PER_FETCH):
                con.from_arrow(table_from_rows(rows, arrow)).insert_into(f"old.{name}")

    @contextmanager
    @override
    def _transaction(self, *, is_new: bool) -> Iterator[None]:
        if is_new:
            self._create_tables()
        for name, body in self._views.items():
            self._run(f"CREATE OR REPLACE VIEW {name}{_TRIAL_SUFFIX} AS {body}")
            self._run(f"DROP VIEW {name}{_TRIAL_SUFFIX}")
        self._con.begin()
        try:
            yield
        except BaseException:
            if self._con.open:
                self._con.rollback()
            raise
        self._con.commit()
        for name, body in self._views.items():
            self._run(f"CREATE OR REPLACE VIEW {name} AS {body}")

    def _create_tables(self) -> None:
        """Create the tables that do not exist; an interrupted import may have created some."""
        there = self._existing_tables()
        if "store_info" not in there and (others := sorted(there & TABLES.keys())):
            raise StoreNotUsable(
                f"{self._display_url} has other tables named {', '.join(others)}: import into a database of its own"
            )
        for name in ("store_info", *(name for name in TABLES if name != "store_info")):
            keys = ["PRIMARY KEY (id)"] if name in KEYED else []
            keys += [
                f"INDEX {index} {on.removeprefix(name)}" for index, on in INDEXES.items() if on.startswith(f"{name} ")
            ]
            self._run(
                f"CREATE TABLE IF NOT EXISTS {name} ({', '.join([_typed(name, TABLES[name], strict=True), *keys])})"
                f" {self._options}"
            )

    @override
    def _copy_in(self, con: duckdb.DuckDBPyConnection, name: str, schema: ibis.Schema, query: str) -> None:
        self._run("DROP TEMPORARY TABLE IF EXISTS incoming")
        self._run(f"CREATE TEMPORARY TABLE incoming ({_typed(name, schema)}) {self._options}")
        insert = f"INSERT INTO incoming VALUES ({', '.join(['%s'] * len(schema))})"
        found = con.execute(f"SELECT {', '.join(schema)} FROM ({query})")
        with self._con.cursor() as cursor:
            while rows := found.fetchmany(ROWS_PER_FETCH):
                cursor.executemany(insert, rows)

    @override
    def _upsert_incoming(self, name: str) -> None:
        self._run(mysql_upsert(name, TABLES[name]))

    @override
    def _analyze(self) -> None:
        self.read(f"ANALYZE TABLE {', '.join(TABLES)}")

    @override
    def _run(self, sql: str) -> None:
        self.read(sql)


def _lock(database: str) -> str:
    """Return the name of the lock of a database's store: locks are global to the server, and their names are short."""
    return f"customer-revenue-{hashlib.sha256(database.encode()).hexdigest()[:32]}"


def _typed(table: str, schema: ibis.Schema, *, strict: bool = False) -> str:
    """Return the columns of a table with their types."""
    return ", ".join(
        f"{column} {_type(table, column, dtype)}{' NOT NULL' if strict and not dtype.nullable else ''}"
        for column, dtype in schema.items()
    )


def _type(table: str, column: str, dtype: dtypes.DataType) -> str:
    """Return the type of a column. The server requires a length for columns that an index may contain."""
    if dtype.is_string():
        is_key = table != "quarantine" and (not dtype.nullable or column.endswith(("_id", "_hash")))
        return "VARCHAR(255)" if is_key else "MEDIUMTEXT"
    if dtype.is_timestamp():
        return "DATETIME(6)"
    if dtype.is_date():
        return "DATE"
    return "BOOLEAN" if dtype.is_boolean() else "BIGINT"
