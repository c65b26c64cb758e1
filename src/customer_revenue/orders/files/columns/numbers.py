"""Numbers: the decimal sign and the thousands of a whole column of texts, and SQL that parses each text."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from dataclasses import dataclass

import duckdb

from customer_revenue.errors import CurrencyMismatch, UndecidedColumn
from customer_revenue.orders.duckdb_sql import if_then, one_row
from customer_revenue.orders.files.columns.conventions import DecimalSign, NumberConvention

_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₽": "RUB", "zł": "PLN"}
"""Signs that name one currency."""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHARED_SIGNS = {
    "$": _codes("ARS AUD BBD BMD BND BRL BSD BZD CAD CLP COP FJD HKD JMD MXN NZD SGD TTD TWD USD UYU XCD"),
    "¥": _codes("CNY JPY"),
    "kr": _codes("DKK ISK NOK SEK"),
}
"""Signs of several currencies, with those."""

_NOISE = r"[\s\x{00A0}\x{202F}''’€£$¥₹₩₽]|zł|kr\.?|^[A-Z]{3}|[A-Z]{3}$"
"""What stands around digits: spaces, apostrophes and currency signs or codes."""

_PLAIN = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"


@dataclass(frozen=True)
class JudgedNumbers:
    """What a column's texts say of their numbers."""

    convention: NumberConvention
    currency: str
    """The currency that a sign names, or the sign if several have it; empty without a sign."""
    has_fractions: bool
    evidence: str
    """Empty for plain numbers with a decimal point."""


def judge_numbers(
    con: duckdb.DuckDBPyConnection, table: str, text: str, column: str, chosen: DecimalSign | None
) -> JudgedNumbers:
    """Judge a column of numbers by all its texts.

    Args:
        con: the connection.
        table: name of the table, a constant of this package.
        text: SQL for the column's text, null if empty.
        column: the file's own name of the column, for messages.
        chosen: the decimal sign that a user has chosen.

    Raises:
        UndecidedColumn: the decimal sign cannot be decided.
        CurrencyMismatch: the amounts have the signs of several currencies.
    """
    grouped = if_then("substr(t, -4, 1) = '.'", r"regexp_matches(t, '^-?[1-9][0-9]{0,2}\.[0-9]{3}$')")
    odd, pointed, in_groups, whole_thousands, fractions = one_row(
        con,
        f"""
        SELECT count(*) FILTER (TRY_CAST(t AS DECIMAL(38, 12)) IS NULL OR contains(t, '_')),
            count(*) FILTER (contains(t, '.')),
            count(*) FILTER ({grouped}),
            count(*) FILTER (length(t) > 3 AND NOT contains(t, '.')),
            count(*) FILTER (contains(t, '.') AND NOT ends_with(t, '.0'))
        FROM (SELECT {text} AS t FROM {table} AS scan) WHERE t IS NOT NULL
        """,
    )
    if not odd and chosen is not DecimalSign.COMMA:
        if in_groups and in_groups == pointed and not whole_thousands and chosen is None:
            raise _undecided(con, table, text, column, r"\.[0-9]{3}$")
        return JudgedNumbers(NumberConvention(), "", fractions > 0, "")
    return _judge_signs(con, table, text, column, chosen)


def _judge_signs(
    con: duckdb.DuckDBPyConnection, table: str, text: str, column: str, chosen: DecimalSign | None
) -> JudgedNumbers:
    marks = "regexp_matches(n, '{}')".format
    commas = (
        marks(r"^[-(+]?[0-9]*,([0-9]{1,2}|[0-9]{4,})[-)]?$"),
        marks(r"^[-(+]?0,[0-9]+"),
        marks(r"\..*,"),
        marks(r"\.[0-9]{3}\.[0-9]{3}"),
    )
    points = (
        marks(r"^[-(+]?[0-9]*\.([0-9]{1,2}|[0-9]{4,})[-)]?$"),
        marks(r"^[-(+]?0\.[0-9]+"),
        marks(r",.*\."),
        marks(r",[0-9]{3},[0-9]{3}"),
    )
    by_comma, by_point, comma_example, point_example, unclear, has_sign, odd = one_row(
        con,
        f"""
        WITH texts AS (SELECT {text} AS t FROM {table} AS scan),
        cleaned AS (SELECT t, {_cleaned("t")} AS n FROM texts WHERE t IS NOT NULL)
        SELECT count(*) FILTER ({" OR ".join(commas)}), count(*) FILTER ({" OR ".join(points)}),
            min(t) FILTER ({" OR ".join(commas)}), min(t) FILTER ({" OR ".join(points)}),
            count(*) FILTER (regexp_matches(n, '^[-(+]?[1-9][0-9]{{0,2}}[.,][0-9]{{3}}[-)]?$')),
            count(*) FILTER (t <> n), min(t) FILTER (NOT regexp_matches(n, '{_PLAIN}'))
        FROM cleaned WHERE regexp_matches(n, '[0-9]')
        """,
    )
    currency = _currency_of_signs(con, table, text, column) if has_sign else ""
    if chosen is None:
        if by_comma and by_comma == by_point:
            raise UndecidedColumn(
                f"{column} has decimal commas ({comma_example}) and decimal points ({point_example}): choose with"
                " --decimal comma or --decimal point; the others go to quarantine"
            )
        if unclear and not by_comma and not by_point:
            raise _undecided(con, table, text, column, "[.,][0-9]{3}")
    comma = chosen is DecimalSign.COMMA if chosen else by_comma > by_point
    sign = DecimalSign.COMMA if comma else DecimalSign.POINT
    example = comma_example if comma else point_example
    evidence = "as chosen" if chosen else f"such as {example or odd}" if example or odd else ""
    fractions = (by_comma if comma else by_point) > 0
    return JudgedNumbers(NumberConvention(sign, is_plain=False), currency, fractions, evidence)


def _undecided(con: duckdb.DuckDBPyConnection, table: str, text: str, column: str, pattern: str) -> UndecidedColumn:
    (example,) = one_row(
        con, f"SELECT min(t) FROM (SELECT {text} AS t FROM {table} AS scan) WHERE regexp_matches(t, $pattern)",
        {"pattern": pattern},
    )  # fmt: skip
    return UndecidedColumn(
        f"{column} has numbers such as {example}, with a decimal sign or with thousands: choose with"
        " --decimal comma or --decimal point"
    )


def _currency_of_signs(con: duckdb.DuckDBPyConnection, table: str, text: str, column: str) -> str:
    signs = "|".join(["[$€£¥₹₩₽]", "zł", "kr", "^[A-Z]{3}", "[A-Z]{3}$"])
    found = [
        sign
        for (sign,) in con.execute(
            f"SELECT DISTINCT regexp_extract(t, '{signs}') AS sign FROM (SELECT trim({text}) AS t FROM {table} AS scan)"
            " WHERE regexp_matches(t, '[0-9]') ORDER BY sign"
        ).fetchall()
        if sign
    ]
    if len(found) > 1:
        raise CurrencyMismatch(
            f"{column} has amounts in several currencies ({', '.join(found)}): split the file, or name the currency"
            " of each line in a column"
        )
    if not found:
        return ""
    (sign,) = found
    return _SIGNS.get(str(sign), str(sign))


def _cleaned(text: str) -> str:
    return f"regexp_replace({text}, '{_NOISE}', '', 'g')"


def parse_decimal(text: str, convention: NumberConvention) -> str:
    """Return SQL for an exact decimal number, null if the text is none by the column's convention."""
    if convention.is_plain:
        # The narrow type is five times faster and holds up to ten billion. Both are exact.
        exact = f"coalesce(TRY_CAST({text} AS DECIMAL(18, 8)), TRY_CAST({text} AS DECIMAL(38, 12)))"
        return f"CASE WHEN NOT contains({text}, '_') THEN {exact} END"
    decimal, thousands = (",", ".") if convention.decimal is DecimalSign.COMMA else (".", ",")
    body = rf"([0-9]+|[0-9]{{1,3}}([{thousands}][0-9]{{3}})+)?([{decimal}][0-9]*)?"
    cleaned = _cleaned(text)
    valid = rf"regexp_matches({cleaned}, '^([-+]?{body}|{body}-|\({body}\))$') AND regexp_matches({cleaned}, '[0-9]')"
    digits = f"replace(replace(regexp_replace({cleaned}, '[-+()]', '', 'g'), '{thousands}', ''), '{decimal}', '.')"
    negative = rf"CASE WHEN regexp_matches({cleaned}, '[-(]') THEN -1 ELSE 1 END"
    return f"CASE WHEN {valid} THEN TRY_CAST({digits} AS DECIMAL(26, 12)) * {negative} END"


def parse_integer(text: str, convention: NumberConvention) -> str:
    """Return SQL for a whole number. A plain cast would round ``12.5``, which is none."""
    number = parse_decimal(text, convention)
    plain = f"WHEN regexp_full_match({text}, '-?[0-9]+') THEN TRY_CAST({text} AS BIGINT)"
    return f"CASE {plain} WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS BIGINT) END"
