"""``customer-revenue advise``, ``actions`` and ``forecast``."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from customer_revenue.choices import BiddingForm, FirstDayBy, ForecastUnit
from customer_revenue.cli.analytics import print_result
from customer_revenue.cli.options import AsOfDay, Limit, Offset, Output, StoreUrl, note_export, settings_for
from customer_revenue.console import say

if TYPE_CHECKING:
    from customer_revenue.workflows.customers.advice import Advisor, Situation

Months = Annotated[int, typer.Option(min=1, max=36, help="Number of months ahead.")]


class AdviceTopic(StrEnum):
    """The topics of advice."""

    ACTIONS = "actions"
    OFFER = "offer"
    RETENTION = "retention"
    UPSELL = "upsell"
    FORECAST = "forecast"


def advise(
    user_id: Annotated[str, typer.Argument(help="The customer's id.")],
    about: Annotated[AdviceTopic, typer.Option(help="Topic of the advice.")] = AdviceTopic.ACTIONS,
    months: Months = 12,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Advise on a customer: actions, an offer, retention, upsell or a forecast."""
    from customer_revenue.workflows.customers.advice import Advisor
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.parameters import as_json

    advisors: dict[AdviceTopic, Callable[[Advisor, Situation], dict[str, object]]] = {
        AdviceTopic.ACTIONS: Advisor.actions,
        AdviceTopic.OFFER: Advisor.offer,
        AdviceTopic.RETENTION: Advisor.retention,
        AdviceTopic.UPSELL: Advisor.upsell,
        AdviceTopic.FORECAST: lambda advisor, situation: advisor.forecast(situation, months),
    }
    say(as_json(Answers.open(settings_for(store)).advice(user_id, advisors[about], as_of)))


def actions(
    limit: Limit = 100, offset: Offset = 0, store: StoreUrl = None, as_of: AsOfDay = None, output: Output = None
) -> None:
    """List the most valuable actions among all customers, as JSON or as a file for an e-mail tool."""
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.exports import check_output, write_table

    if output is None:
        print_result(store, as_of, lambda base: base.actions(limit, offset))
        return
    check_output(output)
    settings = settings_for(store)
    write_table(Answers.open(settings, lazily=True).base(as_of).action_rows(limit, offset), output)
    note_export(settings, output)
    say(f"Actions written to {output}")


def forecast(
    months: Months = 12,
    unit: Annotated[ForecastUnit, typer.Option(help="Length of a step.")] = ForecastUnit.MONTH,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Forecast the shop's revenue and orders: known customers and customers to come, by month or week."""
    print_result(store, as_of, lambda base: base.forecast(months, unit))


def bidding(
    form: Annotated[BiddingForm, typer.Argument(help="Whose form the file has.")],
    by: Annotated[FirstDayBy, typer.Option(help="What makes the groups; known on the first day.")] = FirstDayBy.SIZE,
    value_days: Annotated[
        int, typer.Option(min=1, max=730, help="Days of expected profit since the first order.")
    ] = 365,
    mature_days: Annotated[int, typer.Option(min=0, max=90, help="Age of a first order at which it is reported.")] = 0,
    since_days: Annotated[
        int, typer.Option(min=1, max=90, help="Reported are those that reached it in so many days.")
    ] = 30,
    cap_percent: Annotated[int, typer.Option(min=50, max=100, help="Percentile to which values are cut.")] = 99,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Print first orders with the expected profit of their customer, in the form of Google or Meta. Nothing is sent."""
    from customer_revenue.workflows.customer_base.bidding_files import BidOptions
    from customer_revenue.workflows.customers.answers import Answers

    options = BidOptions(by, value_days, mature_days, since_days, cap_percent)
    body = Answers.open(settings_for(store), lazily=True).base(as_of).reports.bidding(form, options)
    say(str(body["file"]).rstrip("\n"))
