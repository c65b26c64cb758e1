"""Turn the valid lines of an import into the tables of a store: orders, items, refunds and users."""

# ruff: noqa: S608  # SQL is built from this package's own names
from __future__ import annotations

import duckdb

from customer_revenue.orders.aliases import OWN_ID
from customer_revenue.orders.duckdb_sql import scalar
from customer_revenue.orders.files.reading import LINE
from customer_revenue.orders.files.whole_orders import IS_REPEATED

SCHEMA = "work.files"
"""The schema of the staged tables: ``orders``, ``order_items``, ``refunds``, ``users`` and ``quarantine``."""

LINES = f"{SCHEMA}.lines"
"""The table of all their lines."""


def stage_orders(con: duckdb.DuckDBPyConnection) -> None:
    """Stage the orders; a view is enough where every line is an order."""
    good = f"{LINES} WHERE reason IS NULL AND role = 'order'"
    columns = "order_id AS id, user_id, total_cents, status, created_at, original_user_id"
    stated = f"SELECT {columns} FROM {good} AND NOT is_summed"
    # All lines of an order state the same.
    distinct = stated.replace("SELECT ", "SELECT DISTINCT ", 1)
    is_one_line = not scalar(con, f"SELECT count(*) FROM {good} AND NOT is_summed AND {IS_REPEATED}")
    summed = f"""
        SELECT order_id AS id, any_value(user_id) AS user_id, CAST(sum(amount_cents) AS BIGINT) AS total_cents,
            any_value(status) AS status, min(created_at) AS created_at,
            any_value(original_user_id) AS original_user_id
        FROM {good} AND is_summed GROUP BY order_id
    """
    if not scalar(con, f"SELECT count(*) FROM {good} AND is_summed"):
        if is_one_line:
            con.execute(f"CREATE VIEW {SCHEMA}.orders AS {stated}")
            return
        con.execute(f"CREATE TABLE {SCHEMA}.orders AS {distinct}")
        return
    con.execute(f"CREATE TABLE {SCHEMA}.orders AS {stated if is_one_line else distinct} UNION ALL {summed}")


def stage_items(con: duckdb.DuckDBPyConnection) -> None:
    """Stage the items. One without an amount takes its order's total if it is the only item, and otherwise zero."""
    items = f"{LINES} WHERE reason IS NULL AND role = 'order' AND coalesce(product_id, product_name) IS NOT NULL"
    amount = "amount_cents"
    if scalar(con, f"SELECT count(*) FROM {items} AND amount_cents IS NULL"):
        alone = "count(*) OVER (PARTITION BY order_id) = 1"
        amount = f"coalesce(amount_cents, CASE WHEN {alone} THEN total_cents ELSE 0 END)"
    con.execute(
        f"""
        CREATE TABLE {SCHEMA}.order_items AS
        SELECT order_id, coalesce(product_id, product_name) AS product_id, product_name, quantity,
            {amount} AS amount_cents, user_id
        FROM {items}
        """
    )


def stage_refunds(con: duckdb.DuckDBPyConnection) -> None:
    """Stage the refunds, with the ids of the orders of which the files state all refunds, and of those that can move.

    Refunds that an order's own line states count only if the order does.
    """
    for table in ("restated", "movable"):
        con.execute(
            f"CREATE TABLE {SCHEMA}.{table} AS SELECT DISTINCT order_id AS id FROM {LINES}"
            f" WHERE reason IS NULL AND role = 'order' AND is_{table}"
        )
    con.execute(
        f"""
        CREATE TABLE {SCHEMA}.refunds AS
        SELECT refund_id AS id, any_value(order_id) AS order_id, any_value(user_id) AS user_id,
            CAST(CASE WHEN bool_or(is_summed) THEN sum(refund_cents) ELSE any_value(refund_cents) END AS BIGINT)
                AS amount_cents,
            min(coalesce(refunded_at, created_at)) AS created_at, bool_or(role = 'order') AS with_order,
            any_value(original_user_id) AS original_user_id
        FROM {LINES} WHERE reason IS NULL AND refund_id IS NOT NULL
            AND (role = 'refund' OR (refund_cents > 0 AND status IN ('paid', 'refunded')))
        GROUP BY refund_id
        """
    )


def stage_users(con: duckdb.DuckDBPyConnection) -> None:
    """Stage the customers by their own ids, with the last name and e-mail that the files state for each."""
    position = f"file * 1e12 + {LINE}"
    con.execute(
        f"""
        CREATE TABLE {SCHEMA}.users AS
        SELECT {OWN_ID} AS id, arg_max(user_name, {position}) AS name, arg_max(user_email, {position}) AS email
        FROM {LINES} WHERE reason IS NULL AND user_id IS NOT NULL GROUP BY {OWN_ID}
        """
    )
