"""URLs of stores."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from customer_revenue.errors import InvalidParameter

DUCKDB_PREFIX = "duckdb:///"
SPARK_PREFIX = "spark://"


class StoreKind(Enum):
    """The kinds of stores, by the prefixes of their URLs."""

    DUCKDB = (DUCKDB_PREFIX,)
    POSTGRES = ("postgresql://", "postgres://")
    MYSQL = ("mysql://", "mariadb://")
    SPARK = (SPARK_PREFIX,)

    @classmethod
    def of(cls, url: str) -> StoreKind:
        """Return the kind of the store at a URL. A plain path is a DuckDB file.

        >>> StoreKind.of("postgresql://localhost/shop").name, StoreKind.of("data/orders.duckdb").name
        ('POSTGRES', 'DUCKDB')

        Raises:
            InvalidParameter: no engine supports the URL.
        """
        for kind in cls:
            if url.startswith(kind.value):
                return kind
        if "://" in url:
            scheme = url.split("://", 1)[0]
            forms = f"{DUCKDB_PREFIX}PATH, postgresql://…, mysql://… or {SPARK_PREFIX}…"
            raise InvalidParameter(f"store: no engine for {scheme!r} URLs; use {forms}")
        return cls.DUCKDB


CREDENTIALS = re.compile(r"([^:@/?#]+):(.+)@([^@]*)", re.DOTALL)
"""User, password and the rest of a database server's URL after its scheme: the last ``@`` ends the password."""

NO_PASSWORD = re.compile(r"\d*/[^@]*\?")
"""What follows a colon where it is a port, a database and the options, in which there may be an ``@``."""


def with_encoded_password(url: str) -> str:
    """Encode what a password in the URL of a database server has of characters that mean something in URLs.

    >>> with_encoded_password("postgresql://ann:a/b#c@d?e@db.example.org/shop?sslmode=require")
    'postgresql://ann:a%2Fb%23c%40d%3Fe@db.example.org/shop?sslmode=require'
    >>> with_encoded_password("postgresql://ann:a%2Fb@db.example.org/shop")
    'postgresql://ann:a%2Fb@db.example.org/shop'
    """
    scheme, separator, rest = url.partition("://")
    found = CREDENTIALS.fullmatch(rest)
    if not found or not url.startswith((*StoreKind.POSTGRES.value, *StoreKind.MYSQL.value)):
        return url
    user, password, place = found.groups()
    if NO_PASSWORD.match(password):
        return url
    return f"{scheme}{separator}{user}:{quote(unquote(password), safe='')}@{place}"


def without_password(url: str) -> str:
    """Remove the password and the options from a URL, so that it can be displayed.

    >>> without_password("postgresql://ann:secret@db.example.org/shop?sslmode=require")
    'postgresql://ann@db.example.org/shop'
    >>> without_password("mysql://ann:se/cr#et@db.example.org/shop")
    'mysql://ann@db.example.org/shop'
    """
    url = with_encoded_password(url)
    if not url.startswith((*StoreKind.POSTGRES.value, *StoreKind.MYSQL.value)):
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, user + host, parts.path, "", ""))


def path_of(url: str) -> Path:
    """Return the file of a store URL: ``duckdb:///relative/path``, ``duckdb:////absolute/path`` or a plain path.

    >>> path_of("duckdb:///data/orders.duckdb").as_posix(), path_of("duckdb:////srv/orders.duckdb").as_posix()
    ('data/orders.duckdb', '/srv/orders.duckdb')

    Raises:
        InvalidParameter: the URL is of another kind, or has no path.
    """
    if StoreKind.of(url) is not StoreKind.DUCKDB:
        raise InvalidParameter(f"store: {without_password(url)} names no file; use {DUCKDB_PREFIX}PATH")
    path = url.removeprefix(DUCKDB_PREFIX)
    if not path or path.endswith("/"):
        raise InvalidParameter(f"store: {url!r} names no file; use {DUCKDB_PREFIX}PATH")
    return Path(path)
