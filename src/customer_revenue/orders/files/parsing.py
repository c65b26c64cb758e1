"""SQL expressions that parse the columns of a format by the conventions of a file.

They contain only names that are constants of this package.
"""

from __future__ import annotations

from collections.abc import Mapping

from customer_revenue.orders.files.columns.conventions import (
    AmountUnit,
    Conventions,
    IdConvention,
    NumberConvention,
    TimeConvention,
)
from customer_revenue.orders.files.columns.dates import parse_time
from customer_revenue.orders.files.columns.ids import is_placeholder, parse_id
from customer_revenue.orders.files.columns.numbers import parse_decimal, parse_integer
from customer_revenue.orders.files.columns.texts import is_typed_time, parse_truth, text_of
from customer_revenue.orders.files.formats.amounts import in_cents
from customer_revenue.orders.files.formats.format import Column, Format, Kind

_SQL_TYPE = {
    Kind.TEXT: "VARCHAR",
    Kind.ID: "VARCHAR",
    Kind.CUSTOMER: "VARCHAR",
    Kind.TIME: "TIMESTAMP",
    Kind.MONEY: "BIGINT",
    Kind.CENTS: "BIGINT",
    Kind.DECIMAL: "DECIMAL(18, 8)",
    Kind.INTEGER: "BIGINT",
    Kind.TRUTH: "BOOLEAN",
}

_BAD_VALUE_REASONS = {
    Kind.TIME: "date",
    Kind.MONEY: "amount",
    Kind.CENTS: "amount",
    Kind.DECIMAL: "amount",
    Kind.INTEGER: "quantity",
}


def parsed_columns(file_format: Format, types: Mapping[str, str], conventions: Conventions) -> list[str]:
    """Return ``expression AS name`` for every column of a format, null for those that the file lacks, and minor units.

    For each column that may fail to be parsed there is also ``has_name``: whether the file states a value.

    Args:
        file_format: the format.
        types: the DuckDB type of each column of the file that the format has.
        conventions: how its columns are read.
    """
    values = [
        f"{parse(column, types, conventions)} AS {column.name}"
        if column.name in types
        else f"CAST(NULL AS {_SQL_TYPE[column.kind]}) AS {column.name}"
        for column in file_format.columns
    ]
    stated = [f"scan.{column.name} IS NOT NULL AS has_{column.name}" for column in _parsed(file_format, types)]
    return [*values, *stated, f"{conventions.minor_units} AS minor_units"]


def parse_failure(file_format: Format, types: Mapping[str, str]) -> str:
    """Return SQL over parsed columns for the quarantine reason of a value that is no value, null if all are."""
    cases = [
        f"WHEN has_{column.name} AND {column.name} IS NULL THEN 'bad_{_BAD_VALUE_REASONS[column.kind]}'"
        for column in _parsed(file_format, types)
    ]
    return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"


def _parsed(file_format: Format, types: Mapping[str, str]) -> list[Column]:
    return [
        column
        for column in file_format.columns
        if not column.is_optional and column.kind in _BAD_VALUE_REASONS and column.name in types
    ]


def parse(column: Column, types: Mapping[str, str], conventions: Conventions) -> str:
    """Return SQL for the value of a column, null if it cannot be parsed."""
    name, sql_type, text = f"scan.{column.name}", types[column.name], text_of(column, types)
    numbers = conventions.numbers.get(column.name, NumberConvention())
    match column.kind:
        case Kind.TEXT:
            return _unless_placeholder(text) if column.is_optional else text
        case Kind.ID | Kind.CUSTOMER:
            return parse_id(text, conventions.ids.get(column.name, IdConvention()))
        case Kind.TIME:
            if is_typed_time(sql_type):
                return f"CAST({name} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
            convention = conventions.times.get(column.name, TimeConvention())
            return parse_time(text, convention, is_utc=column.is_utc)
        case Kind.MONEY:
            amount = _number(name, sql_type, text, numbers)
            is_major = conventions.amounts is AmountUnit.MAJOR
            return in_cents(amount, conventions.minor_units if is_major else conventions.coins)
        case Kind.DECIMAL:
            return f"TRY_CAST({_number(name, sql_type, text, numbers)} AS DECIMAL(18, 8))"
        case Kind.TRUTH:
            return parse_truth(text)
        case Kind.CENTS | Kind.INTEGER:
            return f"TRY_CAST({name} AS BIGINT)" if "INT" in sql_type else parse_integer(text, numbers)


def _unless_placeholder(text: str) -> str:
    # NA is Namibia.
    return f"CASE WHEN NOT {is_placeholder(text)} OR {text} = 'NA' THEN {text} END"


def _number(name: str, sql_type: str, text: str, convention: NumberConvention) -> str:
    if sql_type == "VARCHAR":
        return parse_decimal(text, convention)
    return f"coalesce(TRY_CAST({name} AS DECIMAL(18, 8)), TRY_CAST({name} AS DECIMAL(38, 12)))"
