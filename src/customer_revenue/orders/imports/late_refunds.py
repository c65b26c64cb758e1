"""Refunds that were imported before their orders, checked when the orders come.

A file of refunds is checked against the orders that are known (``files.refunds``). The rules are the same here, so that
it does not matter which file comes first.
"""

# ruff: noqa: S608  # SQL is built from this package's own names
from __future__ import annotations

import duckdb

from customer_revenue.orders.aliases import OWN_ID
from customer_revenue.orders.files.quarantine import quoted_cell


def quarantine_contradicting(con: duckdb.DuckDBPyConnection, new: str, out: str) -> dict[str, int]:
    """Move refunds from ``out.refunds`` to ``out.quarantine`` that contradict their orders, which ``new`` brings.

    They are refunds of another customer's order, and refunds that exceed their order's total with earlier ones.

    Returns:
        The number of these refunds by reason.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE contradicting AS
        WITH of_orders AS (
            SELECT r.*, o.total_cents, coalesce(r.user_id <> o.user_id, false) AS is_others
            FROM {out}.refunds r JOIN {out}.orders o ON o.id = r.order_id
            WHERE r.order_id IN (SELECT id FROM {new}.orders)
        ), remaining AS (
            SELECT order_id, any_value(total_cents) - coalesce(sum(amount_cents) FILTER (with_order), 0) AS cents
            FROM of_orders GROUP BY order_id
        ), judged AS (
            SELECT id, CASE
                WHEN is_others THEN 'refund_of_other_customer'
                WHEN amount_cents > cents OR sum(amount_cents) FILTER (NOT is_others AND amount_cents <= cents) OVER (
                    PARTITION BY order_id ORDER BY created_at, id
                ) > cents THEN 'refund_exceeds_total'
            END AS reason
            FROM of_orders JOIN remaining USING (order_id) WHERE NOT coalesce(with_order, false)
        )
        SELECT id, reason FROM judged WHERE reason IS NOT NULL
        """
    )
    found = dict(con.execute("SELECT reason, count(*) FROM contradicting GROUP BY reason ORDER BY reason").fetchall())
    if found:
        moment = "replace(CAST(created_at AS VARCHAR), ' ', 'T') || 'Z'"
        columns = ("id", OWN_ID, moment, "amount_cents", "order_id")
        cells = ", ".join(quoted_cell(f"coalesce(CAST({column} AS VARCHAR), '')", ",") for column in columns)
        con.execute(
            f"""
            INSERT INTO {out}.quarantine BY NAME
            SELECT '{STORED}' AS source, reason, {OWN_ID} AS user_id, array_to_string([{cells}], ',') AS raw,
                id AS refund_id, '{_HEADER}' AS header
            FROM {out}.refunds JOIN contradicting USING (id)
            """
        )
        con.execute(f"DELETE FROM {out}.refunds WHERE id IN (SELECT id FROM contradicting)")
    return found


STORED = "refunds in the store"
"""The source that the quarantine names for them, since their file is not known any more."""

_HEADER = "refund_id,user_id,created_at,amount_cents,order_id"
