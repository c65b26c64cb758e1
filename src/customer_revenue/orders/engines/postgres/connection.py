"""Connections to PostgreSQL servers, in a bounded pool, and SQL for their driver."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from customer_revenue.errors import StoreError
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.server_engine import MAX_CONNECTIONS, WAIT_SECONDS

if TYPE_CHECKING:
    import psycopg
    from psycopg_pool import ConnectionPool


_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Seconds and attempts after which a connection to a host that is gone breaks."""


def connection_pool(url: str, display_url: str, statement_seconds: int) -> ConnectionPool:
    """Open a pool of connections to a server, and check that it responds.

    Raises:
        StoreError: the driver is not installed, or the server does not respond.
    """
    try:
        import psycopg
        import psycopg_pool
    except ImportError:
        raise StoreError("PostgreSQL needs its extra: pip install 'customer-revenue[postgres]'") from None
    options = {
        "autocommit": True,
        "connect_timeout": int(WAIT_SECONDS),
        "application_name": "customer-revenue",
        **_KEEPALIVES,
    }
    try:
        # Connect once directly, since a pool does not report why it gets no connection.
        with psycopg.connect(url, **options):  # type: ignore[arg-type]  # the options are of several types
            pass
    except psycopg.Error as error:
        raise StoreError(f"the store at {display_url} does not respond: {first_line(error)}") from None
    return psycopg_pool.ConnectionPool(
        url,
        kwargs=options,
        min_size=1,
        max_size=MAX_CONNECTIONS,
        timeout=WAIT_SECONDS,
        reconnect_timeout=WAIT_SECONDS,  # by default its waits double, so that it finds a recovered server late
        check=_check,
        configure=partial(_configure, statement_seconds),
        open=True,
    )


@contextmanager
def done_within(seconds: float, con: psycopg.Connection) -> Iterator[None]:
    """Close the socket of a connection that is not done in time: a server that hangs never answers by itself.

    What waits for it raises ``psycopg.OperationalError`` then.
    """
    watched = threading.Timer(seconds, _hang_up, [con.pgconn.socket])
    watched.daemon = True
    watched.start()
    try:
        yield
    finally:
        watched.cancel()


def _hang_up(descriptor: int) -> None:
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
        connection.shutdown(socket.SHUT_RDWR)


def _check(con: psycopg.Connection) -> None:
    """Check that a connection of the pool works; the pool takes another one where this raises."""
    with done_within(WAIT_SECONDS, con):
        con.execute("")


def _configure(statement_seconds: int, con: psycopg.Connection) -> None:
    con.execute(
        "SELECT set_config('TimeZone', 'UTC', false), set_config('statement_timeout', %s, false)",
        [f"{statement_seconds}s"],
    )


def sql_text(sql: str) -> Any:
    """Encode SQL that is built at run time: psycopg's types accept strings only if they are literals."""
    return sql.encode()
