"""Options that several commands share, and their parsing."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.engines.urls import StoreKind
from customer_revenue.periods import parse_day

if TYPE_CHECKING:
    from customer_revenue.settings import Settings


def _check_store(url: str | None) -> str | None:
    if url is not None:
        StoreKind.of(url)
    return url


def _check_day(text: str | None) -> str | None:
    optional_day(text)
    return text


def _check_since(text: str | None) -> str | None:
    return text if text is None else parse_day(text, "since").isoformat()


StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        callback=_check_store,
        help="URL of the store, such as duckdb:///data/orders.duckdb.",
        show_default=False,
    ),
]
AsOfDay = Annotated[
    str | None,
    typer.Option(
        "--as-of", callback=_check_day, help="Compute as of the end of this day (YYYY-MM-DD).", show_default=False
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        callback=_check_since,
        help="The earlier day (YYYY-MM-DD); by default 90 days before the later one.",
        show_default=False,
    ),
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


def note_export(settings: Settings, *paths: Path | None) -> None:
    """Note files of customers that a command has written, so that ``forget`` can name them."""
    from customer_revenue.workflows.forgotten_file import ForgottenFile

    for path in paths:
        if path is not None:
            ForgottenFile(settings.forgotten).add_export(path)


def optional_day(text: str | None) -> dt.date | None:
    """The day that an option names, if it is given."""
    return None if text is None else parse_day(text)


def optional_amount(text: str | None, name: str) -> Decimal | None:
    """The amount in units of the currency that an option names, if it is given.

    Raises:
        InvalidParameter: it is not a number with at most four decimals, as no currency has more.
    """
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount.scaleb(4) != int(amount.scaleb(4)):
        raise InvalidParameter(f"{name}: {text[:40]!r} is not an amount such as 1234.50")
    return amount
