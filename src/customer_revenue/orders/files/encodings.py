"""The encoding of a text file, judged by the whole file."""

from __future__ import annotations

import codecs
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 24
_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
"""A character of more than one byte in UTF-8."""
_HIGH = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True)
class Encoding:
    """How a file's bytes become text."""

    name: str
    bad_bytes: int = 0
    """Bytes that are no text in it. They are read as U+FFFD."""


def detect_encoding(path: Path, head: bytes) -> Encoding:
    """Detect UTF-16 by its byte order mark, otherwise UTF-8 or Windows-1252 by the majority of the other characters."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16")
    characters = bad = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(_CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            stream.seek(0)
        else:
            return Encoding("utf-8")
        for line in stream:
            whole = _CHARACTER.findall(line)
            characters += len(whole)
            bad += len(_HIGH.findall(line)) - sum(map(len, whole))
    return Encoding("utf-8", bad) if characters >= bad else Encoding("cp1252")


def as_utf8(path: Path, encoding: Encoding, folder: Path) -> Path:
    """Return the file, or a copy in UTF-8 in ``folder``, since DuckDB reads no other encoding."""
    if encoding == Encoding("utf-8"):
        return path
    copy = folder / f"{path.name}.utf8"
    with (
        path.open(encoding=encoding.name, errors="replace", newline="") as old,
        copy.open("w", encoding="utf-8", newline="") as new,
    ):
        shutil.copyfileobj(old, new)
    return copy
