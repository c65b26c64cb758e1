"""Tables as files and downloads: CSV or Parquet that replaces the old file whole, CSV in pieces for spreadsheets."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.files.export_columns import FORMULA_SIGNS

ENDINGS = (".csv", ".parquet")
ROWS_AT_A_TIME = 20_000
CENTS = "_cents"


def check_output(path: Path) -> None:
    """Refuse a file that could not be written, before any work is done.

    Raises:
        InvalidParameter: another ending than ``.csv`` or ``.parquet``, or a folder that does not exist.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InvalidParameter(f"output: {path.name} must end with {' or '.join(ENDINGS)}")
    if not path.absolute().parent.is_dir():
        raise InvalidParameter(f"output: there is no folder {path.parent}")


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table; a reader sees the old file or the new one, never a part.

    Raises:
        InvalidParameter: see :func:`check_output`.
    """
    check_output(path)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        if path.suffix.lower() == ".csv":
            pyarrow.csv.write_csv(without_formulas(table), draft)
        else:
            pyarrow.parquet.write_table(table, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def as_csv(table: pa.Table) -> Iterator[bytes]:
    """A table as CSV in pieces: money in currency units, and no text that a spreadsheet would take for a formula."""
    units = {name.removesuffix(CENTS): _in_units(name, table.column(name)) for name in table.column_names}
    shaped = without_formulas(pa.table(units))
    for start in range(0, max(shaped.num_rows, 1), ROWS_AT_A_TIME):
        piece = io.BytesIO()
        options = pyarrow.csv.WriteOptions(include_header=start == 0)
        pyarrow.csv.write_csv(shaped.slice(start, ROWS_AT_A_TIME), piece, options)
        yield piece.getvalue()


def without_formulas(table: pa.Table) -> pa.Table:
    """A table whose texts no spreadsheet takes for formulas: such as it would begin with an apostrophe."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = table.column(place)
            risky = pc.match_substring_regex(column, f"^{FORMULA_SIGNS}")
            safe = pc.if_else(pc.coalesce(risky, False), pc.binary_join_element_wise("'", column, ""), column)
            table = table.set_column(place, field.name, safe)
    return table


def _in_units(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if name.endswith(CENTS):
        return pc.round(pc.divide(pc.cast(column, pa.float64()), 100.0), 2)
    return column
