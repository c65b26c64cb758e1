"""Frames of orders of any library as one Arrow table with the columns of a plain log."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias, TypeGuard

import pandas as pd
import pyarrow as pa

from customer_revenue.errors import InvalidParameter
from customer_revenue.library.frame_columns import ArrowStream
from customer_revenue.orders.files.formats.event_log import LOG
from customer_revenue.orders.files.formats.format import header_key

_MAX_SHOWN = 12


Frame: TypeAlias = pd.DataFrame | pa.Table | ArrowStream


def is_frame(source: object) -> TypeGuard[Frame]:
    """Whether a source is a frame of rows, of any library."""
    return isinstance(source, pd.DataFrame | pa.Table | ArrowStream)


def as_arrow(frame: Frame, chosen: Mapping[str, str]) -> pa.Table:
    """Convert a frame to an Arrow table that Parquet can hold.

    Args:
        frame: the frame.
        chosen: the frame's own names of columns, by our name for each in a log of orders. Without an amount, under any
            of its usual names, every order is one of zero.

    Raises:
        InvalidParameter: a column is not in the frame, or mixes types.
    """
    if isinstance(frame, pd.DataFrame) and set(frame.index.names) & set(chosen.values()):
        frame = frame.reset_index()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Arrow reads a pandas column that has a zone in a way that is to change
            is_pandas = isinstance(frame, pd.DataFrame)
            table = pa.Table.from_pandas(frame, preserve_index=False) if is_pandas else pa.table(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InvalidParameter(f"the frame cannot be read: {str(error).splitlines()[0][:200]}") from None
    table = table.cast(pa.schema([field.with_type(_plain(field.type)) for field in table.schema]))
    if not chosen:
        return table
    for theirs in chosen.values():
        _check_has(table.column_names, theirs)
    ours = {theirs: name for name, theirs in chosen.items()}
    taken = {header_key(name) for name in chosen}
    kept = [name for name in table.column_names if name in ours or header_key(name) not in taken]
    table = table.select(kept).rename_columns([ours.get(name, name) for name in kept])
    if LOG.missing_columns(LOG.match_columns(table.column_names, {})) == [" or ".join(LOG.requires_one_of)]:
        return table.append_column("amount_cents", pa.array([0] * table.num_rows, pa.int64()))
    return table


def _check_has(names: list[str], wanted: str) -> None:
    if names.count(wanted) == 1:
        return
    if wanted in names:
        raise InvalidParameter(f"the frame has {names.count(wanted)} columns {wanted!r}: rename all but one")
    near = get_close_matches(str(wanted), names, 1)
    shown = ", ".join(names[:_MAX_SHOWN]) + (", …" if len(names) > _MAX_SHOWN else "")
    raise InvalidParameter(
        f"the frame has no column {wanted!r}; it has {shown}" + (f": did you mean {near[0]!r}?" if near else "")
    )


def _plain(kind: Any) -> pa.DataType:
    """Return the type that Parquet has instead of a view."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if pa.types.is_binary_view(kind) else kind
