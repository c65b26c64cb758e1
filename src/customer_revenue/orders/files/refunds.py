"""The check of a file of refunds against known orders: same customer, and no more than the order's total."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from collections.abc import Sequence

import duckdb

from customer_revenue.orders.files.formats.format import Format


def mark_invalid_refunds(
    con: duckdb.DuckDBPyConnection, file_format: Format, schema: str, known: Sequence[str]
) -> None:
    """Quarantine refunds of another customer's order, and refunds that exceed their order's total with earlier ones."""
    if "order_id" not in file_format.line or file_format.line["role"] != "'refund'" or not known:
        return
    ranked = " UNION ALL ".join(
        f"SELECT id, user_id, total_cents, {rank} AS rank FROM {name}.orders" for rank, name in enumerate(known)
    )
    refunded = " UNION ALL ".join(f"SELECT id, order_id, amount_cents FROM {name}.refunds" for name in known)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE refused AS
        WITH candidates AS (
            SELECT refund_id, any_value(order_id) AS order_id, any_value(user_id) AS user_id,
                any_value(refund_cents) AS cents, any_value(created_at) AS created_at
            FROM {schema}.lines WHERE reason IS NULL AND order_id IS NOT NULL GROUP BY refund_id
        ), their_orders AS (
            SELECT id AS order_id, arg_min(user_id, rank) AS owner, arg_min(total_cents, rank) AS total_cents
            FROM ({ranked}) WHERE id IN (SELECT order_id FROM candidates) GROUP BY id
        ), before AS (
            SELECT order_id, sum(amount_cents) AS cents FROM (SELECT DISTINCT * FROM ({refunded}))
            WHERE id NOT IN (SELECT refund_id FROM candidates) AND order_id IN (SELECT order_id FROM candidates)
            GROUP BY order_id
        ), judged AS (
            SELECT refund_id, order_id, candidates.cents, created_at, user_id <> owner AS is_others,
                total_cents - coalesce(before.cents, 0) AS remaining
            FROM candidates JOIN their_orders USING (order_id) LEFT JOIN before USING (order_id)
        )
        SELECT refund_id, CASE
            WHEN is_others THEN 'refund_of_other_customer'
            WHEN cents > remaining OR sum(cents) FILTER (NOT is_others AND cents <= remaining) OVER (
                PARTITION BY order_id ORDER BY created_at, refund_id
            ) > remaining THEN 'refund_exceeds_total'
        END AS reason
        FROM judged
        """
    )
    con.execute(
        f"UPDATE {schema}.lines SET reason = refused.reason FROM refused"
        " WHERE lines.reason IS NULL AND lines.refund_id = refused.refund_id AND refused.reason IS NOT NULL"
    )
