"""SQL for the text of a column of a file, before it is parsed."""

from __future__ import annotations

from collections.abc import Mapping

from customer_revenue.orders.files.formats.format import Column, Kind
from customer_revenue.tables import NO, YES

_ZONES = {
    "ACST": "Australia/Adelaide",
    "AEDT": "Australia/Sydney",
    "AEST": "Australia/Sydney",
    "AWST": "Australia/Perth",
    "BST": "Europe/London",
    "CDT": "America/Chicago",
    "CEST": "Europe/Paris",
    "CET": "Europe/Paris",
    "CST": "America/Chicago",
    "EDT": "America/New_York",
    "EEST": "Europe/Helsinki",
    "EET": "Europe/Helsinki",
    "EST": "America/New_York",
    "GMT": "Etc/UTC",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MDT": "America/Denver",
    "MST": "America/Denver",
    "NZDT": "Pacific/Auckland",
    "NZST": "Pacific/Auckland",
    "PDT": "America/Los_Angeles",
    "PST": "America/Los_Angeles",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Mountain Time (US & Canada)": "America/Denver",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
}
"""Names of time zones in exports that DuckDB does not know."""


def text_of(column: Column, types: Mapping[str, str]) -> str:
    """Return SQL for the text of a column, which is tidy, with the columns that complete it, null if it is empty."""
    text = _varchar(column.name, types[column.name])
    if column.kind is not Kind.TIME:
        return text
    if column.time_of_day in types:
        text += f" || coalesce(' ' || {_varchar(column.time_of_day, types[column.time_of_day])}, '')"
    if column.zone in types:
        zone = _varchar(column.zone, types[column.zone])
        cases = " ".join(f"WHEN '{name}' THEN '{iana}'" for name, iana in _ZONES.items())
        text += f" || coalesce(' ' || CASE {zone} {cases} ELSE {zone} END, '')"
    return text


def parse_truth(text: str) -> str:
    """Return SQL for whether a text says yes, null if it is neither yes nor no."""
    yes, no = (", ".join(f"'{word}'" for word in words) for words in (YES, NO))
    return f"CASE WHEN lower({text}) IN ({yes}) THEN true WHEN lower({text}) IN ({no}) THEN false END"


def has_text(column: Column, types: Mapping[str, str]) -> bool:
    """Whether a column has to be read as text; a typed time has not."""
    return column.kind is not Kind.TIME or not is_typed_time(types[column.name])


def is_typed_time(sql_type: str) -> bool:
    """Whether a DuckDB type is a date or a time stamp."""
    return sql_type.startswith(("TIMESTAMP", "DATE"))


def _varchar(name: str, sql_type: str) -> str:
    return f"scan.{name}" if sql_type == "VARCHAR" else f"CAST(scan.{name} AS VARCHAR)"
