"""The formats that orders come in, and which of them a file is.

A format says which columns a file has and how one of its lines becomes a *line* of ours (``LINE_COLUMNS``): a line
of an order, or a refund. All rules on lines are the same for every format and live in ``staging``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from customer_revenue.errors import UnknownFormat

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


@dataclass(frozen=True)
class Format:
    """How one kind of file is read.

    ``line`` maps our line columns to SQL expressions over the format's columns, which are already parsed by kind.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    line: Mapping[str, str]
    needs_one_of: tuple[str, ...] = ()
    total_is_summed: bool = False
    """An order's total is the sum of its lines' ``amount_cents``; otherwise every line states the whole total."""
    amount_decides: bool = False
    """A line without a positive amount says nothing, and is quarantined as ``no_amount``."""
    currency: str = ""
    is_sample: bool = False

    def match(self, header: Sequence[str]) -> dict[str, str] | None:
        """Our column name of each of the header's names that this format knows; ``None`` if a needed one is missing."""
        found = self._found(header)
        return found if not self.missing(header) else None

    def missing(self, header: Sequence[str]) -> list[str]:
        """The needed columns that a header lacks."""
        have = set(self._found(header).values())
        missing = [column.name for column in self.columns if column.required and column.name not in have]
        if self.needs_one_of and not have.intersection(self.needs_one_of):
            missing.append(" or ".join(self.needs_one_of))
        return missing

    def _found(self, header: Sequence[str]) -> dict[str, str]:
        by_key = {_key(name): c.name for c in self.columns for name in (c.name, *c.other_names)}
        found: dict[str, str] = {}
        for name in header:
            ours = by_key.get(_key(name))
            if ours is not None and ours not in found.values():
                found[name] = ours
        return found


def _key(name: str) -> str:
    return name.casefold().replace(" ", "").replace("_", "")


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        UnknownFormat: there is none; ``details`` lists those there are.
    """
    from customer_revenue.orders.layouts import FORMATS

    for known in FORMATS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in FORMATS)
    raise UnknownFormat(f"unknown format {name[:40]!r}: use one of {names}", [known.title for known in FORMATS])


def recognise(path: Path, header: Sequence[str], named: str | None = None) -> tuple[Format, dict[str, str]]:
    """The format of a file, and our name of each of its columns that the format knows.

    Args:
        path: the file, for messages.
        header: its column names.
        named: name of the format, when the user says it.

    Raises:
        UnknownFormat: no format fits, or the named one does not; says which columns are missing.
    """
    from customer_revenue.orders.layouts import FORMATS

    candidates = [format_named(named)] if named else list(FORMATS)
    for candidate in candidates:
        if (names := candidate.match(header)) is not None:
            return candidate, names
    nearest = max(candidates, key=lambda f: len(f._found(header)))
    missing = ", ".join(nearest.missing(header))
    shown = ", ".join(name[:30] for name in header[:12]) + (", …" if len(header) > 12 else "")
    if not (named or nearest._found(header)):
        names_of_all = ", ".join(known.name for known in FORMATS)
        raise UnknownFormat(
            f"{path} has columns of no known format ({shown}); known: {names_of_all}",
            [f"{known.name}: {known.title}" for known in FORMATS],
        )
    raise UnknownFormat(f"{path} lacks the column(s) {missing} of the format {nearest.name}; it has {shown}")
