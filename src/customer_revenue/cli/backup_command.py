"""``customer-revenue backup`` and ``customer-revenue restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import StoreUrl, settings_for
from customer_revenue.console import reporting, say


def backup(
    file: Annotated[Path, typer.Argument(help="The backup to write.", dir_okay=False)], store: StoreUrl = None
) -> None:
    """Write store, models, keys, prediction log and campaigns to one file, while the service runs.

    A file of that name is replaced once the new one is whole.
    """
    from customer_revenue.workflows.backups.make_backup import back_up

    with reporting() as report:
        said = back_up(settings_for(store), file, report)
    say(said)


def restore(
    file: Annotated[Path, typer.Argument(help="The backup to restore.", dir_okay=False)],
    store: StoreUrl = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what is there.")] = False,
) -> None:
    """Restore a backup, after checking all of it; whoever was forgotten since is forgotten again.

    The settings say where everything belongs, and have the key under which people were forgotten.
    """
    from customer_revenue.workflows.backups.restore_backup import restore_backup

    with reporting() as report:
        said = restore_backup(settings_for(store), file, report, replace=replace)
    say(said)
