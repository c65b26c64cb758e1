"""The definition of a file format.

A format states which columns a file has, and how one of its lines becomes a *line* of ours (``LINE_COLUMNS``): a line
of an order, or a refund. ``optional_columns`` has further columns of a line.

Every format has the same rules on lines, in ``staging`` and ``quarantine``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    "updated_at": "TIMESTAMP",
    "former_id": "VARCHAR",
    "left_out": "VARCHAR",
}
"""The columns of a line, with their DuckDB types. What a format lacks is null.

``role`` is ``order`` or ``refund``. Of an order that a file states twice, the lines with the latest ``updated_at``
count. ``former_id`` is an id under which earlier versions stored the order. ``left_out`` is the quarantine reason that
the format itself gives a line.
"""


class Kind(Enum):
    """How the text of a column is parsed."""

    TEXT = "text"
    ID = "id"
    CUSTOMER = "customer"
    """The id of a customer. Some ids can stand for a guest."""
    TIME = "time"
    MONEY = "money"
    """A decimal number in units of the currency, rounded to cents, half a cent away from zero."""
    DECIMAL = "decimal"
    CENTS = "cents"
    INTEGER = "integer"
    TRUTH = "truth"
    """Yes or no, in any of the usual words."""


@dataclass(frozen=True)
class Column:
    """A column of a format. Names match regardless of case, spaces and underscores."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = True
    other_names: tuple[str, ...] = ()
    is_utc: bool = False
    """Whether times without a zone are in UTC rather than in the reporting zone."""
    time_of_day: str = ""
    """For dates: the column with the time of day, if the file has it."""
    zone: str = ""
    """For dates: the column with the name of the time zone, if the file has it."""
    is_optional: bool = False
    """Whether a value that cannot be read leaves the column empty, instead of the line in quarantine."""


@dataclass(frozen=True)
class Format:
    """A file format.

    ``line`` maps our line columns to SQL expressions over the format's columns, which are parsed by their kind. A line
    without a ``role`` is of an order.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    line: Mapping[str, str]
    prepared: Mapping[str, str] = field(default_factory=dict)
    """SQL over the parsed columns for columns that ``line`` can use in addition."""
    id_column: str = ""
    """The column whose text is the id of an order, or of a refund, as it is."""
    requires_one_of: tuple[str, ...] = ()
    """Columns of which a file must have at least one."""
    allows_other_columns: bool = True
    """Whether a file can have columns that the format does not know."""
    total_is_summed: bool = False
    """Whether an order's total is the sum of its lines' ``amount_cents``; otherwise every line states the total."""
    requires_amount: bool = False
    """Whether a line without a positive amount is quarantined as ``no_amount``."""
    refund_column: str = ""
    """The column with what was refunded of a line's order. An order that comes again then brings all its refunds."""
    personal_columns: tuple[str, ...] = ()
    """Columns with names and e-mails."""
    statuses: Mapping[str, str] = field(default_factory=dict)
    """The format's own words for statuses, in lower case, and the status that each is stored as."""
    has_minor_units: bool = False
    """Whether amounts that are all whole numbers are in the currency's smallest coin, as Stripe has them."""
    moves_customers: bool = False
    """Whether an order that comes again with another e-mail is the same person's, whose address was corrected."""
    currency: str = ""
    """The currency of all such files, if they have one."""
    line_currency: str = "scan.currency"
    """SQL over the texts of a file, ``scan``, for the currency of a line, if the file has a column for it."""
    numbers_orders: bool = False
    """Whether lines have no order ids: those with the same ``order_id`` are different orders, which are numbered."""
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
        mapped = {ours: theirs for ours, theirs in renamed.items() if ours in own_names}
        keys: dict[str, str] = {}
        for theirs in header:
            keys.setdefault(header_key(theirs), theirs)
        found: dict[str, str] = {}
        for column in sorted(self.columns, key=lambda column: column.name not in mapped):
            names = (mapped[column.name],) if column.name in mapped else (column.name, *column.other_names)
            for name in names:
                theirs = keys.get(header_key(name), "")
                if theirs and theirs not in found:
                    found[theirs] = column.name
                    break
        return found


def header_key(name: str) -> str:
    """Return the name of a column as it is compared: without case, spaces and underscores."""
    return name.casefold().replace(" ", "").replace("_", "")


def words_of(**words: Sequence[str]) -> dict[str, str]:
    """Return the status of each word, from the words of each status."""
    return {word: status for status, own in words.items() for word in own}
