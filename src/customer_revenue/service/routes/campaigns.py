"""``/payment/analytics/campaigns``: campaigns with a hold-out, and the contact log."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import campaigns as replies
from customer_revenue.service.routes.common import AsOfDay, State, csv_response, json_response
from customer_revenue.workflows.campaigns.audience import Audience
from customer_revenue.workflows.campaigns.campaign_file import CAMPAIGN_NAME, CampaignFile
from customer_revenue.workflows.campaigns.contact_log import contacts_of
from customer_revenue.workflows.campaigns.create_campaign import (
    LEAST_HOLD_OUT,
    MOST_DAYS,
    MOST_HOLD_OUT,
    CampaignPlan,
    listed_members,
)
from customer_revenue.workflows.campaigns.learn_effect import unlearn_effect
from customer_revenue.workflows.customers.posted_orders import CustomerId, StrictRequest

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics/campaigns", tags=["campaigns"])

Name = Annotated[
    str,
    Path(description="Name of the campaign.", min_length=1, max_length=63, examples=["spring"], pattern=r"^[^/\x00]+$"),
]
CampaignName = Annotated[str, Field(pattern=f"^{CAMPAIGN_NAME.pattern}$")]


async def campaign_file(request: Request) -> CampaignFile:  # async, since FastAPI runs other functions in a thread
    """Dependency: the file of campaigns."""
    file: CampaignFile = request.app.state.campaigns
    return file


File = Annotated[CampaignFile, Depends(campaign_file)]


async def learned_effects(request: Request) -> FilePath:
    """Dependency: where the learned effects are kept."""
    path: FilePath = request.app.state.learned_effects
    return path


Learned = Annotated[FilePath, Depends(learned_effects)]


class CampaignRequest(StrictRequest):
    """A campaign to create. Of ``segments``, ``customer_ids`` and ``rule``, all that are given have to hold."""

    name: CampaignName = Field(description="Letters, digits, dots, dashes and underscores.", examples=["spring"])
    action: str = Field(description="Code of the policy's action.", examples=["win_back_campaign"], max_length=100)
    segments: list[str] = Field(default=[], description="Value segments of the audience.", examples=[["medium_value"]])
    customer_ids: list[CustomerId] | None = Field(default=None, description="List of customers.", examples=[None])
    rule: str | None = Field(
        default=None,
        description="Conditions on customers; docs/actions.md lists what they may compare.",
        examples=["net_revenue >= 20 and churn_risk > 0.2"],
    )
    hold_out: float = Field(
        default=0.2, ge=LEAST_HOLD_OUT, le=MOST_HOLD_OUT, description="Share that is not contacted.", examples=[0.2]
    )
    days: int = Field(default=30, ge=1, le=MOST_DAYS, description="Days for which orders count.", examples=[30])
    as_of: str | None = Field(
        default=None,
        description="Day after which it begins; by default the store's as-of day.",
        examples=[None],
    )


class SentContact(StrictRequest):
    """One contact of a customer."""

    customer_id: CustomerId = Field(description="Id of the customer.", examples=["user_123"])
    contacted_on: str = Field(description="The day.", pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2023-12-01"])
    channel: str = Field(default="", max_length=40, description="Such as `email`, if known.", examples=["email"])


class ContactsRequest(StrictRequest):
    """Contacts to record; those that are known already are left as they are."""

    contacts: list[SentContact] = Field(min_length=1, description="The contacts.")


@router.get("", response_model=replies.Campaigns, summary="The campaigns", operation_id="campaigns")
def campaigns(state: State, file: File) -> Response:
    """All campaigns, in the order of their first day."""
    return json_response(state.current().campaigns(file))


@router.post("", response_model=replies.CampaignCreated, summary="Create a campaign", operation_id="campaigns_create")
def create(wanted: CampaignRequest, state: State, file: File) -> Response:
    """Choose an audience, hold some of it out at random, and record both; says what the campaign can find."""
    plan = CampaignPlan(wanted.name, wanted.action, wanted.hold_out, wanted.days)
    audience = Audience(wanted.segments, wanted.customer_ids, wanted.rule)
    return json_response(state.current().create_campaign(file, plan, audience, wanted.as_of))


@router.post("/contacts", response_model=replies.ContactsRecorded, summary="Record contacts")
def contacts(sent: ContactsRequest, state: State, file: File) -> Response:
    """Record who was contacted when, so that campaigns leave out those contacted just now or too often."""
    answers = state.current()
    rows = ((f"contacts.{place}", one.model_dump()) for place, one in enumerate(sent.contacts))
    new = file.add_contacts(list(contacts_of(rows)))
    return json_response(answers.complete({"contacts": len(sent.contacts), "new": new}, answers.when(None)))


@router.post("/{name}/learn", response_model=replies.CampaignLearned, summary="Learn from a campaign")
def learn(name: Name, state: State, file: File, learned: Learned) -> Response:
    """Join what a finished campaign measured with what is believed of its action; decisions use it from then on."""
    answers = state.current()
    record, report = answers.learn_campaign(file, name, learned)
    body = {"campaign": name, "learned_on": str(record.learned_on), "effect": report["updated_effect"]}
    return json_response(answers.complete(body, answers.when(None)))


@router.post("/{name}/unlearn", response_model=replies.CampaignUnlearned, summary="Take back what was learned")
def unlearn(name: Name, state: State, learned: Learned) -> Response:
    """Take back what was learned from a campaign, whether the campaign is still there or not."""
    answers, record = state.current(), unlearn_effect(learned, name)
    body = {"campaign": name, "action": record.action, "measured_points": record.measured_points}
    return json_response(answers.complete(body, answers.when(None)))


@router.delete(
    "/{name}", response_model=replies.CampaignRemoved, summary="Remove a campaign", operation_id="campaigns_remove"
)
def remove(name: Name, state: State, file: File) -> Response:
    """Remove a campaign and the record of its customers; what was learned from it stays."""
    answers = state.current()
    file.remove(name)
    return json_response(answers.complete({"removed": name}, answers.when(None)))


@router.get("/{name}/report", response_model=replies.CampaignResult, summary="What a campaign brought")
def report(name: Name, state: State, file: File, as_of: AsOfDay = None) -> Response:
    """Incremental buyers, orders, revenue and profit against the hold-out, with 95 % intervals."""
    return json_response(state.current().campaign_report(file, name, as_of))


@router.get("/{name}/customers", response_model=replies.CampaignCustomers, summary="Who is contacted, or held out")
def listed(
    name: Name,
    state: State,
    file: File,
    arm: Annotated[
        Literal["treated", "held_out"], Query(description="Those contacted, or those held out.")
    ] = "treated",
    form: Annotated[
        Literal["json", "csv"], Query(alias="file", description="`csv` for a spreadsheet or an e-mail tool.")
    ] = "json",
) -> Response:
    """The ids of the customers of one arm, in their order."""
    rows = listed_members(file, name, treated=arm == "treated")
    if form == "csv":
        return csv_response(rows, f"{name}-{arm}.csv")
    answers = state.current()
    body = {"campaign": name, "arm": arm, "customer_ids": rows["customer_id"].to_pylist()}
    return json_response(answers.complete(body, answers.when(None)))
