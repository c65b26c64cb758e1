"""What the page plans from, as responses: plays, what other settings would change, and alarms."""

from __future__ import annotations

from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.campaigns.plays import Plays
from customer_revenue.workflows.campaigns.what_if import Trial, settings_body
from customer_revenue.workflows.customers.answers import Answers


def plays_of_day(answers: Answers, file: CampaignFile, as_of: str | None = None) -> Body:
    """All plays of a day.

    Raises:
        ModelError: there is no model.
    """
    return answers.of_base(lambda base: Plays(base, file).body(), as_of)


def play_of_day(answers: Answers, file: CampaignFile, code: str, as_of: str | None = None) -> Body:
    """One play of a day.

    Raises:
        CampaignNotFound: nobody's decision has this action.
        ModelError: there is no model.
    """
    return answers.of_base(lambda base: Plays(base, file).play(code), as_of)


def settings_tried(answers: Answers, file: CampaignFile, trial: Trial) -> Body:
    """What decisions rest on, and what other values would change.

    Raises:
        InvalidParameter: the values break a rule of the policy.
        ModelError: there is no model.
    """
    return answers.of_base(lambda base: settings_body(base, file, trial))


def alarms_of_day(answers: Answers, as_of: str | None = None) -> Body:
    """What the checks of the feed and of the model in use say."""
    model = {"problem": answers.problem and answers.problem.message, "warning": answers.warning or None}
    return answers.of_dashboard(lambda dashboard: dashboard.alarms() | {"model": model}, as_of)
