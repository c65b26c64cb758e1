"""``/payment/analytics/dashboard/…`` and the other routes of the page at ``/``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from customer_revenue.periods import Period
from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import dashboard as replies
from customer_revenue.service.routes.common import (
    AsOfDay,
    Limit,
    Offset,
    State,
    UserId,
    csv_response,
    json_response,
)
from customer_revenue.service.serving_state import ServingState
from customer_revenue.workflows.customer_base.dashboard import Dashboard
from customer_revenue.workflows.customer_base.lists import ActionSort, Shown, Sort, Wanted
from customer_revenue.workflows.customer_base.overview import Part

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics", tags=["page"])

MAX_CENTS = 10**15

OfPeriod = Annotated[Period, Query(description="Period of the facts.")]
Format = Annotated[
    Literal["json", "csv"], Query(description="`json` for a page of the list, `csv` for the whole list.")
]
Segments = Annotated[list[str] | None, Query(description="Value segments to show; by default all.")]


def _reply(state: ServingState, as_of: str | None, query: Callable[[Dashboard], dict[str, object]]) -> Response:
    return json_response(state.current().of_dashboard(query, as_of))


@router.get(
    "/dashboard/context", response_model=replies.Context, summary="Segments, stages and the contents of the store"
)
def context(state: State, as_of: AsOfDay = None) -> Response:
    """What the page needs before any other request."""
    return _reply(state, as_of, Dashboard.context)


@router.get("/dashboard/overview", response_model=replies.Overview, summary="Everything on the page's overview")
def overview(
    state: State,
    period: OfPeriod = Period.ALL_TIME,
    segment: Segments = None,
    part: Annotated[list[Part] | None, Query(description="Parts to return; by default all.")] = None,
    as_of: AsOfDay = None,
) -> Response:
    """Metrics with the previous period's, months, segments, concentration, cohorts and RFM groups."""
    return _reply(state, as_of, lambda dashboard: dashboard.overview.of(period, segment or (), part or ()))


def wanted_customers(
    segment: Segments = None,
    activity: Annotated[
        list[str] | None,
        Query(description="Activity statuses to list; by default all, or `at_risk` with `show=at_risk`."),
    ] = None,
    stage: Annotated[str | None, Query(description="Lifecycle stage to list.")] = None,
    status: Annotated[str | None, Query(description="Status to list, by the model: new, active, due …")] = None,
    decision: Annotated[str | None, Query(description="Code of the action decided on, or `leave_alone`.")] = None,
    rfm_group: Annotated[str | None, Query(description="RFM group to list.")] = None,
    recency: Annotated[int | None, Query(ge=1, le=5, description="Recency score to list.")] = None,
    frequency: Annotated[int | None, Query(ge=1, le=5, description="Frequency score to list.")] = None,
    first_month: Annotated[
        str | None,
        Query(
            pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
            description="Month of the first purchase of the period.",
            examples=["2023-01"],
        ),
    ] = None,
    search: Annotated[str, Query(max_length=200, description="Text within the id, name or e-mail address.")] = "",
    net_from: Annotated[int | None, Query(ge=0, le=MAX_CENTS, description="Net revenue in cents, at least.")] = None,
    risk_from: Annotated[float | None, Query(ge=0, le=1, description="Churn risk, at least.")] = None,
    silent_from: Annotated[
        int | None, Query(ge=0, le=100_000, description="Days since the last purchase, at least.")
    ] = None,
) -> Wanted:
    """Dependency: the conditions of a list of customers."""
    return Wanted(
        segment or (), activity or (), stage, status, decision, rfm_group, recency, frequency, first_month, search,
        net_from, risk_from, silent_from,
    )  # fmt: skip


@router.get("/dashboard/customers", response_model=replies.PageCustomers, summary="Customers, sorted and paged")
def customers(
    state: State,
    wanted: Annotated[Wanted, Depends(wanted_customers)],
    show: Annotated[
        Shown, Query(description="`all` customers, or those `at_risk` by their activity status.")
    ] = Shown.ALL,
    period: OfPeriod = Period.ALL_TIME,
    sort: Annotated[
        Sort | None, Query(description="Column to sort by; by default the revenue that the segments go by.")
    ] = None,
    descending: Annotated[bool, Query(description="Whether to sort in descending order.")] = True,
    limit: Limit = 50,
    offset: Offset = 0,
    format: Format = "json",  # noqa: A002  # the parameter's name
    as_of: AsOfDay = None,
) -> Response:
    """Customers with an order in the period, with their facts of the period, their predictions and their decision.

    As `csv` it is the whole list, whatever its length.
    """
    answers = state.current()
    dashboard = answers.dashboard(as_of)
    listed = dashboard.lists.customers(show, period, wanted, sort, descending)
    if format == "csv":
        name = f"customers-{show.value}-{dashboard.base.when.day}.csv"
        return csv_response(dashboard.base.store.fetch(listed), name)
    return json_response(answers.complete(dashboard.lists.customers_page(listed, limit, offset), dashboard.base.when))


@router.get(
    "/dashboard/actions", response_model=replies.PageActions, summary="The most valuable actions, sorted and paged"
)
def actions(
    state: State,
    period: OfPeriod = Period.ALL_TIME,
    segment: Segments = None,
    sort: Annotated[ActionSort, Query(description="Column to sort by.")] = ActionSort.WORTH,
    descending: Annotated[bool, Query(description="Whether to sort in descending order.")] = True,
    limit: Limit = 50,
    offset: Offset = 0,
    format: Format = "json",  # noqa: A002  # the parameter's name
    as_of: AsOfDay = None,
) -> Response:
    """Actions for the customers with an order in the period; at most the 10,000 most valuable."""
    answers = state.current()
    dashboard = answers.dashboard(as_of)
    listed = dashboard.lists.actions(period, segment or (), sort, descending)
    if format == "csv":
        return csv_response(listed, f"actions-{dashboard.base.when.day}.csv")
    return json_response(answers.complete(dashboard.lists.actions_page(listed, limit, offset), dashboard.base.when))


@router.get(
    "/customers/{user_id:path}/timeline", response_model=replies.Timeline, summary="A customer's orders and refunds"
)
def timeline(
    user_id: UserId,
    state: State,
    period: OfPeriod = Period.ALL_TIME,
    limit: Limit = 50,
    offset: Offset = 0,
    as_of: AsOfDay = None,
) -> Response:
    """Orders and refunds of the period, newest first, with the customer's name and e-mail address."""
    answers = state.current()
    when = answers.when(as_of)
    body = answers.detail.timeline(answers.find(user_id, when), period, limit, offset)
    return json_response(answers.complete(body, when))


@router.get(
    "/customers/{user_id:path}/outlook",
    response_model=replies.Outlook,
    summary="A customer's purchase curve, earlier estimates and forecast",
)
def outlook(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """Purchase probability by day, probability of being alive on earlier days, and expected revenue."""
    answers = state.current()
    when = answers.when(as_of)
    return json_response(answers.complete(answers.detail.outlook(answers.find(user_id, when)), when))
