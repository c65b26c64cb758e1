"""``/payment/analytics/keys``: the API keys, for whoever administers them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from customer_revenue.keys import KeyFile
from customer_revenue.service.responses.key_list import KeyList
from customer_revenue.service.routes.common import json_response

router = APIRouter(prefix="/payment/analytics", tags=["keys"])


async def key_file(request: Request) -> KeyFile:  # async, since FastAPI runs other functions in a thread
    """Dependency: the file of API keys."""
    file: KeyFile = request.app.state.keys
    return file


@router.get("/keys", response_model=KeyList, summary="The API keys")
def keys(file: Annotated[KeyFile, Depends(key_file)]) -> Response:
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
