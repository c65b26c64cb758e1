"""``customer-revenue digest``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from customer_revenue.cli.options import AsOfDay, StoreUrl, settings_for
from customer_revenue.console import say

MOST_DAYS = 366


def digest(
    output: Annotated[Path, typer.Option("--output", help="File to write, an HTML e-mail.", dir_okay=False)] = Path(
        "digest.html"
    ),
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="Days that changes are counted in.")] = 7,
    link: Annotated[str, typer.Option(help="Address of the page, for a link.", show_default=False)] = "",
    webhook: Annotated[
        str, typer.Option(help="Also send it to this address, which the settings list.", show_default=False)
    ] = "",
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Write what the page shows first as an e-mail: money at stake, plays, changes and alarms.

    A schedule of the machine, such as cron, sends it daily or weekly. The webhook gets Slack's form.
    """
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.digest import make_digest
    from customer_revenue.workflows.webhooks import send_to_webhook

    settings = settings_for(store)
    answers = Answers.open(settings, lazily=True)
    made = make_digest(answers, CampaignFile(settings.campaigns), days, link, as_of)
    output.write_text(made.html(), "utf-8")
    say(f"{output}: {made.headline} {made.below}")
    if webhook:
        send_to_webhook(webhook, made.slack(), settings.webhooks, settings.webhook_networks)
        say("sent to the webhook")
