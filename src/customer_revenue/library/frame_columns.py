"""Conversion between pandas and Arrow, and from the column names of other libraries to ours."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
import pyarrow as pa

from customer_revenue.errors import InvalidParameter
from customer_revenue.periods import parse_day

DayLike: TypeAlias = str | dt.date | pd.Timestamp
"""A day: ``"1997-09-30"``, a date, or a pandas timestamp."""

Rows: TypeAlias = pd.DataFrame | pa.Table
"""One row per customer."""

if TYPE_CHECKING:
    Numbers: TypeAlias = pd.Series[float]
    Lines: TypeAlias = pd.Series[list[str]]
else:  # pandas has the parameter for type checkers only
    Numbers = Lines = pd.Series

OTHER_NAMES = {"recency": "recency_days", "T": "T_days", "monetary_value": "monetary_cents"}
"""Our names of the columns of lifetimes and pymc-marketing. Units of time and money are not converted."""


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Convert an Arrow table to a DataFrame, with days as timestamps."""
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    return frame


def as_table(rows: Rows) -> pa.Table:
    """Convert rows to an Arrow table with our column names; add the columns that follow from the others.

    Raises:
        InvalidParameter: the rows are neither a DataFrame nor an Arrow table.
    """
    if isinstance(rows, pd.DataFrame):
        table = pa.Table.from_pandas(rows, preserve_index=False)
        if "customer_id" not in table.column_names:
            table = table.append_column("customer_id", pa.array(rows.index))
    elif isinstance(rows, pa.Table):
        table = rows
    else:
        raise InvalidParameter(f"rows of customers must be a DataFrame or an Arrow table, not {type(rows).__name__}")
    table = table.rename_columns([OTHER_NAMES.get(name, name) for name in table.column_names])
    if "monetary_cents" in table.column_names and "spend_days" not in table.column_names:
        table = table.append_column("spend_days", table.column("frequency"))
    return table


def customer_index(table: pa.Table) -> pd.Index[str]:
    """The ids of the customers of a table as an index."""
    ids: pd.Index[str] = pd.Index(table.column("customer_id").to_pandas(), name="customer_id")
    return ids


def as_day(day: DayLike | None) -> dt.date | None:
    """Convert a day to a date.

    Raises:
        InvalidParameter: the text is not a day.
    """
    if day is None or (isinstance(day, dt.date) and not isinstance(day, dt.datetime)):
        return day
    return day.date() if isinstance(day, dt.datetime) else parse_day(day)
