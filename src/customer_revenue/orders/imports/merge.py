"""Merge two sets of canonical tables: those of the store and those of a file."""

# ruff: noqa: S608  # SQL is built from this package's own names; values and file names are bound
from __future__ import annotations

from dataclasses import dataclass

import duckdb

from customer_revenue.errors import CustomerReassigned
from customer_revenue.orders.duckdb_sql import one_row, scalar

_MAX_SHOWN_IDS = 10


@dataclass(frozen=True)
class MergeCounts:
    """How many orders, refunds and users a merge added or changed."""

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
    """Check that an order or refund that is imported again still belongs to the same customer.

    Raises:
        CustomerReassigned: at least one does not; ``details`` names up to ten.
    """
    for table, what in (("orders", "order"), ("refunds", "refund")):
        found = con.execute(
            f"""
            SELECT n.id, b.user_id, n.user_id FROM {new}.{table} n JOIN {base}.{table} b USING (id)
            WHERE n.user_id <> b.user_id ORDER BY n.id LIMIT {_MAX_SHOWN_IDS}
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
    con.execute(f"CREATE OR REPLACE TEMP TABLE replaced_items AS SELECT DISTINCT order_id AS id FROM {new}.order_items")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE changed AS
        WITH both_sides AS (SELECT id FROM replaced_items SEMI JOIN {base}.orders USING (id)),
        old_items AS (SELECT order_id AS id, {_ITEMS_HASH} AS h FROM {base}.order_items
            WHERE order_id IN (FROM both_sides) GROUP BY order_id),
        new_items AS (SELECT order_id AS id, {_ITEMS_HASH} AS h FROM {new}.order_items
            WHERE order_id IN (FROM both_sides) GROUP BY order_id)
        SELECT id FROM new_items LEFT JOIN old_items USING (id) WHERE new_items.h IS DISTINCT FROM old_items.h
        """
    )
    seen, updated = one_row(
        con,
        f"""
        SELECT count(*), count(*) FILTER (
            (n.total_cents, n.status, n.created_at) IS DISTINCT FROM (b.total_cents, b.status, b.created_at)
            OR n.id IN (FROM changed)
        )
        FROM {new}.orders n JOIN {base}.orders b USING (id)
        """,
    )
    total = scalar(con, f"SELECT count(*) FROM {new}.orders")
    refunds = scalar(con, f"SELECT count(*) FROM (FROM {new}.refunds EXCEPT FROM {base}.refunds)")
    users = scalar(
        con,
        f"""
        SELECT count(*) FROM {new}.users n LEFT JOIN {base}.users b USING (id)
        WHERE b.id IS NULL OR coalesce(n.name <> b.name, n.name IS NOT NULL)
            OR coalesce(n.email <> b.email, n.email IS NOT NULL)
        """,
    )
    return MergeCounts(total - seen, updated, seen - updated, refunds, users)


_ITEMS_HASH = "sum(CAST(hash(product_id, product_name, quantity, amount_cents) AS HUGEINT))"


def merge(con: duckdb.DuckDBPyConnection, base: str | None, new: str, out: str) -> None:
    """Merge ``new`` into ``base`` and write the tables of ``out``, clustered by customer.

    Clustering lets a query for one customer read a small part of the file. Requires ``compare`` for the same two.
    """
    for table, key, order in (
        ("orders", "id", "user_id, created_at"),
        ("refunds", "id", "user_id, created_at"),
    ):
        kept = f"FROM {base}.{table} ANTI JOIN {new}.{table} USING ({key}) UNION ALL" if base else ""
        con.execute(f"CREATE TABLE {out}.{table} AS {kept} FROM {new}.{table} ORDER BY {order}")
    kept_items = (
        f"FROM {base}.order_items ANTI JOIN replaced_items ON order_id = replaced_items.id UNION ALL" if base else ""
    )
    con.execute(f"CREATE TABLE {out}.order_items AS {kept_items} FROM {new}.order_items ORDER BY user_id, order_id")
    if base:
        users = f"""
            SELECT id, coalesce(n.name, b.name) AS name, coalesce(n.email, b.email) AS email
            FROM {base}.users b FULL JOIN {new}.users n USING (id)
        """
        quarantine = f"FROM {base}.quarantine UNION FROM {new}.quarantine"
    else:
        users, quarantine = f"FROM {new}.users", f"FROM {new}.quarantine"
    forgotten = "FROM old.forgotten" if base == "old" else "SELECT '' AS user_hash, true AS orders_too LIMIT 0"
    con.execute(f"CREATE TABLE {out}.forgotten AS {forgotten}")
    con.execute(f"CREATE TABLE {out}.users AS FROM ({users}) ORDER BY id")
    con.execute(f"CREATE TABLE {out}.quarantine AS FROM ({quarantine}) ORDER BY source, line, reason")
