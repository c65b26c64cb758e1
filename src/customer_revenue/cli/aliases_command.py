"""``customer-revenue aliases …``: customers that are one person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import Output, StoreUrl, note_export, settings_for
from customer_revenue.console import say

aliases = typer.Typer(help="Merge customers that are one person.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@aliases.command("add")
def add_aliases(
    file: Annotated[Path, typer.Argument(help="Table with the columns from and to: ids of customers.")],
    as_json: AsJson = False,
    store: StoreUrl = None,
) -> None:
    """Merge customers into others, in all orders of the store and of later imports.

    A chain leads to its end. A circle, or two customers for one id, is refused, and nothing is changed.
    """
    from customer_revenue.workflows import customer_aliases as workflow
    from customer_revenue.workflows.parameters import as_json as render_json

    summary = workflow.add_aliases(settings_for(store), file)
    say(render_json(workflow.summary_body(summary)) if as_json else workflow.render_summary(summary))


@aliases.command("remove")
def remove_aliases(
    ids: Annotated[list[str], typer.Argument(help="Ids that were merged into others.")],
    as_json: AsJson = False,
    store: StoreUrl = None,
) -> None:
    """Undo aliases: each of these customers has their own orders, name and e-mail again."""
    from customer_revenue.workflows import customer_aliases as workflow
    from customer_revenue.workflows.parameters import as_json as render_json

    summary = workflow.remove_aliases(settings_for(store), ids)
    say(render_json(workflow.summary_body(summary)) if as_json else workflow.render_summary(summary))


@aliases.command("list")
def list_aliases(as_json: AsJson = False, store: StoreUrl = None) -> None:
    """List who is merged into whom; of a chain, its end too."""
    from customer_revenue.workflows import customer_aliases as workflow
    from customer_revenue.workflows.parameters import as_json as render_json

    rows = workflow.aliases_of(settings_for(store))
    say(render_json(workflow.rows_body("aliases", rows)) if as_json else workflow.render_aliases(rows))


@aliases.command("history")
def history_of_aliases(as_json: AsJson = False, store: StoreUrl = None) -> None:
    """List when aliases were added and removed, in UTC."""
    from customer_revenue.workflows import customer_aliases as workflow
    from customer_revenue.workflows.parameters import as_json as render_json

    rows = workflow.alias_history(settings_for(store))
    say(render_json(workflow.rows_body("changes", rows)) if as_json else workflow.render_history(rows))


@aliases.command("suggest")
def suggest_aliases(output: Output = None, as_json: AsJson = False, store: StoreUrl = None) -> None:
    """List customers with one e-mail address under several ids; --output writes the file that 'aliases add' reads.

    Look through the file first: an address may be that of a company or a family.
    """
    from customer_revenue.workflows import customer_aliases as workflow
    from customer_revenue.workflows.parameters import as_json as render_json

    settings = settings_for(store)
    found, currency = workflow.suggested_aliases(settings)
    if output:
        workflow.write_suggestions(found, output)
        note_export(settings, output)
    say(
        render_json(workflow.rows_body("duplicates", found))
        if as_json
        else workflow.render_suggestions(found, currency)
    )
