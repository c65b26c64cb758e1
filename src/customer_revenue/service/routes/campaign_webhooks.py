"""``/payment/analytics/campaigns/…/send``: a campaign's list to a webhook that the settings list."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import campaigns as replies
from customer_revenue.service.routes.campaigns import File, Name
from customer_revenue.service.routes.common import State, json_response
from customer_revenue.service.routes.promotions import By
from customer_revenue.workflows.campaigns.send_campaign import CampaignWebhooks
from customer_revenue.workflows.customers.posted_orders import StrictRequest

logger = logging.getLogger(__name__)

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics/campaigns", tags=["campaigns"])


async def campaign_webhooks(request: Request) -> CampaignWebhooks:  # async, or FastAPI runs it in a thread
    """Dependency: the addresses that the settings list."""
    found: CampaignWebhooks = request.app.state.webhooks
    return found


Webhooks = Annotated[CampaignWebhooks, Depends(campaign_webhooks)]


class SendRequest(StrictRequest):
    """Where a campaign's list goes."""

    webhook: int = Field(ge=1, le=1000, strict=True, description="Place of the address in the setting.", examples=[1])


@router.get(
    "/webhooks", response_model=replies.ListedWebhooks, summary="Where lists may be sent", operation_id="webhooks"
)
def webhooks(state: State, listed: Webhooks) -> Response:
    """The webhooks of the settings by place and host; their paths, which may hold secrets, are left out."""
    answers = state.current()
    return json_response(answers.complete({"webhooks": listed.listed()}, answers.when(None)))


@router.post("/{name}/send", response_model=replies.CampaignSent, summary="Send a campaign's list to a webhook")
def send(name: Name, wanted: SendRequest, state: State, file: File, listed: Webhooks, by: By) -> Response:
    """Send the ids of those who are to be contacted, in messages of up to 10,000, to an address of the settings."""
    answers, body = state.current(), listed.send(file, name, wanted.webhook)
    logger.info("a campaign was sent by %s to webhook %s: %s customers", by, wanted.webhook, body["customers"])
    return json_response(answers.complete(body, answers.when(None)))
