"""Options that several commands share, and how their words become values."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from customer_revenue.errors import InvalidParameter
from customer_revenue.periods import parse_day

Choice = TypeVar("Choice", bound=StrEnum)

StoreUrl = Annotated[
    str | None,
    typer.Option("--store", help="URL of the store, such as duckdb:///data/orders.duckdb.", show_default=False),
]
AsOfDay = Annotated[
    str | None,
    typer.Option("--as-of", help="Take the end of this day (YYYY-MM-DD) for now.", show_default=False),
]
Output = Annotated[
    Path | None, typer.Option("--output", help="Write to this file, CSV or Parquet by its ending.", show_default=False)
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Try a variant: NAME=VALUE, such as trees=60; may be repeated, see docs/experiments.md.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Rows at most.")]
Offset = Annotated[int, typer.Option(min=0, help="Rows to leave out first.")]


def one_of(kind: type[Choice], word: str, name: str) -> Choice:
    """A value of an enumeration by its word.

    Raises:
        InvalidParameter: names the allowed words.
    """
    try:
        return kind(word)
    except ValueError:
        raise InvalidParameter(f"{name}: {word[:40]!r} is not one of {', '.join(kind)}") from None


def day_of(text: str | None) -> dt.date | None:
    """A day from its word, if there is one."""
    return None if text is None else parse_day(text)
