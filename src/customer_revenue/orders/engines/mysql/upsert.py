"""MySQL's upsert: insert rows, replacing those with the same id."""

from __future__ import annotations

import ibis


def mysql_upsert(table: str, schema: ibis.Schema) -> str:
    """Return SQL that inserts the rows of ``incoming`` into a table, replacing those with the same id."""
    columns = ", ".join(f"{column} = VALUES({column})" for column in schema if column != "id")
    return f"INSERT INTO {table} SELECT * FROM incoming ON DUPLICATE KEY UPDATE {columns}"  # noqa: S608  # our own names
