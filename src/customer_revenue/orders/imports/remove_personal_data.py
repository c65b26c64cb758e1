"""Remove a person's name and e-mail, and on request their orders, so that no later import restores them."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb

from customer_revenue.errors import CustomerNotFound, InvalidParameter, StoreNotFound
from customer_revenue.orders.duckdb_sql import scalar
from customer_revenue.orders.engines.base_target import Views
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.forgotten_customers import check_forget_key, keyed_hash
from customer_revenue.orders.store_info import write_info
from customer_revenue.periods import Clock


@dataclass(frozen=True)
class Forgotten:
    """What was removed from a store: whether there was a name or e-mail, and the numbers of rows."""

    name_or_email: bool
    orders: int
    items: int
    refunds: int
    quarantined: int
    """Quarantined rows that contained the person's id, name or e-mail."""


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
        day = old["as_of"]
        write_info(
            con,
            currency=str(old["currency"]),
            zone=str(old["timezone"]),
            clock=Clock(str(old["clock"])),
            clock_is_chosen=bool(old["clock_is_chosen"]),
            as_of=day if isinstance(day, dt.date) else None,
            formats=str(old["formats"]),
        )
        target.create_views(con, views or {}, str(old["timezone"]))
        target.publish(con)
    return removed


def _write_without(con: duckdb.DuckDBPyConnection, user_id: str, key: str, *, orders: bool) -> Forgotten:
    """Write ``next``: the contents of ``old`` without the person's data."""
    found = con.execute("SELECT name, email FROM old.users WHERE id = ?", [user_id]).fetchall()
    if not found:
        raise CustomerNotFound(f"no customer {user_id[:100]!r} in the store")
    [(name, email)] = found
    who = {"id": user_id}
    for table, column in (("orders", "user_id"), ("order_items", "user_id"), ("refunds", "user_id")):
        kept = f" WHERE {column} IS DISTINCT FROM $id" if orders else ""
        con.execute(f"CREATE TABLE next.{table} AS FROM old.{table}{kept}", who if orders else None)
    con.execute(
        "CREATE TABLE next.users AS FROM old.users WHERE id <> $id"
        if orders
        else "CREATE TABLE next.users AS SELECT id, CASE WHEN id <> $id THEN name END AS name,"
        " CASE WHEN id <> $id THEN email END AS email FROM old.users",
        who,
    )
    con.execute(
        """
        CREATE TABLE next.quarantine AS FROM old.quarantine WHERE NOT coalesce(
            user_id = $id OR list_has_any(string_split(raw, ','), [$id, $name, $email]), false
        )
        """,
        {**who, "name": name, "email": email},
    )
    con.execute(
        """
        CREATE TABLE next.forgotten AS
        SELECT user_hash, bool_or(orders_too) AS orders_too FROM (
            FROM old.forgotten UNION ALL VALUES ($hash, $orders), ($mark, NULL)
        ) GROUP BY user_hash
        """,
        {"hash": keyed_hash(key, user_id), "mark": keyed_hash(key, ""), "orders": orders},
    )
    counts = [
        scalar(con, f"SELECT (SELECT count(*) FROM old.{t}) - (SELECT count(*) FROM next.{t})")
        for t in ("orders", "order_items", "refunds", "quarantine")
    ]
    return Forgotten(bool(name or email), *counts)
