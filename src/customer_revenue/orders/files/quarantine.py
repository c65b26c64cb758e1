"""The quarantine: the reasons for which lines of a file are not imported, and their text."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb

from customer_revenue.orders.aliases import OWN_ID
from customer_revenue.orders.duckdb_sql import if_then
from customer_revenue.orders.files.columns.ids import is_cut
from customer_revenue.orders.files.export_columns import EXPORT_COLUMNS
from customer_revenue.orders.files.formats.format import Format
from customer_revenue.orders.files.reading import LINE, Rows
from customer_revenue.orders.forgotten_customers import is_forgotten
from customer_revenue.tables import PERSONAL_COLUMNS


@dataclass(frozen=True)
class Reason:
    """Why a line is not imported, and what can be done about it."""

    meaning: str
    remedy: str


REASONS = {
    "unreadable_line": Reason("the line cannot be split into the header's columns", "quote texts that hold separators"),
    "unclosed_quote": Reason("a quote that is not closed swallows the lines after it", "close or remove the quote"),
    "bad_encoding": Reason("an id with bytes that are no text in the file's encoding", "save the file as UTF-8"),
    "missing_order_id": Reason("no order id", "fill in the id"),
    "missing_refund_id": Reason("no refund id", "fill in the id"),
    "missing_customer": Reason("a refund without a customer and without an order", "fill in the customer or the order"),
    "cut_id": Reason("an id that a spreadsheet has cut, such as 6.5E+12", "export again, without the spreadsheet"),
    "bad_date": Reason("a date that is missing, does not exist or is before 1900", "correct the date"),
    "future_date": Reason("a date after tomorrow", "correct the date"),
    "bad_amount": Reason("an amount that is missing or not a number", "correct the amount"),
    "bad_quantity": Reason("a quantity that is not a whole number", "correct the quantity"),
    "negative_total": Reason("a negative total", "import it as a refund"),
    "contradicting_total": Reason("a total that is not its total in cents", "correct or remove one of the two columns"),
    "no_amount": Reason(
        "a line of an invoice without a positive amount, or of a cancellation without a negative one",
        "nothing: such lines are no sales",
    ),
    "unknown_status": Reason(
        "a status that is neither known nor mapped in the settings", "map it in [statuses] of the mapping"
    ),
    "other_currency": Reason("a currency other than the store's, without a rate", "name its rate in the mapping"),
    "negative_refund": Reason("a refund of zero or less", "correct the amount"),
    "refund_exceeds_total": Reason("refunds that exceed their order's total", "correct the refund or the total"),
    "refund_of_other_customer": Reason("a refund of another customer's order", "correct the customer or the order"),
    "forgotten": Reason("a forgotten customer; neither the id nor the text is kept", "nothing: they were forgotten"),
    "duplicate_id": Reason(
        "an id that occurs with different contents in one file", "keep one, or add a column updated_at"
    ),
    "part_of_order": Reason("another line of the same order cannot be imported", "correct the other line"),
    "test_mode": Reason("a payment in test mode", "nothing: no money moved"),
    "not_a_sale": Reason("a movement that is neither a sale nor a refund", "nothing: fees and transfers do not count"),
}
"""Every reason for which a line can be quarantined."""

LEFT_OUT = frozenset({"no_amount", "test_mode", "not_a_sale"})
"""Reasons that do not make the other lines of the same order doubtful."""

EARLIEST_YEAR = 1900
"""Dates before this year are typing errors, or placeholders for an unknown date."""

_IDS_AND_DATES = 7
"""Number of rules that apply before the rule on values that cannot be parsed."""


def quarantine_reason(file_format: Format, *, has_bad_bytes: bool) -> str:
    """Return SQL for the reason of the first rule that a line breaks, null for a valid line."""
    ids = "concat(order_id, refund_id, user_id)"
    rules = [
        (f"contains({ids}, chr(65533))" if has_bad_bytes else "false", "bad_encoding"),
        (f"{is_cut('order_id')} OR {is_cut('user_id')} OR {is_cut('refund_id')}", "cut_id"),
        (f"created_at IS NULL OR year(created_at) < {EARLIEST_YEAR}", "bad_date"),
        ("created_at > $latest", "future_date"),
        ("role = 'order' AND order_id IS NULL", "missing_order_id"),
        ("role = 'refund' AND refund_id IS NULL", "missing_refund_id"),
        ("role = 'refund' AND coalesce(order_id, user_id) IS NULL", "missing_customer"),
    ]
    assert len(rules) == _IDS_AND_DATES
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
        (
            "currency IS NOT NULL AND (rate IS NULL OR (refund_cents IS NOT NULL AND refund_rate IS NULL))",
            "other_currency",
        ),
        ("role = 'refund' AND refund_cents IS NULL", "bad_amount"),
        ("refund_cents <= 0", "negative_refund"),
    ]
    cases = [f"WHEN {condition} THEN '{reason}'" for condition, reason in rules]
    cases.insert(_IDS_AND_DATES, "WHEN unreadable IS NOT NULL THEN unreadable")
    return f"CASE WHEN left_out IS NOT NULL THEN left_out {' '.join(cases)} END"


def swallowed_lines(columns: list[str], delimiter: str) -> str:
    """Return SQL for whether a value of a row holds whole lines of the file, since a quote was not closed.

    Such a value begins with the rest of its own line and ends with the beginning of the line that closes the quote.
    """
    width = len(columns)
    tests = []
    for position, column in enumerate(columns):
        first, last = f"split_part({column}, chr(10), 1)", f"string_split({column}, chr(10))[-1]"
        separators = f"(length({{0}}) - length(replace({{0}}, '{delimiter}', '')))".format
        counts = f"{separators(first)} = {width - 1 - position} AND {separators(last)} = {position}"
        tests.append(if_then(f"contains({column}, chr(10))", counts))
    return " OR ".join(tests)


def drop_forgotten(con: duckdb.DuckDBPyConnection, lines: str, optional: Collection[str]) -> None:
    """Quarantine the lines of forgotten customers, or remove what is personal if their orders were kept."""
    personal = {name for names in PERSONAL_COLUMNS.values() for name in names}.intersection(optional)
    emptied = ", ".join(f"{name} = NULL" for name in ("user_name", "user_email", *sorted(personal)))
    con.execute(f"UPDATE {lines} SET reason = 'forgotten' WHERE {is_forgotten('user_id', orders_too=True)}")
    con.execute(f"UPDATE {lines} SET {emptied} WHERE {is_forgotten('user_id', orders_too=False)}")


@dataclass(frozen=True)
class QuarantineSource:
    """A file of an import, as its quarantined lines are kept."""

    source: str
    """The name that a person knows it by."""
    rows: Rows
    header: str
    """The line of its column names, without those of an export of the quarantine."""
    delimiter: str
    is_export: bool = False
    """Whether the file is an export of the quarantine."""
    leading_columns: int = 0
    """Number of an export's further columns that come first."""


def stage_quarantine(
    con: duckdb.DuckDBPyConnection, schema: str, files: Mapping[int, QuarantineSource], *, has_forgotten: bool
) -> None:
    """Write the quarantined lines of all files.

    The lines of exports keep the source and the line that they had.

    Args:
        con: the connection.
        schema: the schema with the tables ``lines`` and ``returned``.
        files: the files, by their position.
        has_forgotten: whether customers of the store were forgotten.
    """
    con.execute(
        f"CREATE TABLE {schema}.quarantine (source VARCHAR, line BIGINT, reason VARCHAR, user_id VARCHAR, raw VARCHAR,"
        " order_id VARCHAR, refund_id VARCHAR, header VARCHAR)"
    )
    first = "coalesce(first_source, $source) AS source"
    origin = f"{first}, CASE WHEN first_source IS NULL THEN {LINE} ELSE first_line END AS {LINE}"
    joined = f"""LEFT JOIN (
        SELECT r.{LINE} AS here, any_value(q.source) AS first_source, any_value(q.line) AS first_line
        FROM {schema}.returned AS r JOIN quarantined AS q USING (id) WHERE r.file = $file GROUP BY here
    ) AS origins ON here = {LINE}"""
    is_lost = f"coalesce({is_forgotten(OWN_ID)}, false)" if has_forgotten else "false"
    for position, file in files.items():
        con.execute(
            f"""
            INSERT INTO {schema}.quarantine BY NAME
            SELECT {origin}, 'unreadable_line' AS reason, {_without_leading_cells(file)} AS raw, order_id, refund_id,
                $header AS header
            FROM {file.rows.table}_rejected {joined}
            """,
            {"source": file.source, "file": position, "header": file.header},
        )
        con.execute(
            f"""
            INSERT INTO {schema}.quarantine BY NAME
            WITH bad AS (
                SELECT {LINE}, reason, {OWN_ID} AS user_id, role, order_id, refund_id, {is_lost} AS is_lost
                FROM {schema}.lines WHERE reason IS NOT NULL AND file = $file
            ), texts AS (
                SELECT {LINE}, {text_of_row(con, file)} AS raw FROM {file.rows.table} SEMI JOIN bad USING ({LINE})
            )
            SELECT {origin}, reason, CASE WHEN NOT is_lost THEN user_id END AS user_id,
                CASE WHEN is_lost THEN '' ELSE raw END AS raw,
                CASE WHEN NOT is_lost AND role = 'order' THEN order_id END AS order_id,
                CASE WHEN NOT is_lost AND role = 'refund' THEN refund_id END AS refund_id, $header AS header
            FROM texts JOIN bad USING ({LINE}) {joined}
            """,
            {"source": file.source, "file": position, "header": file.header},
        )


def _without_leading_cells(file: QuarantineSource) -> str:
    """Return SQL for the text of a line without the cells that an export has before those of the file."""
    if not file.is_export:
        return "raw"
    cell = rf'(?:"(?:[^"]|"")*"|[^{file.delimiter}"]*)'
    return f"regexp_replace(raw, '^(?:{cell}{re.escape(file.delimiter)}){{{file.leading_columns}}}', '')"


def text_of_row(con: duckdb.DuckDBPyConnection, file: QuarantineSource) -> str:
    """Return SQL for the text of a row as it is in a file with its delimiter."""
    names = [name for name in con.table(file.rows.table).columns if name not in (LINE, *EXPORT_COLUMNS)]
    cells = ", ".join(quoted_cell(f"coalesce(CAST({name} AS VARCHAR), '')", file.delimiter) for name in names)
    return f"array_to_string([{cells}], '{file.delimiter}')"


def quoted_cell(text: str, delimiter: str) -> str:
    """Return SQL for a text as a cell of a file, in quotes where it needs them."""
    if delimiter == " ":
        return text
    needs = " OR ".join(f"contains({text}, {mark})" for mark in (f"'{delimiter}'", "'\"'", "chr(10)", "chr(13)"))
    return f"CASE WHEN {needs} THEN '\"' || replace({text}, '\"', '\"\"') || '\"' ELSE {text} END"


def counts_by_reason(con: duckdb.DuckDBPyConnection, schema: str) -> dict[str, int]:
    """Return the number of quarantined lines for each reason, the most frequent first."""
    return dict(
        con.execute(f"SELECT reason, count(*) FROM {schema}.quarantine GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    )
