"""Aliases of a store: customers that are merged into another, in every table, by one resolved id.

``orders`` and ``refunds`` hold the resolved id as ``user_id`` and the customer's own, if it is another, as
``original_user_id``. ``users`` holds the resolved customers; ``aliased_users`` holds the own names and e-mails of all
customers that an alias names, so that the end of an alias restores them.
"""

# ruff: noqa: S608  # SQL is built from this package's own names
from __future__ import annotations

import duckdb

from customer_revenue.orders.duckdb_sql import scalar
from customer_revenue.orders.expressions import COMPLETE_TABLES

USER_COLUMNS = tuple(name for name in COMPLETE_TABLES["users"] if name != "id")
"""What the store holds of a customer."""

OWN_ID = "coalesce(original_user_id, user_id)"
"""SQL for the customer's own id in an order, a refund or a line."""


def resolve(con: duckdb.DuckDBPyConnection, aliases: str | None) -> bool:
    """Create the temporary table ``resolved``: the customer into which each alias leads at the end of its chain.

    An alias in a circle leads nowhere and is not in it.

    Args:
        con: the connection.
        aliases: name of the table of aliases, if there is one.

    Returns:
        Whether there are aliases.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE resolved (from_id VARCHAR, to_id VARCHAR)")
    if aliases is None or not scalar(con, f"SELECT count(*) FROM {aliases}"):
        return False
    con.execute(
        f"""
        INSERT INTO resolved
        WITH RECURSIVE chain AS (
            SELECT from_id, to_id FROM {aliases}
            UNION SELECT chain.from_id, a.to_id FROM chain JOIN {aliases} AS a ON a.from_id = chain.to_id
        )
        SELECT from_id, to_id FROM chain WHERE to_id NOT IN (SELECT from_id FROM {aliases})
        """
    )
    return True


def aliased_ids(database: str) -> str:
    """Return SQL for the ids that the aliases of a store name."""
    return f"(SELECT from_id AS id FROM {database}.aliases UNION SELECT to_id FROM {database}.aliases)"


def own_users(database: str) -> str:
    """Return SQL for the users of a store by their own ids, as if there were no aliases."""
    columns = ", ".join(("id", *USER_COLUMNS))
    others = f"SELECT {columns} FROM {database}.users WHERE id NOT IN {aliased_ids(database)}"
    return f"({others} UNION ALL SELECT {columns} FROM {database}.aliased_users)"


def copy_aliases(con: duckdb.DuckDBPyConnection, base: str | None, out: str) -> None:
    """Write the aliases and their changes of ``base``, or none, to ``out``."""
    for table, columns in (
        ("aliases", "'' AS from_id, '' AS to_id"),
        ("alias_changes", "TIMESTAMP '2000-01-01' AS changed_at, '' AS action, '' AS from_id, '' AS to_id"),
    ):
        rows = f"FROM {base}.{table}" if base else f"SELECT {columns} LIMIT 0"
        con.execute(f"CREATE TABLE {out}.{table} AS {rows}")


def write_users(con: duckdb.DuckDBPyConnection, users: str, out: str) -> None:
    """Write ``users`` and ``aliased_users`` of ``out``. Requires its aliases, and ``resolve`` for them.

    A customer has their own name and e-mail, or else those of the first customer, by id, that is merged into them.

    Args:
        con: the connection.
        users: SQL for the users by their own ids.
        out: the database.
    """
    if not scalar(con, f"SELECT count(*) FROM {out}.aliases"):
        con.execute(f"CREATE TABLE {out}.users AS FROM ({users}) ORDER BY id")
        con.execute(f"CREATE TABLE {out}.aliased_users AS FROM {out}.users LIMIT 0")
        return
    con.execute(f"CREATE OR REPLACE TEMP TABLE each_own AS FROM ({users})")
    ids = aliased_ids(out)
    con.execute(f"CREATE TABLE {out}.aliased_users AS FROM each_own WHERE id IN {ids} ORDER BY id")
    first = "CASE WHEN r.to_id IS NULL THEN '' ELSE u.id END"
    con.execute(
        f"""
        CREATE TABLE {out}.users AS FROM (
            SELECT id, {", ".join(USER_COLUMNS)} FROM each_own WHERE id NOT IN {ids}
            UNION ALL
            SELECT coalesce(r.to_id, u.id) AS id,
                {", ".join(f"arg_min({name}, {first}) AS {name}" for name in USER_COLUMNS)}
            FROM {out}.aliased_users AS u LEFT JOIN resolved AS r ON r.from_id = u.id GROUP BY 1
        ) ORDER BY id
        """
    )
    con.execute("DROP TABLE each_own")


def write_resolved(con: duckdb.DuckDBPyConnection, base: str, out: str) -> None:
    """Write the orders, items, refunds and users of ``base`` to ``out``, by the aliases of ``out``.

    Requires ``resolve`` for the aliases of ``out``.
    """
    for table in ("orders", "refunds"):
        con.execute(
            f"""
            CREATE TABLE {out}.{table} AS
            SELECT rows.* REPLACE (
                coalesce(r.to_id, {OWN_ID}) AS user_id,
                CASE WHEN r.to_id IS NOT NULL THEN {OWN_ID} END AS original_user_id
            )
            FROM {base}.{table} AS rows LEFT JOIN resolved AS r ON r.from_id = {OWN_ID} ORDER BY user_id, created_at
            """
        )
    con.execute(
        f"""
        CREATE TABLE {out}.order_items AS
        SELECT items.* REPLACE (o.user_id AS user_id)
        FROM {base}.order_items AS items LEFT JOIN {out}.orders AS o ON o.id = items.order_id
        ORDER BY user_id, order_id
        """
    )
    write_users(con, f"FROM {own_users(base)}", out)
