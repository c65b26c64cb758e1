"""TOML files of a user, read within bounds: a service reads its policy anew whenever that changes."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from customer_revenue.errors import InvalidPolicy

MOST_BYTES = 1024 * 1024
"""The packaged policy has 23 kB."""
MOST_PARTS = 50
"""Of a dotted key: the time to parse one grows with their square."""
_WORD = re.compile(r"""[^\s=\[\]{},.]+|\.|[=\[\]{},\n]""")


def read_toml(path: Path, what: str) -> tuple[dict[str, Any], str]:
    """The document in a file, and its text.

    Args:
        path: the file.
        what: it is to be, for the error.

    Raises:
        InvalidPolicy: it cannot be read, is not TOML, or is larger or deeper than any policy.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidPolicy(f"cannot read the {what} {path}: it is no file")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise InvalidPolicy(f"the {what} {path} has more than {MOST_BYTES:,} bytes")
        text = raw.decode("utf-8")
        if _most_parts(text) > MOST_PARTS:
            raise InvalidPolicy(f"{path} has a key of more than {MOST_PARTS} parts")
        return tomllib.loads(text), text
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPolicy(f"cannot read the {what} {path}: {error}") from None
    except ValueError as error:  # of a number with thousands of digits, too
        raise InvalidPolicy(f"{path} is not TOML: {error}") from None
    except RecursionError:
        raise InvalidPolicy(f"{path} is nested too deeply") from None


def _most_parts(text: str) -> int:
    """The number of parts of the longest run of words with dots between them."""
    most = parts = 0
    after_word = False
    for match in _WORD.finditer(text):
        word = match.group()
        if word == ".":
            after_word = False
            continue
        is_word = word not in "=[]{},\n"
        parts = (parts + 1 if not after_word else 1) if is_word else 0
        after_word = is_word
        most = max(most, parts)
    return most
