"""``customer-revenue campaign …``: campaigns with a hold-out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import AsOfDay, StoreUrl, note_export, settings_for
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
    rule: Annotated[
        str | None,
        typer.Option(
            help="Rule of the audience, such as 'net_revenue >= 200 and churn_risk > 0.5'.", show_default=False
        ),
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

    Of a segment, a file and a rule, all that are given have to hold. Without any the audience is everybody whose
    decision is the action.
    """
    from customer_revenue.workflows.campaigns.audience import Audience
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
    from customer_revenue.workflows.campaigns.create_campaign import CampaignPlan, in_words, listed_members
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.exports import check_output, write_table

    lists = [(path, is_treated) for path, is_treated in ((treated, True), (held_out, False)) if path is not None]
    for path, _ in lists:
        check_output(path)
    settings = settings_for(store)
    ids = None if customers is None else {line.strip() for line in customers.read_text("utf-8").splitlines()} - {""}
    file, audience = CampaignFile(settings.campaigns), Audience(segment or (), ids, rule)
    answers = Answers.open(settings, lazily=True)
    created = answers.create_campaign(file, CampaignPlan(name, action, hold_out, days), audience, as_of)
    for path, is_treated in lists:
        write_table(listed_members(file, name, treated=is_treated), path)
        note_export(settings, path)
    say(in_words(created))


@campaign.command("contacts")
def contacts(
    file: Annotated[Path, typer.Argument(help="CSV file: customer_id, contacted_on.")],
    store: StoreUrl = None,
) -> None:
    """Record who was contacted when, so that campaigns leave out those contacted just now or too often.

    A column channel is kept where there is one. A contact that is known already is not counted again.
    """
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
    from customer_revenue.workflows.campaigns.contact_log import read_contacts

    settings = settings_for(store)
    rows = read_contacts(file)
    new = CampaignFile(settings.campaigns).add_contacts(rows)
    say(f"{len(rows):,} contacts, {new:,} of them new")


@campaign.command("report")
def report(name: Name, store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """Say what a campaign brought, as JSON: incremental buyers, orders, revenue and profit, with intervals."""
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.parameters import as_json

    settings = settings_for(store)
    answers = Answers.open(settings, lazily=True)
    say(as_json(answers.campaign_report(CampaignFile(settings.campaigns), name, as_of)))


@campaign.command("learn")
def learn(name: Name, store: StoreUrl = None) -> None:
    """Join what a finished campaign measured with what the policy believes of its action, by precision.

    The record is dated and stands in the file of learned effects; decisions use it from then on.
    """
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
    from customer_revenue.workflows.customers.answers import Answers

    settings = settings_for(store)
    answers = Answers.open(settings, lazily=True)
    record, report = answers.learn_campaign(CampaignFile(settings.campaigns), name, settings.learned_effects)
    effect, uplift = report["updated_effect"], report["learned_uplift"]
    assert isinstance(effect, dict)
    assert isinstance(uplift, dict)
    say(
        f"{record.action}: {record.measured_points:.2f} points ± {record.measured_spread:.2f} measured; "
        f"now {effect['conversion_points']:.2f} ± {effect['conversion_spread']:.2f}, {effect['basis']}"
    )
    say(f"Learned uplift {uplift['verdict']}")


@campaign.command("unlearn")
def unlearn(name: Name, store: StoreUrl = None) -> None:
    """Take back what was learned from a campaign."""
    from customer_revenue.workflows.campaigns.learn_effect import unlearn_effect

    record = unlearn_effect(settings_for(store).learned_effects, name)
    say(f"{record.action}: no longer what {name} measured")


@campaign.command("list")
def list_campaigns(store: StoreUrl = None) -> None:
    """List the campaigns."""
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile

    found = CampaignFile(settings_for(store).campaigns).campaigns()
    lines = [f"{one.name}: {one.action}, {one.started_on} to {one.ends_on}, for {one.audience}" for one in found]
    say("\n".join(lines) or "No campaigns")


@campaign.command("remove")
def remove(name: Name, store: StoreUrl = None) -> None:
    """Remove a campaign and the record of its customers."""
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile

    CampaignFile(settings_for(store).campaigns).remove(name)
    say(f"Removed {name}")
