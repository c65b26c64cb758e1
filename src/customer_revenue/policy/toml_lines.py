"""The line of a key in a TOML file; TOML's own parser keeps no positions."""

from __future__ import annotations

import re
from collections.abc import Sequence

_KEY = r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'"""
_DOTTED = re.compile(rf"(?:{_KEY})(?:\s*\.\s*(?:{_KEY}))*")
_PART = re.compile(_KEY)

Path = tuple[str | int, ...]


def line_of(path: Sequence[str | int], text: str) -> int | None:
    """The line, from 1, of the deepest part of ``path`` that the text writes; ``None`` if it writes none of it.

    Args:
        path: keys, and positions in lists from 0.
        text: the file.

    >>> line_of(("offers", "segments", "whale", "message"), "[offers.segments.whale]\\nmessage = 1")
    2
    >>> line_of(("rules", 1, "code"), '[[rules]]\\ncode = "a"\\n[[rules]]\\ncode = "b"')
    4
    """
    lines = lines_of(text)
    for length in range(len(path), 0, -1):
        if (line := lines.get(tuple(path[:length]))) is not None:
            return line
    return None


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, in which a text first writes each key, table or position in a list."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("[[") and (match := _DOTTED.match(line[2:].strip())):
            table = _counted(_parts(match.group()), counts)
            counts[table] = counts.get(table, -1) + 1
            table = (*table, counts[table])
            _note(found, table, number)
        elif line.startswith("[") and (match := _DOTTED.match(line[1:].strip())):
            table = _counted(_parts(match.group()), counts, last=True)
            _note(found, table, number)
        elif (match := _DOTTED.match(line)) and line[match.end() :].lstrip().startswith("="):
            _note(found, (*table, *_parts(match.group())), number)
    return found


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]


def _counted(parts: Sequence[str], counts: dict[Path, int], last: bool = False) -> Path:
    """The path with the current position after each name that is a list of tables."""
    path: Path = ()
    for position, part in enumerate(parts):
        path = (*path, part)
        if path in counts and (last or position < len(parts) - 1):
            path = (*path, counts[path])
    return path


def _note(found: dict[Path, int], path: Path, line: int) -> None:
    for length in range(1, len(path) + 1):
        found.setdefault(path[:length], line)
