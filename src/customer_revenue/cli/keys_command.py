"""``customer-revenue keys …``: the service's API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from customer_revenue.choices import USUAL_SCOPES, Scope
from customer_revenue.cli.options import settings_for
from customer_revenue.console import say

keys = typer.Typer(help="API keys of the service.", no_args_is_help=True)


@keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Name of the key, such as the application that uses it.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="Permission; can be repeated. By default read, batch and metrics.", show_default=False),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Days until it expires; never by default.", show_default=False)
    ] = None,
) -> None:
    """Create a key and print it, once."""
    from customer_revenue.keys import KeyFile

    say(KeyFile(settings_for().keys).add(name, frozenset(scope or USUAL_SCOPES), days))


@keys.command("list")
def list_keys() -> None:
    """List the names, scopes, creation days and last uses of the keys."""
    from customer_revenue.keys import KeyFile

    file = KeyFile(settings_for().keys)
    for key in file.all():
        until = f" until {key.expires_at:%Y-%m-%d}" if key.expires_at else ""
        used = file.used_at(key.name)
        last = f"last used {used:%Y-%m-%d %H:%M} UTC" if used else "never used"
        say(f"{key.name}  {', '.join(sorted(key.scopes))}  since {key.created_at:%Y-%m-%d}{until}  {last}")


@keys.command("revoke")
def revoke_key(name: Annotated[str, typer.Argument(help="Name of the key.")]) -> None:
    """Revoke a key; a running service refuses it at once."""
    from customer_revenue.keys import KeyFile

    KeyFile(settings_for().keys).revoke(name)
