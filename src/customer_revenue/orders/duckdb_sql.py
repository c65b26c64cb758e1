"""Small helpers for running SQL on a DuckDB connection."""

from __future__ import annotations

from typing import Any

import duckdb


def one_row(con: duckdb.DuckDBPyConnection, sql: str, values: object = None) -> tuple[Any, ...]:
    """The only row of a result. Fetched to its end: an unfinished result would block the connection."""
    (row,) = con.execute(sql, values).fetchall()
    assert isinstance(row, tuple)
    return row


def scalar(con: duckdb.DuckDBPyConnection, sql: str, values: object = None) -> int:
    """The only number of a result."""
    (value,) = one_row(con, sql, values)
    return int(value)


def first_line(error: Exception) -> str:
    """What an error says, cut to a line's length."""
    return str(error).splitlines()[0][:200]
