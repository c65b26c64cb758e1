"""``customer-revenue policy …``: what a policy would change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import AsOfDay, StoreUrl, settings_for
from customer_revenue.console import say

policy = typer.Typer(help="Compare policies on the shop's own customers.", no_args_is_help=True)


@policy.callback()
def _group() -> None:
    """Compare policies on the shop's own customers."""


@policy.command("compare")
def compare(
    before: Annotated[Path, typer.Argument(help="Policy file to start from; an empty one is the packaged policy.")],
    after: Annotated[Path, typer.Argument(help="Policy file to compare with it.")],
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Say whose decision changes from one policy to another, with cost and expected profit, as JSON.

    With a past day also what the customers then did.
    """
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.parameters import as_json

    answers = Answers.open(settings_for(store), lazily=True)
    say(as_json(answers.compare_policies(before, after, as_of)))
