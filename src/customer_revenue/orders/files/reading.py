"""Read files: detect their type and header, and load their rows into a table of texts with line numbers."""

# ruff: noqa: S608  # SQL is built from this package's own names; values and file names are bound
from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from customer_revenue.errors import UnreadableFile
from customer_revenue.orders.duckdb_sql import first_line, scalar
from customer_revenue.orders.files.columns.ids import tidy_text
from customer_revenue.orders.files.encodings import Encoding, as_utf8, detect_encoding
from customer_revenue.orders.files.formats.format import header_key

LINE = "line"
"""Name of the column of line numbers. The header is line 1. A record counts as one line even if it spans several."""

_HEAD_BYTES = 1 << 20
_PARQUET_MAGIC = b"PAR1"
_DELIMITERS = (",", ";", "\t", "|")
_BINARY_SIGNATURES = {
    b"\x89PNG": "a PNG image",
    b"%PDF": "a PDF document",
    b"\xff\xd8\xff": "a JPEG image",
    b"SQLite": "a SQLite database",
}


@dataclass(frozen=True)
class File:
    """A file of rows, inspected but not read yet."""

    path: Path
    source: str
    header: tuple[str, ...]
    delimiter: str | None
    """``None`` for Parquet, and a space for columns that are separated by any number of spaces."""
    encoding: Encoding = field(default=Encoding("utf-8"))

    @property
    def is_parquet(self) -> bool:
        """Whether the file holds typed columns rather than text."""
        return self.delimiter is None


@dataclass(frozen=True)
class Rows:
    """The rows of a file in a table: the column ``LINE``, then the file's columns.

    A column is named as the format names it, or ``other_1``, ``other_2``, … by its position.
    """

    table: str
    types: Mapping[str, str]
    """The DuckDB type of each column that the format knows."""
    rejected: int
    """Lines that could not be split into columns."""


def inspect_file(path: Path, source: str) -> File:
    """Detect what a file is, by its content.

    Raises:
        UnreadableFile: the file is missing or empty, is neither text nor Parquet, or contradicts its name.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if not head.strip():
        raise UnreadableFile(f"{path} is empty")
    if head.startswith(_PARQUET_MAGIC):
        if path.suffix.lower() not in (".parquet", ".pq"):
            raise UnreadableFile(f"{path} is a Parquet file: rename it to {path.with_suffix('.parquet').name}")
        return File(path, source, _parquet_header(path), None)
    if path.suffix.lower() in (".parquet", ".pq"):
        raise UnreadableFile(f"{path} is not a Parquet file, despite its name")
    return _inspect_text(path, source, head)


def _parquet_header(path: Path) -> tuple[str, ...]:
    try:
        with duckdb.connect() as con:
            return tuple(con.read_parquet(str(path)).columns)
    except duckdb.Error as error:
        raise UnreadableFile(f"{path} is a damaged Parquet file: {first_line(error)}") from None


def _inspect_text(path: Path, source: str, head: bytes) -> File:
    for magic, what in _BINARY_SIGNATURES.items():
        if head.startswith(magic):
            raise UnreadableFile(f"{path} is not a text file: it is {what}")
    encoding = detect_encoding(path, head)
    text = codecs.getincrementaldecoder(encoding.name)(errors="replace").decode(head).lstrip("\ufeff")
    if "\0" in text:
        raise UnreadableFile(f"{path} is not a text file")
    first = text.partition("\n")[0].rstrip("\r")
    if not first.strip():
        raise UnreadableFile(f"{path} does not begin with a line of column names")
    delimiter = delimiter_of(first)
    if delimiter == " ":
        return File(path, source, tuple(first.split()), " ", encoding)
    try:
        header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise UnreadableFile(f"{path}, line 1: {error}") from None
    return File(path, source, tuple(name.strip() for name in header), delimiter, encoding)


def delimiter_of(header: str) -> str:
    """Return the delimiter of a line of column names: a space if it has no other."""
    delimiter = max(_DELIMITERS, key=header.count)
    return delimiter if delimiter in header else " "


def check_header(file: File, names: Mapping[str, str]) -> None:
    """Check that no column that the format knows occurs twice.

    Raises:
        UnreadableFile: one does; the message names it.
    """
    known = {header_key(name) for name in names}
    for key, times in Counter(map(header_key, file.header)).items():
        if times > 1 and key in known:
            name = next(name for name in file.header if header_key(name) == key)
            raise UnreadableFile(f"{file.path} has {times} columns named {name}: remove or rename all but one")


def header_line(names: Sequence[str], delimiter: str) -> str:
    """Return column names as the first line of a file."""
    if delimiter == " ":
        return " ".join(names)
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(names)
    return line.getvalue()


def read_rows(con: duckdb.DuckDBPyConnection, file: File, names: Mapping[str, str], table: str, folder: Path) -> Rows:
    """Load the rows of a file.

    Args:
        con: the connection.
        file: the file.
        names: our name for each known column of the file. SQL never contains a name from a file.
        table: name of the table to create, a constant of this package. Lines that cannot be split into columns are in
            the table of that name with ``_rejected``, with the columns ``LINE`` and ``raw``, the text of the line, and
            ``order_id`` and ``refund_id``, which are null.
        folder: folder for a copy of the file in UTF-8.
    """
    columns = [names.get(column, f"other_{position}") for position, column in enumerate(file.header, 1)]
    if file.is_parquet:
        scan = con.read_parquet(str(file.path))
        chosen = [duckdb.ColumnExpression(h).alias(c) for h, c in zip(file.header, columns, strict=True)]
        scan = scan.select(*chosen)
    else:
        path = as_utf8(file.path, file.encoding, folder)
        scan = _words_of_lines(con, path, columns) if file.delimiter == " " else _csv(con, path, file, columns)
    scan.create_view("scanned_rows", replace=True)
    types = dict(zip(scan.columns, map(str, scan.types), strict=True))
    tidy = [f"{tidy_text(name)} AS {name}" if types[name] == "VARCHAR" else name for name in columns]
    con.execute(
        f"CREATE TABLE {table} AS SELECT row_number() OVER () + 1 AS {LINE}, {', '.join(tidy)} FROM scanned_rows"
    )
    rejected = _move_rejects(con, table)
    return Rows(table, {name: types[name] for name in names.values()}, rejected)


def _csv(con: duckdb.DuckDBPyConnection, path: Path, file: File, columns: Sequence[str]) -> duckdb.DuckDBPyRelation:
    return con.read_csv(
        str(path),
        header=True,
        delimiter=file.delimiter,
        quotechar='"',
        escapechar='"',
        auto_detect=False,
        columns=dict.fromkeys(columns, "VARCHAR"),
        store_rejects=True,
        max_line_size=1 << 24,
    )


def _words_of_lines(con: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> duckdb.DuckDBPyRelation:
    """Read each line whole, then split it at spaces."""
    whole = con.read_csv(
        str(path),
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


def _move_rejects(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """Move the lines that could not be split to a table of their own, and number the others as the file does."""
    rejects = f"{table}_rejected"
    con.execute(f"CREATE TABLE {rejects} ({LINE} BIGINT, raw VARCHAR, order_id VARCHAR, refund_id VARCHAR)")
    try:
        con.execute(
            f"INSERT INTO {rejects} ({LINE}, raw) SELECT line, any_value(csv_line) FROM reject_errors GROUP BY line"
        )
    except duckdb.CatalogException:
        return 0  # the table exists if a line was rejected
    con.execute("DROP TABLE reject_errors")
    con.execute("DROP TABLE reject_scans")
    rejected = scalar(con, f"SELECT count(*) FROM {rejects}")
    if rejected:
        # The scan does not count these lines. Each of them moves the later ones down by one.
        con.execute(
            f"""
            CREATE TABLE {table}_moved AS
            WITH numbered AS (SELECT {LINE} - row_number() OVER (ORDER BY {LINE}) AS lines_before FROM {rejects}),
            moved AS (
                SELECT lines_before, sum(count(*)) OVER (ORDER BY lines_before) AS by_lines FROM numbered GROUP BY 1
            )
            SELECT scanned.* REPLACE (CAST(scanned.{LINE} + coalesce(by_lines, 0) AS BIGINT) AS {LINE})
            FROM {table} AS scanned ASOF LEFT JOIN moved ON scanned.{LINE} > lines_before
            """
        )
        con.execute(f"DROP TABLE {table}")
        name = table.rpartition(".")[2]
        con.execute(f"ALTER TABLE {table}_moved RENAME TO {name}")
    return rejected
