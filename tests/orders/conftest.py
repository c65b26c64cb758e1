from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from customer_revenue.orders.importing import ImportSummary, import_files
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import Settings

HEADER = "order_id,user_id,created_at,total,status"


class Shop:
    """A store in a folder of its own, and files to import into it."""

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
        return import_files(paths, self.settings, **options)

    def open(self) -> Store:
        return open_store(self.url, self.settings)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What any other DuckDB client sees."""
        with duckdb.connect(str(self.path), read_only=True) as con:
            return con.execute(sql).fetchall()

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in self.query(sql)]

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        tables = ("orders", "order_items", "refunds", "users", "quarantine", "forgotten", "store_info")
        return {table: sorted(self.query(f"FROM {table}"), key=repr) for table in tables}

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


class PostgresShop(Shop):
    """A shop whose store is a database of its own on a PostgreSQL server."""

    def __init__(self, folder: Path, url: str, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.url = url
        self.settings = Settings(_env_file=None, store=url, **settings)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as con:
            cursor = con.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        tables = ("orders", "order_items", "refunds", "users", "quarantine", "forgotten", "store_info")
        return {table: sorted(self.query(f"SELECT * FROM {table}"), key=repr) for table in tables}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server: the one in ``CUSTOMER_REVENUE_TEST_POSTGRES``, or one that is started here."""
    if url := os.environ.get("CUSTOMER_REVENUE_TEST_POSTGRES"):
        yield url
        return
    with Server.start() as server:
        yield server.url


@pytest.fixture
def own_postgres_server() -> Iterator[Server]:
    """A server that the test may stop and start."""
    with Server.start() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: str, tmp_path: Path) -> Iterator[Callable[..., PostgresShop]]:
    """Makes shops, each with a database of its own."""
    import psycopg

    made: list[str] = []

    def make(**settings: Any) -> PostgresShop:
        name = f"test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(postgres_server, autocommit=True) as con:
            con.execute(f"CREATE DATABASE {name}".encode())
        made.append(name)
        folder = tmp_path / name
        folder.mkdir()
        return PostgresShop(folder, postgres_server.rsplit("/", 1)[0] + f"/{name}", **settings)

    yield make
    with psycopg.connect(postgres_server, autocommit=True) as con:
        for name in made:
            con.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


class Server:
    """A PostgreSQL server in a folder, which can be stopped and started again."""

    def __init__(self, folder: Path, binaries: Path, port: int) -> None:
        self.folder, self.binaries, self.port = folder, binaries, port
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Server]:
        found = shutil.which("initdb") or next(Path("/usr/lib/postgresql").glob("*/bin/initdb"), None)
        if found is None:
            pytest.skip("no PostgreSQL server: install one or set CUSTOMER_REVENUE_TEST_POSTGRES")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # Not in pytest's folder, which only its owner can enter: the server refuses to run as root.
        with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
            server = cls(Path(folder), Path(found).resolve().parent, port)
            if os.geteuid() == 0:
                shutil.chown(folder, "postgres")
            server._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--locale=C.UTF-8", *server.data)
            server.up()
            try:
                yield server
            finally:
                server.down()

    @property
    def data(self) -> tuple[str, str]:
        return "-D", str(self.folder / "data")

    def up(self) -> None:
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-w", "-o", options, "-l", str(self.folder / "log"), "start"
        )

    def down(self) -> None:
        self._run("pg_ctl", *self.data, "-m", "fast", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        user = "postgres" if os.geteuid() == 0 else None
        subprocess.run(
            [self.binaries / program, *arguments], check=True, stdout=subprocess.DEVNULL, user=user, cwd=self.folder
        )


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
