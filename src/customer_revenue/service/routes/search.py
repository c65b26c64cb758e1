"""``/payment/analytics/search``: find a customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic_core import to_json

from customer_revenue.service.routes.customers import ERRORS, MAX_ID_LENGTH, AsOfDay
from customer_revenue.service.serving_state import Answering, answering

router = APIRouter(prefix="/payment/analytics", tags=["customers"], responses=ERRORS)


@router.get("/search", summary="Find a customer by id, name or e-mail")
def search(
    source: Annotated[Answering, Depends(answering)],
    q: Annotated[str, Query(min_length=1, max_length=MAX_ID_LENGTH, description="A part of id, name or e-mail.")],
    limit: Annotated[int, Query(ge=1, le=50, description="Customers at most.")] = 8,
    as_of: AsOfDay = None,
) -> Response:
    """Customers that match, those that begin with the text first, then by revenue."""
    answers = source.current()
    dashboard = answers.dashboard(as_of)
    body = answers.complete(dashboard.lists.search(q, limit), dashboard.base.when)
    return Response(to_json(body), media_type="application/json")
