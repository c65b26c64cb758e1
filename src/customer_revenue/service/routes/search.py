"""``/payment/analytics/search``: find a customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses.dashboard import Found
from customer_revenue.service.routes.common import AsOfDay, State, json_response
from customer_revenue.workflows.parameters import MAX_ID_LENGTH

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics", tags=["customers"])


@router.get("/search", response_model=Found, summary="Find customers by id, name or e-mail address")
def search(
    state: State,
    q: Annotated[
        str, Query(min_length=1, max_length=MAX_ID_LENGTH, description="Part of an id, name or e-mail address.")
    ],
    limit: Annotated[int, Query(ge=1, le=50, description="Maximum number of customers.")] = 8,
    as_of: AsOfDay = None,
) -> Response:
    """Customers who match: first those whose field starts with the text, then by revenue."""
    return json_response(state.current().of_dashboard(lambda dashboard: dashboard.lists.search(q, limit), as_of))
