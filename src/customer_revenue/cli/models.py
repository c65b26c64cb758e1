"""``customer-revenue models``, ``promote``, ``rollback``, ``monitor`` and ``retrain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import AsOfDay, StoreUrl, optional_day, settings_for
from customer_revenue.console import reporting, say

By = Annotated[
    str | None, typer.Option("--by", help="Who makes the change; by default the current user.", show_default=False)
]


def models() -> None:
    """List the trained versions with their metrics and the gate's verdict, and mark the champion."""
    from customer_revenue.workflows.training.versions import listing

    registry = settings_for().registry
    say(listing(registry.models, registry.experiment))


def promote(
    version: Annotated[
        str | None, typer.Argument(help="Version to promote; by default the newest.", show_default=False)
    ] = None,
    why: Annotated[str, typer.Option("--why", help="Reason, recorded with the change.")] = "",
    by: By = None,
    force: Annotated[
        bool, typer.Option("--force", help="Promote a version that the gate refused; requires --why.")
    ] = False,
) -> None:
    """Make a version that passed the gate the champion, in models/current and in MLflow."""
    from customer_revenue.workflows.registry.champion import promote as promote_version
    from customer_revenue.workflows.registry.tracking_delivery import deliver

    registry = settings_for().registry
    change = promote_version(registry, version, why, by=by, force=force)
    say(change.text() if change else "It is the champion already.")
    deliver(registry)


def rollback(
    why: Annotated[str, typer.Option("--why", help="Reason, recorded with the change.")],
    by: By = None,
) -> None:
    """Make the previous champion the champion again, in models/current and in MLflow."""
    from customer_revenue.workflows.registry.champion import rollback as roll_back
    from customer_revenue.workflows.registry.tracking_delivery import deliver

    registry = settings_for().registry
    say(roll_back(registry, why, by=by).text())
    deliver(registry)


def monitor(
    store: StoreUrl = None,
    as_of: AsOfDay = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Report to write; by default models/monitoring/report.html.")
    ] = None,
) -> None:
    """Compare logged predictions with what happened, and check for drift and unusual orders.

    Exit status 3 if an alarm is raised.
    """
    from customer_revenue.workflows.monitoring.monitor import monitor as run_monitoring
    from customer_revenue.workflows.monitoring.monitor import report_page

    settings = settings_for(store)
    with reporting() as report:
        result = run_monitoring(settings, optional_day(as_of), output, report)
    say(result.text())
    say(f"Report: {output or report_page(settings.models)}")
    result.check()


def retrain(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of orders, or folders of such files; new files are imported first.", show_default=False
        ),
    ] = None,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Import new files, check them, train, promote the new model if it is better, and report.

    For a schedule: safe to interrupt and to repeat. Exit status 3 if the champion stays or monitoring raises an alarm.
    """
    from customer_revenue.workflows.retrain import retrain as run_retraining

    with reporting() as report:
        result = run_retraining(settings_for(store), files or (), optional_day(as_of), report)
    say(result.text())
    result.check()
