"""``/payment/analytics/dashboard/…``: what changed, what is wrong, and what is worth doing."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from customer_revenue.periods import parse_day
from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import plays as replies
from customer_revenue.service.routes.campaigns import File
from customer_revenue.service.routes.common import AsOfDay, State, json_response
from customer_revenue.service.routes.saved_policy import CONTACTS
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
    basis: Annotated[Literal["net", "total"] | None, Query(description="Revenue that segments go by, to try.")] = None,
    quiet_days: Annotated[int | None, Query(ge=0, le=365, description="Days after an order, to try.")] = None,
    quiet_days_after_contact: Annotated[
        int | None, Query(ge=0, le=365, description="Days after a contact, to try.")
    ] = None,
    most_contacts: Annotated[int | None, Query(ge=1, le=1000, description="Contacts at most, to try.")] = None,
    most_contacts_days: Annotated[
        int | None, Query(ge=1, le=365, description="Days within which contacts are counted, to try.")
    ] = None,
) -> Response:
    """Margin, discounts, segments, contacts and consent; `then` is what the decisions would come to.

    Nothing is written: `POST …/policy` saves.
    """
    values = (quiet_days, quiet_days_after_contact, most_contacts, most_contacts_days)
    contacts = {name: value for name, value in zip(CONTACTS, values, strict=True) if value is not None}
    trial = Trial.of(margin_percent, discount or (), threshold or (), basis, contacts)
    return json_response(plans.settings_tried(state.current(), file, trial))
