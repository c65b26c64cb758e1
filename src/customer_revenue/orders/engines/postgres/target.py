"""Imports into a PostgreSQL store, in one transaction."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
from ibis.backends.sql.datatypes import DuckDBType, PostgresType
from typing_extensions import override

from customer_revenue.errors import StoreBusy, StoreError
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_target import Target, quoted
from customer_revenue.orders.engines.postgres.connection import sql_text
from customer_revenue.orders.engines.postgres.dialect import PostgresStoreCompiler
from customer_revenue.orders.engines.postgres.upsert import postgres_upsert
from customer_revenue.orders.engines.server_target import INDEXES, KEYED, TABLES, ServerTarget
from customer_revenue.orders.engines.urls import without_password

if TYPE_CHECKING:
    import psycopg

_LOCK = 0x637573746F6D6572  # "customer" in ASCII: a fixed number that nothing else uses
_BLOCK_BYTES = 1 << 20


@contextmanager
def postgres_target(url: str) -> Iterator[Target]:
    """Open the server's store for one writer at a time.

    Raises:
        StoreBusy: another import holds the lock.
        StoreError: the server does not respond, or refuses a statement.
    """
    display_url = without_password(url)
    try:
        import psycopg
    except ImportError:
        raise StoreError("PostgreSQL needs its extra: pip install 'customer-revenue[postgres]'") from None
    try:
        with psycopg.connect(url, autocommit=True) as con, tempfile.TemporaryDirectory() as folder:
            con.execute("SET TimeZone = 'UTC'")
            if con.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone() != (True,):
                raise StoreBusy(f"another import is writing to {display_url}: try again when it is done")
            try:
                target = PostgresTarget(con, Path(folder), display_url)
                with con.transaction():
                    target.upgrade()
                yield target
            finally:
                # Unlock explicitly: the server may notice the closed connection only after the next import starts.
                if not con.broken:
                    con.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    except psycopg.Error as error:
        raise StoreError(f"{display_url}: {first_line(error)}") from error


class PostgresTarget(ServerTarget):
    """A store on a PostgreSQL server; see ``Target``."""

    def __init__(self, con: psycopg.Connection, folder: Path, display_url: str) -> None:
        super().__init__(folder, display_url, PostgresStoreCompiler(), "postgres")
        self._con = con

    @override
    def read(self, sql: str, values: list[object] | None = None) -> list[tuple[Any, ...]]:
        return self._con.execute(sql_text(sql), values).fetchall()

    @override
    def _exists(self) -> bool:
        return self._con.execute("SELECT to_regclass('store_info')").fetchone() != (None,)

    @override
    def _copy_out(self, con: duckdb.DuckDBPyConnection, name: str, schema: ibis.Schema) -> None:
        path = self.folder / f"{name}.csv"
        columns = ", ".join(schema)
        query = sql_text(f"COPY (SELECT {columns} FROM {name}) TO STDOUT (FORMAT csv)")
        with path.open("wb") as file, self._con.cursor().copy(query) as copy:
            file.writelines(copy)
        types = {column: DuckDBType.to_string(dtype.copy(nullable=True)) for column, dtype in schema.items()}
        rows = con.read_csv(
            str(path), header=False, auto_detect=False, columns=types, allow_quoted_nulls=False, max_line_size=1 << 26
        )
        rows.insert_into(f"old.{name}")
        path.unlink()

    @contextmanager
    @override
    def _transaction(self, *, is_new: bool) -> Iterator[None]:
        with self._con.transaction():
            if is_new:
                self._create_tables()
            yield
            self._make_views()

    @override
    def _analyze(self) -> None:
        for name in TABLES:
            self._run(f"ANALYZE {name}")

    @override
    def _upsert_incoming(self, name: str) -> None:
        self._run(postgres_upsert(name, TABLES[name]))

    def _create_tables(self) -> None:
        for name, schema in TABLES.items():
            columns = [f"{c} {_type(t)}{'' if t.nullable else ' NOT NULL'}" for c, t in schema.items()]
            key = ["PRIMARY KEY (id)"] if name in KEYED else []
            self._run(f"CREATE TABLE {name} ({', '.join([*columns, *key])})")
        for index in INDEXES.values():
            self._run(f"CREATE INDEX ON {index}")

    @override
    def _copy_in(self, con: duckdb.DuckDBPyConnection, name: str, schema: ibis.Schema, query: str) -> None:
        path = self.folder / f"{name}.csv"
        columns = ", ".join(schema)
        # Quote strings, so that an empty one is not read as null.
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

    @override
    def _run(self, sql: str) -> None:
        self._con.execute(sql_text(sql))


def _type(dtype: Any) -> str:
    return str(PostgresType.to_string(dtype.copy(nullable=True)))
