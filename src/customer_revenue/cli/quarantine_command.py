"""The command ``quarantine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import Output, StoreUrl, note_export, settings_for
from customer_revenue.console import say


def quarantine(
    reason: Annotated[str | None, typer.Option(help="Only rows with this reason.", show_default=False)] = None,
    output: Output = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    store: StoreUrl = None,
) -> None:
    """Count the rows that were not imported, by reason, with what can be done; --output writes the rows themselves.

    A CSV file has the columns of the rows' own file, so that it can be corrected and imported: rows that are right then
    leave the quarantine. Files with other columns become files of their own, with -1, -2, … in their names.
    """
    from customer_revenue.workflows.parameters import as_json as render_json
    from customer_revenue.workflows.quarantined_rows import (
        counts_body,
        quarantined_rows,
        render_counts,
        with_remedies,
    )

    settings = settings_for(store)
    rows = quarantined_rows(settings, reason)
    written: list[Path] = []
    if output:
        from customer_revenue.workflows.quarantine_export import write_quarantine

        written = write_quarantine(with_remedies(quarantined_rows(settings, reason, whole_orders=True)), output)
        note_export(settings, *written)
    if as_json:
        say(render_json({**counts_body(rows), "files": [str(path) for path in written]}))
        return
    say(render_counts(rows))
    for path in written:
        say(f"Written: {path}")
