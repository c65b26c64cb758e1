"""Times: the form of a whole column of texts, the order of day and month, and SQL that parses each text to UTC."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import duckdb

from customer_revenue.errors import UndecidedColumn
from customer_revenue.orders.duckdb_sql import if_then
from customer_revenue.orders.files.columns.conventions import DateOrder, Inference, TimeConvention, TimeShape

_PARTS = r"^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})([ ,T]|$)"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_SHAPES = {
    TimeShape.ISO: "substr(t, 5, 1) IN ('-', '/') AND substr(t, 2, 1) >= '0' AND substr(t, 3, 1) >= '0'",
    TimeShape.PARTS: f"regexp_matches(t, '{_PARTS}')",
    TimeShape.COMPACT: "regexp_matches(t, '^(19|20)[0-9]{6}$')",
    TimeShape.SECONDS: r"regexp_matches(t, '^[0-9]{9,10}(\.[0-9]+)?$')",
    TimeShape.MILLISECONDS: "regexp_matches(t, '^[0-9]{12,13}$')",
    TimeShape.MICROSECONDS: "regexp_matches(t, '^[0-9]{15,16}$')",
    TimeShape.SERIAL: r"regexp_matches(t, '^[2-6][0-9]{4}(\.[0-9]+)?$')",
    TimeShape.NAMED: f"regexp_matches(t, '(?i)(^|[^a-z])({_MONTHS})')",
}
_MERIDIEM = r"(?i)[0-9]\s*[ap]\.?m\.?$"
_MIN_MINORITY = 0.05
"""Above this share of a second form, a column is not trusted."""

_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_NAMED_DAYS = ("%d %b %Y", "%b %d %Y", "%d %B %Y", "%B %d %Y", "%Y %b %d", "%d %b %y")


@dataclass(frozen=True)
class JudgedTimes:
    """What a column's texts say of their form."""

    convention: TimeConvention | None
    """``None`` if day and month can be read in either order."""
    evidence: str
    example: str
    is_obvious: bool = False
    """Whether nothing had to be inferred."""


def judge_times(
    con: duckdb.DuckDBPyConnection, table: str, text: str, column: str, chosen: DateOrder | None, latest: dt.datetime
) -> JudgedTimes:
    """Judge a column of times by all its texts.

    Args:
        con: the connection.
        table: name of the table, a constant of this package.
        text: SQL for the column's text, null if empty.
        column: the file's own name of the column, for messages.
        chosen: the order of day and month that a user has chosen.
        latest: the latest plausible time.

    Raises:
        UndecidedColumn: the texts contradict each other.
    """
    ends_in_meridiem = if_then("right(t, 1) IN ('m', 'M', '.')", f"regexp_matches(t, '{_MERIDIEM}')")
    shapes = " ".join(f"WHEN {test} THEN '{shape.name}'" for shape, test in _SHAPES.items())
    rows = con.execute(
        f"""
        WITH texts AS (SELECT {text} AS t FROM {table} AS scan),
        shaped AS (SELECT t, CASE {shapes} END AS shape FROM texts WHERE t IS NOT NULL),
        split AS (
            SELECT *, CASE WHEN shape = 'PARTS' THEN regexp_extract(t, '{_PARTS}', ['one', 'two', 'year']) END AS p
            FROM shaped
        ), numbered AS (
            SELECT shape, t, p, TRY_CAST(p.one AS INTEGER) AS one, TRY_CAST(p.two AS INTEGER) AS two,
                CASE WHEN length(p.year) = 2 THEN 2000 ELSE 0 END + TRY_CAST(p.year AS INTEGER) AS year
            FROM split
        )
        SELECT shape, count(*), min(t),
            count(*) FILTER ({ends_in_meridiem}), count(*) FILTER (length(p.year) = 2),
            count(*) FILTER (contains(t, ' +') OR contains(t, ' -')),
            count(*) FILTER (one > 12), min(t) FILTER (one > 12),
            count(*) FILTER (two > 12), min(t) FILTER (two > 12),
            count(*) FILTER (one <> two), min(t) FILTER (one <> two), count(*) FILTER (contains(t[:6], '.')),
            max(year * 10000 + two * 100 + one), max(year * 10000 + one * 100 + two)
        FROM numbered WHERE shape IS NOT NULL GROUP BY shape ORDER BY count(*) DESC, shape
        """
    ).fetchall()
    if not rows:
        return JudgedTimes(TimeConvention(), "", "", is_obvious=True)
    _check_minority(column, rows)
    shape = TimeShape[rows[0][0]]
    _, lines, example, meridiem, short_years, offsets = rows[0][:6]
    convention = TimeConvention(
        shape, has_meridiem=meridiem > 0, has_short_years=short_years > 0, has_spaced_offsets=offsets > 0
    )
    if shape is TimeShape.PARTS:
        return _judge_order(column, convention, rows[0], chosen, int(latest.strftime("%Y%m%d")))
    evidence = f"such as {example}, {lines:,} of them"
    return JudgedTimes(convention, evidence, example, is_obvious=shape is TimeShape.ISO)


def _check_minority(column: str, rows: list[tuple[object, ...]]) -> None:
    counts = [int(str(row[1])) for row in rows]
    if len(rows) > 1 and counts[1] > max(1, _MIN_MINORITY * sum(counts)):
        raise UndecidedColumn(
            f"the dates of {column} have two forms, {rows[0][2]} and {rows[1][2]}, as a spreadsheet leaves them that"
            " has understood only some: export the file again and import it without opening it in between"
        )


def _judge_order(
    column: str, convention: TimeConvention, row: tuple[object, ...], chosen: DateOrder | None, latest: int
) -> JudgedTimes:
    first_big, first_example, second_big, second_example, differing, example, pointed, by_day, by_month = (
        row[6], row[7], row[8], row[9], row[10], row[11], row[12], int(str(row[13])), int(str(row[14])),
    )  # fmt: skip

    def judged(order: DateOrder | None, evidence: str) -> JudgedTimes:
        return JudgedTimes(replace(convention, order=order) if order else None, evidence, str(example or row[2]))

    if chosen:
        return judged(chosen, "as chosen")
    if first_big and second_big:
        raise UndecidedColumn(
            f"the dates of {column} are day first ({first_example}) and month first ({second_example}) in one column:"
            " choose with --dates day-first or --dates month-first; the others go to quarantine"
        )
    if first_big:
        return judged(DateOrder.DAY_FIRST, f"{first_example} has no other reading")
    if second_big:
        return judged(DateOrder.MONTH_FIRST, f"{second_example} has no other reading")
    if pointed:
        return judged(DateOrder.DAY_FIRST, f"points, as in {row[2]}")
    if not differing:
        return judged(DateOrder.DAY_FIRST, "day and month are the same in every date")
    if by_day > latest >= by_month:
        return judged(DateOrder.MONTH_FIRST, "read day first, some would lie in the future")
    if by_month > latest >= by_day:
        return judged(DateOrder.DAY_FIRST, "read month first, some would lie in the future")
    return judged(None, "")


def inference_of(judged: JudgedTimes, source: str, column: str) -> Inference | None:
    """Return what to say of a judged column, nothing for plain ISO dates."""
    if judged.is_obvious or judged.convention is None:
        return None
    convention = judged.convention
    reading = convention.order.value if convention.shape is TimeShape.PARTS else convention.shape.value
    return Inference(source, column, reading, judged.evidence)


def undecided(column: str, example: str) -> UndecidedColumn:
    """Return the error for dates that can be read day first or month first."""
    return UndecidedColumn(
        f"the dates of {column}, such as {example}, can be read day first or month first: choose with"
        " --dates day-first or --dates month-first"
    )


def parse_time(text: str, convention: TimeConvention, *, is_utc: bool) -> str:
    """Return SQL for a text's time in UTC without a zone, null if it cannot be parsed.

    The session's zone, which is the reporting zone, applies to times without one, unless they are in UTC.
    """
    shape = convention.shape
    if shape in (TimeShape.SECONDS, TimeShape.MILLISECONDS, TimeShape.MICROSECONDS):
        factor = {TimeShape.SECONDS: 1_000_000, TimeShape.MILLISECONDS: 1_000, TimeShape.MICROSECONDS: 1}[shape]
        return f"make_timestamp(TRY_CAST(TRY_CAST({text} AS DECIMAL(24, 6)) * {factor} AS BIGINT))"
    if shape is TimeShape.SERIAL:
        seconds = f"TRY_CAST(round(TRY_CAST({text} AS DOUBLE) * 86400) AS BIGINT)"
        return _to_utc(f"TIMESTAMP '1899-12-30' + to_seconds({seconds})", is_utc=is_utc)
    if shape is TimeShape.COMPACT:
        return _to_utc(f"try_strptime({text}, '%Y%m%d')", is_utc=is_utc)
    if shape is TimeShape.NAMED:
        return _named(text, is_utc=is_utc)
    iso = _rewritten(text, convention) if shape is TimeShape.PARTS else text
    return _iso(iso, convention, is_utc=is_utc)


def _to_utc(naive: str, *, is_utc: bool) -> str:
    return naive if is_utc else f"CAST({naive} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"


def _rewritten(text: str, convention: TimeConvention) -> str:
    """Return SQL that puts the year first, then the month."""
    month_and_day = r"\2-\1" if convention.order is DateOrder.DAY_FIRST else r"\1-\2"
    parts = "^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]"
    if convention.has_short_years:
        text = rf"regexp_replace({text}, '{parts}([0-9]{{2}})([ ,T]+|$)', '20\3-{month_and_day} ')"
    return rf"trim(regexp_replace({text}, '{parts}([0-9]{{4}})[ ,T]*', '\3-{month_and_day} '))"


def _iso(text: str, convention: TimeConvention, *, is_utc: bool) -> str:
    # DuckDB does not read an offset after a space, as in Shopify's exports. It does read words such as "infinity" and
    # "epoch", which are no times here.
    tidy = text
    if convention.has_spaced_offsets:
        tidy = rf"regexp_replace({text}, ' ([+-][0-9]{{2}}):?([0-9]{{2}})$', '\1:\2')"
    tries = [f"TRY_CAST({tidy} AS TIMESTAMPTZ)"]
    if is_utc:
        tries.insert(0, f"TRY_CAST({tidy} || 'Z' AS TIMESTAMPTZ)")
    parsed = f"CASE WHEN {text} BETWEEN '0' AND ':' THEN coalesce({', '.join(tries)}) AT TIME ZONE 'UTC' END"
    if not convention.has_meridiem:
        return parsed
    spelled = rf"upper(regexp_replace({text}, '(?i)\s*([ap])\.?m\.?$', ' \1M'))"
    patterns = ", ".join(f"'%Y-%m-%d{time}'" for time in _TIMES if "%p" in time)
    return f"coalesce({_to_utc(f'try_strptime({spelled}, [{patterns}])', is_utc=is_utc)}, {parsed})"


def _named(text: str, *, is_utc: bool) -> str:
    words = rf"regexp_replace(replace({text}, ',', ' '), '[ -]+', ' ', 'g')"
    spelled = rf"regexp_replace({words}, '(?i)\s*([ap])\.?m\.?($| )', ' \1M\2')"
    naive = ", ".join(f"'{day}{time}'" for day in _NAMED_DAYS for time in _TIMES)
    zoned = ", ".join(f"'{day}{time} %Z'" for day in _NAMED_DAYS for time in _TIMES[1:])
    return (
        f"coalesce({_to_utc(f'try_strptime({spelled}, [{naive}])', is_utc=is_utc)},"
        f" try_strptime({spelled}, [{zoned}]) AT TIME ZONE 'UTC')"
    )
