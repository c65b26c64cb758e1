"""Imports into a PostgreSQL store: the same steps as for the embedded one, then only what differs is written.

All of it happens in one transaction: readers see the store before or after it.
"""

# ruff: noqa: S608  # SQL here is put together from our own names only; values are bound
from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
from ibis.backends.sql.compilers import PostgresCompiler
from ibis.backends.sql.datatypes import DuckDBType, PostgresType
from typing_extensions import override

from customer_revenue.errors import StoreBusy, StoreError
from customer_revenue.orders.expressions import STORED, as_of_day, canonical_tables
from customer_revenue.orders.info import INFO_COLUMNS, SCHEMA_VERSION, check_version, read_info
from customer_revenue.orders.quarantine import QUARANTINE_SCHEMA
from customer_revenue.orders.sql import first_line
from customer_revenue.orders.target import Target, Views, quoted
from customer_revenue.orders.upgrading import UPGRADES
from customer_revenue.orders.urls import without_password

if TYPE_CHECKING:
    import psycopg

_LOCK = 0x637573746F6D6572  # "customer": any number that is always the same and no one else's
_BLOCK_BYTES = 1 << 20

TABLES = {
    **STORED,
    "quarantine": QUARANTINE_SCHEMA,
    "forgotten": ibis.schema({"user_hash": "string", "orders_too": "boolean"}),
}
_INFO = ibis.schema({name: DuckDBType.from_string(sql_type) for name, sql_type in INFO_COLUMNS.items()})
_KEYED = ("orders", "refunds", "users")
_INDEXES = (
    "orders (user_id, created_at)",
    "order_items (order_id)",
    "order_items (user_id)",
    "refunds (user_id)",
    "refunds (order_id)",
)


@contextmanager
def postgres_target(url: str) -> Iterator[Target]:
    """The server's store, for one writer at a time.

    Raises:
        StoreBusy: another import holds it.
        StoreError: the server does not answer, or refuses what is asked.
    """
    shown = without_password(url)
    try:
        import psycopg
    except ImportError:
        raise StoreError("PostgreSQL needs its extra: pip install 'customer-revenue[postgres]'") from None
    try:
        with psycopg.connect(url, autocommit=True) as con, tempfile.TemporaryDirectory() as folder:
            con.execute("SET TimeZone = 'UTC'")
            if con.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone() != (True,):
                raise StoreBusy(f"another import is writing to {shown}: try again when it is done")
            try:
                _upgrade(con, shown)
                yield PostgresTarget(con, Path(folder), shown)
            finally:
                # By hand: the server notices a closed connection a little later, and the next import may be quicker.
                if not con.broken:
                    con.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    except psycopg.Error as error:
        raise StoreError(f"{shown}: {first_line(error)}") from error


def _upgrade(con: psycopg.Connection, shown: str) -> None:
    """Bring a store that an older version of this package made to today's tables, in one transaction."""
    if con.execute("SELECT to_regclass('store_info')").fetchone() == (None,):
        return
    with con.transaction():
        rows = con.execute("SELECT schema_version FROM store_info").fetchall()
        check_version({"schema_version": rows[0][0] if rows else None}, shown)
        for step in range(rows[0][0], SCHEMA_VERSION):
            for statement in UPGRADES[step]:
                con.execute(_text(statement.replace("next.", "")))
            con.execute("UPDATE store_info SET schema_version = %s", [step + 1])


class PostgresTarget(Target):
    """A server's store under import; see ``Target``."""

    def __init__(self, con: psycopg.Connection, folder: Path, shown: str) -> None:
        super().__init__(folder)
        self._con = con
        self._shown = shown
        self._views: dict[str, str] = {}

    @override
    def attach_old(self, con: duckdb.DuckDBPyConnection) -> dict[str, object]:
        """A copy of the store as it is, so that one set of rules compares and merges for every engine."""
        if self._con.execute("SELECT to_regclass('store_info')").fetchone() == (None,):
            return {}
        con.execute(f"ATTACH '{quoted(self.folder / 'old.duckdb')}' AS old")
        for name, schema in {**TABLES, "store_info": _INFO}.items():
            self._copy_out(con, name, schema)
        return read_info(con, "old", Path(self._shown))

    def _copy_out(self, con: duckdb.DuckDBPyConnection, name: str, schema: ibis.Schema) -> None:
        path = self.folder / f"{name}.csv"
        columns = ", ".join(schema)
        query = _text(f"COPY (SELECT {columns} FROM {name}) TO STDOUT (FORMAT csv)")
        with path.open("wb") as file, self._con.cursor().copy(query) as copy:
            file.writelines(copy)
        types = {column: DuckDBType.to_string(dtype.copy(nullable=True)) for column, dtype in schema.items()}
        rows = con.read_csv(
            str(path), header=False, auto_detect=False, columns=types, allow_quoted_nulls=False, max_line_size=1 << 26
        )
        rows.create_view("copied", replace=True)
        con.execute(f"CREATE TABLE old.{name} AS FROM copied")
        path.unlink()

    @override
    def create_views(self, con: duckdb.DuckDBPyConnection, views: Views, zone: str) -> bool:
        tables = canonical_tables(zone)
        self._views = {
            name: PostgresCompiler().to_sqlglot(build(tables, as_of_day(zone))).sql(dialect="postgres")
            for name, build in views.items()
        }
        return bool(views)  # the server keeps them in words of its own: they are simply made anew

    @override
    def publish(self, con: duckdb.DuckDBPyConnection) -> None:
        """Write the difference between ``old`` and ``next``, if there was an old one, and the views."""
        is_new = con.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'old'").fetchall() == [(0,)]
        with self._con.transaction():
            if is_new:
                self._create_tables()
            for name in _KEYED:
                kept = "" if is_new else f" EXCEPT FROM old.{name}"
                self._copy_in(con, name, TABLES[name], f"FROM next.{name}{kept}")
                columns = ", ".join(f"{column} = excluded.{column}" for column in TABLES[name] if column != "id")
                self._run(f"INSERT INTO {name} SELECT * FROM incoming ON CONFLICT (id) DO UPDATE SET {columns}")
                if not is_new:
                    gone = f"SELECT id FROM old.{name} EXCEPT SELECT id FROM next.{name}"
                    self._copy_in(con, name, ibis.schema({"id": "string"}), gone)
                    self._run(f"DELETE FROM {name} WHERE id IN (SELECT id FROM incoming)")
            self._write_items(con, is_new=is_new)
            for name, schema in (*((n, TABLES[n]) for n in ("quarantine", "forgotten")), ("store_info", _INFO)):
                if is_new or _differ(con, name):
                    self._copy_in(con, name, schema, f"FROM next.{name}")
                    self._run(f"DELETE FROM {name}")
                    self._run(f"INSERT INTO {name} SELECT * FROM incoming")
            self._make_views()
        for name in TABLES:
            self._run(f"ANALYZE {name}")

    def _write_items(self, con: duckdb.DuckDBPyConnection, *, is_new: bool) -> None:
        """The items of every order whose items differ are replaced together: an item has no id of its own."""
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
            self._copy_in(con, "differing", ibis.schema({"order_id": "string"}), "FROM differing")
            self._run("DELETE FROM order_items WHERE order_id IN (SELECT order_id FROM incoming)")
            self._copy_in(con, "order_items", schema, "FROM next.order_items SEMI JOIN differing USING (order_id)")
        self._run("INSERT INTO order_items SELECT * FROM incoming")

    def _create_tables(self) -> None:
        for name, schema in {**TABLES, "store_info": _INFO}.items():
            columns = [f"{c} {_type(t)}{'' if t.nullable else ' NOT NULL'}" for c, t in schema.items()]
            key = ["PRIMARY KEY (id)"] if name in _KEYED else []
            self._run(f"CREATE TABLE {name} ({', '.join([*columns, *key])})")
        for index in _INDEXES:
            self._run(f"CREATE INDEX ON {index}")

    def _copy_in(self, con: duckdb.DuckDBPyConnection, name: str, schema: ibis.Schema, query: str) -> None:
        """The rows of a DuckDB query as the server's temporary table ``incoming``."""
        path = self.folder / f"{name}.csv"
        columns = ", ".join(schema)
        # Strings in quotes, so that an empty one is not taken for null.
        texts = ", ".join(column for column, dtype in schema.items() if dtype.is_string())
        options = f"FORMAT csv, HEADER false, FORCE_QUOTE ({texts})"
        con.execute(f"COPY (SELECT {columns} FROM ({query})) TO '{quoted(path)}' ({options})")
        self._run("DROP TABLE IF EXISTS incoming")
        typed = ", ".join(f"{column} {_type(dtype)}" for column, dtype in schema.items())
        self._run(f"CREATE TEMPORARY TABLE incoming ({typed})")
        with path.open("rb") as file, self._con.cursor().copy("COPY incoming FROM STDIN (FORMAT csv)") as copy:
            while block := file.read(_BLOCK_BYTES):
                copy.write(block)
        path.unlink()

    def _make_views(self) -> None:
        from psycopg import sql

        for name, body in self._views.items():
            view = sql.Identifier(name)
            self._con.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(view))
            self._con.execute(sql.SQL("CREATE VIEW {} AS ").format(view) + sql.SQL(body))

    def _run(self, sql: str) -> None:
        self._con.execute(_text(sql))


def _differ(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    old, new = f"FROM old.{name}", f"FROM next.{name}"
    return bool(con.execute(f"({new} EXCEPT {old}) UNION ALL ({old} EXCEPT {new}) LIMIT 1").fetchall())


def _type(dtype: Any) -> str:
    return str(PostgresType.to_string(dtype.copy(nullable=True)))


def _text(sql: str) -> Any:
    """SQL that was built here rather than written down, which psycopg's types take for suspicious."""
    return sql.encode()
