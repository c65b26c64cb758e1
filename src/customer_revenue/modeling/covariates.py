"""Covariates of customers: columns of a table, turned into the numbers that the purchase models take.

A number is centred at the mean of the customers of the fit and divided by their standard deviation. Text, booleans and
categories become an indicator for each level but the most common one. A missing number counts as the mean and has an
indicator of its own; a missing category is a level. Levels that few customers have are one level together, which new
levels join.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter

MIN_LEVEL_CUSTOMERS = 30
"""Customers that a level or missing numbers need for an effect of their own."""

MAX_LEVELS = 30
"""Levels of a category with effects of their own."""

CODE_DECIMALS = 9
"""Of numbers: what the same orders give on every engine."""

MISSING, OTHER = "(missing)", "(other)"


@dataclass(frozen=True)
class _Number:
    """A number, in standard deviations from the mean; ``has_missing`` adds an indicator of missing ones."""

    column: str
    mean: float
    deviation: float
    has_missing: bool

    @classmethod
    def of(cls, column: str, values: pa.Array) -> _Number:
        numbers = _numbers(values)
        missing = np.isnan(numbers)
        known = numbers[~missing]
        return cls(
            column,
            float(known.mean()) if len(known) else 0.0,
            float(known.std()) if len(known) else 0.0,
            bool(missing.sum() >= MIN_LEVEL_CUSTOMERS and len(known)),
        )

    @property
    def names(self) -> list[str]:
        return [self.column, *([f"{self.column}={MISSING}"] if self.has_missing else [])]

    @property
    def units(self) -> list[float]:
        return [self.deviation, *([1.0] if self.has_missing else [])]

    def numbers(self, values: pa.Array) -> list[Floats]:
        numbers = _numbers(values)
        missing = np.isnan(numbers)
        standard = np.where(missing, 0.0, (numbers - self.mean) / (self.deviation or 1.0))
        return [standard, *([missing.astype(np.float64)] if self.has_missing else [])]

    def codes(self, values: pa.Array) -> Floats:
        return _numbers(values)

    def text(self, code: float) -> str:
        return "unknown" if np.isnan(code) else f"{code:g}"


@dataclass(frozen=True)
class _Category:
    """Levels, of which the first is the base; ``OTHER`` is among them if there are rare ones."""

    column: str
    levels: tuple[str, ...]

    @classmethod
    def of(cls, column: str, values: pa.Array) -> _Category:
        counts = pc.value_counts(_texts(values))
        counted = sorted(zip(counts.field(1).to_pylist(), counts.field(0).to_pylist(), strict=True), key=_common_first)
        common = [level for count, level in counted if count >= MIN_LEVEL_CUSTOMERS][:MAX_LEVELS]
        rest = sum(count for count, level in counted if level not in common)
        return cls(column, (*common, *([OTHER] if rest >= MIN_LEVEL_CUSTOMERS else [])))

    @property
    def names(self) -> list[str]:
        return [f"{self.column}={level}" for level in self.levels[1:]]

    @property
    def units(self) -> list[float]:
        return [1.0] * len(self.names)

    def numbers(self, values: pa.Array) -> list[Floats]:
        texts = _texts(values)
        if OTHER in self.levels:
            texts = pc.if_else(pc.is_in(texts, value_set=pa.array(self.levels, pa.string())), texts, OTHER)
        return [np.asarray(pc.equal(texts, level).cast(pa.float64())) for level in self.levels[1:]]

    def codes(self, values: pa.Array) -> Floats:
        rest = float(self.levels.index(OTHER)) if OTHER in self.levels else np.nan
        places = pc.index_in(_texts(values), value_set=pa.array(self.levels, pa.string()))
        codes = np.asarray(places.cast(pa.float64()).fill_null(rest))
        return np.where(np.asarray(values.is_null()), np.nan, codes)

    def text(self, code: float) -> str:
        return "unknown" if np.isnan(code) else self.levels[int(code)]


@dataclass(frozen=True)
class CovariateColumns:
    """How the columns of a table become the covariates of a model: learned from the customers of the fit.

    >>> table = pa.table({"channel": ["web"] * 40 + ["shop"] * 30, "age": [30.0] * 35 + [50.0] * 35})
    >>> columns = CovariateColumns.of(table, ["channel", "age"])
    >>> columns.names
    ['channel=shop', 'age']
    >>> columns.matrix(pa.table({"channel": ["shop", "web"], "age": [50.0, None]})).tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """

    columns: tuple[_Number | _Category, ...]

    @classmethod
    def of(cls, table: pa.Table, names: Sequence[str]) -> CovariateColumns:
        """Learn the coding of the columns from these customers.

        Raises:
            InvalidParameter: a column is missing, of a type that is no covariate, the same for all customers, or
                follows from the others.
        """
        found = cls(tuple(_coded(name, values) for name, values in _chosen(table, names)))
        for column in found.columns:
            if not column.names or not any(column.units):
                raise InvalidParameter(f"the covariate {column.column} is the same for all customers: leave it out")
        design = np.column_stack([np.ones(table.num_rows), found.matrix(table)])
        if np.linalg.matrix_rank(design) < design.shape[1]:
            raise InvalidParameter(f"one of the covariates {', '.join(names)} follows from the others: leave it out")
        return found

    @classmethod
    def coded(cls, table: pa.Table, names: Sequence[str]) -> CovariateColumns:
        """The same for :meth:`codes`, where a column may say nothing, or what others say.

        Raises:
            InvalidParameter: a column is missing, or of a type that is no covariate.
        """
        return cls(tuple(_coded(name, values) for name, values in _chosen(table, names)))

    def codes(self, table: pa.Table) -> Floats:
        """The columns for trees: a number as it is, a category as the place of its level, NaN for missing.

        Rare and new levels are one.

        Raises:
            InvalidParameter: a column is missing or of another type than in the fit.

        >>> table = pa.table({"channel": ["web"] * 40 + ["shop"] * 30 + ["fair"] * 30 + ["fax", "phone"] * 15})
        >>> columns = CovariateColumns.coded(table, ["channel"])
        >>> columns.codes(pa.table({"channel": ["shop", "fax", "letter", None]})).T.tolist()
        [[2.0, 3.0, 3.0, nan]]
        """
        chosen = _chosen(table, [column.column for column in self.columns])
        pairs = zip(self.columns, chosen, strict=True)
        codes = [np.round(column.codes(values), CODE_DECIMALS) for column, (_, values) in pairs]
        return np.column_stack(codes) if codes else np.empty((table.num_rows, 0))

    @property
    def categorical(self) -> tuple[int, ...]:
        """The places of the categories among the columns."""
        return tuple(place for place, column in enumerate(self.columns) if isinstance(column, _Category))

    def texts(self, codes: Sequence[float]) -> list[Callable[[], str]]:
        """What says in words what a customer's codes mean, one for each column."""
        return [partial(_words, column, code) for column, code in zip(self.columns, codes, strict=True)]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.column for column in self.columns)

    @property
    def names(self) -> list[str]:
        """The names of the covariates: a number's column, or column=level."""
        return [name for column in self.columns for name in column.names]

    @property
    def units(self) -> Floats:
        """What one step of each covariate is: a number's standard deviation, or 1 for an indicator."""
        return np.array([unit for column in self.columns for unit in column.units])

    def places(self, column: str) -> list[int]:
        """The places of a column's covariates among :attr:`names`."""
        return [place for place, name in enumerate(self._columns_of_names) if name == column]

    @property
    def _columns_of_names(self) -> list[str]:
        return [column.column for column in self.columns for _ in column.names]

    def matrix(self, table: pa.Table) -> Floats:
        """The covariates of the rows of a table, one column each.

        Raises:
            InvalidParameter: a column is missing or of another type than in the fit.
        """
        chosen = _chosen(table, [column.column for column in self.columns])
        pairs = zip(self.columns, chosen, strict=True)
        return np.column_stack([numbers for column, (_, values) in pairs for numbers in column.numbers(values)])

    def to_state(self) -> list[dict[str, Any]]:
        """The coding as JSON-able values."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_state(cls, state: Sequence[Mapping[str, Any]]) -> CovariateColumns:
        """The coding that :meth:`to_state` wrote."""
        return cls(
            tuple(
                _Category(column["column"], tuple(column["levels"])) if "levels" in column else _Number(**column)
                for column in state
            )
        )


NO_COVARIATES = CovariateColumns(())


def _words(column: _Number | _Category, code: float) -> str:
    return f"{column.column} {column.text(code)}"


def _chosen(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[str, pa.Array]]:
    if absent := [name for name in names if name not in table.column_names]:
        raise InvalidParameter(f"the rows lack the covariates {', '.join(absent)}: add these columns")
    for name in names:
        yield name, table.column(name).combine_chunks()


def _coded(name: str, values: pa.Array) -> _Number | _Category:
    if pa.types.is_null(values.type):
        raise InvalidParameter(f"the covariate {name} is missing for all customers: leave it out")
    return _Number.of(name, values) if _is_number(values.type) else _Category.of(name, values)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _numbers(values: pa.Array) -> Floats:
    """The values as floats, what is missing or infinite as NaN."""
    if not (_is_number(values.type) or pa.types.is_null(values.type)):
        raise InvalidParameter(f"a covariate that was a number in the fit is {values.type} now: convert it")
    numbers = np.array(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _texts(values: pa.Array) -> pa.Array:
    """The values as text, what is missing as its own level."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_nested(values.type) or pa.types.is_temporal(values.type) or pa.types.is_binary(values.type):
        raise InvalidParameter(f"a covariate is a number, a text, a boolean or a category, not {values.type}")
    return pc.fill_null(values.cast(pa.string()), MISSING)


def _common_first(counted: tuple[int, str]) -> tuple[int, str]:
    return -counted[0], counted[1]
