"""The command ``quarantine``."""

from __future__ import annotations

from typing import Annotated

import typer

from customer_revenue.cli.options import Output, StoreUrl, settings_for
from customer_revenue.console import say


def quarantine(
    reason: Annotated[str | None, typer.Option(help="Only rows with this reason.", show_default=False)] = None,
    output: Output = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    store: StoreUrl = None,
) -> None:
    """Count the rows that were not imported, by reason, with what can be done; --output writes the rows themselves.

    A corrected file is imported like any other.
    """
    from customer_revenue.workflows.parameters import as_json as render_json
    from customer_revenue.workflows.quarantined_rows import (
        counts_body,
        quarantined_rows,
        render_counts,
        write_quarantine,
    )

    rows = quarantined_rows(settings_for(store), reason)
    if output:
        write_quarantine(rows, output)
    say(render_json(counts_body(rows)) if as_json else render_counts(rows))
