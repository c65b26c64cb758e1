"""Parameters from text and responses as text: the same on the command line and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from customer_revenue.choices import Breakdown
from customer_revenue.errors import InvalidParameter

MAX_ID_LENGTH = 512
NO_NULL_CHARACTER = r"^[^\x00]*$"
"""Databases refuse the null character in text."""


def parse_breakdowns(words: Sequence[str]) -> frozenset[Breakdown]:
    """Breakdowns from words that may be repeated or separated by commas.

    Raises:
        InvalidParameter: names the allowed values.
    """
    names = [name.strip() for word in words for name in word.split(",") if name.strip()]
    try:
        return frozenset(Breakdown(name) for name in names)
    except ValueError:
        wrong = next(name for name in names if name not in list(Breakdown))
        raise InvalidParameter(f"breakdown: {wrong[:40]!r} is not one of {', '.join(Breakdown)}") from None


def as_json(answer: Mapping[str, object]) -> str:
    """An answer as indented JSON."""
    return json.dumps(answer, indent=2, ensure_ascii=False)
