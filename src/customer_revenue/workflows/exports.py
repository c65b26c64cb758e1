"""Tables as files: CSV or Parquet by the ending, written beside their place and moved into it."""

from __future__ import annotations

import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from customer_revenue.errors import InvalidParameter

ENDINGS = (".csv", ".parquet")


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
            pyarrow.csv.write_csv(table, draft)
        else:
            pyarrow.parquet.write_table(table, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
