"""Read files: detect their type, encoding and header, and create a DuckDB view of their rows with line numbers."""

# ruff: noqa: S608  # SQL is built from this package's own names; values and file names are bound
from __future__ import annotations

import codecs
import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from customer_revenue.errors import UnreadableFile
from customer_revenue.orders.duckdb_sql import first_line, scalar

SCAN = "scan"
"""Name of the view over the rows of the current file."""

LINE = "line"
"""Name of its column of line numbers. The header is line 1. A record counts as one line even if it spans several."""

_HEAD_BYTES = 1 << 20
_PARQUET_MAGIC = b"PAR1"
_DELIMITERS = (",", ";", "\t", "|")
_BINARY_SIGNATURES = {
    b"\x89PNG": "a PNG image",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet (export it as CSV)",
    b"%PDF": "a PDF document",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x1f\x8b": "compressed with gzip (unpack it first)",
    b"\xd0\xcf\x11\xe0": "an old Excel file (export it as CSV)",
    b"SQLite": "a SQLite database",
}


@dataclass(frozen=True)
class File:
    """A file of rows, inspected but not read yet."""

    path: Path
    header: tuple[str, ...]
    delimiter: str | None
    """``None`` for Parquet, and a space for columns that are separated by any number of spaces."""
    encoding: str = "utf-8"

    @property
    def is_parquet(self) -> bool:
        """Whether the file holds typed columns rather than text."""
        return self.delimiter is None


def inspect_file(path: Path) -> File:
    """Detect what a file is, by its content.

    Raises:
        UnreadableFile: the file is missing or empty, is neither text nor Parquet, or contradicts its name.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise UnreadableFile(f"{path} does not exist") from None
    except IsADirectoryError:
        raise UnreadableFile(f"{path} is a folder: name the files in it") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from None
    if not head.strip():
        raise UnreadableFile(f"{path} is empty")
    if head.startswith(_PARQUET_MAGIC):
        if path.suffix.lower() not in (".parquet", ".pq"):
            raise UnreadableFile(f"{path} is a Parquet file: rename it to {path.with_suffix('.parquet').name}")
        return File(path, _parquet_header(path), None)
    if path.suffix.lower() in (".parquet", ".pq"):
        raise UnreadableFile(f"{path} is not a Parquet file, despite its name")
    return _inspect_text(path, head)


def _parquet_header(path: Path) -> tuple[str, ...]:
    try:
        with duckdb.connect() as con:
            return tuple(con.read_parquet(str(path)).columns)
    except duckdb.Error as error:
        raise UnreadableFile(f"{path} is a damaged Parquet file: {first_line(error)}") from None


def _inspect_text(path: Path, head: bytes) -> File:
    for magic, what in _BINARY_SIGNATURES.items():
        if head.startswith(magic):
            raise UnreadableFile(f"{path} is not a text file: it is {what}")
    encoding = _encoding(path, head)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head).lstrip("\ufeff")
    if "\0" in text:
        raise UnreadableFile(f"{path} is not a text file")
    first = _first_line_of(text)
    if not first.strip():
        raise UnreadableFile(f"{path} does not begin with a line of column names")
    counts = {delimiter: first.count(delimiter) for delimiter in _DELIMITERS}
    delimiter = max(counts, key=lambda d: counts[d])
    if counts[delimiter] == 0:
        return File(path, tuple(first.split()), " ", encoding)
    try:
        header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise UnreadableFile(f"{path}, line 1: {error}") from None
    return File(path, tuple(name.strip() for name in header), delimiter, encoding)


def as_utf8(file: File, folder: Path) -> File:
    """Return the file, or a copy in UTF-8 in ``folder``, since DuckDB reads no other encoding."""
    if file.is_parquet or file.encoding == "utf-8":
        return file
    copy = folder / f"{file.path.name}.utf8"
    with (
        file.path.open(encoding=file.encoding, errors="replace", newline="") as old,
        copy.open("w", encoding="utf-8", newline="") as new,
    ):
        shutil.copyfileobj(old, new)
    return replace(file, path=copy, encoding="utf-8")


def _first_line_of(text: str) -> str:
    first, _, _ = text.partition("\n")
    return first.rstrip("\r")


def _encoding(path: Path, head: bytes) -> str:
    """Detect UTF-16 by its byte order mark and UTF-8 by the whole file. Otherwise assume Windows-1252."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 24):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def open_scan(con: duckdb.DuckDBPyConnection, file: File, names: Mapping[str, str]) -> dict[str, str]:
    """Create the view ``SCAN``: the column ``LINE``, then the file's columns.

    Args:
        con: the connection to create the view in.
        file: the file.
        names: our name for each known column of the file. The others become ``other_1``, ``other_2``, …, so that SQL
            never contains a name from a file.

    Returns:
        The DuckDB type of each known column.
    """
    columns = _our_names(file.header, names)
    if file.is_parquet:
        rows = con.read_parquet(str(file.path))
        chosen = [duckdb.ColumnExpression(h).alias(c) for h, c in zip(file.header, columns, strict=True)]
        rows = rows.select(*chosen)
    elif file.delimiter == " ":
        rows = _words_of_lines(con, file, columns)
    else:
        rows = con.read_csv(
            str(file.path),
            header=True,
            delimiter=file.delimiter,
            quotechar='"',
            escapechar='"',
            auto_detect=False,
            columns=dict.fromkeys(columns, "VARCHAR"),
            store_rejects=True,
            max_line_size=1 << 24,
        )
    rows.create_view("scanned_rows", replace=True)
    con.execute(f"CREATE OR REPLACE TEMP VIEW {SCAN} AS SELECT row_number() OVER () + 1 AS {LINE}, * FROM scanned_rows")
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    return {name: types[name] for name in names.values()}


def _our_names(header: Sequence[str], names: Mapping[str, str]) -> list[str]:
    return [names.get(column, f"other_{position}") for position, column in enumerate(header, 1)]


def _words_of_lines(con: duckdb.DuckDBPyConnection, file: File, columns: Sequence[str]) -> duckdb.DuckDBPyRelation:
    """Read each line whole, then split it at spaces."""
    whole = con.read_csv(
        str(file.path),
        header=True,
        # A separator and a quote that no text file contains, so that the line stays one value.
        delimiter="\x1f",
        quotechar="\x1e",
        escapechar="\x1e",
        auto_detect=False,
        columns={"text": "VARCHAR"},
    )
    whole.create_view("scanned_lines", replace=True)
    split = con.sql(r"SELECT string_split_regex(trim(text), '\s+') AS words FROM scanned_lines")
    words = [
        duckdb.FunctionExpression("list_extract", duckdb.ColumnExpression("words"), duckdb.ConstantExpression(i)).alias(
            column
        )
        for i, column in enumerate(columns, 1)
    ]
    return split.select(*words)


def rejected_lines(con: duckdb.DuckDBPyConnection) -> int:
    """Move the lines of the last scan that could not be split into columns to the table ``rejected``, and count them.

    ``rejected`` has the columns ``line`` and ``raw``, the text of the line.
    """
    known = scalar(con, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'")
    con.execute("CREATE OR REPLACE TEMP TABLE rejected (line BIGINT, raw VARCHAR)")
    if known:
        con.execute("INSERT INTO rejected SELECT line, any_value(csv_line) FROM reject_errors GROUP BY line")
        con.execute("DROP TABLE reject_errors")
        con.execute("DROP TABLE reject_scans")
    return scalar(con, "SELECT count(*) FROM rejected")
