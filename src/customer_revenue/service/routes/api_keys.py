"""``/payment/analytics/keys``: the API keys, for whoever administers them."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from customer_revenue.choices import Scope
from customer_revenue.errors import InvalidParameter
from customer_revenue.keys import KeyFile
from customer_revenue.service.responses.key_list import KeyAdded, KeyList, KeyRevoked
from customer_revenue.service.routes.common import json_response
from customer_revenue.service.routes.promotions import By
from customer_revenue.workflows.customers.posted_orders import StrictRequest

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/payment/analytics", tags=["keys"])


async def key_file(request: Request) -> KeyFile:  # async, since FastAPI runs other functions in a thread
    """Dependency: the file of API keys."""
    file: KeyFile = request.app.state.keys
    return file


Keys = Annotated[KeyFile, Depends(key_file)]
Name = Annotated[
    str, Path(description="Name of the key.", min_length=1, max_length=63, pattern=r"^[^/\x00]+$", examples=["reports"])
]


class KeyRequest(StrictRequest):
    """A key to create."""

    name: str = Field(min_length=1, max_length=63, description="Name of the key.", examples=["reports"])
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope), description="What it may do.", examples=[["read"]])
    days: int | None = Field(
        default=None, ge=1, le=3650, strict=True, description="Days after which it expires; null for never."
    )


@router.get("/keys", response_model=KeyList, summary="The API keys")
def keys(file: Keys) -> Response:
    """Name, scopes, creation, expiry and last use of each key; needs the scope `admin`."""
    found = [
        {
            "name": key.name,
            "scopes": sorted(key.scopes),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "last_used_at": file.used_at(key.name),
        }
        for key in file.all()
    ]
    return json_response({"success": True, "keys": found})


@router.post("/keys", response_model=KeyAdded, summary="Create an API key", operation_id="keys_add")
def add_key(wanted: KeyRequest, file: Keys, by: By) -> Response:
    """Create a key, which is in the answer and nowhere else; needs the scope `admin`."""
    secret = file.add(wanted.name, frozenset(wanted.scopes), wanted.days)
    logger.info("the key %s was created by %s", wanted.name, by)
    answer = json_response({"success": True, "name": wanted.name, "key": secret})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.delete("/keys/{name}", response_model=KeyRevoked, summary="Revoke an API key", operation_id="keys_revoke")
def revoke_key(name: Name, file: Keys, by: By) -> Response:
    """Let a key and its sessions in no more; needs the scope `admin`. A key does not revoke itself."""
    if name == by:
        raise InvalidParameter("name: the key that asks cannot revoke itself; use another, or the command")
    file.revoke(name)
    logger.info("the key %s was revoked by %s", name, by)
    return json_response({"success": True, "revoked": name})
