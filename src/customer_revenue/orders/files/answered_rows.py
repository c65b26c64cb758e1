"""The quarantined rows of a store that the files of an import answer: they leave the quarantine.

A row is answered if it comes back in an export of the quarantine, if another file has its order or refund again, or if
its own file comes again with its line corrected. What is still wrong is quarantined anew.
"""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from collections.abc import Mapping

import duckdb

from customer_revenue.orders.duckdb_sql import scalar
from customer_revenue.orders.files.export_columns import ROW_ID, ROW_ID_SQL
from customer_revenue.orders.files.quarantine import LEFT_OUT, QuarantineSource, text_of_row
from customer_revenue.orders.files.reading import LINE

_SAME_SHARE = 0.5
"""A file comes again if the store has at least this share of the orders of its lines that were good."""


def stage_returned(
    con: duckdb.DuckDBPyConnection, schema: str, files: Mapping[int, QuarantineSource], *, has_store: bool
) -> None:
    """Write the table ``returned``: the lines of exports, with the quarantined row that each of them is.

    Args:
        con: the connection.
        schema: the schema of the staged tables.
        files: the files of the import, by their position.
        has_store: whether ``old.quarantine`` holds the rows that were exported.
    """
    con.execute(f"CREATE TABLE {schema}.returned (file INTEGER, {LINE} BIGINT, id VARCHAR)")
    con.execute("CREATE OR REPLACE TEMP TABLE quarantined (id VARCHAR, source VARCHAR, line BIGINT, order_id VARCHAR)")
    con.execute(f"CREATE TABLE {schema}.answered (id VARCHAR)")
    exports = {position: file for position, file in files.items() if file.is_export}
    if not exports:
        return
    for position, file in exports.items():
        first = "trim(split_part(raw, $delimiter, 1), ' \"')"
        con.execute(
            f"INSERT INTO {schema}.returned SELECT $file, {LINE}, trim({ROW_ID}) FROM {file.rows.table}"
            f" UNION ALL SELECT $file, {LINE}, {first} FROM {file.rows.table}_rejected",
            {"file": position, "delimiter": file.delimiter},
        )
    if has_store:
        left_out = ", ".join(f"'{reason}'" for reason in sorted(LEFT_OUT))
        con.execute(
            f"INSERT INTO quarantined SELECT {ROW_ID_SQL}, source, line,"
            f" CASE WHEN reason NOT IN ({left_out}) THEN order_id END FROM old.quarantine"
        )
    con.execute(f"INSERT INTO {schema}.answered SELECT DISTINCT id FROM {schema}.returned WHERE id IS NOT NULL")


def quarantine_incomplete_orders(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Quarantine the lines of exports whose order has further quarantined lines, which the exports lack."""
    con.execute(
        f"""
        UPDATE {schema}.lines SET reason = 'part_of_order'
        WHERE reason IS NULL AND role = 'order' AND file IN (SELECT file FROM {schema}.returned) AND order_id IN (
            SELECT order_id FROM quarantined WHERE order_id IS NOT NULL GROUP BY order_id
            HAVING bool_or(id IN (FROM {schema}.answered)) AND NOT bool_and(id IN (FROM {schema}.answered))
        )
        """
    )


def stage_answered(con: duckdb.DuckDBPyConnection, schema: str, files: Mapping[int, QuarantineSource]) -> None:
    """Write the table ``answered``: the ids of the rows of ``old.quarantine`` that the files answer.

    Orders and refunds that are imported answer theirs too: see ``leaving_quarantine``. One that is quarantined again
    answers its earlier rows if it has at least as many: with fewer, it may be the rest of an order that files cut.
    """
    if not scalar(con, "SELECT count(*) FROM old.quarantine"):
        return
    for role, its_id in (("order", "order_id"), ("refund", "refund_id")):
        con.execute(
            f"""
            INSERT INTO {schema}.answered
            WITH again AS (
                SELECT {its_id} AS id, count(*) AS n FROM {schema}.lines
                WHERE reason IS NOT NULL AND role = '{role}' AND file NOT IN (SELECT file FROM {schema}.returned)
                GROUP BY {its_id}
            ), before AS (
                SELECT {ROW_ID_SQL} AS row_id, {its_id} AS id, count(*) OVER (PARTITION BY {its_id}) AS n
                FROM old.quarantine WHERE {"refund_id IS NULL" if role == "order" else "true"}
            )
            SELECT row_id FROM before JOIN again USING (id) WHERE again.n >= before.n
            """
        )
    for position, file in files.items():
        if not file.is_export:
            _answer_corrected_lines(con, schema, position, file)


def _answer_corrected_lines(con: duckdb.DuckDBPyConnection, schema: str, position: int, file: QuarantineSource) -> None:
    """Answer the rows whose file comes again, with at most one cell of their line, or its quotes, corrected."""
    of_file = {"source": file.source, "header": file.header}
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE before AS SELECT {LINE}, raw, {ROW_ID_SQL} AS id FROM old.quarantine"
        " WHERE source = $source AND header = $header",
        of_file,
    )
    if not scalar(con, "SELECT count(*) FROM before") or not _comes_again(con, schema, position):
        return
    cells, bare = "string_split({}, $delimiter)".format, "regexp_replace({}, '[\"\\s]', '', 'g')".format
    con.execute(
        f"""
        INSERT INTO {schema}.answered
        WITH texts AS (
            SELECT {LINE}, {text_of_row(con, file)} AS raw FROM {file.rows.table} SEMI JOIN before USING ({LINE})
            UNION ALL SELECT {LINE}, raw FROM {file.rows.table}_rejected SEMI JOIN before USING ({LINE})
        )
        SELECT id FROM before AS b JOIN texts AS t USING ({LINE})
        WHERE {bare("b.raw")} = {bare("t.raw")} OR (
            len({cells("b.raw")}) = len({cells("t.raw")})
            AND len([x FOR x IN list_zip({cells("b.raw")}, {cells("t.raw")}) IF x[1] <> x[2]]) = 1
        )
        """,
        {"delimiter": file.delimiter},
    )


def _comes_again(con: duckdb.DuckDBPyConnection, schema: str, position: int) -> bool:
    """Return whether the store has the orders and refunds of a file's lines that were not quarantined before."""
    known, all_lines = con.execute(
        f"""
        SELECT count(*) FILTER (
            CASE role WHEN 'order' THEN order_id IN (SELECT id FROM old.orders)
                ELSE refund_id IN (SELECT id FROM old.refunds) END
        ), count(*)
        FROM {schema}.lines ANTI JOIN before USING ({LINE}) WHERE file = $file AND reason IS NULL
        """,
        {"file": position},
    ).fetchall()[0]
    return bool(known >= _SAME_SHARE * all_lines > 0)
