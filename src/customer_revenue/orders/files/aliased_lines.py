"""The lines of customers that an alias merges into another."""

# ruff: noqa: S608  # SQL is built from this package's own names
from __future__ import annotations

import duckdb

from customer_revenue.orders.aliases import OWN_ID
from customer_revenue.orders.files.reading import LINE


def resolve_lines(con: duckdb.DuckDBPyConnection, lines: str) -> None:
    """Give lines the customer that their own is merged into, by the temporary table ``resolved``.

    Of an order whose lines name several customers that are merged into one, the last is the order's own.
    """
    con.execute(
        f"UPDATE {lines} SET user_id = r.to_id, original_user_id = r.from_id FROM resolved AS r"
        " WHERE lines.user_id = r.from_id"
    )
    con.execute(
        f"""
        UPDATE {lines} SET original_user_id = nullif(last.own_id, lines.user_id) FROM (
            SELECT order_id, arg_max({OWN_ID}, file * 1e12 + {LINE}) AS own_id FROM {lines}
            WHERE role = 'order' AND order_id IS NOT NULL AND user_id IS NOT NULL
            GROUP BY order_id HAVING count(DISTINCT user_id) = 1 AND count(DISTINCT {OWN_ID}) > 1
        ) AS last
        WHERE lines.role = 'order' AND lines.order_id = last.order_id AND lines.user_id IS NOT NULL
        """
    )
