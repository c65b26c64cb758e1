"""Real database servers for the tests: those that the environment names, or such as are started here.

``CUSTOMER_REVENUE_TEST_POSTGRES`` and ``CUSTOMER_REVENUE_TEST_MYSQL`` are URLs of servers in which the tests may make
and drop databases. Without them servers are started in folders of their own; where their programs are missing the
tests are skipped, and fail where ``CI`` is set.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from tests.requirements import account, missing, program

POSTGRES_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql*/bin",
)
SYSTEM_FOLDERS = ("usr/sbin", "usr/local/sbin", "usr/bin", "opt/homebrew/opt/mariadb*/bin")

ZONES = ("Asia/Kolkata", "America/New_York")
"""Those that a MySQL server started here knows."""


class DatabaseServer(ABC):
    """A server in which databases are made and dropped."""

    kind: str

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    def query(self, sql: str, database: str = "") -> list[tuple[Any, ...]]:
        """What any other client sees: the rows of the last of some statements."""

    @abstractmethod
    def drop(self, database: str) -> None: ...

    @contextmanager
    def reader(self, database: str) -> Iterator[str]:
        """The URL of a database for a user who may only read its tables."""
        name = f"reader_{uuid.uuid4().hex[:12]}"
        for statement in self.grants(name, database):
            self.query(statement, database)
        try:
            yield f"{self.url.split('://')[0]}://{name}@{self.url_of(database).rpartition('@')[2]}"
        finally:
            for statement in self.revocations(name):
                self.query(statement, database)

    @abstractmethod
    def grants(self, reader: str, database: str) -> tuple[str, ...]: ...

    @abstractmethod
    def revocations(self, reader: str) -> tuple[str, ...]: ...

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new database, which is gone afterwards."""
        name = f"test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
        self.query(f"CREATE DATABASE {name}")
        try:
            yield self.url_of(name)
        finally:
            self.drop(name)

    def url_of(self, database: str) -> str:
        return self.url.rsplit("/", 1)[0] + f"/{database}"


class PostgresServer(DatabaseServer):
    kind = "postgres"

    def query(self, sql: str, database: str = "") -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self.url_of(database) if database else self.url, autocommit=True) as con:
            cursor = con.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def drop(self, database: str) -> None:
        self.query(f"DROP DATABASE {database} WITH (FORCE)")

    def grants(self, reader: str, database: str) -> tuple[str, ...]:
        return f"CREATE ROLE {reader} LOGIN", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"

    def revocations(self, reader: str) -> tuple[str, ...]:
        return f"DROP OWNED BY {reader}", f"DROP ROLE {reader}"


class MySQLServer(DatabaseServer):
    kind = "mysql"

    def query(self, sql: str, database: str = "") -> list[tuple[Any, ...]]:
        import pymysql
        from pymysql.constants import CLIENT

        parts = urlsplit(self.url)
        con = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            password=parts.password or "",
            database=database or None,
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        with con, con.cursor() as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass
            return list(cursor.fetchall())

    def drop(self, database: str) -> None:
        self.query(f"DROP DATABASE {database}")

    def grants(self, reader: str, database: str) -> tuple[str, ...]:
        return f"CREATE USER {reader}@'%'", f"GRANT SELECT ON {database}.* TO {reader}@'%'"

    def revocations(self, reader: str) -> tuple[str, ...]:
        return (f"DROP USER {reader}@'%'",)


class Running(ABC):
    """A server that is started in a folder, and can be stopped and started again."""

    def __init__(self, folder: Path, user: str) -> None:
        self.folder, self.user, self.port = folder, user, _free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        self.prepare()

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        user = cls.found()
        # Not in pytest's folder, which only its owner can enter.
        with tempfile.TemporaryDirectory(prefix="customer-revenue-server-") as folder:
            server = cls(Path(folder), user)
            server.up()
            try:
                yield server
            finally:
                server.down()

    @classmethod
    @abstractmethod
    def found(cls) -> str:
        """Whom its programs run as, since none of them runs as root; the test is skipped where they are missing."""

    @abstractmethod
    def prepare(self) -> None: ...

    @abstractmethod
    def up(self) -> None: ...

    @abstractmethod
    def down(self) -> None: ...

    def run(self, *command: str | Path) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self.process_options)

    @property
    def process_options(self) -> dict[str, Any]:
        # Two MariaDB servers that are made at once would use each other's tables in a common TMPDIR.
        env = os.environ | {"TMPDIR": str(self.folder)}
        return {"user": self.user if os.geteuid() == 0 else None, "cwd": self.folder, "env": env}


class RunningPostgres(Running, PostgresServer):
    @classmethod
    def _binaries(cls) -> Path | None:
        """The folder of ``initdb`` and ``pg_ctl``; a client alone has neither."""
        initdb = program("initdb", POSTGRES_FOLDERS)
        return initdb.parent if initdb and (initdb.parent / "pg_ctl").exists() else None

    @classmethod
    def found(cls) -> str:
        user = account("postgres")
        if cls._binaries() is None or user is None:
            missing("a PostgreSQL server", "apt-get install postgresql, or set CUSTOMER_REVENUE_TEST_POSTGRES")
        return user

    def prepare(self) -> None:
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        binaries = self._binaries()
        assert binaries is not None
        self.binaries = binaries
        options = ("--auth=trust", "--username=postgres", "--no-sync", "--locale=C.UTF-8")
        self.run(self.binaries / "initdb", *options, "-D", self.folder / "data")

    def up(self) -> None:
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._control("-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def down(self) -> None:
        self._control("-m", "fast", "-w", "stop")

    def _control(self, *words: str) -> None:
        self.run(self.binaries / "pg_ctl", "-D", self.folder / "data", *words)


class RunningMariaDB(Running, MySQLServer):
    @classmethod
    def _programs(cls) -> list[Path | None]:
        return [program(name, SYSTEM_FOLDERS) for name in ("mariadbd", "mariadb-install-db", "mariadb-tzinfo-to-sql")]

    @classmethod
    def found(cls) -> str:
        user = account("mysql")
        if None in cls._programs() or user is None:
            missing("a MariaDB server", "apt-get install mariadb-server, or set CUSTOMER_REVENUE_TEST_MYSQL")
        return user

    def prepare(self) -> None:
        self.url = f"mysql://root@127.0.0.1:{self.port}/mysql"
        self.server, install, zones_to_sql = self._programs()
        assert install is not None
        options = ("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
        self.run(install, "--no-defaults", f"--datadir={self.folder / 'data'}", *options)
        self.up()
        for zone in ZONES:
            made = subprocess.run(
                [str(zones_to_sql), f"/usr/share/zoneinfo/{zone}", zone], check=True, capture_output=True
            )
            self.query(made.stdout.decode(), "mysql")
        self.down()

    def up(self) -> None:
        self.process = subprocess.Popen(
            [
                str(self.server), "--no-defaults", f"--datadir={self.folder / 'data'}", f"--port={self.port}",
                "--bind-address=127.0.0.1", f"--socket={self.folder / 'socket'}", "--innodb-flush-log-at-trx-commit=0",
                f"--pid-file={self.folder / 'pid'}", f"--tmpdir={self.folder}", "--skip-log-bin",
            ],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            **self.process_options,
        )  # fmt: skip
        for _ in range(600):
            if self.process.poll() is not None:
                pytest.fail("MariaDB did not start")
            try:
                self.query("SELECT 1")
            except Exception:
                time.sleep(0.1)
            else:
                return
        pytest.fail("MariaDB does not answer")

    def down(self) -> None:
        self.process.terminate()
        self.process.wait(60)


RUNNING: dict[str, type[RunningPostgres | RunningMariaDB]] = {"postgres": RunningPostgres, "mysql": RunningMariaDB}
GIVEN: dict[str, type[DatabaseServer]] = {"postgres": PostgresServer, "mysql": MySQLServer}

ServerOf = Callable[[str], DatabaseServer]


@pytest.fixture(scope="session")
def server_of(request: pytest.FixtureRequest) -> ServerOf:
    """The server of a kind, ``postgres`` or ``mysql``."""
    return lambda kind: request.getfixturevalue(f"{kind}_server")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[DatabaseServer]:
    yield from _server("postgres")


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[DatabaseServer]:
    yield from _server("mysql")


def _server(kind: str) -> Iterator[DatabaseServer]:
    if url := os.environ.get(f"CUSTOMER_REVENUE_TEST_{kind.upper()}"):
        yield GIVEN[kind](url)
        return
    with RUNNING[kind].start() as server:
        yield server


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
