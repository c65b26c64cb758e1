"""``/payment/analytics/search``: find a customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from customer_revenue.service.routes.common import ERRORS, MAX_ID_LENGTH, AsOfDay, State, reply

router = APIRouter(prefix="/payment/analytics", tags=["customers"], responses=ERRORS)


@router.get("/search", summary="Find a customer by id, name or e-mail")
def search(
    state: State,
    q: Annotated[str, Query(min_length=1, max_length=MAX_ID_LENGTH, description="A part of id, name or e-mail.")],
    limit: Annotated[int, Query(ge=1, le=50, description="Customers at most.")] = 8,
    as_of: AsOfDay = None,
) -> Response:
    """Customers that match, those that begin with the text first, then by revenue."""
    answers = state.current()
    dashboard = answers.dashboard(as_of)
    return reply(answers, dashboard.lists.search(q, limit), dashboard.base.when)
