"""The command ``import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import AsOfDay, StoreUrl, optional_amount, optional_day, settings_for
from customer_revenue.console import reporting, say
from customer_revenue.orders.files.columns.conventions import AmountUnit, ColumnChoices, DateOrder, DecimalSign
from customer_revenue.orders.files.formats.format_name import FormatName


def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Files of orders or refunds: CSV, Excel, JSON lines or Parquet, packed or not.")
    ],
    store: StoreUrl = None,
    format_name: Annotated[
        FormatName | None,
        typer.Option(
            "--format", help="Format of the files; by default recognised from the header.", show_default=False
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Compute as of now, even if the last order is old.")] = False,
    as_of: AsOfDay = None,
    dates: Annotated[
        DateOrder | None, typer.Option(help="Order of day and month, where files leave it open.", show_default=False)
    ] = None,
    decimal: Annotated[
        DecimalSign | None, typer.Option(help="Decimal sign of amounts, where files leave it open.", show_default=False)
    ] = None,
    amounts: Annotated[
        AmountUnit | None,
        typer.Option(help="Whether amounts are in the currency or in its smallest coin.", show_default=False),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="File that maps the files' columns and statuses to ours.", show_default=False)
    ] = None,
    rates: Annotated[
        Path | None,
        typer.Option(help="File of exchange rates: day, currency, rate in the store's currency.", show_default=False),
    ] = None,
    expect_gross: Annotated[
        str | None, typer.Option(help="Gross amount that the files must hold, in the currency.", show_default=False)
    ] = None,
    expect_orders: Annotated[
        int | None, typer.Option(min=0, help="Number of counted orders that the files must hold.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what an import would do, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the statement as JSON.")] = False,
) -> None:
    """Import files of orders into the store.

    Rows that cannot be used go to quarantine, with the reason. Importing a file again changes nothing. The result is a
    statement of the files and the store. Files that do not hold what --expect-gross and --expect-orders say are not
    imported, and the exit status is 3.
    """
    import json

    from customer_revenue.orders.imports.statement import Expectations
    from customer_revenue.workflows.import_orders import import_orders

    expectations = Expectations(optional_amount(expect_gross, "expect-gross"), expect_orders)
    with reporting() as report:
        summary = import_orders(
            settings_for(store),
            files,
            format_name,
            live=live,
            as_of=optional_day(as_of),
            report=report,
            choices=ColumnChoices(dates, decimal, amounts),
            expectations=expectations,
            mapping=mapping,
            rates=rates,
            dry_run=dry_run,
        )
    say(json.dumps(summary.as_dict(), indent=2) if as_json else summary.render())
