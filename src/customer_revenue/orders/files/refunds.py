"""The check of refunds against known orders: same customer, and no more than the order's total."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from collections.abc import Sequence

import duckdb

from customer_revenue.orders.duckdb_sql import scalar


def mark_invalid_refunds(con: duckdb.DuckDBPyConnection, lines: str, orders: Sequence[str], *, has_store: bool) -> None:
    """Complete refunds without a customer by their order's, and quarantine those that contradict their order.

    They do if they are of another customer's order, or exceed the order's total with earlier ones.

    Args:
        con: the connection.
        lines: name of the table of lines.
        orders: names of tables of orders, the newest first.
        has_store: whether ``old.refunds`` holds earlier refunds.
    """
    if not scalar(con, f"SELECT count(*) FROM {lines} WHERE role = 'refund' AND order_id IS NOT NULL"):
        return
    ranked = " UNION ALL ".join(
        f"SELECT id, user_id, original_user_id, total_cents, {rank} AS rank FROM {name}"
        for rank, name in enumerate(orders)
    )
    refunded = f"""
        SELECT refund_id AS id, any_value(order_id) AS order_id, any_value(refund_cents) AS amount_cents FROM {lines}
        WHERE role = 'order' AND reason IS NULL AND refund_id IS NOT NULL GROUP BY refund_id
    """
    if has_store:
        refunded += " UNION SELECT id, order_id, amount_cents FROM old.refunds"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE known_orders AS
        SELECT id AS order_id, arg_min(user_id, rank) AS owner,
            arg_min(original_user_id, rank) AS original_owner, arg_min(total_cents, rank) AS total_cents
        FROM ({ranked}) WHERE id IN (SELECT order_id FROM {lines} WHERE role = 'refund') GROUP BY id
        """
    )
    con.execute(
        f"UPDATE {lines} SET user_id = owner, original_user_id = original_owner FROM known_orders k"
        " WHERE lines.role = 'refund' AND lines.user_id IS NULL AND lines.order_id = k.order_id"
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE refused AS
        WITH candidates AS (
            SELECT refund_id, any_value(order_id) AS order_id, any_value(user_id) AS user_id,
                any_value(refund_cents) AS cents, any_value(created_at) AS created_at
            FROM {lines} WHERE reason IS NULL AND role = 'refund' AND order_id IS NOT NULL GROUP BY refund_id
        ), before AS (
            SELECT order_id, sum(amount_cents) AS cents FROM ({refunded})
            WHERE id NOT IN (SELECT refund_id FROM candidates) AND order_id IN (SELECT order_id FROM candidates)
            GROUP BY order_id
        ), judged AS (
            SELECT refund_id, order_id, candidates.cents, created_at, user_id <> owner AS is_others,
                total_cents - coalesce(before.cents, 0) AS remaining
            FROM candidates JOIN known_orders USING (order_id) LEFT JOIN before USING (order_id)
        )
        SELECT refund_id, CASE
            WHEN is_others THEN 'refund_of_other_customer'
            WHEN cents > remaining OR sum(cents) FILTER (NOT coalesce(is_others, false) AND cents <= remaining) OVER (
                PARTITION BY order_id ORDER BY created_at, refund_id
            ) > remaining THEN 'refund_exceeds_total'
        END AS reason
        FROM judged
        """
    )
    con.execute(
        f"UPDATE {lines} SET reason = refused.reason FROM refused"
        " WHERE lines.reason IS NULL AND lines.refund_id = refused.refund_id AND refused.reason IS NOT NULL"
    )
