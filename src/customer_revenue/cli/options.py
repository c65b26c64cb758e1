"""Options that several commands share, and their parsing."""

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
    typer.Option("--as-of", help="Compute as of the end of this day (YYYY-MM-DD).", show_default=False),
]
Output = Annotated[
    Path | None, typer.Option("--output", help="File to write, CSV or Parquet by its extension.", show_default=False)
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Try a variant: NAME=VALUE, such as trees=60. Can be repeated; see docs/experiments.md.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of rows.")]
Offset = Annotated[int, typer.Option(min=0, help="Number of rows to skip.")]


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


def one_of(choices: type[Choice], value: str, name: str) -> Choice:
    """The member of an enumeration with a value.

    Raises:
        InvalidParameter: there is no such member; the message lists the allowed values.
    """
    try:
        return choices(value)
    except ValueError:
        raise InvalidParameter(f"{name}: {value[:40]!r} is not one of {', '.join(choices)}") from None


def optional_day(text: str | None) -> dt.date | None:
    """The day that an option names, if it is given."""
    return None if text is None else parse_day(text)
