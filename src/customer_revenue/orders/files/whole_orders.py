"""Orders as wholes: one state each, each line once, and no order without its bad lines.

All functions work on the table ``lines`` of all files of an import.
"""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import csv
from collections.abc import Mapping

import duckdb

from customer_revenue.orders.duckdb_sql import scalar
from customer_revenue.orders.files.quarantine import LEFT_OUT
from customer_revenue.orders.files.reading import LINE

_KEYS = {"order": "order_id", "refund": "refund_id"}
_ID = "CASE role WHEN 'order' THEN order_id ELSE refund_id END"
_HASH = f"hash(role, {_ID})"
IS_REPEATED = f"{_HASH} IN (FROM repeated_ids)"
"""SQL for whether a line's order or refund has several lines. Nearly: two hashes can be equal."""

_MAX_REJECTS = 100_000
_SHARED_LINES = 2
"""Of two parts of an order that have this many different lines in common, each common line counts once."""


def drop_superseded(con: duckdb.DuckDBPyConnection, lines: str) -> int:
    """Remove the lines of an order's earlier states, where the file says which state is later, and count them."""
    if not scalar(con, f"SELECT count(updated_at) FROM {lines}"):
        return 0
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE latest_states AS
        SELECT order_id, max(updated_at) AS updated_at FROM {lines} WHERE role = 'order' GROUP BY order_id
        HAVING min(updated_at) <> max(updated_at)
        """
    )
    return _deleted(
        con,
        f"DELETE FROM {lines} USING latest_states s WHERE lines.role = 'order' AND lines.order_id = s.order_id"
        " AND lines.updated_at < s.updated_at",
    )


def find_repeated_ids(con: duckdb.DuckDBPyConnection, lines: str) -> None:
    """Create the temporary table ``repeated_ids``: hashes of the role and id of what has several lines.

    In most files an order has one line, and what compares lines has to look at few of them.
    """
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE repeated_ids AS SELECT {_HASH} AS id_hash FROM {lines}"
        f" WHERE {_ID} IS NOT NULL GROUP BY id_hash HAVING count(*) > 1"
    )


def drop_repeated(con: duckdb.DuckDBPyConnection, lines: str) -> int:
    """Remove the repetitions of an order's lines elsewhere in the files, as overlapping exports have, and count them.

    A block is a run of neighbouring lines of one order. Of equal blocks, one is kept. Blocks that differ are parts of
    one order, unless they share lines as only an overlap does.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE scattered AS
        SELECT role, {_ID} AS id FROM {lines} WHERE reason IS NULL AND {IS_REPEATED}
        GROUP BY ALL HAVING count(*) > 1 AND max(file * 1e12 + {LINE}) - min(file * 1e12 + {LINE}) + 1 <> count(*)
        """
    )
    if not scalar(con, "SELECT count(*) FROM scattered"):
        return 0
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE repeated AS
        WITH found AS (
            SELECT l.file, l.{LINE}, s.role, s.id, l.content, l.{LINE} - row_number() OVER (
                PARTITION BY s.role, s.id, l.file ORDER BY l.{LINE}) AS block
            FROM {lines} l JOIN scattered s ON l.role = s.role AND {_ID.replace("role", "l.role")} = s.id
            WHERE reason IS NULL
        ), blocks AS (
            SELECT role, id, file, block, list_sort(list(content)) AS contents FROM found GROUP BY ALL
        ), first_blocks AS (
            SELECT *, row_number() OVER (PARTITION BY role, id, contents ORDER BY file, block) = 1 AS is_first
            FROM blocks
        ), kept AS (
            SELECT found.* FROM found JOIN first_blocks USING (role, id, file, block) WHERE is_first
        ), overlapping AS (
            SELECT role, id FROM (
                SELECT role, id, content FROM kept GROUP BY ALL HAVING count(DISTINCT (file, block)) > 1
            ) GROUP BY ALL HAVING count(*) >= {_SHARED_LINES}
        ), numbered AS (
            SELECT kept.*, row_number() OVER (PARTITION BY role, id, file, block, content ORDER BY {LINE}) AS time
            FROM kept JOIN overlapping USING (role, id)
        ), shared AS (
            SELECT file, {LINE}, row_number() OVER (
                PARTITION BY role, id, content, time ORDER BY file, {LINE}) > 1 AS is_repeated
            FROM numbered
        )
        SELECT file, {LINE} FROM found JOIN first_blocks USING (role, id, file, block) WHERE NOT is_first
        UNION ALL SELECT file, {LINE} FROM shared WHERE is_repeated
        """
    )
    return _deleted(con, f"DELETE FROM {lines} USING repeated r WHERE lines.file = r.file AND lines.{LINE} = r.{LINE}")


def settle_states(con: duckdb.DuckDBPyConnection, lines: str) -> None:
    """Settle the orders and refunds that are stated differently: trust no file that contradicts itself, then the last.

    A later file does not move an order to another customer, unless the format allows it.
    """
    stated = "hash(user_id, created_at, total_cents, status, refund_cents, refunded_at, order_id)"
    # A summed order can lack its customer on some lines: a null user is no other user.
    content = f"CASE WHEN NOT is_summed THEN {stated} WHEN user_id IS NOT NULL THEN hash(user_id) END"
    for role, key in _KEYS.items():
        good = f"reason IS NULL AND role = '{role}'"
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE stated AS
            SELECT {key} AS id, CASE WHEN is_summed THEN 0 ELSE file END AS part, user_id, is_movable,
                {content} AS content
            FROM {lines} WHERE {good} AND {IS_REPEATED}
            """
        )
        con.execute(
            "CREATE OR REPLACE TEMP TABLE doubtful AS"
            " SELECT id, part FROM stated GROUP BY id, part HAVING min(content) <> max(content)"
        )
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE superseded AS
            SELECT id, max(part) AS last_part, min(user_id) <> max(user_id) AND NOT bool_and(is_movable) AS is_doubtful
            FROM stated ANTI JOIN doubtful USING (id, part) GROUP BY id HAVING min(content) <> max(content)
            """
        )
        con.execute("INSERT INTO doubtful SELECT id, part FROM stated JOIN superseded USING (id) WHERE is_doubtful")
        con.execute(
            f"""
            UPDATE {lines} SET reason = 'duplicate_id' WHERE {good}
                AND ({key}, CASE WHEN is_summed THEN 0 ELSE file END) IN (SELECT (id, part) FROM doubtful)
            """
        )
        con.execute(
            f"DELETE FROM {lines} USING superseded s WHERE {good} AND lines.{key} = s.id AND lines.file < s.last_part"
        )


def spread_reasons(con: duckdb.DuckDBPyConnection, lines: str) -> None:
    """Quarantine the good lines of an order or refund of which another line is bad.

    An order whose lines state its total can come again, corrected, in another file.
    """
    left_out = ", ".join(f"'{reason}'" for reason in sorted(LEFT_OUT))
    part = "CASE WHEN is_summed THEN 0 ELSE file END"
    for role, key in _KEYS.items():
        con.execute(
            f"""
            UPDATE {lines} SET reason = 'part_of_order'
            WHERE reason IS NULL AND role = '{role}' AND ({part}, {key}) IN (
                SELECT ({part}, {key}) FROM {lines}
                WHERE reason NOT IN ({left_out}) AND role = '{role}' AND {key} IS NOT NULL
            )
            """
        )


def quarantine_orders_of_rejects(
    con: duckdb.DuckDBPyConnection, lines: str, rejects: Mapping[int, tuple[str, str, int, str]]
) -> None:
    """Quarantine the orders of lines that could not be split into columns, where their beginning names one.

    Args:
        con: the connection.
        lines: name of the table.
        rejects: for each file with such lines, the table of them, the delimiter, the position of the id's column, and
            which column of the table receives the id.
    """
    for file, (table, delimiter, position, id_column) in rejects.items():
        rows = con.execute(f"SELECT {LINE}, raw FROM {table} LIMIT {_MAX_REJECTS}").fetchall()
        named = {line: found for line, text in rows if (found := _field(text, delimiter, position))}
        con.execute(
            f"UPDATE {table} SET {id_column} = id FROM (SELECT unnest($lines) AS place, unnest($ids) AS id) AS named"
            f" WHERE {LINE} = place",
            {"lines": list(named), "ids": list(named.values())},
        )
        con.execute(
            f"UPDATE {lines} SET reason = 'part_of_order'"
            f" WHERE reason IS NULL AND file = $file AND {_ID} IN (SELECT unnest($ids))",
            {"file": file, "ids": sorted(set(named.values()))},
        )


def _field(text: str, delimiter: str, position: int) -> str:
    try:
        fields = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return ""
    return fields[position].strip() if position < len(fields) else ""


def _deleted(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    return scalar(con, statement)
