"""The table ``forgotten`` of a store: keyed hashes of the ids of customers whose data was removed."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import hashlib

import duckdb

from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.duckdb_sql import scalar


def check_forget_key(con: duckdb.DuckDBPyConnection, key: str) -> bool:
    """Return whether ``old`` has forgotten customers, and set the key for ``is_forgotten`` if it has.

    Raises:
        InvalidParameter: customers were forgotten, and the key is missing or a different one.
    """
    if not scalar(con, "SELECT count(*) FROM old.forgotten"):
        return False
    if not key or not scalar(con, "SELECT count(*) FROM old.forgotten WHERE user_hash = ?", [keyed_hash(key, "")]):
        raise InvalidParameter("the store has forgotten customers: give the key with which they were forgotten")
    con.execute("SET VARIABLE forget_key = ?", [key])
    return True


def is_forgotten(user_id: str, *, orders_too: bool | None = None) -> str:
    """Return SQL for whether a customer was forgotten. Requires ``check_forget_key``.

    Args:
        user_id: SQL for the id.
        orders_too: if true, match only customers whose orders were removed too; if false, only those whose orders were
            kept.
    """
    kind = {None: "", True: " WHERE orders_too", False: " WHERE NOT orders_too"}[orders_too]
    return f"sha256(getvariable('forget_key') || {user_id}) IN (SELECT user_hash FROM old.forgotten{kind})"


def keyed_hash(key: str, user_id: str) -> str:
    """Return the hash that is kept of a forgotten customer."""
    return hashlib.sha256((key + user_id).encode()).hexdigest()
