"""Values put into the text of a policy file, which otherwise stays as its owner wrote it, comments included."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from customer_revenue.policy.toml_lines import Path, lines_of

VALUE = re.compile(r"""(\s*=\s*)("[^"\\]*"|'[^']*'|[A-Za-z0-9_+.-]+)(?=\s*(?:#.*)?$)""")
"""What follows a key that has a plain value, and nothing but a comment after it."""


def with_values(text: str, values: Mapping[Path, int | str], lists: Mapping[Path, Sequence[Mapping[str, Any]]]) -> str:
    """The text of a policy file with other values, each in its line, or in a new one where the file has none.

    Args:
        text: the file.
        values: by their places: keys, and positions in lists from 0.
        lists: the tables of each list that a place leads into, as they are in force; a file that has none of them gets
            all.

    Raises:
        ValueError: the file is not TOML, or has a value in a form that is not changed here, such as an inline table.

    >>> print(with_values("[margin]\\nassumed_percent = 40  # ours", {("margin", "assumed_percent"): 35}, {}), end="")
    [margin]
    assumed_percent = 35  # ours
    """
    own = tomllib.loads(text)
    wanted = json.loads(json.dumps(own, default=str))
    for place, tables in lists.items():
        if not _at(wanted, place):
            _set(wanted, place, [dict(one) for one in tables])
            text = _ended(text) + "".join(_table(f"[[{_dotted(place)}]]", one) for one in tables)
    for place, value in values.items():
        _set(wanted, place, value)
        text = _with_value(text, place, value)
    try:
        is_right = json.loads(json.dumps(tomllib.loads(text), default=str)) == wanted
    except tomllib.TOMLDecodeError:
        is_right = False
    if not is_right:
        raise ValueError("it has these values in a form that only people can change, such as an inline table")
    return text


def _with_value(text: str, place: Path, value: int | str) -> str:
    lines = text.splitlines()
    numbers = lines_of(text)
    written = json.dumps(value, ensure_ascii=False)
    if (number := numbers.get(place)) is not None:
        lines[number - 1] = VALUE.sub(lambda found: f"{found[1]}{written}", lines[number - 1], count=1)
    elif (number := numbers.get(place[:-1])) is not None and _is_head(lines[number - 1], place[:-1]):
        lines.insert(number, f"{place[-1]} = {written}")
    else:
        return _ended(text) + _table(f"[{_dotted(place[:-1])}]", {str(place[-1]): value})
    return "\n".join(lines) + "\n"


def _is_head(line: str, place: Path) -> bool:
    """Whether a line begins the table of a place, and not one within it."""
    bare = line.partition("#")[0].strip()
    return bare.startswith("[") and lines_of(bare).keys() == {place[:length] for length in range(1, len(place) + 1)}


def _table(head: str, values: Mapping[str, Any]) -> str:
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "\n".join([head, *lines]) + "\n\n"


def _dotted(place: Path) -> str:
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part) for part in map(str, place))


def _ended(text: str) -> str:
    return f"{text.rstrip()}\n\n" if text.strip() else ""


def _at(content: Any, place: Path) -> Any:
    for part in place:
        content = content.get(part) if isinstance(content, dict) else None
    return content


def _set(content: Any, place: Path, value: object) -> None:
    for part in place[:-1]:
        content = content.setdefault(part, {}) if isinstance(content, dict) else content[part]
    content[place[-1]] = value
