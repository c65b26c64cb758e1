"""``/payment/analytics/dashboard/…``: what changed, what is wrong, and what is worth doing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from customer_revenue.periods import parse_day
from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import plays as replies
from customer_revenue.service.routes.campaigns import File
from customer_revenue.service.routes.common import AsOfDay, State, json_response
from customer_revenue.workflows import page_plans as plans
from customer_revenue.workflows.campaigns.what_if import Trial

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics/dashboard", tags=["page"])

Code = Annotated[
    str,
    Path(
        description="Code of the policy's action.",
        min_length=1,
        max_length=100,
        examples=["win_back_campaign"],
        pattern=r"^[^/\x00]+$",
    ),
]


@router.get("/plays", response_model=replies.PlaysOfDay, summary="The decisions of the day as campaigns")
def plays(state: State, file: File, as_of: AsOfDay = None) -> Response:
    """All decisions with the same action taken together, the most profitable first, and their total with its range."""
    return json_response(plans.plays_of_day(state.current(), file, as_of))


@router.get(
    "/plays/{code}",
    response_model=replies.PlayInDetail,
    summary="One of these campaigns",
    operation_id="dashboard_play",
)
def play(code: Code, state: State, file: File, as_of: AsOfDay = None) -> Response:
    """The customers worth most, whom it leaves out, and what each share held out can find."""
    return json_response(plans.play_of_day(state.current(), file, code, as_of))


@router.get("/changes", response_model=replies.Changes, summary="What changed since a day")
def changes(
    state: State,
    since: Annotated[
        str | None,
        Query(description="The day after which it counts; by default a week ago.", examples=["2023-12-08"]),
    ] = None,
    as_of: AsOfDay = None,
) -> Response:
    """Orders, net revenue, new customers and customers gone quiet since a day, and in as many days before it."""
    day = parse_day(since, "since") if since else None
    return json_response(state.current().of_dashboard(lambda dashboard: dashboard.changes(day), as_of))


@router.get("/alarms", response_model=replies.Alarms, summary="What is wrong with the feed or the model")
def alarms(state: State, as_of: AsOfDay = None) -> Response:
    """The checks of the order feed, and what speaks against the model in use."""
    return json_response(plans.alarms_of_day(state.current(), as_of))


@router.get("/settings", response_model=replies.PageSettings, summary="What decisions rest on, and a trial of others")
def settings(
    state: State,
    file: File,
    margin_percent: Annotated[int | None, Query(ge=0, le=100, description="Margin to try, in percent.")] = None,
    discount: Annotated[
        list[str] | None, Query(description="Discounts to try, in percent, by segment.", examples=[["whale:20"]])
    ] = None,
    threshold: Annotated[
        list[str] | None,
        Query(description="Where segments begin, to try, in cents.", examples=[["high_value:150000"]]),
    ] = None,
) -> Response:
    """Margin, discounts, segments and consent; `then` is what the decisions would come to. Nothing is written."""
    trial = Trial.of(margin_percent, discount or (), threshold or ())
    return json_response(plans.settings_tried(state.current(), file, trial))
