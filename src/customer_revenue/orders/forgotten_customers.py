"""The table ``forgotten`` of a store: keyed hashes of the ids of customers whose data was removed."""

# ruff: noqa: S608  # SQL here is put together from our own names only; values are bound
from __future__ import annotations

import hashlib

import duckdb

from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.duckdb_sql import scalar


def check_forget_key(con: duckdb.DuckDBPyConnection, key: str) -> bool:
    """Whether ``old`` has forgotten anyone; a session variable then holds the key for ``is_forgotten``.

    Raises:
        InvalidParameter: it has, and the key is missing or another one.
    """
    if not scalar(con, "SELECT count(*) FROM old.forgotten"):
        return False
    if not key or not scalar(con, "SELECT count(*) FROM old.forgotten WHERE user_hash = ?", [keyed_hash(key, "")]):
        raise InvalidParameter("the store has forgotten customers: give the key with which they were forgotten")
    con.execute("SET VARIABLE forget_key = ?", [key])
    return True


def is_forgotten(user_id: str, *, orders_too: bool | None = None) -> str:
    """SQL for whether a customer is to stay forgotten. ``check_forget_key`` must have run.

    Args:
        user_id: SQL for the id.
        orders_too: only those whose orders were forgotten too, or only those whose orders were kept.
    """
    kind = {None: "", True: " WHERE orders_too", False: " WHERE NOT orders_too"}[orders_too]
    return f"sha256(getvariable('forget_key') || {user_id}) IN (SELECT user_hash FROM old.forgotten{kind})"


def keyed_hash(key: str, user_id: str) -> str:
    """What is remembered of a forgotten customer."""
    return hashlib.sha256((key + user_id).encode()).hexdigest()
