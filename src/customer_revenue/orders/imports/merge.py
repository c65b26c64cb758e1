"""Merge two sets of canonical tables: those of the store and those of a file.

A file's set has the tables ``orders``, ``order_items``, ``refunds``, ``users`` and ``quarantine`` of a store,
``answered``: the ids of quarantined rows that it answers, and
``restated``: the ids of the orders of which the file states all refunds, and ``movable``: the ids of those that are the
same person's when they come again with another e-mail address. ``refunds.with_order`` is whether a refund
came in a row of its order. ``user_id`` is null where the file names no customer, and otherwise the customer into which
the store's aliases merge the file's own, ``original_user_id``. ``users`` are those of the file, by their own ids.
"""

# ruff: noqa: S608  # SQL is built from this package's own names; values and file names are bound
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from customer_revenue.errors import CustomerReassigned
from customer_revenue.orders.aliases import OWN_ID, USER_COLUMNS, copy_aliases, own_users, write_users
from customer_revenue.orders.duckdb_sql import one_row, scalar
from customer_revenue.orders.expressions import COMPLETE_TABLES
from customer_revenue.orders.imports.late_refunds import quarantine_contradicting
from customer_revenue.orders.imports.leaving_quarantine import staying_rows
from customer_revenue.orders.imports.stored_columns import keep_stored_columns, stored_columns

_MAX_SHOWN_IDS = 10
_MAX_SMALL_SHARE = 0.01
"""An import of up to this share of the store's orders is written into a copy of the store."""

_CUSTOMER = ("user_id", "original_user_id")
"""The columns of orders and refunds that say whose they are."""


@dataclass(frozen=True)
class MergeCounts:
    """How many orders, refunds and users a merge added or changed; refunds that it withdrew are among them."""

    imported: int
    updated: int
    unchanged: int
    refunds: int
    users: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added or changed."""
        return not (self.imported or self.updated or self.refunds or self.users)


def check_not_reassigned(con: duckdb.DuckDBPyConnection, base: str, new: str) -> None:
    """Check that an order or refund that is imported again still belongs to the same customer, if it names one.

    Creates the temporary table ``moved``: orders whose customer's e-mail address was corrected, with both addresses.

    Raises:
        CustomerReassigned: at least one does not; ``details`` names up to ten.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE moved AS
        SELECT n.id, coalesce(b.original_user_id, b.user_id) AS former_id, n.user_id, n.original_user_id
        FROM {new}.orders n JOIN {base}.orders b USING (id)
        WHERE n.user_id <> b.user_id AND contains(coalesce(n.original_user_id, n.user_id), '@')
            AND contains(coalesce(b.original_user_id, b.user_id), '@')
            AND n.id IN (FROM {new}.movable)
        """
    )
    for table, what in (("orders", "order"), ("refunds", "refund")):
        order_id = "n.id" if table == "orders" else "n.order_id"
        found = con.execute(
            f"""
            SELECT n.id, b.user_id, n.user_id FROM {new}.{table} n JOIN {base}.{table} b USING (id)
            WHERE n.user_id <> b.user_id AND coalesce({order_id} NOT IN (SELECT id FROM moved), true)
            ORDER BY n.id LIMIT {_MAX_SHOWN_IDS}
            """
        ).fetchall()
        if found:
            first_id, before, now = found[0]
            raise CustomerReassigned(
                f"{what} {first_id} belongs to customer {before} in the store and to customer {now} in the file:"
                " nothing was imported",
                [f"{what} {i}: {b} became {n}" for i, b, n in found],
            )


def compare(con: duckdb.DuckDBPyConnection, base: str, new: str) -> MergeCounts:
    """Return what ``new`` would change in ``base``, and create the temporary table ``replaced_items``.

    ``replaced_items`` holds the ids of the orders for which ``new`` has items. Other orders keep their items.
    """
    keep_stored_columns(con, base, new)
    of_orders, of_items, of_users = (stored_columns(con, new, name) for name in ("orders", "order_items", "users"))
    items_hash = _ITEMS_HASH.format("".join(f", {name}" for name in of_items))
    con.execute(f"CREATE OR REPLACE TEMP TABLE replaced_items AS SELECT DISTINCT order_id AS id FROM {new}.order_items")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE changed AS
        WITH both_sides AS (SELECT id FROM replaced_items SEMI JOIN {base}.orders USING (id)),
        old_items AS (SELECT order_id AS id, {items_hash} AS h FROM {base}.order_items
            WHERE order_id IN (FROM both_sides) GROUP BY order_id),
        new_items AS (SELECT order_id AS id, {items_hash} AS h FROM {new}.order_items
            WHERE order_id IN (FROM both_sides) GROUP BY order_id)
        SELECT id FROM new_items LEFT JOIN old_items USING (id) WHERE new_items.h IS DISTINCT FROM old_items.h
        """
    )
    seen, updated = one_row(
        con,
        f"""
        SELECT count(*), count(*) FILTER (
            (n.total_cents, n.status, n.created_at) IS DISTINCT FROM (b.total_cents, b.status, b.created_at)
            OR (n.user_id IS NOT NULL AND n.user_id IS DISTINCT FROM b.user_id) OR n.id IN (FROM changed)
            {_changes(of_orders)}
        )
        FROM {new}.orders n JOIN {base}.orders b USING (id)
        """,
    )
    total = scalar(con, f"SELECT count(*) FROM {new}.orders")
    known = " UNION ".join(
        f"SELECT id, user_id, original_user_id FROM {name}.orders WHERE user_id IS NOT NULL" for name in (base, new)
    )
    refunds = _with_customer(con, f"SELECT {_REFUND_COLUMNS} FROM {new}.refunds", "order_id", known)
    changed_refunds = scalar(
        con, f"SELECT count(*) FROM ({refunds} EXCEPT SELECT {_REFUND_COLUMNS} FROM {base}.refunds)"
    )
    withdrawn = scalar(con, f"SELECT count(*) FROM {base}.refunds WHERE {_withdrawn(new)}")
    users = scalar(
        con,
        f"""
        SELECT count(*) FROM {new}.users n LEFT JOIN {own_users(base)} b USING (id)
        WHERE b.id IS NULL OR coalesce(n.name <> b.name, n.name IS NOT NULL)
            OR coalesce(n.email <> b.email, n.email IS NOT NULL){_changes(of_users)}
        """,
    )
    return MergeCounts(total - seen, updated, seen - updated, changed_refunds + withdrawn, users)


_ITEMS_HASH = "sum(CAST(hash(product_id, product_name, quantity, amount_cents{}) AS HUGEINT))"
_REFUND_COLUMNS = "id, order_id, user_id, amount_cents, created_at, with_order, original_user_id"


def is_small(con: duckdb.DuckDBPyConnection, base: str, new: str) -> bool:
    """Return whether ``new`` is so small, and so simple, that it can be written into a copy of ``base``."""
    if scalar(con, f"SELECT (SELECT count(*) FROM {base}.aliases) + (SELECT count(*) FROM moved)"):
        return False
    orders = scalar(con, f"SELECT count(*) FROM {new}.orders")
    return orders <= _MAX_SMALL_SHARE * scalar(con, f"SELECT count(*) FROM {base}.orders")


def merge(
    con: duckdb.DuckDBPyConnection, base: str | None, new: str, out: str, *, is_copy: bool = False
) -> dict[str, int]:
    """Merge ``new`` into ``base`` and write the tables of ``out``, clustered by customer.

    Clustering lets a query for one customer read a small part of the file. Requires ``compare`` for the same two.

    Args:
        con: the connection.
        base: the store's database, if there is one.
        new: the files' schema.
        out: the database to write.
        is_copy: whether ``out`` is a copy of ``base``, in which only what ``new`` changes is written, and that after
            all other rows. Requires ``is_small``.

    Returns:
        How many refunds of ``base`` contradict their orders, which ``new`` brings, by reason. They are quarantined.
    """
    for change in (_orders_change, _items_change, _refunds_change):
        _write(con, base, out, change(con, base, new, out), is_copy=is_copy)
    if base and is_copy:
        _write(con, base, out, _users_change(base, new), is_copy=True)
    else:
        _write_other_tables(con, base, new, out)
    quarantine = f"{staying_rows(base, new)} UNION FROM {new}.quarantine" if base else f"FROM {new}.quarantine"
    con.execute(f"CREATE OR REPLACE TABLE {out}.quarantine AS FROM ({quarantine}) ORDER BY source, line, reason")
    return quarantine_contradicting(con, new, out) if base else {}


def _write_other_tables(con: duckdb.DuckDBPyConnection, base: str | None, new: str, out: str) -> None:
    """Write the customers, the aliases and who was forgotten."""
    users = f"FROM {new}.users"
    if base:
        users = f"""
            SELECT id, {", ".join(f"coalesce(n.{name}, b.{name}) AS {name}" for name in USER_COLUMNS)}
            FROM {own_users(base)} b FULL JOIN {new}.users n USING (id)
            WHERE id NOT IN (SELECT former_id FROM moved) OR id IN (SELECT {OWN_ID} FROM {out}.orders)
                OR id IN (SELECT {OWN_ID} FROM {out}.refunds)
        """
    forgotten = "FROM old.forgotten" if base == "old" else "SELECT '' AS user_hash, true AS orders_too LIMIT 0"
    con.execute(f"CREATE TABLE {out}.forgotten AS {forgotten}")
    copy_aliases(con, base if base == "old" else None, out)
    write_users(con, users, out)


@dataclass(frozen=True)
class _Change:
    """What a file changes in a table of the store."""

    table: str
    columns: str
    gone: str
    """SQL for whether a row of the store is replaced or removed."""
    added: str
    """SQL for the rows that are written."""
    order: str


def _write(con: duckdb.DuckDBPyConnection, base: str | None, out: str, change: _Change, *, is_copy: bool) -> None:
    if is_copy:
        con.execute(f"DELETE FROM {out}.{change.table} WHERE {change.gone}")
        con.execute(f"INSERT INTO {out}.{change.table} BY NAME FROM ({change.added}) ORDER BY {change.order}")
        return
    rows = change.added
    if base:
        kept = f"SELECT {change.columns} FROM {base}.{change.table} WHERE NOT coalesce({change.gone}, false)"
        rows = f"{kept} UNION ALL BY NAME {rows}"
    con.execute(f"CREATE TABLE {out}.{change.table} AS FROM ({rows}) ORDER BY {change.order}")


def _orders_change(con: duckdb.DuckDBPyConnection, base: str | None, new: str, _out: str) -> _Change:
    rows = f"SELECT {_ORDER_COLUMNS} FROM {new}.orders"
    if base:
        rows = _with_customer(con, rows, "id", f"SELECT id, user_id, original_user_id FROM {base}.orders")
    return _Change("orders", _ORDER_COLUMNS, f"id IN (SELECT id FROM {new}.orders)", rows, "user_id, created_at")


def _items_change(con: duckdb.DuckDBPyConnection, base: str | None, new: str, out: str) -> _Change:
    """Items of orders that come without items stay, but their customer can be another."""
    rows = f"SELECT {_ITEM_COLUMNS} FROM {new}.order_items"
    gone = f"order_id IN (SELECT id FROM {new}.orders) OR order_id IN (FROM replaced_items)"
    if base:
        stay = f"{base}.order_items WHERE order_id IN (SELECT id FROM {new}.orders ANTI JOIN replaced_items USING (id))"
        rows = f"{_with_moved(f'SELECT {_ITEM_COLUMNS} FROM {stay}', ['user_id'])} UNION ALL {rows}"
    rows = _with_customer(con, rows, "order_id", f"SELECT id, user_id FROM {out}.orders", ["user_id"])
    return _Change("order_items", _ITEM_COLUMNS, gone, rows, "user_id, order_id")


def _refunds_change(con: duckdb.DuckDBPyConnection, base: str | None, new: str, out: str) -> _Change:
    """Refunds that do not come again stay, unless they are withdrawn, but their customer can be another."""
    rows = f"SELECT {_REFUND_COLUMNS} FROM {new}.refunds"
    again = f"id IN (SELECT id FROM {new}.refunds)"
    touched = f"order_id IN (SELECT id FROM {new}.orders)"
    if base:
        stay = f"{base}.refunds WHERE {touched} AND NOT {again} AND NOT {_withdrawn(new)}"
        rows = f"{_with_moved(f'SELECT {_REFUND_COLUMNS} FROM {stay}', _CUSTOMER)} UNION ALL {rows}"
    rows = _with_customer(con, rows, "order_id", f"SELECT id, user_id, original_user_id FROM {out}.orders")
    gone = f"{again} OR coalesce({touched}, false) OR {_withdrawn(new)}"
    return _Change("refunds", _REFUND_COLUMNS, gone, rows, "user_id, created_at")


def _users_change(base: str, new: str) -> _Change:
    """Without aliases, and where no order moves from one customer to another."""
    names = ", ".join(f"coalesce(n.{name}, b.{name}) AS {name}" for name in USER_COLUMNS)
    rows = f"SELECT n.id, {names} FROM {new}.users AS n LEFT JOIN {base}.users AS b ON b.id = n.id"
    return _Change("users", ", ".join(("id", *USER_COLUMNS)), f"id IN (SELECT id FROM {new}.users)", rows, "id")


_ORDER_COLUMNS, _ITEM_COLUMNS = (", ".join(COMPLETE_TABLES[name]) for name in ("orders", "order_items"))


def _changes(optional: Sequence[str]) -> str:
    """Return SQL for whether ``n`` states an optional column otherwise than ``b``, after a condition."""
    return "".join(f" OR (n.{name} IS NOT NULL AND n.{name} IS DISTINCT FROM b.{name})" for name in optional)


def _with_moved(rows: str, columns: Sequence[str]) -> str:
    """Return SQL for rows of which those of a moved order have its new customer, in these columns."""
    moved = ", ".join(f"CASE WHEN m.id IS NOT NULL THEN m.{name} ELSE r.{name} END AS {name}" for name in columns)
    return f"SELECT r.* REPLACE ({moved}) FROM ({rows}) AS r LEFT JOIN moved AS m ON m.id = r.order_id"


def _withdrawn(new: str) -> str:
    """Return SQL for whether a refund came with an order that comes again without it."""
    comes_again = f"order_id IN (FROM {new}.restated) AND id NOT IN (SELECT id FROM {new}.refunds)"
    return f"coalesce(with_order AND {comes_again}, false)"


def _with_customer(
    con: duckdb.DuckDBPyConnection, rows: str, key: str, orders: str, columns: Sequence[str] = _CUSTOMER
) -> str:
    """Return SQL for rows without a customer that have, in these columns, that of the order with the id ``key``."""
    if not scalar(con, f"SELECT count(*) FROM ({rows}) WHERE user_id IS NULL"):
        return rows
    found = ", ".join(f"CASE WHEN r.user_id IS NULL THEN o.{name} ELSE r.{name} END AS {name}" for name in columns)
    return f"SELECT r.* REPLACE ({found}) FROM ({rows}) AS r LEFT JOIN ({orders}) AS o ON o.id = r.{key}"
