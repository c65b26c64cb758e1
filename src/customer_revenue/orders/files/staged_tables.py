"""Turn the valid lines of an import into the tables of a store: orders, items, refunds and users."""

# ruff: noqa: S608  # SQL is built from this package's own names
from __future__ import annotations

from collections.abc import Collection

import duckdb

from customer_revenue.orders.aliases import OWN_ID
from customer_revenue.orders.duckdb_sql import duckdb_type, scalar
from customer_revenue.orders.files.reading import LINE
from customer_revenue.orders.files.whole_orders import IS_REPEATED
from customer_revenue.tables import OPTIONAL_COLUMNS

SCHEMA = "work.files"
"""The schema of the staged tables: ``orders``, ``order_items``, ``refunds``, ``users`` and ``quarantine``."""

LINES = f"{SCHEMA}.lines"
"""The table of all their lines."""


_SUMMED = ("discount_cents", "original_cents")
"""Optional columns of orders that are summed where the total is."""

_LAST_STATED = f"arg_max({{}}, file * 1e12 + {LINE})"


def stage_orders(con: duckdb.DuckDBPyConnection, optional: Collection[str]) -> None:
    """Stage the orders, with the last of what their lines state of each optional column.

    A view is enough where every line is an order.

    Args:
        con: the connection.
        optional: the optional columns that the lines have.
    """
    good = f"{LINES} WHERE reason IS NULL AND role = 'order'"
    names = "order_id AS id, user_id, total_cents, status, created_at, original_user_id"
    stated = f"SELECT {names}, {_optional('orders', optional)} FROM {good} AND NOT is_summed"
    # All lines of an order state the same, but for the optional columns.
    distinct = stated.replace("SELECT ", "SELECT DISTINCT ", 1)
    if not OPTIONAL_COLUMNS["orders"].keys().isdisjoint(optional):
        distinct = f"""
            SELECT order_id AS id, any_value(user_id) AS user_id, any_value(total_cents) AS total_cents,
                any_value(status) AS status, any_value(created_at) AS created_at,
                any_value(original_user_id) AS original_user_id,
                {_optional("orders", optional, _LAST_STATED)}
            FROM {good} AND NOT is_summed GROUP BY order_id
        """
    is_one_line = not scalar(con, f"SELECT count(*) FROM {good} AND NOT is_summed AND {IS_REPEATED}")
    summed = f"""
        SELECT order_id AS id, any_value(user_id) AS user_id, CAST(sum(amount_cents) AS BIGINT) AS total_cents,
            any_value(status) AS status, min(created_at) AS created_at,
            any_value(original_user_id) AS original_user_id,
            {_optional("orders", optional, _LAST_STATED, summed="CAST(sum({}) AS BIGINT)")}
        FROM {good} AND is_summed GROUP BY order_id
    """
    if not scalar(con, f"SELECT count(*) FROM {good} AND is_summed"):
        if is_one_line:
            con.execute(f"CREATE VIEW {SCHEMA}.orders AS {stated}")
            return
        con.execute(f"CREATE TABLE {SCHEMA}.orders AS {distinct}")
        return
    con.execute(f"CREATE TABLE {SCHEMA}.orders AS {stated if is_one_line else distinct} UNION ALL {summed}")


def _optional(table: str, there: Collection[str], value: str = "{}", summed: str = "") -> str:
    """Return SQL for the optional columns of a table: a value over the lines' column, or null if they lack it."""
    return ", ".join(
        f"{(summed if summed and name in _SUMMED else value).format(name)} AS {name}"
        if name in there
        else f"CAST(NULL AS {duckdb_type(dtype)}) AS {name}"
        for name, dtype in OPTIONAL_COLUMNS[table].items()
    )


def stage_items(con: duckdb.DuckDBPyConnection, optional: Collection[str]) -> None:
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
            {amount} AS amount_cents, user_id, {_optional("order_items", optional)}
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


def stage_users(con: duckdb.DuckDBPyConnection, optional: Collection[str]) -> None:
    """Stage the customers by their own ids, with the last name, e-mail and consent that the files state for each."""
    con.execute(
        f"""
        CREATE TABLE {SCHEMA}.users AS
        SELECT {OWN_ID} AS id, {_LAST_STATED.format("user_name")} AS name,
            {_LAST_STATED.format("user_email")} AS email, {_optional("users", optional, _LAST_STATED)}
        FROM {LINES} WHERE reason IS NULL AND user_id IS NOT NULL GROUP BY {OWN_ID}
        """
    )
