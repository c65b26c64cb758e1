"""``customer-revenue campaign …``: campaigns with a hold-out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import AsOfDay, StoreUrl, settings_for
from customer_revenue.console import say

campaign = typer.Typer(help="Run campaigns with a hold-out, and measure what they bring.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the campaign.")]


@campaign.command("create")
def create(
    name: Name,
    action: Annotated[str, typer.Option(help="Code of the policy's action, such as win_back_campaign.")],
    segment: Annotated[
        list[str] | None, typer.Option(help="Value segment of the audience. Can be repeated.", show_default=False)
    ] = None,
    customers: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="File of the audience's ids, one a line.", show_default=False),
    ] = None,
    hold_out: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share that is not contacted.")] = 0.2,
    days: Annotated[int, typer.Option(min=1, max=365, help="Days for which orders count.")] = 30,
    treated: Annotated[
        Path | None, typer.Option(help="File to write: those to be contacted.", show_default=False)
    ] = None,
    held_out: Annotated[Path | None, typer.Option(help="File to write: those held out.", show_default=False)] = None,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Choose an audience, hold some of it out at random, and write both lists.

    Without a segment or a file the audience is everybody whose decision is the action.
    """
    from customer_revenue.workflows.campaigns.create_campaign import Audience, CampaignPlan, create_campaign

    ids = None if customers is None else {line.strip() for line in customers.read_text("utf-8").splitlines()} - {""}
    plan, audience = CampaignPlan(name, action, hold_out, days), Audience(segment or (), ids)
    say(create_campaign(settings_for(store), plan, audience, as_of, treated, held_out))


@campaign.command("report")
def report(name: Name, store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """Say what a campaign brought, as JSON: incremental buyers, orders, revenue and profit, with intervals."""
    from customer_revenue.workflows.campaigns.campaign_report import campaign_report
    from customer_revenue.workflows.parameters import as_json

    say(as_json(campaign_report(settings_for(store), name, as_of)))


@campaign.command("list")
def list_campaigns(store: StoreUrl = None) -> None:
    """List the campaigns."""
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile

    found = CampaignFile(settings_for(store).campaigns).campaigns()
    say("\n".join(f"{one.name}: {one.action}, {one.started_on} to {one.ends_on}" for one in found) or "No campaigns")


@campaign.command("remove")
def remove(name: Name, store: StoreUrl = None) -> None:
    """Remove a campaign and the record of its customers."""
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile

    CampaignFile(settings_for(store).campaigns).remove(name)
    say(f"Removed {name}")
