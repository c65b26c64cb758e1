"""Ids: placeholders for nobody, numbers that a spreadsheet has cut, and e-mail addresses."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import duckdb

from customer_revenue.orders.duckdb_sql import if_then, one_row
from customer_revenue.orders.files.columns.conventions import IdConvention, Inference

PLACEHOLDERS = (
    "#n/a", "#n/a n/a", "#na", "#ref!", "#value!", "(null)", "-", "--", "<na>", "<null>", "[null]", "\\n", "n/a", "na",
    "nan", "nil", "none", "null", "undefined",
)  # fmt: skip
"""Texts, in lower case, that stand for a missing id."""

_GUESTS = ("-1", "0", "anonymous", "guest", "unknown")
_MIN_GUEST_SHARE = 0.05
"""An id that may be a guest's is one if it has at least this share of the lines, and twice those of any other id."""

_SPACES = " \t\u00a0\ufeff"
_CUT = r"^[0-9]([.,][0-9]+)?[eE]\+[0-9]+$"
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


def tidy_text(text: str) -> str:
    """Return SQL for a text without surrounding spaces of any kind, null if it is empty.

    Trimming many kinds of spaces is slow, and most texts have none: those are recognized first.
    """
    first = " OR ".join(f"starts_with({text}, '{space}')" for space in _SPACES[2:])
    last = " OR ".join(f"ends_with({text}, '{space}')" for space in _SPACES)
    trimmed = f"nullif(trim({text}, '{_SPACES}'), '')"
    return f"CASE WHEN {text} < '!' OR {first} OR {last} THEN {trimmed} ELSE {text} END"


def is_placeholder(text: str) -> str:
    """Return SQL for whether a text stands for a missing id. The length rules out most ids at once."""
    words = ", ".join(f"'{word}'" for word in PLACEHOLDERS)
    return if_then(f"length({text}) < 10", f"lower({text}) IN ({words})")


def is_cut(text: str) -> str:
    """Return SQL for whether an id has lost its digits to a spreadsheet, such as ``6.54321E+12``."""
    return if_then(f"contains({text}, '+')", f"regexp_matches({text}, '{_CUT}')")


def judge_ids(
    con: duckdb.DuckDBPyConnection, table: str, text: str, source: str, column: str, *, is_customer: bool
) -> tuple[IdConvention, list[Inference]]:
    """Judge a column of ids by all its texts.

    Args:
        con: the connection.
        table: name of the table, a constant of this package.
        text: SQL for the column's text, null if empty.
        source: name of the file, for what is reported.
        column: the file's own name of the column.
        is_customer: whether the ids are customers', of which some may be a guest's.
    """
    zeros = if_then("ends_with(t, '.0')", r"regexp_matches(t, '^[0-9]+\.0$')")
    fractions = if_then("contains(t, '.') AND NOT ends_with(t, '.0')", r"regexp_matches(t, '^[0-9]+\.[0-9]+$')")
    emails = if_then("contains(t, '@')", f"regexp_matches(t, '{_EMAIL}')")
    zero_fractions, other_fractions, with_at, nobody, cut = one_row(
        con,
        f"""
        SELECT count(*) FILTER ({zeros}), count(*) FILTER ({fractions}), count(*) FILTER ({emails}),
            count(*) FILTER ({is_placeholder("t")}), count(*) FILTER ({is_cut("t")})
        FROM (SELECT {text} AS t FROM {table} AS scan) WHERE t IS NOT NULL
        """,
    )
    found = []
    strips = zero_fractions > 0 and not other_fractions
    if strips:
        found.append(Inference(source, column, "whole numbers", f"{zero_fractions:,} end in .0"))
    if nobody:
        found.append(Inference(source, column, "nobody", f"{nobody:,} placeholders such as NULL"))
    if cut:
        found.append(Inference(source, column, "cut by a spreadsheet", f"{cut:,} such as 6.5E+12, quarantined"))
    guests = _guests(con, table, text) if is_customer else ()
    found += [Inference(source, column, "nobody", f"{guest!r} is the id of {lines:,} lines") for guest, lines in guests]
    return IdConvention(strips, with_at > 0, tuple(guest for guest, _ in guests)), found


def _guests(con: duckdb.DuckDBPyConnection, table: str, text: str) -> tuple[tuple[str, int], ...]:
    if not one_row(
        con,
        f"SELECT count(*) FROM (SELECT lower({text}) AS t FROM {table} AS scan) WHERE t IN (SELECT unnest($guests))",
        {"guests": list(_GUESTS)},
    )[0]:
        return ()
    rows = con.execute(
        f"""
        WITH counted AS (
            SELECT lower({text}) AS t, count(*) AS lines FROM {table} AS scan WHERE {text} IS NOT NULL GROUP BY t
        )
        SELECT t, lines FROM counted WHERE t IN (SELECT unnest($guests))
            AND lines >= $share * (SELECT sum(lines) FROM counted)
            AND lines >= 2 * coalesce((
                SELECT max(lines) FROM counted WHERE t NOT IN (SELECT unnest($guests)) AND NOT {is_placeholder("t")}
            ), 0)
        ORDER BY t
        """,
        {"guests": list(_GUESTS), "share": _MIN_GUEST_SHARE},
    ).fetchall()
    return tuple((str(guest), int(lines)) for guest, lines in rows)


def parse_id(text: str, convention: IdConvention) -> str:
    """Return SQL for an id, null for nobody's."""
    parsed = text
    if convention.strips_zero_fraction:
        parsed = f"regexp_replace({parsed}, '^([0-9]+)\\.0$', '\\1')"
    if convention.has_emails:
        parsed = f"CASE WHEN contains({text}, '@') THEN lower({parsed}) ELSE {parsed} END"
    nobody = [is_placeholder(text)]
    if convention.nobody:
        words = ", ".join(f"'{word}'" for word in convention.nobody)
        nobody.append(f"lower({text}) IN ({words})")
    return f"CASE WHEN NOT ({' OR '.join(nobody)}) THEN {parsed} END"
