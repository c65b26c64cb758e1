"""Optional columns: what a store holds of an order stays when the order comes again without it."""

# ruff: noqa: S608  # SQL is built from this package's own names
from __future__ import annotations

import duckdb

from customer_revenue.orders.duckdb_sql import filled_columns, scalar
from customer_revenue.tables import OPTIONAL_COLUMNS


def stored_columns(con: duckdb.DuckDBPyConnection, database: str, table: str) -> list[str]:
    """Return the optional columns of which a table holds a value."""
    return filled_columns(con, f"{database}.{table}", tuple(OPTIONAL_COLUMNS[table]))


def keep_stored_columns(con: duckdb.DuckDBPyConnection, base: str, new: str) -> None:
    """Fill in the optional columns of ``new`` that its files do not state by what ``base`` holds.

    A line of an order is known again by its product, and its cost by product and quantity. The merge itself fills in
    those of customers.
    """
    of_orders, of_items = stored_columns(con, base, "orders"), stored_columns(con, base, "order_items")
    if of_orders:
        filled = ", ".join(f"coalesce(n.{name}, b.{name}) AS {name}" for name in of_orders)
        _replace(
            con,
            new,
            "orders",
            f"SELECT n.* REPLACE ({filled}) FROM {new}.orders AS n LEFT JOIN {base}.orders AS b USING (id)",
        )
    if of_items:
        _replace(
            con,
            new,
            "order_items",
            f"""
            WITH known AS (
                SELECT order_id, product_id, quantity, min(category) AS category, min(cost_cents) AS cost_cents
                FROM {base}.order_items SEMI JOIN {new}.order_items USING (order_id) GROUP BY ALL
            ), categories AS (
                SELECT order_id, product_id, min(category) AS category FROM known GROUP BY ALL
            )
            SELECT n.* REPLACE (coalesce(n.category, c.category) AS category,
                coalesce(n.cost_cents, k.cost_cents) AS cost_cents)
            FROM {new}.order_items AS n LEFT JOIN categories AS c USING (order_id, product_id)
                LEFT JOIN known AS k ON k.order_id = n.order_id AND k.product_id = n.product_id
                    AND k.quantity IS NOT DISTINCT FROM n.quantity
            """,
        )


def _replace(con: duckdb.DuckDBPyConnection, schema: str, table: str, rows: str) -> None:
    con.execute(f"CREATE TABLE {schema}.{table}_filled AS {rows}")
    is_view = scalar(
        con,
        "SELECT count(*) FROM duckdb_views() WHERE concat(database_name, '.', schema_name) = $schema"
        " AND view_name = $table",
        {"schema": schema, "table": table},
    )
    con.execute(f"DROP {'VIEW' if is_view else 'TABLE'} {schema}.{table}")
    con.execute(f"ALTER TABLE {schema}.{table}_filled RENAME TO {table}")
