"""``/payment/analytics/dashboard/…`` and the rest of what the page at ``/`` requests."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from customer_revenue.periods import Period
from customer_revenue.service.routes.common import ERRORS, AsOfDay, Limit, Offset, State, UserId, csv_response, reply
from customer_revenue.workflows.customer_base.lists import ActionSort, ListKind, Sort
from customer_revenue.workflows.customer_base.overview import Part

router = APIRouter(prefix="/payment/analytics", tags=["page"], responses=ERRORS)

OfPeriod = Annotated[Period, Query(description="Period of the facts.")]
Format = Annotated[Literal["json", "csv"], Query(description="A page as JSON, or the whole list as CSV.")]
Segments = Annotated[list[str] | None, Query(description="Value segments to show; all of them by default.")]


@router.get("/dashboard/context", summary="Segments, stages and what the store holds")
def context(state: State, as_of: AsOfDay = None) -> Response:
    """What the page needs before any other request."""
    answers = state.current()
    dashboard = answers.dashboard(as_of)
    return reply(answers, dashboard.context(), dashboard.base.when)


@router.get("/dashboard/overview", summary="Everything on the page's overview")
def overview(
    state: State,
    period: OfPeriod = Period.ALL_TIME,
    segment: Segments = None,
    part: Annotated[list[Part] | None, Query(description="Parts to return; all of them by default.")] = None,
    as_of: AsOfDay = None,
) -> Response:
    """Metrics with the previous period's, months, segments, concentration, cohorts and RFM of a period and segments."""
    answers = state.current()
    dashboard = answers.dashboard(as_of)
    return reply(answers, dashboard.overview.of(period, segment or (), part or ()), dashboard.base.when)


@router.get("/dashboard/customers", summary="A list of customers, sorted and paged", response_model=None)
def customers(
    state: State,
    show: Annotated[ListKind, Query(description="Every customer, or those of some activity statuses.")] = ListKind.ALL,
    period: OfPeriod = Period.ALL_TIME,
    segment: Segments = None,
    activity: Annotated[
        list[str] | None, Query(description="With `show=at_risk`: activity statuses to list; at_risk by default.")
    ] = None,
    sort: Annotated[Sort, Query(description="Column to sort by.")] = Sort.REVENUE,
    descending: Annotated[bool, Query(description="Highest first.")] = True,
    limit: Limit = 50,
    offset: Offset = 0,
    format: Format = "json",  # noqa: A002  # the parameter's name
    as_of: AsOfDay = None,
) -> Response:
    """Customers with an order in the period, their facts of it, and their predictions."""
    answers = state.current()
    dashboard = answers.dashboard(as_of)
    chosen = (show, period, segment or (), activity or (), sort, descending)
    if format == "csv":
        name = f"customers-{show.value}-{dashboard.base.when.day}.csv"
        return csv_response(dashboard.lists.all_customers(*chosen), name)
    return reply(answers, dashboard.lists.customers(*chosen, limit, offset), dashboard.base.when)


@router.get("/dashboard/actions", summary="The most valuable actions, sorted and paged", response_model=None)
def actions(
    state: State,
    period: OfPeriod = Period.ALL_TIME,
    segment: Segments = None,
    sort: Annotated[ActionSort, Query(description="Column to sort by.")] = ActionSort.WORTH,
    descending: Annotated[bool, Query(description="Highest first.")] = True,
    limit: Limit = 50,
    offset: Offset = 0,
    format: Format = "json",  # noqa: A002  # the parameter's name
    as_of: AsOfDay = None,
) -> Response:
    """What to do about the customers with an order in the period: at most 10,000 actions, those worth most."""
    answers = state.current()
    dashboard = answers.dashboard(as_of)
    chosen = (period, segment or (), sort, descending)
    if format == "csv":
        return csv_response(dashboard.lists.all_actions(*chosen), f"actions-{dashboard.base.when.day}.csv")
    return reply(answers, dashboard.lists.actions(*chosen, limit, offset), dashboard.base.when)


@router.get("/customers/{user_id:path}/timeline", summary="A customer's orders and refunds")
def timeline(
    user_id: UserId,
    state: State,
    period: OfPeriod = Period.ALL_TIME,
    limit: Limit = 50,
    offset: Offset = 0,
    as_of: AsOfDay = None,
) -> Response:
    """Orders and refunds of the period, newest first, with the customer's name and e-mail."""
    answers = state.current()
    when = answers.when(as_of)
    return reply(answers, answers.detail.timeline(answers.find(user_id, when), period, limit, offset), when)


@router.get("/customers/{user_id:path}/outlook", summary="A customer's curve, and how it came about")
def outlook(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """The chance of a purchase by day, the chance of being alive at earlier days, and the revenue to be expected."""
    answers = state.current()
    when = answers.when(as_of)
    return reply(answers, answers.detail.outlook(answers.find(user_id, when)), when)
