"""Upgrade stores that an older version of this package made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from customer_revenue.currencies import UNUSUAL_DIGITS
from customer_revenue.errors import StoreError, StoreNotUsable
from customer_revenue.orders import store_info
from customer_revenue.orders.duckdb_sql import duckdb_type, first_line
from customer_revenue.orders.engines.duckdb.target import DuckDBTarget, attach, duckdb_target
from customer_revenue.orders.engines.urls import path_of
from customer_revenue.orders.store_info import last_counted, read_info
from customer_revenue.tables import OPTIONAL_COLUMNS

_WITH_CUSTOMER = ("orders", "order_items", "refunds")

_IN_MINOR_UNITS = tuple(
    f"UPDATE next.{table} SET {name} = round({name} * {10.0**digits / 100})"  # noqa: S608  # our own names
    f" WHERE (SELECT currency FROM next.store_info) IN {tuple(c for c, d in UNUSUAL_DIGITS.items() if d == digits)}"
    for digits in sorted(set(UNUSUAL_DIGITS.values()))
    for table, name in (("orders", "total_cents"), ("order_items", "amount_cents"), ("refunds", "amount_cents"))
)
"""Statements for stores whose currency has no cents: before version 3 their amounts were hundredths of a unit."""

UPGRADES: Mapping[int, tuple[str, ...]] = {
    1: ("CREATE TABLE next.forgotten (user_hash VARCHAR, orders_too BOOLEAN)",),
    2: (
        *(f"ALTER TABLE next.{table} ALTER COLUMN user_id DROP NOT NULL" for table in _WITH_CUSTOMER),
        "ALTER TABLE next.refunds ADD COLUMN with_order BOOLEAN",
        "UPDATE next.refunds SET with_order = coalesce(id = concat('refund:', order_id), false)",
        *(f"ALTER TABLE next.{table} ADD COLUMN original_user_id VARCHAR" for table in ("orders", "refunds")),
        *(f"ALTER TABLE next.quarantine ADD COLUMN {name} TEXT" for name in ("order_id", "refund_id", "header")),
        "CREATE TABLE next.aliases (from_id VARCHAR, to_id VARCHAR)",
        "CREATE TABLE next.aliased_users (id VARCHAR, name TEXT, email TEXT, accepts_marketing BOOLEAN)",
        "CREATE TABLE next.alias_changes (changed_at TIMESTAMP, action VARCHAR, from_id VARCHAR, to_id VARCHAR)",
        *(
            f"ALTER TABLE next.{table} ADD COLUMN {name} {duckdb_type(dtype)}"
            for table, columns in OPTIONAL_COLUMNS.items()
            for name, dtype in columns.items()
        ),
        *_IN_MINOR_UNITS,
        f"UPDATE next.store_info SET last_created_at = {last_counted('next.')}",  # noqa: S608  # our own names
    ),
}
"""The statements that upgrade a store from each version to the next. They call the store ``next``.

A VARCHAR is an id or a word, a TEXT may be longer: servers distinguish them.
"""


@contextmanager
def upgraded_target(url: str) -> Iterator[DuckDBTarget]:
    """Open the file that a URL names for one writer at a time. A store of an older version is upgraded first.

    Raises:
        StoreBusy: another import holds the lock.
        StoreError: the folder cannot be written.
    """
    path = path_of(url)
    if path.is_file():
        upgrade_if_older(path)
    with duckdb_target(path) as target:
        yield target


def upgrade_if_older(path: Path) -> None:
    """Upgrade a copy of a store and replace the store with it, unless it is of the current version.

    Raises:
        StoreNotFound: there is no store.
        StoreNotUsable: the store cannot be upgraded.
        StoreBusy: an import is running.
    """
    version = _version(path)
    if version >= store_info.SCHEMA_VERSION:
        return
    with duckdb_target(path) as target:
        shutil.copyfile(path, target.next_file)
        with duckdb.connect() as con:
            target.attach(con)
            try:
                for step in range(version, store_info.SCHEMA_VERSION):
                    for statement in UPGRADES[step]:
                        con.execute(statement)
                    con.execute("UPDATE next.store_info SET schema_version = ?", [step + 1])
                con.execute("DETACH next")
            except KeyError:
                raise StoreNotUsable(
                    f"{path} has schema {version}, which is too old: import the orders into a new store"
                ) from None
            except duckdb.Error as error:
                raise StoreError(f"{path} could not be upgraded and is unchanged: {first_line(error)}") from error
        target.swap()


def is_older(info: Mapping[str, object]) -> bool:
    """Return whether a store, given its store info, was made by an older version of this package."""
    version = info["schema_version"]
    assert isinstance(version, int)
    return version < store_info.SCHEMA_VERSION


def _version(path: Path) -> int:
    with duckdb.connect() as con:
        attach(con, path, "old")
        version = read_info(con, "old", path)["schema_version"]
    assert isinstance(version, int)
    return version
