"""``customer-revenue analytics …``: the whole customer base."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from customer_revenue.choices import ActivityStatus, AtRiskBy, CohortUnit, FirstDayBy, FlowBy, ProfitBy, Stage, TopBy
from customer_revenue.cli.options import AsOfDay, Limit, Offset, Since, StoreUrl, settings_for
from customer_revenue.console import say
from customer_revenue.periods import Period

if TYPE_CHECKING:
    from customer_revenue.workflows.customer_base.analytics import CustomerBase

analytics = typer.Typer(help="Analytics of the whole customer base, as JSON.", no_args_is_help=True)

Unit = Annotated[CohortUnit, typer.Option(help="Length of a cohort and of its periods.")]


def print_result(store: str | None, as_of: str | None, query: Callable[[CustomerBase], dict[str, object]]) -> None:
    """Print what the customer base says as of a day."""
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.parameters import as_json

    say(as_json(Answers.open(settings_for(store), lazily=True).of_base(query, as_of)))


@analytics.command()
def overview(
    period: Annotated[Period, typer.Option(help="Period of the metrics.")] = Period.ALL_TIME,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """The metrics of the whole base with the previous period's, and the revenue of orders without a customer."""
    from customer_revenue.workflows.customer_base.overview import Part
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.parameters import as_json

    answers = Answers.open(settings_for(store), lazily=True)
    say(as_json(answers.of_dashboard(lambda dashboard: dashboard.overview.of(period, (), (Part.METRICS,)), as_of)))


@analytics.command("top-customers")
def top_customers(
    by: Annotated[
        TopBy | None,
        typer.Option(help="Column to sort by, highest first; by default the policy's basis.", show_default=False),
    ] = None,
    limit: Limit = 10,
    offset: Offset = 0,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """The most valuable customers."""
    print_result(store, as_of, lambda base: base.top_customers(by, limit, offset))


@analytics.command("at-risk")
def at_risk(
    activity: Annotated[
        ActivityStatus, typer.Option(help="Activity status to list, unless a stage is given.")
    ] = "at_risk",
    stage: Annotated[Stage | None, typer.Option(help="Lifecycle stage to list instead.", show_default=False)] = None,
    segment: Annotated[
        list[str] | None, typer.Option(help="Value segments; by default all but the lowest.", show_default=False)
    ] = None,
    by: Annotated[
        AtRiskBy | None,
        typer.Option(help="Column to sort by, highest first; by default the policy's basis.", show_default=False),
    ] = None,
    limit: Limit = 100,
    offset: Offset = 0,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Customers at risk."""
    print_result(store, as_of, lambda base: base.at_risk(activity, stage, segment, by, limit, offset))


@analytics.command()
def cohorts(unit: Unit = CohortUnit.MONTH, store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """Acquisition cohorts with their retention and revenue."""
    print_result(store, as_of, lambda base: base.cohorts(unit))


@analytics.command()
def distribution(store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """Revenue by segment, and its concentration."""
    print_result(store, as_of, lambda base: base.distribution())


@analytics.command("purchase-frequency")
def purchase_frequency(store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """Customers by mean days between purchases."""
    print_result(store, as_of, lambda base: base.purchase_frequency())


@analytics.command()
def trends(store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """The customer base month by month."""
    print_result(store, as_of, lambda base: base.trends())


@analytics.command()
def rfm(
    group: Annotated[
        str | None, typer.Option(help="Also list the customers of this group.", show_default=False)
    ] = None,
    limit: Limit = 100,
    offset: Offset = 0,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """RFM groups."""
    print_result(store, as_of, lambda base: base.rfm(group, limit, offset))


@analytics.command()
def acquisition(
    by: Annotated[FirstDayBy, typer.Option(help="What makes the groups; known on the first day.")] = FirstDayBy.ALL,
    payback_days: Annotated[
        int, typer.Option(min=1, max=730, help="Days within which the profit is to pay the cost.")
    ] = 365,
    costs: Annotated[
        Path | None,
        typer.Option(help="CSV file of what was spent: channel, month, cost.", show_default=False),
    ] = None,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """What new customers are worth and may cost, and what channels cost and bring."""
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.parameters import as_json

    answers = Answers.open(settings_for(store), lazily=True)
    say(as_json(answers.acquisition(by, payback_days, as_of, costs)))


@analytics.command("segment-flows")
def segment_flows(
    by: Annotated[FlowBy, typer.Option(help="What the groups are.")] = FlowBy.SEGMENT,
    since: Since = None,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Who moved from which segment, stage or RFM group to which between two days."""
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.parameters import as_json

    say(as_json(Answers.open(settings_for(store), lazily=True).flows(by, since, as_of)))


@analytics.command("order-sequence")
def order_sequence(store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """What first, second … orders bring, and how soon the next follows."""
    print_result(store, as_of, lambda base: base.reports.order_sequence())


@analytics.command("refunds-to-come")
def refunds_to_come(store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """Refunds that are still to be expected on the orders of the last months."""
    print_result(store, as_of, lambda base: base.reports.refunds_to_come())


@analytics.command("cohort-money")
def cohort_money(
    max_days: Annotated[int, typer.Option(min=0, max=730, help="Age up to which the curves go, in days.")] = 365,
    by: Annotated[FirstDayBy, typer.Option(help="What makes the cohorts; known on the first day.")] = FirstDayBy.MONTH,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Net revenue and profit per customer by cohort and age, observed and predicted."""
    print_result(store, as_of, lambda base: base.reports.cohort_money(max_days, by))


@analytics.command()
def profit(
    by: Annotated[ProfitBy, typer.Option(help="What a row is.")] = ProfitBy.MONTH,
    limit: Limit = 100,
    offset: Offset = 0,
    store: StoreUrl = None,
    as_of: AsOfDay = None,
) -> None:
    """Revenue, refunds, cost and profit, and what the cost rests on."""
    print_result(store, as_of, lambda base: base.reports.profit(by, limit, offset))


@analytics.command()
def segments(store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """Segments and lifecycle stages."""
    print_result(store, as_of, lambda base: base.segments())


@analytics.command()
def widget(limit: Limit = 10, store: StoreUrl = None, as_of: AsOfDay = None) -> None:
    """The dashboard's data in one object."""
    print_result(store, as_of, lambda base: base.widget(limit))
