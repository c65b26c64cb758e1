"""The engine that reads, and the target that writes, the store at a URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from customer_revenue.errors import StoreError
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_engine import Engine
from customer_revenue.orders.engines.base_target import Target
from customer_revenue.orders.engines.urls import StoreKind, with_encoded_password
from customer_revenue.orders.mapping import ShopMapping, load_mapping
from customer_revenue.settings import StoreOptions


@dataclass(frozen=True)
class Backend:
    """Opens the stores of one kind, for reading and for writing."""

    engine: Callable[[str, StoreOptions, Path | None], Engine]
    target: Callable[[str], AbstractContextManager[Target]]


def _with_mapping(
    engine: Callable[[str, StoreOptions, ShopMapping], Engine],
) -> Callable[[str, StoreOptions, Path | None], Engine]:
    """An engine that reads the file of a mapping, if one is given, to find a shop's own tables."""
    return lambda url, options, mapping: engine(url, options, load_mapping(mapping))


def _duckdb() -> Backend:
    from customer_revenue.orders.engines.duckdb.shop_engine import duckdb_engine
    from customer_revenue.orders.engines.duckdb.upgrade import upgraded_target

    return Backend(_with_mapping(duckdb_engine), upgraded_target)


def _postgres() -> Backend:
    from customer_revenue.orders.engines.postgres.engine import PostgresEngine
    from customer_revenue.orders.engines.postgres.target import postgres_target

    return Backend(_with_mapping(PostgresEngine), postgres_target)


def _mysql() -> Backend:
    from customer_revenue.orders.engines.mysql.engine import MySQLEngine
    from customer_revenue.orders.engines.mysql.target import mysql_target

    return Backend(_with_mapping(MySQLEngine), mysql_target)


def _spark() -> Backend:
    from customer_revenue.orders.engines.spark.engine import SparkEngine
    from customer_revenue.orders.engines.spark.target import spark_target

    return Backend(_with_mapping(SparkEngine), spark_target)


# Functions, so that opening a store imports only its own engine.
BACKENDS: dict[StoreKind, Callable[[], Backend]] = {
    StoreKind.DUCKDB: _duckdb,
    StoreKind.POSTGRES: _postgres,
    StoreKind.MYSQL: _mysql,
    StoreKind.SPARK: _spark,
}


def open_engine(url: str, options: StoreOptions, mapping: Path | None) -> Engine:
    """Open the store at a URL for reading.

    Raises:
        InvalidParameter: no engine supports the URL.
        StoreError: there is no store, or it does not respond.
    """
    return BACKENDS[StoreKind.of(url)]().engine(with_encoded_password(url), options, mapping)


@contextmanager
def open_target(url: str) -> Iterator[Target]:
    """Open the store at a URL for one writer at a time. A store of an older version is upgraded first.

    Raises:
        InvalidParameter: the URL does not name a store that can be written.
        StoreError: the store cannot be reached or written, or another import is running.
    """
    try:
        with BACKENDS[StoreKind.of(url)]().target(with_encoded_password(url)) as target:
            yield target
    except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
        raise StoreError(f"writing the store failed and nothing was changed: {first_line(error)}") from error
