"""``/payment/analytics/customers/{user_id}/actions`` and its like: what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic_core import to_json

from customer_revenue.service.routes.customers import ERRORS, AsOfDay, UserId
from customer_revenue.service.serving_state import Answering, answering
from customer_revenue.workflows.customers.advice import MAX_FORECAST_MONTHS, Advisor, Situation

router = APIRouter(prefix="/payment/analytics/customers/{user_id:path}", tags=["advice"], responses=ERRORS)

Source = Annotated[Answering, Depends(answering)]
Months = Annotated[int, Query(ge=1, le=MAX_FORECAST_MONTHS, description="How many months ahead.")]


def _answer(
    source: Answering, user_id: str, as_of: str | None, ask: Callable[[Advisor, Situation], dict[str, object]]
) -> Response:
    return Response(to_json(source.current().advice(user_id, ask, as_of)), media_type="application/json")


@router.get("/actions", summary="What to do about a customer")
def actions(user_id: UserId, source: Source, as_of: AsOfDay = None) -> Response:
    """Recommended actions: code, text, reason in the customer's own numbers, priority and expected value."""
    return _answer(source, user_id, as_of, Advisor.actions)


@router.get("/offer", summary="A personal offer")
def offer(user_id: UserId, source: Source, as_of: AsOfDay = None) -> Response:
    """The offer of the customer's segment, without a discount where that would only cost money."""
    return _answer(source, user_id, as_of, Advisor.offer)


@router.get("/retention", summary="How to keep a customer")
def retention(user_id: UserId, source: Source, as_of: AsOfDay = None) -> Response:
    """The retention strategy of segment and situation, the segment's treatment, the stage's focus."""
    return _answer(source, user_id, as_of, Advisor.retention)


@router.get("/upsell", summary="Upsell opportunities")
def upsell(user_id: UserId, source: Source, as_of: AsOfDay = None) -> Response:
    """The chance to reach the next segment, and products that similar customers bought next."""
    return _answer(source, user_id, as_of, Advisor.upsell)


@router.get("/forecast", summary="A customer's revenue forecast")
def forecast(user_id: UserId, source: Source, months: Months = 12, as_of: AsOfDay = None) -> Response:
    """Revenue month by month with its 80 % interval, and the trend and seasonality behind it."""
    return _answer(source, user_id, as_of, lambda advisor, situation: advisor.forecast(situation, months))
