"""Conversion between pandas and Arrow, and from the column names of other libraries to ours."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

import pandas as pd
import pyarrow as pa

from customer_revenue.errors import InvalidParameter
from customer_revenue.periods import parse_day

DayLike: TypeAlias = str | dt.date | pd.Timestamp
"""A day: ``"1997-09-30"``, a date, or a pandas timestamp."""


@runtime_checkable
class ArrowStream(Protocol):
    """A frame that hands out its columns by the Arrow PyCapsule interface, such as one of Polars or DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a capsule with an Arrow stream."""


Rows: TypeAlias = pd.DataFrame | pa.Table | ArrowStream
"""One row per customer, in a frame of any library."""

SameRows = TypeVar("SameRows", bound=Rows)
"""Rows in, and rows of the same library out."""

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
        InvalidParameter: the rows are no frame, or one whose columns mix types or share a name.
    """
    try:
        table = _arrow_of(rows)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InvalidParameter(f"the rows cannot be read: {str(error).splitlines()[0][:200]}") from None
    names = [OTHER_NAMES.get(name, name) for name in table.column_names]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidParameter(f"the rows have two columns for {twice}: leave one out")
    table = table.rename_columns(names)
    if "monetary_cents" in table.column_names and "spend_days" not in table.column_names:
        table = table.append_column("spend_days", table.column("frequency"))
    return table


def _arrow_of(rows: Rows) -> pa.Table:
    if isinstance(rows, pd.DataFrame):
        table = pa.Table.from_pandas(rows, preserve_index=False)
        ids = pa.array(rows.index)
    elif isinstance(rows, pa.Table | ArrowStream):
        table = pa.table(rows)
        ids = pa.array(range(table.num_rows))
    else:
        raise InvalidParameter(
            f"rows of customers must be a frame of pandas, Polars or Arrow, not {type(rows).__name__}"
        )
    return table if "customer_id" in table.column_names else table.append_column("customer_id", ids)


def same_kind(rows: SameRows, frame: pd.DataFrame) -> SameRows:
    """A frame as one of the library that rows are of; as an Arrow table where that is neither pandas nor Polars."""
    if isinstance(rows, pd.DataFrame):
        return cast("SameRows", frame)
    table: Any = pa.Table.from_pandas(frame, preserve_index=False)
    if type(rows).__module__.partition(".")[0] == "polars":
        table = cast("Any", sys.modules["polars"]).from_arrow(table)
    return cast("SameRows", table)


def by_customer(rows: SameRows, frame: pd.DataFrame) -> SameRows:
    """A frame with customers as its index, as :func:`same_kind`: a column where the library has no index."""
    if isinstance(rows, pd.DataFrame):
        return cast("SameRows", frame)
    return same_kind(rows, frame.rename(columns=str).reset_index())


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
