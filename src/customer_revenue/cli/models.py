"""``customer-revenue models``, ``promote``, ``rollback``, ``monitor``, ``retrain``: the champion and its quality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import AsOfDay, StoreUrl, day_of, settings_for
from customer_revenue.console import reporting, say

By = Annotated[str | None, typer.Option("--by", help="Who; by default this user.", show_default=False)]


def models() -> None:
    """List the trained versions with their figures, the gate's verdict, and who answers."""
    from customer_revenue.workflows.training.versions import listing

    say(listing(settings_for().registry))


def promote(
    version: Annotated[
        str | None, typer.Argument(help="Version of the bundle; the one trained last by default.", show_default=False)
    ] = None,
    why: Annotated[str, typer.Option("--why", help="The reason, kept with the change.")] = "",
    by: By = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever the gate said; needs --why.")] = False,
) -> None:
    """Let a version that passed the gate answer from now on, in models/current and in MLflow."""
    from customer_revenue.workflows.registry.champion import promote as run

    change = run(settings_for().registry, version, why, by=by, force=force)
    say(change.text() if change else "It answers already.")


def rollback(
    why: Annotated[str, typer.Option("--why", help="The reason, kept with the change.")],
    by: By = None,
) -> None:
    """Let the champion before the present one answer again, in models/current and in MLflow."""
    from customer_revenue.workflows.registry.champion import rollback as run

    say(run(settings_for().registry, why, by=by).text())


def monitor(
    store: StoreUrl = None,
    as_of: AsOfDay = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Page to write; models/monitoring/report.html by default.")
    ] = None,
) -> None:
    """Compare logged predictions with what happened, and look for drift and odd orders; exit status 3 for an alarm."""
    from customer_revenue.workflows.monitoring.monitor import monitor as run
    from customer_revenue.workflows.monitoring.monitor import report_page

    settings = settings_for(store)
    with reporting() as report:
        found = run(settings, day_of(as_of), output, report)
    say(found.text())
    say(f"Page: {output or report_page(settings.models)}")
    found.check()


def retrain(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of orders, or folders of them; new ones are imported first.", show_default=False),
    ] = None,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Import what is new, check it, train, promote or keep, and report: one command for a schedule.

    Safe to interrupt and to run twice. Exit status 3 if the champion stays or monitoring raises an alarm.
    """
    from customer_revenue.workflows.retrain import retrain as run

    with reporting() as report:
        done = run(settings_for(store), files or (), day_of(as_of), report)
    say(done.text())
    done.check()
