"""``customer-revenue models``, ``promote`` and ``rollback``: which version answers."""

from __future__ import annotations

from typing import Annotated

import typer

from customer_revenue.console import say
from customer_revenue.settings import load_settings

By = Annotated[str | None, typer.Option("--by", help="Who; by default this user.", show_default=False)]


def models() -> None:
    """List the trained versions with their figures, the gate's verdict, and who answers."""
    from customer_revenue.workflows.listing import listing

    say(listing(load_settings()))


def promote(
    version: Annotated[
        str | None, typer.Argument(help="Version of the bundle; the one trained last by default.", show_default=False)
    ] = None,
    why: Annotated[str, typer.Option("--why", help="The reason, kept with the change.")] = "",
    by: By = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever the gate said; needs --why.")] = False,
) -> None:
    """Let a version that passed the gate answer from now on, in models/current and in MLflow."""
    from customer_revenue.workflows.promotion import promote as run

    change = run(load_settings(), version, why, by=by, force=force)
    say(change.text() if change else "It answers already.")


def rollback(
    why: Annotated[str, typer.Option("--why", help="The reason, kept with the change.")],
    by: By = None,
) -> None:
    """Let the champion before the present one answer again, in models/current and in MLflow."""
    from customer_revenue.workflows.promotion import rollback as run

    say(run(load_settings(), why, by=by).text())
