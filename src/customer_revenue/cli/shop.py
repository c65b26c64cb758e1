"""``customer-revenue check``: check a shop's own database."""

from __future__ import annotations

from typing import Annotated

import typer

from customer_revenue.cli.options import StoreUrl, settings_for
from customer_revenue.console import say

LEFT_OUT_STATUS = 3
"""Exit status if something is left out."""


def check(
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    store: StoreUrl = None,
) -> None:
    """Check a shop's own database, which CUSTOMER_REVENUE_MAPPING maps: what is left out of all figures, and why.

    The exit status is 3 if something is left out, and 0 otherwise.
    """
    from customer_revenue.workflows.check_shop import check_shop, findings_body, findings_table
    from customer_revenue.workflows.parameters import as_json

    findings = check_shop(settings_for(store))
    say(as_json(findings_body(findings)) if json else findings_table(findings))
    if any(found.is_left_out for found in findings):
        raise typer.Exit(LEFT_OUT_STATUS)
