"""The file of exchange rates: ``day,currency,rate``, the value of one unit in the store's currency on that day."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb

from customer_revenue.errors import InvalidParameter, UnreadableFile
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.files.columns.conventions import ColumnChoices
from customer_revenue.orders.files.columns.dates import judge_times, parse_time, undecided
from customer_revenue.orders.files.columns.ids import tidy_text
from customer_revenue.orders.files.columns.numbers import judge_numbers, parse_decimal
from customer_revenue.orders.files.formats.format import header_key
from customer_revenue.orders.files.reading import LINE, check_header, inspect_file, read_rows
from customer_revenue.orders.files.unpacking import unpack

_NAMES = ("day", "currency", "rate")
_DOUBTFUL = "SELECT code, day FROM read_rates GROUP BY ALL HAVING min(rate) <> max(rate)"
_ROWS = "work.files.rows_of_rates"


def read_rates(
    con: duckdb.DuckDBPyConnection, path: Path | None, folder: Path, choices: ColumnChoices, latest: dt.datetime
) -> None:
    """Create the temporary table ``rates_by_day`` with the rates of a file, empty without one.

    Args:
        con: a connection with the schema ``work.files``.
        path: a table with the columns ``day``, ``currency`` and ``rate``; others are ignored.
        folder: folder for what is unpacked.
        choices: how dates and numbers are read where a column does not decide it.
        latest: the latest plausible time.

    Raises:
        UnreadableFile: the file cannot be read, or lacks a column.
        UndecidedColumn: a column can be read in two ways.
        InvalidParameter: a row has no day, currency or positive rate, or two rows contradict each other.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE rates_by_day (code VARCHAR, day DATE, rate DECIMAL(30, 15))")
    if path is None:
        return
    (plain, *others) = unpack(path, folder)
    if others:
        raise UnreadableFile(f"{path} holds several tables: give one file of rates")
    file = inspect_file(plain.path, plain.source)
    names = {name: header_key(name) for name in file.header if header_key(name) in _NAMES}
    if lacking := set(_NAMES) - set(names.values()):
        raise UnreadableFile(
            f"{path} lacks the column(s) {', '.join(sorted(lacking))} of rates; it has {', '.join(file.header)[:100]}"
        )
    check_header(file, names)
    try:
        rows = read_rows(con, file, names, _ROWS, folder)
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise  # the disk or the memory failed, not the file
    except duckdb.Error as error:
        raise UnreadableFile(f"{path} cannot be read: {first_line(error)}") from None
    day, currency, rate = (tidy_text(f"CAST(scan.{name} AS VARCHAR)") for name in _NAMES)
    times = judge_times(con, rows.table, day, "day", choices.dates, latest)
    if times.convention is None:
        raise undecided("day", times.example)
    numbers = judge_numbers(con, rows.table, rate, "rate", choices.decimal).convention
    exact = f"TRY_CAST({rate} AS DECIMAL(30, 15))" if numbers.is_plain else parse_decimal(rate, numbers)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE read_rates AS
        SELECT {LINE}, upper({currency}) AS code, CAST({parse_time(day, times.convention, is_utc=True)} AS DATE) AS day,
            CAST({exact} AS DECIMAL(30, 15)) AS rate
        FROM {rows.table} AS scan
        """
    )
    for problem, query in (
        ("it cannot be split into the header's columns", f"SELECT {LINE} FROM {rows.table}_rejected"),
        (
            "it needs a day, a currency and a positive rate",
            f"SELECT {LINE} FROM read_rates WHERE (code IS NULL OR day IS NULL OR coalesce(rate, 0) <= 0)",
        ),
        (
            "the same day and currency have another rate in another line",
            f"SELECT {LINE} FROM read_rates JOIN ({_DOUBTFUL}) USING (code, day)",
        ),
    ):
        found = con.execute(f"{query} ORDER BY 1 LIMIT 1").fetchone()
        if found:
            raise InvalidParameter(f"{path}, line {found[0]}: {problem}")
    con.execute("INSERT INTO rates_by_day SELECT DISTINCT code, day, rate FROM read_rates")
