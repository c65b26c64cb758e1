"""The optional columns of orders, items and customers: a mapping can name them in files of every format."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from customer_revenue.orders.duckdb_sql import duckdb_type
from customer_revenue.orders.files.formats.format import Column, Format, Kind
from customer_revenue.tables import OPTIONAL_COLUMNS

OPTIONAL_TYPES = {name: duckdb_type(dtype) for columns in OPTIONAL_COLUMNS.values() for name, dtype in columns.items()}
"""The optional columns of a line, with their DuckDB types."""

_KINDS = {"BIGINT": Kind.CENTS, "BOOLEAN": Kind.TRUTH, "TEXT": Kind.TEXT}
_IN_UNITS = {"discount_cents": "discount", "cost_cents": "cost"}
"""Columns in cents, and the names of those in units of the currency instead."""

OPTIONAL_NAMES = {
    **{name: name for name in OPTIONAL_TYPES},
    **{units: cents for cents, units in _IN_UNITS.items()},
}
"""For each name under which a file or a mapping can state an optional column, the column of a line that it fills."""


def optional_column(name: str, *other_names: str) -> Column:
    """Return the column of a format with one of the ``OPTIONAL_NAMES``."""
    kind = _KINDS[OPTIONAL_TYPES[name]] if name in OPTIONAL_TYPES else Kind.MONEY
    return Column(name, kind, required=False, other_names=other_names, is_optional=True)


ALL_OPTIONAL = tuple(optional_column(name) for name in OPTIONAL_NAMES)
"""Every optional column under its own name, as in the generic format."""

OPTIONAL_LINE = {name: f"coalesce({name}, {_IN_UNITS[name]})" if name in _IN_UNITS else name for name in OPTIONAL_TYPES}
"""The optional columns of a line over ``ALL_OPTIONAL``."""


def with_mapped(file_format: Format, mapped: Collection[str]) -> Format:
    """Return a format with those optional columns that a mapping names and the format has not."""
    own = {column.name for column in file_format.columns}
    added = [name for name in OPTIONAL_NAMES if name in mapped and name not in own]
    if not added:
        return file_format
    line = dict(file_format.line)
    for name in added:
        ours = OPTIONAL_NAMES[name]
        line[ours] = f"coalesce({name}, {line[ours]})" if ours in line else name
    return replace(file_format, columns=(*file_format.columns, *map(optional_column, added)), line=line)


def stated_columns(file_format: Format, found: Mapping[str, str]) -> list[str]:
    """Return the optional columns of a line that a file states, given the columns of the format that it has."""
    return [
        name
        for name in OPTIONAL_TYPES
        if name in file_format.line and set(_WORD.findall(file_format.line[name])) & found.keys()
    ]


_WORD = re.compile(r"\w+")
