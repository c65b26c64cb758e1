"""Which target a store URL means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import duckdb

from customer_revenue.errors import StoreError
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.base_target import Target
from customer_revenue.orders.engines.duckdb.target import workshop
from customer_revenue.orders.engines.duckdb.upgrade import upgrade_if_older
from customer_revenue.orders.engines.mysql.target import mysql_target
from customer_revenue.orders.engines.postgres.target import postgres_target
from customer_revenue.orders.engines.spark.target import spark_target
from customer_revenue.orders.engines.urls import is_mysql, is_postgres, is_spark, path_of


@contextmanager
def target_of(url: str) -> Iterator[Target]:
    """The store at a URL, ready to be written by one writer; an older one is upgraded first.

    Raises:
        InvalidParameter: the URL names no store that can be written.
        StoreError: the store cannot be reached or written, or another import is running.
    """
    try:
        with _opened(url) as target:
            yield target
    except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
        raise StoreError(f"writing the store failed and nothing was changed: {first_line(error)}") from error


def _opened(url: str) -> AbstractContextManager[Target]:
    if is_postgres(url):
        return postgres_target(url)
    if is_mysql(url):
        return mysql_target(url)
    if is_spark(url):
        return spark_target(url)
    path = path_of(url)
    if path.is_file():
        upgrade_if_older(path)
    return workshop(path)
