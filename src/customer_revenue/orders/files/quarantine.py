"""The quarantine: the reasons for which lines of a file are not imported, and their text."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from collections.abc import Mapping

import duckdb

from customer_revenue.orders.files.formats.format import Format
from customer_revenue.orders.files.reading import LINE, SCAN, File, open_scan, rejected_lines
from customer_revenue.orders.forgotten_customers import is_forgotten

REASONS = {
    "unreadable_line": "the line cannot be split into the header's columns",
    "missing_customer": "no customer id",
    "missing_order_id": "no order id",
    "missing_refund_id": "no refund id",
    "bad_date": "a date that is missing, does not exist or is before 1900",
    "future_date": "a date after tomorrow",
    "bad_amount": "an amount that is missing or not a number",
    "bad_quantity": "a quantity that is not a whole number",
    "negative_total": "a negative total",
    "no_amount": "a line of an invoice without a positive amount, or of a cancellation without a negative one",
    "unknown_status": "a status that is neither known nor mapped in the settings",
    "other_currency": "a currency other than the store's, without a rate",
    "negative_refund": "a refund of zero or less",
    "refund_exceeds_total": "refunds that exceed their order's total",
    "refund_of_other_customer": "a refund of another customer's order",
    "forgotten": "a forgotten customer; neither the id nor the text is kept",
    "duplicate_id": "an id that occurs with different contents in one file",
}
"""Every reason for which a line can be quarantined, and its meaning."""

EARLIEST_YEAR = 1900
"""Dates before this year are typing errors, or placeholders for an unknown date."""

_IDS_AND_DATES = 5
"""Number of rules that apply before the rule on values that cannot be parsed."""


def quarantine_reason(file_format: Format) -> str:
    """Return SQL for the reason of the first rule that a line breaks, null for a valid line."""
    rules = [
        ("user_id IS NULL", "missing_customer"),
        (f"created_at IS NULL OR year(created_at) < {EARLIEST_YEAR}", "bad_date"),
        ("created_at > $latest", "future_date"),
        ("role = 'order' AND order_id IS NULL", "missing_order_id"),
        ("role = 'refund' AND refund_id IS NULL", "missing_refund_id"),
    ]
    if file_format.requires_amount:
        rules.append(
            ("CASE role WHEN 'order' THEN amount_cents IS NULL ELSE coalesce(refund_cents, 0) <= 0 END", "no_amount")
        )
    if not file_format.total_is_summed:
        rules += [
            ("role = 'order' AND total_cents IS NULL", "bad_amount"),
            ("total_cents < 0", "negative_total"),
            ("refund_cents > total_cents", "refund_exceeds_total"),
        ]
    rules += [
        ("role = 'order' AND meaning IS NULL", "unknown_status"),
        ("currency IS NOT NULL AND rate IS NULL", "other_currency"),
        ("role = 'refund' AND refund_cents IS NULL", "bad_amount"),
        ("refund_cents <= 0", "negative_refund"),
    ]
    cases = [f"WHEN {condition} THEN '{reason}'" for condition, reason in rules]
    cases.insert(_IDS_AND_DATES, "WHEN unreadable IS NOT NULL THEN unreadable")
    return f"CASE {' '.join(cases)} END"


def drop_forgotten(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Quarantine the lines of forgotten customers, or remove their names and e-mails if their orders were kept."""
    con.execute(f"UPDATE {schema}.lines SET reason = 'forgotten' WHERE {is_forgotten('user_id', orders_too=True)}")
    con.execute(
        f"UPDATE {schema}.lines SET user_name = NULL, user_email = NULL"
        f" WHERE {is_forgotten('user_id', orders_too=False)}"
    )


def mark_duplicates(con: duckdb.DuckDBPyConnection, file_format: Format, schema: str) -> None:
    """Quarantine every line of an id that occurs with different contents."""
    content = (
        "hash(user_id)"
        if file_format.total_is_summed
        else ("hash(user_id, created_at, total_cents, status, refund_cents, refunded_at, order_id)")
    )
    for role, key in (("order", "order_id"), ("refund", "refund_id")):
        # Only ids on several lines are compared, and they are few.
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE clashes AS
            WITH repeated AS (
                SELECT {key} FROM {schema}.lines WHERE reason IS NULL AND role = '{role}'
                GROUP BY {key} HAVING count(*) > 1
            )
            SELECT {key} FROM {schema}.lines SEMI JOIN repeated USING ({key})
            WHERE reason IS NULL AND role = '{role}' GROUP BY {key} HAVING min({content}) <> max({content})
            """
        )
        con.execute(
            f"UPDATE {schema}.lines SET reason = 'duplicate_id'"
            f" WHERE reason IS NULL AND role = '{role}' AND {key} IN (FROM clashes)"
        )


def stage_quarantine(
    con: duckdb.DuckDBPyConnection,
    file: File,
    names: Mapping[str, str],
    schema: str,
    *,
    source: str,
    rescan: bool,
    has_forgotten: bool,
) -> None:
    """Write the quarantined lines. The file is read again for their text, which is cheaper than keeping all text."""
    con.execute(
        f"CREATE TABLE {schema}.quarantine AS SELECT CAST($source AS VARCHAR) AS source, line,"
        " 'unreadable_line' AS reason, CAST(NULL AS VARCHAR) AS user_id, raw FROM rejected",
        {"source": source},
    )
    if not rescan:
        return
    open_scan(con, file, names)
    is_lost = f"coalesce({is_forgotten('user_id')}, false)" if has_forgotten else "false"
    con.execute(
        f"""
        INSERT INTO {schema}.quarantine
        WITH bad AS (SELECT {LINE}, reason, user_id, {is_lost} AS is_lost FROM {schema}.lines WHERE reason IS NOT NULL),
        -- The scan does not count the lines that it could not split. Each of them moves the later lines down by one.
        numbered AS (SELECT {LINE} - row_number() OVER (ORDER BY {LINE}) AS lines_before FROM rejected),
        moved AS (SELECT lines_before, sum(count(*)) OVER (ORDER BY lines_before) AS by_lines FROM numbered GROUP BY 1)
        SELECT CAST($source AS VARCHAR), bad.{LINE} + coalesce(by_lines, 0), reason,
            CASE WHEN NOT is_lost THEN bad.user_id END, CASE WHEN is_lost THEN '' ELSE text END
        FROM (SELECT {LINE}, {_text_of_row(con)} AS text FROM {SCAN}) AS scanned
        JOIN bad USING ({LINE})
        ASOF LEFT JOIN moved ON bad.{LINE} > lines_before
        """,
        {"source": source},
    )
    rejected_lines(con)


def _text_of_row(con: duckdb.DuckDBPyConnection) -> str:
    columns = [name for name in con.table(SCAN).columns if name != LINE]
    values = ", ".join(f"coalesce(CAST({SCAN}.{name} AS VARCHAR), '')" for name in columns)
    return f"array_to_string([{values}], ',')"


def counts_by_reason(con: duckdb.DuckDBPyConnection, schema: str) -> dict[str, int]:
    """Return the number of quarantined lines for each reason, the most frequent first."""
    return dict(
        con.execute(f"SELECT reason, count(*) FROM {schema}.quarantine GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    )
