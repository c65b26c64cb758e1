"""Judge the columns of a file before any of its cells is parsed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import duckdb

from customer_revenue.errors import CurrencyMismatch, UndecidedColumn
from customer_revenue.orders.files.columns.conventions import (
    AmountUnit,
    ColumnChoices,
    Conventions,
    IdConvention,
    Inference,
    NumberConvention,
    TimeConvention,
)
from customer_revenue.orders.files.columns.dates import inference_of, judge_times, undecided
from customer_revenue.orders.files.columns.ids import judge_ids
from customer_revenue.orders.files.columns.numbers import judge_numbers
from customer_revenue.orders.files.columns.texts import has_text, text_of
from customer_revenue.orders.files.formats.format import Column, Format, Kind

_NUMBERS = (Kind.MONEY, Kind.DECIMAL, Kind.CENTS, Kind.INTEGER)
_IDS = (Kind.ID, Kind.CUSTOMER)


@dataclass
class _Findings:
    times: dict[str, TimeConvention] = field(default_factory=dict)
    numbers: dict[str, NumberConvention] = field(default_factory=dict)
    ids: dict[str, IdConvention] = field(default_factory=dict)
    inferences: list[Inference] = field(default_factory=list)
    currencies: set[str] = field(default_factory=set)
    amounts: int = 0
    fractions: int = 0
    undecided: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgedColumns:
    """The conventions of a file, and the columns of dates that it alone could not decide."""

    conventions: Conventions
    undecided: Mapping[str, tuple[str, str]]
    """For our name of such a column, the file's name and an example."""


@dataclass(frozen=True)
class ColumnJudge:
    """Judges the columns of one table of texts.

    Args:
        con: the connection.
        table: name of the table, a constant of this package.
        source: name of the file, for what is reported.
        file_format: the format of the file.
        types: the DuckDB type of each known column of the file.
        theirs: the file's own name of each known column.
        choices: what a user has chosen.
        latest: the latest plausible time.
        is_excerpt: whether the file has some rows of another only, which decide less than the whole.
    """

    con: duckdb.DuckDBPyConnection
    table: str
    source: str
    file_format: Format
    types: Mapping[str, str]
    theirs: Mapping[str, str]
    choices: ColumnChoices
    latest: dt.datetime
    is_excerpt: bool = False

    def judge(self) -> JudgedColumns:
        """Judge every known column.

        Raises:
            UndecidedColumn: a column contradicts itself, or its numbers can be read in two ways, or the amounts of an
                excerpt do not show their unit.
            CurrencyMismatch: its amounts have the signs of several currencies.
        """
        found = _Findings()
        for column in self.file_format.columns:
            if column.name not in self.types or not has_text(column, self.types):
                continue
            if column.kind is Kind.TIME:
                self._time(column, found)
            elif column.kind in _NUMBERS:
                self._number(column, found)
            elif column.kind in _IDS:
                self._id(column, found)
        if len(found.currencies) > 1:
            raise CurrencyMismatch(
                f"{self.source} has amounts in several currencies ({', '.join(sorted(found.currencies))}): split the"
                " file, or name the currency of each line in a column"
            )
        unit = self._unit(found)
        conventions = Conventions(
            found.times,
            found.numbers,
            found.ids,
            unit,
            currency=next(iter(found.currencies), ""),
            inferences=tuple(found.inferences),
        )
        return JudgedColumns(conventions, found.undecided)

    def _time(self, column: Column, found: _Findings) -> None:
        text, theirs = text_of(column, self.types), self.theirs[column.name]
        judged = judge_times(self.con, self.table, text, theirs, self.choices.dates, self.latest)
        if judged.convention is None:
            found.undecided[column.name] = (theirs, judged.example)
            return
        found.times[column.name] = judged.convention
        if inferred := inference_of(judged, self.source, theirs):
            found.inferences.append(inferred)

    def _number(self, column: Column, found: _Findings) -> None:
        text, theirs = text_of(column, self.types), self.theirs[column.name]
        if self.types[column.name] != "VARCHAR":
            if column.kind is Kind.MONEY and not column.is_optional:
                found.amounts += 1
                found.fractions += "INT" not in self.types[column.name]
            return
        try:
            judged = judge_numbers(self.con, self.table, text, theirs, self.choices.decimal)
        except UndecidedColumn:
            if not column.is_optional:
                raise
            # The amounts of the file decide, which come before.
            found.numbers[column.name] = next(iter(found.numbers.values()), NumberConvention())
            return
        found.numbers[column.name] = judged.convention
        if judged.evidence:
            sign = judged.convention.decimal
            found.inferences.append(
                Inference(self.source, theirs, f"numbers with a decimal {sign.value}", judged.evidence)
            )
        if judged.currency:
            found.currencies.add(judged.currency)
        if column.kind is Kind.MONEY and not column.is_optional:
            found.amounts += 1
            found.fractions += judged.has_fractions

    def _id(self, column: Column, found: _Findings) -> None:
        text, theirs = text_of(column, self.types), self.theirs[column.name]
        is_customer = column.kind is Kind.CUSTOMER
        found.ids[column.name], inferred = judge_ids(
            self.con, self.table, text, self.source, theirs, is_customer=is_customer
        )
        found.inferences += inferred

    def _unit(self, found: _Findings) -> AmountUnit:
        if self.choices.amounts:
            return self.choices.amounts
        if not self.file_format.has_minor_units or not found.amounts or found.fractions:
            return AmountUnit.MAJOR
        if self.is_excerpt:
            raise UndecidedColumn(
                f"{self.source}: its amounts are whole, in the currency or in its smallest coin: choose with --amounts"
                " major or minor, as the first import read them"
            )
        evidence = "whole numbers in every amount, as the platform's own database has them"
        found.inferences.append(Inference(self.source, "every amount", "minor units", evidence))
        return AmountUnit.MINOR


def decide_together(judged: Mapping[int, JudgedColumns], formats: Mapping[int, Format]) -> dict[int, Conventions]:
    """Let files of one format decide for each other what one of them alone cannot.

    Args:
        judged: the judged columns of each file, by its position.
        formats: the format of each.

    Raises:
        UndecidedColumn: no file of the import decides.
    """
    decided = {}
    for position, columns in judged.items():
        times = dict(columns.conventions.times)
        for name, (theirs, example) in columns.undecided.items():
            known = [
                other.conventions.times[name]
                for place, other in judged.items()
                if formats[place].name == formats[position].name and name in other.conventions.times
            ]
            if len({convention.order for convention in known}) != 1:
                raise undecided(theirs, example)
            times[name] = known[0]
        decided[position] = replace(columns.conventions, times=times)
    return decided
