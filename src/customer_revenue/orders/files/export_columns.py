"""The further columns of an export of the quarantine, by which its rows are known when they come back corrected."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import duckdb

from customer_revenue.orders.files.formats.format import header_key

ROW_ID = "quarantine_row"
"""The column that identifies a quarantined row."""

EXPORT_COLUMNS = (ROW_ID, "quarantine_source", "quarantine_line", "quarantine_reason", "quarantine_remedy")
"""The columns before those of the file; an import reads only the first."""

ROW_ID_SQL = "'q' || left(md5(concat(source, chr(31), line, chr(31), raw)), 16)"
"""SQL for the id of a row of the quarantine, as :func:`row_id` computes it."""

FORMULA_SIGNS = r"[=+\-@\t\r\n＝＋－＠]"  # the full-width signs, which spreadsheets take for the others
"""Regular expression of the first character of what a spreadsheet takes for a formula."""

_FORMULA = re.compile(f"'*{FORMULA_SIGNS}")
_NUMBER = re.compile(r"[+-]?[0-9., ]+")


def row_id(source: str, line: int | None, raw: str) -> str:
    """Return the id of a row of the quarantine.

    >>> row_id("orders.csv", 5, "7,ann,never,10,paid")
    'qb24184ff52d1f647'
    """
    text = "\x1f".join((source, "" if line is None else str(line), raw))
    return f"q{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16]}"


def export_columns(header: Sequence[str]) -> dict[str, str]:
    """Return our name for each further column of an export; empty if the header is of another file."""
    ours = {header_key(name): name for name in EXPORT_COLUMNS}
    found = {theirs: ours[header_key(theirs)] for theirs in header if header_key(theirs) in ours}
    return found if ROW_ID in found.values() else {}


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula. Numbers stay as they are.

    >>> [safe_cell(text) for text in ("=1+1", "-12.50", "a-b")]
    ["'=1+1", '-12.50', 'a-b']
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def restore_cells(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Undo :func:`safe_cell` in all columns of text of a table."""
    columns = con.table(table)
    texts = [name for name, kind in zip(columns.columns, columns.types, strict=True) if str(kind) == "VARCHAR"]
    restored = ", ".join(
        f"{name} = CASE WHEN regexp_matches({name}, '^''+{FORMULA_SIGNS}') THEN {name}[2:] ELSE {name} END"
        for name in texts
    )
    con.execute(f"UPDATE {table} SET {restored}")
