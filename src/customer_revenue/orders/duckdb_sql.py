"""Small helpers for running SQL on a DuckDB connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

_TYPES = {"string": "TEXT", "int64": "BIGINT", "timestamp": "TIMESTAMP", "boolean": "BOOLEAN"}


def duckdb_type(dtype: str) -> str:
    """Return DuckDB's name of a type of :data:`customer_revenue.tables.Columns`.

    >>> duckdb_type("!string")
    'TEXT'
    """
    return _TYPES[dtype.removeprefix("!")]


def one_row(con: duckdb.DuckDBPyConnection, sql: str, values: object = None) -> tuple[Any, ...]:
    """Return the only row of a result. Reads it to the end, since an unfinished result blocks the connection."""
    (row,) = con.execute(sql, values).fetchall()
    assert isinstance(row, tuple)
    return row


def scalar(con: duckdb.DuckDBPyConnection, sql: str, values: object = None) -> int:
    """Return the only number of a result."""
    (value,) = one_row(con, sql, values)
    return int(value)


def filled_columns(con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> list[str]:
    """Return those columns of a table that hold a value in any row."""
    if not names:
        return []
    counts = one_row(con, f"SELECT {', '.join(f'count({name})' for name in names)} FROM {table}")  # noqa: S608  # ours
    return [name for name, count in zip(names, counts, strict=True) if count]


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, cut to 200 characters."""
    return str(error).splitlines()[0][:200]


def if_then(condition: str, test: str) -> str:
    """Return SQL for whether both hold, of which the second, slower one is computed only where the first holds.

    DuckDB computes both sides of an ``AND`` in a projection.
    """
    return f"CASE WHEN {condition} THEN {test} ELSE false END"
