"""Import files of orders, with the analysts' view over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from customer_revenue.console import Report
from customer_revenue.orders.files.columns.conventions import ColumnChoices
from customer_revenue.orders.imports.import_files import ImportSummary, Views, import_files
from customer_revenue.orders.imports.statement import Expectations
from customer_revenue.policy import load_policy
from customer_revenue.revenue.view import VIEW_NAME, customer_revenue_analysis
from customer_revenue.settings import Settings


def import_orders(
    settings: Settings,
    files: Sequence[Path],
    format_name: str | None = None,
    *,
    live: bool = False,
    as_of: dt.date | None = None,
    report: Report,
    choices: ColumnChoices | None = None,
    expectations: Expectations | None = None,
    mapping: Path | None = None,
    rates: Path | None = None,
    dry_run: bool = False,
) -> ImportSummary:
    """Import files into the store of the settings.

    Raises:
        InputError: a file cannot be used, or the books disagree; the store is left as it was.
        StoreBusy: another import is running.
    """
    return import_files(
        files,
        settings.store,
        settings.store_options,
        format=format_name,
        live=live,
        as_of=as_of,
        progress=report,
        views=views(settings),
        mapping=mapping,
        rates=rates,
        forget_key=settings.forget_key.get_secret_value(),
        choices=choices,
        expectations=expectations,
        dry_run=dry_run,
    )


def views(settings: Settings) -> Views:
    """The views of a store, by name."""
    policy = load_policy(settings.policy)
    return {VIEW_NAME: lambda known, day: customer_revenue_analysis(known, day, policy)}
