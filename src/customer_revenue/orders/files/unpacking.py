"""Unpack files: compressed ones, archives, spreadsheets and JSON lines become plain CSV or Parquet files."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import python_calamine

from customer_revenue.errors import UnreadableFile

_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_MAX_UNPACKED_BYTES = 64 << 30
_MAX_JSON_HEAD = 1000


@dataclass(frozen=True)
class PlainFile:
    """A file of rows that DuckDB can read."""

    path: Path
    source: str
    """The name that a person knows it by, such as ``orders.xlsx: Sheet1``."""


def unpack(path: Path, folder: Path, source: str = "") -> list[PlainFile]:
    """Return the plain files in a file, which is the file itself if it is plain.

    Args:
        path: the file.
        folder: folder for what is unpacked.
        source: the name that a person knows it by; the file's own by default.

    Raises:
        UnreadableFile: the file cannot be opened, or what is in it cannot be unpacked.
    """
    source = source or path.name
    head = _head(path)
    target = folder / f"unpacked_{sum(1 for _ in folder.iterdir())}"
    try:
        for magic, name in _COMPRESSED.items():
            if head.startswith(magic):
                target.mkdir()
                return unpack(_decompress(path, name, target / path.stem), folder, source)
        if head.startswith(_OLD_EXCEL) or (head.startswith(_ZIP) and _is_workbook(path)):
            target.mkdir()
            return list(_sheets(path, target, source))
        if head.startswith(_ZIP):
            target.mkdir()
            return [
                plain
                for member, name in _members(path, target)
                for plain in unpack(member, folder, f"{source}: {name}")
            ]
        if head.lstrip().startswith(b"{"):
            target.mkdir()
            return [PlainFile(_json_lines(path, target / f"{path.stem}.csv"), source)]
    except (OSError, EOFError, zipfile.BadZipFile, python_calamine.CalamineError, pa.ArrowException) as error:
        raise UnreadableFile(f"{path} cannot be unpacked: {str(error).splitlines()[0][:200]}") from None
    return [PlainFile(path, source)]


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(64)
    except FileNotFoundError:
        raise UnreadableFile(f"{path} does not exist") from None
    except IsADirectoryError:
        raise UnreadableFile(f"{path} is a folder: name the files in it") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from None


def _decompress(path: Path, compression: str, target: Path) -> Path:
    with pa.input_stream(str(path), compression=compression) as packed, target.open("wb") as plain:
        shutil.copyfileobj(packed, plain, 1 << 20)
    return target


def _is_workbook(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    return bool(names & {"xl/workbook.xml", "xl/workbook.bin"}) or "content.xml" in names


def _members(path: Path, target: Path) -> Iterator[tuple[Path, str]]:
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
        if not members:
            raise UnreadableFile(f"{path} is an archive without files")
        if sum(member.file_size for member in members) > _MAX_UNPACKED_BYTES:
            raise UnreadableFile(f"{path} holds more than {_MAX_UNPACKED_BYTES >> 30} GiB")
        for position, member in enumerate(members):
            if member.flag_bits & 1:
                raise UnreadableFile(f"{path} is protected by a password: unpack it first")
            out = target / f"{position}{Path(member.filename).suffix}"
            with archive.open(member) as packed, out.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
            yield out, Path(member.filename).name


def _sheets(path: Path, target: Path, source: str) -> Iterator[PlainFile]:
    book = python_calamine.CalamineWorkbook.from_path(path)
    found = False
    for position, name in enumerate(book.sheet_names):
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
        rows = [row for row in rows if any(cell != "" for cell in row)]
        if len(rows) < 2:  # a sheet of notes, or none
            continue
        found = True
        out = target / f"{position}.csv"
        with out.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([_cell(cell) for cell in row] for row in rows)
        yield PlainFile(out, f"{source}: {name}")
    if not found:
        raise UnreadableFile(f"{path} has no sheet with a header and rows")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, float):
        return repr(round(value, 10))
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _json_lines(path: Path, target: Path) -> Path:
    """Write the objects of JSON lines as CSV, with the keys of the first ones as columns."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        keys: dict[str, None] = {}
        for number, line in enumerate(stream, 1):
            if number > _MAX_JSON_HEAD:
                break
            keys.update(dict.fromkeys(_json_object(path, line, number)))
    names = list(keys)
    with (
        path.open(encoding="utf-8-sig", errors="replace") as stream,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out)
        writer.writerow(names)
        for number, line in enumerate(stream, 1):
            found = _json_object(path, line, number)
            if found:
                writer.writerow([_json_cell(found.get(name)) for name in names])
    return target


def _json_object(path: Path, line: str, number: int) -> dict[str, object]:
    if not line.strip():
        return {}
    try:
        found = json.loads(line, parse_float=str)
    except ValueError:
        raise UnreadableFile(f"{path}, line {number}: not a line of JSON (one object a line)") from None
    if not isinstance(found, dict):
        raise UnreadableFile(f"{path}, line {number}: not a JSON object")
    return found


def _json_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else json.dumps(value)
