"""Write quarantined rows as files that can be corrected in an editor and imported."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.orders.files.export_columns import EXPORT_COLUMNS, row_id, safe_cell
from customer_revenue.orders.files.reading import delimiter_of
from customer_revenue.workflows.exports import check_output, write_table


def write_quarantine(rows: pa.Table, path: Path) -> list[Path]:
    """Write the rows: as Parquet in one table, as CSV in the form of their files.

    A CSV file has the columns of the rows' own file, after :data:`EXPORT_COLUMNS`. Rows of which no text is kept, those
    of forgotten customers, are left out.

    Args:
        rows: the quarantined rows with their remedies.
        path: the file. Rows of files with several headers go to files of this name with ``-1``, ``-2``, ….

    Returns:
        The files written.

    Raises:
        InvalidParameter: the file cannot be written.
    """
    check_output(path)
    if path.suffix.lower() != ".csv":
        write_table(rows, path)
        return [path]
    kept = rows.filter(pc.not_equal(rows.column("raw"), ""))
    headers = sorted(set(pc.fill_null(kept.column("header"), "").to_pylist())) or [""]
    paths = [path.with_stem(f"{path.stem}-{n}") for n in range(1, len(headers) + 1)] if len(headers) > 1 else [path]
    for header, file in zip(headers, paths, strict=True):
        _write(kept.filter(pc.equal(pc.fill_null(kept.column("header"), ""), header)), header or "raw", file)
    return paths


def _write(rows: pa.Table, header: str, path: Path) -> None:
    delimiter = delimiter_of(header)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="," if delimiter == " " else delimiter, lineterminator="\n")
            writer.writerow([*EXPORT_COLUMNS, *_cells(header, delimiter)])
            writer.writerows(_exported(rows, delimiter, is_whole=header == "raw"))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _exported(rows: pa.Table, delimiter: str, *, is_whole: bool) -> Iterator[list[str]]:
    for batch in rows.to_batches():
        for row in batch.to_pylist():
            source, line, raw = row["source"], row["line"], row["raw"]
            cells = [raw] if is_whole else _cells(raw, delimiter)
            first = [row_id(source, line, raw), source, "" if line is None else str(line), row["reason"], row["remedy"]]
            yield [safe_cell(cell) for cell in (*first, *cells)]


def _cells(raw: str, delimiter: str) -> list[str]:
    """Split a line into cells. One whose quotes do not close, or are within a cell, is split at each delimiter."""
    if delimiter == " " or raw.count('"') % 2:
        return raw.split(delimiter)
    try:
        return next(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter, strict=True), [""])
    except csv.Error:
        return raw.split(delimiter)
