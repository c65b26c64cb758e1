"""``/payment/analytics/…``: what the shop earns, and what customers to be won are worth."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from customer_revenue.choices import ProfitBy
from customer_revenue.service.responses import earnings as replies
from customer_revenue.service.routes.common import AsOfDay, Limit, Offset, State, json_response

router = APIRouter(prefix="/payment/analytics", tags=["customer base"])


@router.get("/profit", response_model=replies.Profits, summary="Profit beside revenue")
def profit(
    state: State,
    by: Annotated[ProfitBy, Query(description="What a row is.")] = ProfitBy.MONTH,
    limit: Limit = 100,
    offset: Offset = 0,
    as_of: AsOfDay = None,
) -> Response:
    """Revenue, refunds, cost and profit, in total and by month, product or customer.

    `margin_basis` says what the cost rests on: `measured` (stated by the order lines), `policy` (its rates by product
    or category) or `assumed` (its assumed rate). A sum rests on the weakest of its parts.
    """
    return json_response(state.current().of_base(lambda base: base.profit(by, limit, offset), as_of))
