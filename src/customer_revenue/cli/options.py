"""Options that several commands share, and how their words become values."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from customer_revenue.errors import InvalidParameter
from customer_revenue.periods import parse_day

if TYPE_CHECKING:
    from customer_revenue.settings import Settings

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


def settings_for(store: str | None = None, changes: Iterable[str] = ()) -> Settings:
    """The settings of a command that does some work, with its store and its changes; logging follows them.

    Imported here, so that help and refused options do not wait for it.

    Raises:
        InvalidParameter: names the setting at fault.
    """
    from customer_revenue.settings import load_settings, with_changes

    settings = with_changes(load_settings(store=store), changes) if changes else load_settings(store=store)
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s: %(message)s")
    return settings


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
