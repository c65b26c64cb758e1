"""What a file format is made of.

A format says which columns a file has and how one of its lines becomes a *line* of ours (``LINE_COLUMNS``): a line
of an order, or a refund. All rules on lines are the same for every format and live in ``staging``.
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
"""What a line can say. ``role`` is ``order`` or ``refund``; a format names what it has and the rest is null."""


class Kind(Enum):
    """How the text of a column is understood."""

    TEXT = "text"
    TIME = "time"
    MONEY = "money"
    """A decimal number of the currency's units, taken to cents; half a cent away from zero."""
    DECIMAL = "decimal"
    CENTS = "cents"
    INTEGER = "integer"


@dataclass(frozen=True)
class Column:
    """A column of a format. Names are compared without case, spaces and underscores."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = True
    other_names: tuple[str, ...] = ()
    time_patterns: tuple[str, ...] = ()
    """Patterns of times that are not ISO 8601."""
    is_utc: bool = False
    """Times without a zone are in UTC, not in the reporting zone."""


@dataclass(frozen=True)
class Format:
    """How one kind of file is read.

    ``line`` maps our line columns to SQL expressions over the format's columns, which are already parsed by kind.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    line: Mapping[str, str]
    requires_one_of: tuple[str, ...] = ()
    total_is_summed: bool = False
    """An order's total is the sum of its lines' ``amount_cents``; otherwise every line states the whole total."""
    requires_amount: bool = False
    """A line without a positive amount says nothing, and is quarantined as ``no_amount``."""
    personal_columns: tuple[str, ...] = ()
    """The columns that hold names and addresses."""
    currency: str = ""
    is_sample: bool = False

    def missing_columns(self, found: Mapping[str, str]) -> list[str]:
        """The needed columns that a header lacks, by what was found in it."""
        have = set(found.values())
        missing = [column.name for column in self.columns if column.required and column.name not in have]
        if self.requires_one_of and not have.intersection(self.requires_one_of):
            missing.append(" or ".join(self.requires_one_of))
        return missing

    def match_columns(self, header: Sequence[str], renamed: Mapping[str, str]) -> dict[str, str]:
        """Our column name of each of the header's names that this format knows.

        Args:
            header: column names of a file.
            renamed: the file's name of some of our columns, which goes before the names that the format knows.
        """
        ours = [column.name for column in self.columns]
        mapped = {_key(theirs): name for name, theirs in renamed.items() if name in ours}
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
