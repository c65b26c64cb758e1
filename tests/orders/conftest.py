from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.servers import DatabaseServer, ServerOf
from tests.tiers import ON_SERVERS

from customer_revenue.orders import store_info
from customer_revenue.orders.imports.import_files import ImportSummary, import_files
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import Settings
from customer_revenue.tables import OPTIONAL_COLUMNS

HEADER = "order_id,user_id,created_at,total,status"


NEW_IN_VERSION_3 = {
    "refunds": ("with_order", "original_user_id"),
    "orders": ("original_user_id",),
    "quarantine": ("order_id", "refund_id", "header"),
}
"""The columns of older tables that version 3 adds, besides the optional ones."""
NEW_TABLES_IN_VERSION_3 = ("aliases", "aliased_users", "alias_changes")
DOWNGRADES = {
    1: ("DROP TABLE forgotten",),
    2: (
        *(f"ALTER TABLE {table} DROP COLUMN {name}" for table, names in NEW_IN_VERSION_3.items() for name in names),
        *(f"ALTER TABLE {table} DROP COLUMN {name}" for table, names in OPTIONAL_COLUMNS.items() for name in names),
        *(f"DROP TABLE {table}" for table in NEW_TABLES_IN_VERSION_3),
    ),
}
"""What makes a store of each version of one of the next."""


TABLES = (
    *("orders", "order_items", "refunds", "users"),
    *("quarantine", "forgotten", *NEW_TABLES_IN_VERSION_3, "store_info"),
)


ENGINES = ["duckdb", *ON_SERVERS, "spark"]
"""The engines that an import writes; for Spark it needs no Spark."""


@cache
def _reader() -> duckdb.DuckDBPyConnection:
    """A client of the stores, kept since most of the time of a short query goes into starting DuckDB."""
    return duckdb.connect()


@contextmanager
def _attached(database: str, options: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    con = _reader()
    con.execute(f"ATTACH '{database}' AS store {options}")
    try:
        con.execute("USE store")
        yield con
    finally:
        con.execute("USE memory; DETACH store")


class Shop:
    """A store in its own folder, and files to import into it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.path = folder / "orders.duckdb"
        self.url = f"duckdb:///{self.path}"
        self.settings = Settings(_env_file=None, store=self.url, **settings)
        self._files = 0

    def file(self, *lines: str, name: str = "", header: str | None = HEADER) -> Path:
        self._files += 1
        path = self.folder / (name or f"file_{self._files}.csv")
        text = [*([header] if header is not None else []), *lines]
        path.write_text("\n".join(text) + "\n", encoding="utf-8", newline="")
        return path

    def restart(self) -> None:
        """Name files from 1 again."""
        self._files = 0

    def load(self, *lines: str, header: str = HEADER, **options: Any) -> ImportSummary:
        return self.files(self.file(*lines, header=header), **options)

    def files(self, *paths: Path, **options: Any) -> ImportSummary:
        return import_files(paths, options.pop("url", self.url), self.settings.store_options, **options)

    def open(self) -> Store:
        return open_store(self.url, self.settings.store_options)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with _attached(str(self.path), "(READ_ONLY)") as con:
            yield con

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the store as any other DuckDB client."""
        with self.reading() as con:
            return con.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Change the store behind the package's back."""
        with duckdb.connect(str(self.path)) as con:
            con.execute(sql)

    def age(self, version: int) -> None:
        """Turn the store into one of an older version."""
        for newer in range(store_info.SCHEMA_VERSION - 1, version - 1, -1):
            for statement in DOWNGRADES[newer]:
                self.execute(statement)
        self.execute(f"UPDATE store_info SET schema_version = {version}")

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in self.query(sql)]

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.reading() as con:
            return {table: sorted(con.execute(f"FROM {table}").fetchall(), key=repr) for table in TABLES}

    def leftovers(self, allowed: Sequence[str] = (".csv", ".txt", ".parquet", ".png")) -> list[str]:
        names = {path.name for path in self.folder.iterdir() if path.suffix not in allowed}
        return sorted(names - {self.path.name, f".{self.path.name}.lock"})


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.delenv("CUSTOMER_REVENUE_CURRENCY", raising=False)
    return Shop(tmp_path)


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[..., Shop]:
    def make(name: str = "shop", **settings: Any) -> Shop:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return Shop(folder, **settings)

    return make


class ServerShop(Shop):
    """A shop whose store is its own database on a server."""

    def __init__(self, folder: Path, server: DatabaseServer, url: str, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.server, self.url = server, url
        self.settings = Settings(_env_file=None, store=url, **settings)
        self.database = url.rsplit("/", 1)[1]

    @property
    def kind(self) -> str:
        return self.server.kind

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.query(sql, self.database)

    def execute(self, sql: str) -> None:
        self.query(sql)

    def age(self, version: int) -> None:
        if version <= 2:
            strict = {"postgres": "ALTER COLUMN user_id SET NOT NULL", "mysql": "MODIFY user_id VARCHAR(255) NOT NULL"}
            for table in ("orders", "order_items", "refunds"):
                self.execute(f"ALTER TABLE {table} {strict[self.kind]}")
        super().age(version)

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """All tables, with the columns of the embedded store in its order."""
        return {table: sorted(self._rows(table), key=repr) for table in TABLES}

    def _rows(self, table: str) -> list[tuple[Any, ...]]:
        rows = self.query(f"SELECT * FROM {table}")
        # MySQL's booleans are small numbers.
        truths = {"forgotten": 1, "store_info": 4}.get(table)
        return [tuple(bool(v) if i == truths and v is not None else v for i, v in enumerate(row)) for row in rows]


MakeServerShop = Callable[..., ServerShop]


def _shops(server: DatabaseServer, folder: Path) -> Iterator[MakeServerShop]:
    with ExitStack() as databases:

        def make(**settings: Any) -> ServerShop:
            url = databases.enter_context(server.database())
            own = folder / url.rsplit("/", 1)[1]
            own.mkdir()
            return ServerShop(own, server, url, **settings)

        yield make


@pytest.fixture(params=["postgres", "mysql"])
def on_server(request: pytest.FixtureRequest, server_of: ServerOf, tmp_path: Path) -> Iterator[MakeServerShop]:
    """Makes shops on each kind of server, each with its own database."""
    yield from _shops(server_of(request.param), tmp_path)


@pytest.fixture
def postgres(server_of: ServerOf, tmp_path: Path) -> Iterator[MakeServerShop]:
    """Makes shops on PostgreSQL."""
    yield from _shops(server_of("postgres"), tmp_path)


@pytest.fixture
def mysql(server_of: ServerOf, tmp_path: Path) -> Iterator[MakeServerShop]:
    """Makes shops on MariaDB."""
    yield from _shops(server_of("mysql"), tmp_path)


class SparkFolder(Shop):
    """A shop whose store is a folder of Parquet tables."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.path = folder / "store"
        self.url = f"spark:///{self.path}"
        self.settings = self.settings.model_copy(update={"store": self.url})

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with _attached(":memory:") as con:
            self._attach(con)
            yield con

    def age(self, version: int) -> None:
        """Write the tables again, as an older version had them."""
        with duckdb.connect() as con:
            self._attach(con, "TABLE")
            for statement in (*DOWNGRADES[2], f"UPDATE store_info SET schema_version = {version}"):
                con.execute(statement)
            for folder in (self.path / "current").glob("*/"):
                for file in folder.iterdir():
                    file.unlink()
                if folder.name in NEW_TABLES_IN_VERSION_3:
                    folder.rmdir()
                else:
                    con.execute(f"COPY {folder.name} TO '{folder / 'data_0.parquet'}'")

    def _attach(self, con: duckdb.DuckDBPyConnection, kind: str = "VIEW") -> None:
        for folder in (self.path / "current").glob("*/"):
            con.execute(f"CREATE {kind} {folder.name} AS FROM '{folder}/*.parquet'")


@pytest.fixture
def make_spark(tmp_path: Path) -> Callable[[], SparkFolder]:
    return lambda: SparkFolder(tmp_path)


@pytest.fixture(params=ENGINES)
def any_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """A shop on each engine."""
    if request.param == "spark":
        return SparkFolder(tmp_path)
    shop: Shop = (
        request.getfixturevalue("shop") if request.param == "duckdb" else request.getfixturevalue(request.param)()
    )
    return shop


@pytest.fixture
def midnights() -> tuple[str, ...]:
    """Orders around midnight in several zones, a leap day, and the days on which New York's clocks change."""
    return (
        "1,ann,2023-05-01T18:29:59Z,1,paid",
        "2,ann,2023-05-01T18:30:00Z,1,paid",
        "3,ann,2024-02-29T23:59:59Z,1,paid",
        "4,ann,2023-03-12T04:59:59Z,1,paid",
        "5,ann,2023-11-05T05:30:00Z,1,paid",
        "6,ann,2023-11-06T04:30:00Z,1,paid",
    )
