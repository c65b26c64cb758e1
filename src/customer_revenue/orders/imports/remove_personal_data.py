"""Remove a person's name and e-mail, and on request their orders, so that no later import restores them."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from customer_revenue.errors import CustomerNotFound, InvalidParameter, StoreNotFound
from customer_revenue.orders.aliases import own_users, resolve
from customer_revenue.orders.duckdb_sql import scalar
from customer_revenue.orders.engines.base_target import Views
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.forgotten_customers import check_forget_key, keyed_hash
from customer_revenue.orders.store_info import rewrite_info
from customer_revenue.tables import PERSONAL_COLUMNS


@dataclass(frozen=True)
class Forgotten:
    """What was removed from a store: whether there was a name or e-mail, and the numbers of rows."""

    name_or_email: bool
    orders: int
    items: int
    refunds: int
    quarantined: int
    """Quarantined rows that contained an id, a name or an e-mail of the person."""
    other_ids: tuple[str, ...] = ()
    """The person's further ids, by the aliases of the store."""
    aliases: int = 0
    """Aliases of the person, and entries of when they were added and removed."""


def forget(
    user_id: str,
    url: str,
    key: str,
    *,
    orders: bool = False,
    views: Views | None = None,
) -> Forgotten:
    """Remove a person's name and e-mail from a store, and prevent later imports from restoring them.

    The store keeps only a keyed hash of the id. Quarantined rows that could not be split into columns are not searched.

    Args:
        user_id: the customer.
        url: the URL of the store.
        key: a secret, the same for all calls and imports for this store. Its holder can test ids against the hashes.
        orders: also remove orders, items, refunds and the id itself.
        views: views to create in the store; without any, it keeps its views.

    Raises:
        CustomerNotFound: the store has no such customer.
        InvalidParameter: there is no key, or not the one used before.
        StoreError: the store cannot be read or written.
    """
    if not key:
        raise InvalidParameter("forgetting needs a secret key, the same for every import into the store")
    with open_target(url) as target, duckdb.connect() as con:
        target.attach(con)
        old = target.attach_old(con)
        if not old:
            raise StoreNotFound(f"no store at {without_password(url)}")
        check_forget_key(con, key)
        removed = _write_without(con, user_id, key, orders=orders)
        rewrite_info(con, old)
        target.create_views(con, views or {}, str(old["timezone"]))
        target.publish(con)
    return removed


def _write_without(con: duckdb.DuckDBPyConnection, user_id: str, key: str, *, orders: bool) -> Forgotten:
    """Write ``next``: the contents of ``old`` without the person's data, under all their ids."""
    resolve(con, "old.aliases")
    _collect_ids(con, user_id)
    found = con.execute("SELECT id, name, email FROM own WHERE id IN (FROM ids)").fetchall()
    changes = "SELECT from_id AS id FROM old.alias_changes UNION SELECT to_id FROM old.alias_changes"
    if not found and not scalar(con, f"SELECT count(*) FROM ({changes}) WHERE id IN (FROM ids)"):
        raise CustomerNotFound(f"no customer {user_id[:100]!r} in the store")
    for table, column in _OWNED.items():
        emptied = ", ".join(
            f"CASE WHEN {column} IN (FROM ids) THEN NULL ELSE {name} END AS {name}"
            for name in PERSONAL_COLUMNS.get(table.removeprefix("aliased_"), ())
        )
        rows = f"SELECT *{f' REPLACE ({emptied})' if emptied else ''} FROM old.{table}"
        con.execute(f"CREATE TABLE next.{table} AS {rows}{_without(orders, column)}")
    for table in ("aliases", "alias_changes"):
        con.execute(f"CREATE TABLE next.{table} AS FROM old.{table}{_without(orders, 'from_id', 'to_id')}")
    ids = [i for (i,) in con.execute("FROM ids ORDER BY 1").fetchall()]
    con.execute(
        """
        CREATE TABLE next.quarantine AS FROM old.quarantine WHERE NOT coalesce(
            user_id IN (FROM ids) OR regexp_matches(raw, $cells), false
        )
        """,
        {"cells": _cells_pattern([*ids, *(text for _, *texts in found for text in texts if text)])},
    )
    hashes = [(keyed_hash(key, ""), None), *((keyed_hash(key, own_id), orders) for own_id in ids)]
    con.executemany("INSERT INTO hashes VALUES (?, ?)", hashes)
    con.execute(
        """
        CREATE TABLE next.forgotten AS
        SELECT user_hash, bool_or(orders_too) AS orders_too FROM (FROM old.forgotten UNION ALL FROM hashes)
        GROUP BY user_hash
        """
    )
    orders_gone, items, refunds, quarantined, *aliases = (
        scalar(con, f"SELECT (SELECT count(*) FROM old.{t}) - (SELECT count(*) FROM next.{t})")
        for t in ("orders", "order_items", "refunds", "quarantine", "aliases", "alias_changes")
    )
    named = any(text for _, *texts in found for text in texts)
    other_ids = tuple(own_id for own_id in ids if own_id != user_id)
    return Forgotten(named, orders_gone, items, refunds, quarantined, other_ids, sum(aliases))


_OWNED = {"orders": "user_id", "order_items": "user_id", "refunds": "user_id", "users": "id", "aliased_users": "id"}
"""The tables with data of customers, and the column with their id."""


def _without(orders: bool, *columns: str) -> str:
    """Return SQL for the condition that no column is an id of the person, if their orders go too."""
    conditions = [f"coalesce({column} NOT IN (FROM ids), true)" for column in columns]
    return f" WHERE {' AND '.join(conditions)}" if orders else ""


def _collect_ids(con: duckdb.DuckDBPyConnection, user_id: str) -> None:
    """Create the temporary table ``ids``: this id, the customer it is merged into, and all that are merged into them.

    Also creates ``own``, the users by their own ids, and the empty table ``hashes``.
    """
    con.execute(f"CREATE TEMP VIEW own AS FROM {own_users('old')}")
    con.execute("CREATE TEMP TABLE hashes (user_hash VARCHAR, orders_too BOOLEAN)")
    con.execute(
        """
        CREATE TEMP TABLE ids AS
        WITH customer AS (SELECT coalesce((SELECT to_id FROM resolved WHERE from_id = $id), $id) AS id)
        FROM customer UNION SELECT from_id FROM resolved JOIN customer ON id = to_id
        """,
        {"id": user_id},
    )


def _cells_pattern(texts: Sequence[str]) -> str:
    """Return a regular expression for a line of which one of the texts is a cell, whatever its delimiter."""
    words = "|".join(re.escape(text.replace('"', '""')) for text in dict.fromkeys(texts))
    return rf'(?i)(^|[,;|\t\r\n])\s*"?\s*({words})\s*"?\s*($|[,;|\t\r\n])'
