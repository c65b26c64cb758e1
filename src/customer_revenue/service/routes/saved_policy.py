"""``/payment/analytics/policy``: the policy file, saved from the page and taken back."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from customer_revenue.service.responses import policy_answers as replies
from customer_revenue.service.routes.common import json_response
from customer_revenue.service.routes.promotions import By
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.what_if import Trial
from customer_revenue.workflows.customers.posted_orders import StrictRequest
from customer_revenue.workflows.policy_file import SavedPolicy

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/payment/analytics/policy", tags=["page"])

Percent = Annotated[int, Field(ge=0, le=100, strict=True)]
Cents = Annotated[int, Field(ge=0, le=10**15, strict=True)]
Days = Annotated[int, Field(ge=0, le=365, strict=True)]
MOST_SEGMENTS = 50
CONTACTS = ("quiet_days", "quiet_days_after_contact", "most_contacts", "most_contacts_days")


async def saved_policy(request: Request) -> SavedPolicy:  # async, since FastAPI runs other functions in a thread
    """Dependency: the policy file."""
    file: SavedPolicy = request.app.state.saved_policy
    return file


File = Annotated[SavedPolicy, Depends(saved_policy)]


class SettingsRequest(StrictRequest):
    """Values for the policy file; what is left out stays as it is."""

    margin_percent: Percent | None = Field(default=None, description="Assumed margin, in percent.", examples=[35])
    discounts: dict[str, Percent] = Field(
        default_factory=dict, max_length=MOST_SEGMENTS, description="Discounts by segment, in percent."
    )
    thresholds: dict[str, Cents] = Field(
        default_factory=dict, max_length=MOST_SEGMENTS, description="Where segments begin, in cents."
    )
    basis: Literal["net", "total"] | None = Field(default=None, description="Revenue that segments go by.")
    quiet_days: Days | None = Field(default=None, description="Days after an order before a customer is contacted.")
    quiet_days_after_contact: Days | None = Field(default=None, description="Days after a contact before the next.")
    most_contacts: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = Field(
        default=None, description="Contacts within `most_contacts_days`, at most."
    )
    most_contacts_days: Annotated[int, Field(ge=1, le=365, strict=True)] | None = Field(
        default=None, description="Days within which contacts are counted."
    )

    def trial(self) -> Trial:
        """The same values as those that are tried."""
        contacts = {name: value for name in CONTACTS if (value := getattr(self, name)) is not None}
        return Trial(self.margin_percent, self.discounts, self.thresholds, self.basis, contacts)


@router.get("", response_model=replies.PolicyFile, summary="Whether settings can be saved", operation_id="policy")
def state(file: File) -> Response:
    """Whether the service can write the policy file, the files kept, and what was learned from campaigns."""
    return json_response({"success": True, **file.state()})


@router.post("", response_model=replies.PolicySaved, summary="Save settings", operation_id="policy_save")
def save(wanted: SettingsRequest, file: File, by: By) -> Response:
    """Write values into the policy file, and keep it as it was; needs the scope `admin`.

    Running workers decide by it within seconds.
    """
    return _answer(file.save(wanted.trial()), by)


@router.post(
    "/undo", response_model=replies.PolicySaved, summary="Take saved settings back", operation_id="policy_undo"
)
def undo(file: File, by: By) -> Response:
    """Put the policy file that was kept last in its place again; needs the scope `admin`."""
    return _answer(file.take_back(), by)


def _answer(body: Body, by: str) -> Response:
    logger.info("the policy was changed by %s: %s; see %s", by, body["changed"] or "taken back", body["kept"])
    return json_response({"success": True, **body})
