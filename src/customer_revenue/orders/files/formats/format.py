"""The definition of a file format.

A format states which columns a file has, and how one of its lines becomes a *line* of ours (``LINE_COLUMNS``): a line
of an order, or a refund. Every format has the same rules on lines, in ``staging`` and ``quarantine``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

LINE_COLUMNS = {
    "role": "VARCHAR",
    "order_id": "VARCHAR",
    "refund_id": "VARCHAR",
    "user_id": "VARCHAR",
    "created_at": "TIMESTAMP",
    "total_cents": "BIGINT",
    "status": "VARCHAR",
    "product_id": "VARCHAR",
    "product_name": "VARCHAR",
    "quantity": "BIGINT",
    "amount_cents": "BIGINT",
    "refund_cents": "BIGINT",
    "refunded_at": "TIMESTAMP",
    "user_name": "VARCHAR",
    "user_email": "VARCHAR",
    "currency": "VARCHAR",
}
"""The columns of a line, with their DuckDB types. ``role`` is ``order`` or ``refund``. What a format lacks is null."""


class Kind(Enum):
    """How the text of a column is parsed."""

    TEXT = "text"
    TIME = "time"
    MONEY = "money"
    """A decimal number in units of the currency, rounded to cents, half a cent away from zero."""
    DECIMAL = "decimal"
    CENTS = "cents"
    INTEGER = "integer"


@dataclass(frozen=True)
class Column:
    """A column of a format. Names match regardless of case, spaces and underscores."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = True
    other_names: tuple[str, ...] = ()
    time_patterns: tuple[str, ...] = ()
    """``strptime`` patterns of times that are not in ISO 8601."""
    is_utc: bool = False
    """Whether times without a zone are in UTC rather than in the reporting zone."""


@dataclass(frozen=True)
class Format:
    """A file format.

    ``line`` maps our line columns to SQL expressions over the format's columns, which are parsed by their kind.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    line: Mapping[str, str]
    requires_one_of: tuple[str, ...] = ()
    """Columns of which a file must have at least one."""
    total_is_summed: bool = False
    """Whether an order's total is the sum of its lines' ``amount_cents``; otherwise every line states the total."""
    requires_amount: bool = False
    """Whether a line without a positive amount is quarantined as ``no_amount``."""
    refund_column: str = ""
    """The column with what was refunded of a line's order. An order that comes again then brings all its refunds."""
    personal_columns: tuple[str, ...] = ()
    """Columns with names and e-mails."""
    currency: str = ""
    """The currency of all such files, if they have one."""
    is_sample: bool = False
    """Whether such files are published samples, whose store answers as of their last day."""

    def missing_columns(self, found: Mapping[str, str]) -> list[str]:
        """Return the required columns that a header lacks, given the columns found in it."""
        have = set(found.values())
        missing = [column.name for column in self.columns if column.required and column.name not in have]
        if self.requires_one_of and not have.intersection(self.requires_one_of):
            missing.append(" or ".join(self.requires_one_of))
        return missing

    def match_columns(self, header: Sequence[str], renamed: Mapping[str, str]) -> dict[str, str]:
        """Return our column name for each name in the header that this format knows.

        Args:
            header: column names of a file.
            renamed: the file's own names for some of our columns, which take precedence over the names in the format.
        """
        own_names = {column.name for column in self.columns}
        mapped = {_key(theirs): name for name, theirs in renamed.items() if name in own_names}
        usual = {_key(name): c.name for c in self.columns for name in (c.name, *c.other_names)}
        found: dict[str, str] = {}
        for names in (mapped, {key: name for key, name in usual.items() if name not in mapped.values()}):
            for theirs in header:
                name = names.get(_key(theirs))
                if name is not None and theirs not in found and name not in found.values():
                    found[theirs] = name
        return found


def _key(name: str) -> str:
    return name.casefold().replace(" ", "").replace("_", "")
