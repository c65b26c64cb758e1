"""Tables as CSV for spreadsheets."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

ROWS_AT_A_TIME = 20_000
FORMULA = r"^[=+\-@\t\r]"
CENTS = "_cents"


def as_csv(table: pa.Table) -> Iterator[bytes]:
    """A table as CSV in pieces: money in currency units, and no text that a spreadsheet would take for a formula."""
    shaped = pa.table({name.removesuffix(CENTS): _column(name, table.column(name)) for name in table.column_names})
    for start in range(0, max(shaped.num_rows, 1), ROWS_AT_A_TIME):
        piece = io.BytesIO()
        options = pa_csv.WriteOptions(include_header=start == 0)
        pa_csv.write_csv(shaped.slice(start, ROWS_AT_A_TIME), piece, options)
        yield piece.getvalue()


def _column(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name.endswith(CENTS):
        return pc.round(pc.divide(pc.cast(column, pa.float64()), 100.0), 2)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        risky = pc.match_substring_regex(column, FORMULA)
        return pc.if_else(pc.coalesce(risky, False), pc.binary_join_element_wise("'", column, ""), column)
    return column
