"""How the texts of a file's columns are read: what a user can choose, and what was inferred with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class DateOrder(StrEnum):
    """The order of day and month in dates such as 01/02/2025."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


class DecimalSign(StrEnum):
    """The decimal sign of amounts; the other sign separates thousands."""

    COMMA = "comma"
    POINT = "point"


class AmountUnit(StrEnum):
    """The unit of amounts: of the currency, or its smallest coin."""

    MINOR = "minor"
    MAJOR = "major"


@dataclass(frozen=True)
class ColumnChoices:
    """What a user has chosen; the columns decide what is left open."""

    dates: DateOrder | None = None
    decimal: DecimalSign | None = None
    amounts: AmountUnit | None = None


class TimeShape(StrEnum):
    """The form of a column's times."""

    ISO = "year-month-day"
    PARTS = "day and month in numbers"
    COMPACT = "yyyymmdd"
    SECONDS = "seconds since 1970"
    MILLISECONDS = "milliseconds since 1970"
    MICROSECONDS = "microseconds since 1970"
    SERIAL = "a spreadsheet's serial days"
    NAMED = "named months"


@dataclass(frozen=True)
class TimeConvention:
    """How the texts of a column of times are read."""

    shape: TimeShape = TimeShape.ISO
    order: DateOrder = DateOrder.DAY_FIRST
    """Of the shape ``PARTS``."""
    has_meridiem: bool = False
    """Whether some times say AM or PM."""
    has_short_years: bool = False
    has_spaced_offsets: bool = False
    """Whether some times have an offset after a space, as in ``2025-01-02 10:00 -0500``."""


@dataclass(frozen=True)
class NumberConvention:
    """How the texts of a column of numbers are read."""

    decimal: DecimalSign = DecimalSign.POINT
    is_plain: bool = True
    """Whether all numbers are digits, a sign and a decimal point, without thousands or currency signs."""


@dataclass(frozen=True)
class IdConvention:
    """How the texts of a column of ids are read."""

    strips_zero_fraction: bool = False
    """Whether ``17850.0`` is ``17850``."""
    has_emails: bool = False
    """Whether ids are e-mail addresses, which are compared in lower case."""
    nobody: tuple[str, ...] = ()
    """Ids of the column that stand for no customer, in addition to the usual placeholders."""


@dataclass(frozen=True)
class Inference:
    """What was inferred of a column of a file, and from what."""

    source: str
    column: str
    reading: str
    """Empty for values that cannot be read."""
    evidence: str

    def text(self) -> str:
        """One line for a person."""
        if not self.reading:
            return f"{self.source}: {self.column} is left empty in {self.evidence}"
        return f"{self.source}: {self.column} is read as {self.reading} ({self.evidence})"


@dataclass(frozen=True)
class Conventions:
    """How the columns of a file are read, by our name for each."""

    times: Mapping[str, TimeConvention] = field(default_factory=dict)
    numbers: Mapping[str, NumberConvention] = field(default_factory=dict)
    ids: Mapping[str, IdConvention] = field(default_factory=dict)
    amounts: AmountUnit = AmountUnit.MAJOR
    minor_units: str = "100"
    """SQL for how many minor units the currency of a line has."""
    coins: str = "1"
    """SQL for how many minor units a line's smallest coin is, where amounts are in coins."""
    currency: str = ""
    """The currency that the signs of the amounts name, or a sign that several currencies have."""
    inferences: tuple[Inference, ...] = ()
