"""Between pandas and Arrow, and from the column names of other libraries to ours."""

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
"""Rows of customers."""

if TYPE_CHECKING:
    Numbers: TypeAlias = pd.Series[float]
    Lines: TypeAlias = pd.Series[list[str]]
else:  # pandas has the parameter for type checkers only
    Numbers = Lines = pd.Series

OTHER_NAMES = {"recency": "recency_days", "T": "T_days", "monetary_value": "monetary_cents"}
"""Names that lifetimes and pymc-marketing give to columns of ours. Their unit of time and money is kept as it is."""


def as_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a DataFrame, days as timestamps."""
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    return frame


def as_table(rows: Rows) -> pa.Table:
    """Rows as an Arrow table with our names; what only we have is filled in where it follows from the rest.

    Raises:
        InvalidParameter: neither a DataFrame nor an Arrow table.
    """
    if isinstance(rows, pd.DataFrame):
        table = pa.Table.from_pandas(rows, preserve_index=False)
        if "customer_id" not in table.column_names:
            table = table.append_column("customer_id", pa.array(rows.index))
    elif isinstance(rows, pa.Table):
        table = rows
    else:
        raise InvalidParameter(f"rows of customers are a DataFrame or an Arrow table, not {type(rows).__name__}")
    table = table.rename_columns([OTHER_NAMES.get(name, name) for name in table.column_names])
    if "monetary_cents" in table.column_names and "spend_days" not in table.column_names:
        table = table.append_column("spend_days", table.column("frequency"))
    return table


def as_day(day: DayLike | None) -> dt.date | None:
    """A day as a date.

    Raises:
        InvalidParameter: it is none.
    """
    if day is None or (isinstance(day, dt.date) and not isinstance(day, dt.datetime)):
        return day
    return day.date() if isinstance(day, dt.datetime) else parse_day(day)
