"""Imports into a database server: the same steps as for the embedded store, then a transaction writes the differences.

Readers see the store as it was before the transaction or as it is after it.
"""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import duckdb
import ibis
from ibis.backends.sql.compilers.base import SQLGlotCompiler
from ibis.backends.sql.datatypes import DuckDBType
from typing_extensions import override

from customer_revenue.orders.engines.base_target import Target, Views, quoted, view_queries
from customer_revenue.orders.engines.duckdb.upgrade import UPGRADES
from customer_revenue.orders.engines.server_engine import INFO_SCHEMA
from customer_revenue.orders.expressions import ALIAS_TABLES, COMPLETE_TABLES, QUARANTINE_COLUMNS
from customer_revenue.orders.store_info import SCHEMA_VERSION, check_version, read_info

TABLES = {
    **{name: ibis.schema(columns) for name, columns in COMPLETE_TABLES.items()},
    "quarantine": ibis.schema(QUARANTINE_COLUMNS),
    "forgotten": ibis.schema({"user_hash": "string", "orders_too": "boolean"}),
    **{name: ibis.schema(columns) for name, columns in ALIAS_TABLES.items()},
    "store_info": INFO_SCHEMA,
}
KEYED = ("orders", "refunds", "users")
"""Tables whose rows have an ``id``."""

_REWRITTEN = ("quarantine", "forgotten", *ALIAS_TABLES, "store_info")
"""Tables that are rewritten whole when they differ, ``store_info`` last."""

INDEXES = {
    "orders_of_user": "orders (user_id, created_at)",
    "items_of_order": "order_items (order_id)",
    "items_of_user": "order_items (user_id)",
    "refunds_of_user": "refunds (user_id)",
    "refunds_of_order": "refunds (order_id)",
}
"""Indexes for the queries about one customer."""


class ServerTarget(Target):
    """A store on a database server; see ``Target``."""

    def __init__(self, folder: Path, display_url: str, compiler: SQLGlotCompiler, dialect: str) -> None:
        super().__init__(folder)
        self._display_url, self._compiler, self._dialect = display_url, compiler, dialect
        self._views: dict[str, str] = {}

    @override
    def attach_old(self, con: duckdb.DuckDBPyConnection) -> dict[str, object]:
        """Copy the current store to DuckDB, so that every engine shares one set of rules to compare and merge."""
        if not self._exists():
            return {}
        con.execute(f"ATTACH '{quoted(self.folder / 'old.duckdb')}' AS old")
        for name, schema in TABLES.items():
            typed = ", ".join(f"{column} {_duckdb_type(dtype)}" for column, dtype in schema.items())
            con.execute(f"CREATE TABLE old.{name} ({typed})")
            self._copy_out(con, name, schema)
        return read_info(con, "old", Path(self._display_url))

    @override
    def create_views(self, con: duckdb.DuckDBPyConnection, views: Views, zone: str) -> bool:
        self._views = view_queries(views, zone, self._compiler, self._dialect)
        return bool(views)  # the server stores its own form of them, so they are always replaced

    @override
    def publish(self, con: duckdb.DuckDBPyConnection) -> None:
        """Write the views and what differs between ``next`` and ``old``, or all of ``next`` without an ``old``."""
        is_new = con.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'old'").fetchall() == [(0,)]
        with self._transaction(is_new=is_new):
            for name in KEYED:
                kept = "" if is_new else f" EXCEPT FROM old.{name}"
                self._copy_in(con, name, TABLES[name], f"FROM next.{name}{kept}")
                self._upsert_incoming(name)
                if not is_new:
                    gone = f"SELECT id FROM old.{name} EXCEPT SELECT id FROM next.{name}"
                    self._copy_in(con, name, _only(TABLES[name], "id"), gone)
                    self._run(f"DELETE FROM {name} WHERE id IN (SELECT id FROM incoming)")
            self._write_items(con, is_new=is_new)
            for name in _REWRITTEN:
                if is_new or _differ(con, name):
                    self._copy_in(con, name, TABLES[name], f"FROM next.{name}")
                    self._run(f"DELETE FROM {name}")
                    self._run(f"INSERT INTO {name} SELECT * FROM incoming")
        self._analyze()

    def _write_items(self, con: duckdb.DuckDBPyConnection, *, is_new: bool) -> None:
        """Replace all items of each order whose items differ, since an item has no id of its own."""
        schema = TABLES["order_items"]
        if is_new:
            self._copy_in(con, "order_items", schema, "FROM next.order_items")
        else:
            con.execute(
                """
                CREATE OR REPLACE TEMP TABLE differing AS SELECT DISTINCT order_id FROM (
                    (FROM next.order_items EXCEPT ALL FROM old.order_items)
                    UNION ALL (FROM old.order_items EXCEPT ALL FROM next.order_items)
                )
                """
            )
            self._copy_in(con, "order_items", _only(schema, "order_id"), "FROM differing")
            self._run("DELETE FROM order_items WHERE order_id IN (SELECT order_id FROM incoming)")
            self._copy_in(con, "order_items", schema, "FROM next.order_items SEMI JOIN differing USING (order_id)")
        self._run("INSERT INTO order_items SELECT * FROM incoming")

    def upgrade(self) -> None:
        """Upgrade a store of an older version to the current tables.

        Raises:
            StoreNotUsable: the store is newer than this package, or too old.
        """
        if not self._exists():
            return
        rows = self.read("SELECT schema_version FROM store_info")
        check_version({"schema_version": rows[0][0] if rows else None}, self._display_url)
        for step in range(rows[0][0], SCHEMA_VERSION):
            for statement in UPGRADES[step]:
                self._run(self._upgrade_sql(statement))
            self._run(f"UPDATE store_info SET schema_version = {step + 1}")

    def _upgrade_sql(self, statement: str) -> str:
        """Translate a statement of ``UPGRADES`` for the server."""
        return statement.replace("next.", "")

    @abstractmethod
    def read(self, sql: str, values: list[object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""

    @abstractmethod
    def _exists(self) -> bool:
        """Return whether the server holds a store."""

    @abstractmethod
    def _copy_out(self, con: duckdb.DuckDBPyConnection, name: str, schema: ibis.Schema) -> None:
        """Copy a table of the server into the empty table of ``old``."""

    @abstractmethod
    def _copy_in(self, con: duckdb.DuckDBPyConnection, name: str, schema: ibis.Schema, query: str) -> None:
        """Copy the rows of a DuckDB query into a temporary table ``incoming``, with columns of table ``name``."""

    @abstractmethod
    def _upsert_incoming(self, name: str) -> None:
        """Insert the rows of ``incoming`` into a table, replacing those with the same id."""

    @abstractmethod
    def _transaction(self, *, is_new: bool) -> AbstractContextManager[None]:
        """Open a transaction that also creates the tables of a new store, and the views."""

    @abstractmethod
    def _analyze(self) -> None:
        """Let the server update its statistics about the tables."""

    @abstractmethod
    def _run(self, sql: str) -> None:
        """Run a statement on the server."""


def _only(schema: ibis.Schema, column: str) -> ibis.Schema:
    return ibis.schema({column: schema[column]})


def _differ(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    old, new = f"FROM old.{name}", f"FROM next.{name}"
    return bool(con.execute(f"({new} EXCEPT {old}) UNION ALL ({old} EXCEPT {new}) LIMIT 1").fetchall())


def _duckdb_type(dtype: ibis.DataType) -> str:
    return str(DuckDBType.to_string(dtype.copy(nullable=True)))
