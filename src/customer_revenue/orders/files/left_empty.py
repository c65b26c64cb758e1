"""Values of optional columns that cannot be read: they are left empty, and it is said how many."""

# ruff: noqa: S608  # SQL is built from this package's own names
from __future__ import annotations

from collections.abc import Mapping

import duckdb

from customer_revenue.orders.duckdb_sql import one_row
from customer_revenue.orders.files.columns.conventions import Conventions, Inference
from customer_revenue.orders.files.columns.texts import text_of
from customer_revenue.orders.files.formats.format import Format, Kind
from customer_revenue.orders.files.parsing import parse
from customer_revenue.orders.files.reading import Rows


def left_empty(
    con: duckdb.DuckDBPyConnection,
    rows: Rows,
    file_format: Format,
    theirs: Mapping[str, str],
    source: str,
    conventions: Conventions,
) -> list[Inference]:
    """Return what to say of each optional column of a file that has values which cannot be read.

    Args:
        con: the connection.
        rows: the rows of the file.
        file_format: its format.
        theirs: the file's own name of each column that the format knows.
        source: the name of the file.
        conventions: how its columns are read.
    """
    found = []
    for column in file_format.columns:
        if not column.is_optional or column.kind is Kind.TEXT or column.name not in rows.types:
            continue
        text, value = text_of(column, rows.types), parse(column, rows.types, conventions)
        count, example = one_row(
            con, f"SELECT count(*), min({text}) FROM {rows.table} AS scan WHERE {text} IS NOT NULL AND {value} IS NULL"
        )
        if count:
            found.append(Inference(source, theirs[column.name], "", f"{count:,} lines, such as {str(example)[:30]!r}"))
    return found
