"""Connections to MySQL and MariaDB servers, and a bounded pool of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from customer_revenue.errors import InvalidParameter, StoreError
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.mysql.dialect import MARIADB_COLLATION, MYSQL_COLLATION
from customer_revenue.orders.engines.urls import without_password

if TYPE_CHECKING:
    from pymysql.connections import Connection

ROWS_PER_FETCH = 20_000
_PORT = 3306
_OPTIONS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity", "unix_socket")
"""The options that a URL may have after its question mark."""


class MySQLServer:
    """The server and database that a URL names."""

    def __init__(self, url: str, wait_seconds: float, statement_seconds: int) -> None:
        """Parse the URL, without connecting.

        Raises:
            InvalidParameter: the URL names no database, or has an unknown option.
            StoreError: the driver is not installed.
        """
        try:
            import pymysql
        except ImportError:
            raise StoreError("MySQL and MariaDB need their extra: pip install 'customer-revenue[mysql]'") from None
        self._driver = pymysql
        self.display_url = without_password(url)
        self._wait_seconds, self.statement_seconds = wait_seconds, statement_seconds
        parts = urlsplit(url)
        self.database = unquote(parts.path.lstrip("/"))
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        if unknown := options.keys() - set(_OPTIONS):
            raise InvalidParameter(f"store: unknown option {', '.join(sorted(unknown))}; use {', '.join(_OPTIONS)}")
        if not self.database:
            raise InvalidParameter(f"store: {self.display_url} names no database")
        for name in ("ssl_verify_cert", "ssl_verify_identity"):
            if name in options:
                options[name] = options[name].lower() in ("1", "true", "yes")
        self._options = options | {
            "host": parts.hostname or "127.0.0.1",
            "port": parts.port or _PORT,
            "user": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "database": self.database,
        }

    def connect(self) -> Connection[Any]:
        """Open a connection.

        Raises:
            StoreError: the server does not respond.
        """
        with self.store_errors():
            con = self._driver.connect(
                **self._options,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=max(1, int(self._wait_seconds)),
                read_timeout=max(1, int(self._wait_seconds)),  # of the greeting
                write_timeout=self.statement_seconds,
            )
            set_read_timeout(con, self.statement_seconds)
            limit = ("max_statement_time", 1) if _is_mariadb(con) else ("max_execution_time", 1000)
            with con.cursor() as cursor:
                cursor.execute(f"SET NAMES utf8mb4 COLLATE {collation_of(con)}")
                cursor.execute(
                    f"SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', {limit[0]} = %s",
                    [self.statement_seconds * limit[1]],
                )
            return con

    @contextmanager
    def store_errors(self) -> Iterator[None]:
        """Raise a ``StoreError`` if the server goes away."""
        try:
            yield
        except (self._driver.err.OperationalError, self._driver.err.InterfaceError) as error:
            message = error.args[1] if len(error.args) > 1 else first_line(error) if error.args else "connection lost"
            raise StoreError(f"the store at {self.display_url} does not respond: {str(message)[:200]}") from error


def set_read_timeout(con: Connection[Any], seconds: float) -> None:
    """Set how long a connection waits for the server; the driver has it as an argument of ``connect`` alone."""
    con._read_timeout = seconds


def collation_of(con: Connection[Any]) -> str:
    """Return the collation of our tables and connections on this server."""
    return MARIADB_COLLATION if _is_mariadb(con) else MYSQL_COLLATION


def _is_mariadb(con: Connection[Any]) -> bool:
    return "MariaDB" in con.get_server_info()


class MySQLPool:
    """A bounded pool of connections, usable from several threads."""

    def __init__(self, server: MySQLServer, max_connections: int, wait_seconds: float) -> None:
        self._server, self._wait_seconds = server, wait_seconds
        self._slots = threading.BoundedSemaphore(max_connections)
        self._closed = False
        # Connect now, so that an unreachable server is reported on opening.
        self._free: list[Connection[Any]] = [server.connect()]

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """Lend a working connection.

        Raises:
            StoreError: the server does not respond, all connections are in use, or the pool is closed.
        """
        if self._closed:
            raise StoreError("the store is closed")
        if not self._slots.acquire(timeout=self._wait_seconds):
            raise StoreError(f"the store at {self._server.display_url} does not respond: all connections are in use")
        try:
            with self._server.store_errors():
                con = self._take()
                try:
                    yield con
                except BaseException:
                    con.close()  # its state is unknown
                    raise
                self._give_back(con)
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close the free connections now, and the others when they are returned."""
        self._closed = True
        while self._free:
            self._free.pop().close()

    def _take(self) -> Connection[Any]:
        while True:
            try:
                con = self._free.pop()
            except IndexError:
                return self._server.connect()
            set_read_timeout(con, self._wait_seconds)
            try:
                con.ping(reconnect=False)
            except Exception:  # noqa: S112  # the server has closed it, or hangs: try the next one
                continue
            set_read_timeout(con, self._server.statement_seconds)
            return con

    def _give_back(self, con: Connection[Any]) -> None:
        if self._closed:
            con.close()
        else:
            self._free.append(con)
