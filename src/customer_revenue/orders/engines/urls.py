"""URLs of stores."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from customer_revenue.errors import InvalidParameter

EMBEDDED = "duckdb:///"
_POSTGRES = ("postgresql://", "postgres://")
_MYSQL = ("mysql://", "mariadb://")
SPARK = "spark://"


def is_postgres(url: str) -> bool:
    """Whether the store is on a PostgreSQL server.

    >>> is_postgres("postgresql://localhost/shop"), is_postgres("duckdb:///orders.duckdb")
    (True, False)
    """
    return url.startswith(_POSTGRES)


def is_mysql(url: str) -> bool:
    """Whether the store is on a MySQL or MariaDB server.

    >>> is_mysql("mysql://localhost/shop"), is_mysql("postgresql://localhost/shop")
    (True, False)
    """
    return url.startswith(_MYSQL)


def is_spark(url: str) -> bool:
    """Whether the store is read with Spark.

    >>> is_spark("spark:///data/orders"), is_spark("duckdb:///orders.duckdb")
    (True, False)
    """
    return url.startswith(SPARK)


def without_password(url: str) -> str:
    """The URL as it may be shown.

    >>> without_password("postgresql://ann:secret@db.example.org/shop?sslmode=require")
    'postgresql://ann@db.example.org/shop'
    """
    if not (is_postgres(url) or is_mysql(url)):
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, user + host, parts.path, "", ""))


def path_of(url: str) -> Path:
    """The file of a store URL: ``duckdb:///relative/path``, ``duckdb:////absolute/path``, or a plain path.

    >>> path_of("duckdb:///data/orders.duckdb").as_posix(), path_of("duckdb:////srv/orders.duckdb").as_posix()
    ('data/orders.duckdb', '/srv/orders.duckdb')

    Raises:
        InvalidParameter: another kind of URL, or no path in it.
    """
    if "://" in url and not url.startswith(EMBEDDED):
        scheme = url.split("://", 1)[0]
        raise InvalidParameter(
            f"store: no engine for {scheme!r} URLs here; use {EMBEDDED}PATH, {_POSTGRES[0]}…, {_MYSQL[0]}… or {SPARK}…"
        )
    path = url.removeprefix(EMBEDDED)
    if not path or path.endswith("/"):
        raise InvalidParameter(f"store: {url!r} names no file; use {EMBEDDED}PATH")
    return Path(path)
