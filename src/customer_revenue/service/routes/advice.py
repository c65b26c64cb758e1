"""``/payment/analytics/customers/{user_id}/actions`` and the other routes of advice."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from customer_revenue.service.routes.common import ERRORS, AsOfDay, Months, State, UserId, json_response
from customer_revenue.service.serving_state import ServingState
from customer_revenue.workflows.customers.advice import Advisor, Situation

router = APIRouter(prefix="/payment/analytics/customers/{user_id:path}", tags=["advice"], responses=ERRORS)


def _answer(
    state: ServingState, user_id: str, as_of: str | None, ask: Callable[[Advisor, Situation], dict[str, object]]
) -> Response:
    return json_response(state.current().advice(user_id, ask, as_of))


@router.get("/actions", summary="What to do about a customer")
def actions(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """Recommended actions: code, text, reason in the customer's own numbers, priority and expected value."""
    return _answer(state, user_id, as_of, Advisor.actions)


@router.get("/offer", summary="A personal offer")
def offer(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """The offer of the customer's segment, without a discount where it would cost more than it brings."""
    return _answer(state, user_id, as_of, Advisor.offer)


@router.get("/retention", summary="How to keep a customer")
def retention(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """The retention strategy of segment and situation, the segment's treatment, the stage's focus."""
    return _answer(state, user_id, as_of, Advisor.retention)


@router.get("/upsell", summary="Upsell opportunities")
def upsell(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """The chance to reach the next segment, and products that similar customers bought next."""
    return _answer(state, user_id, as_of, Advisor.upsell)


@router.get("/forecast", summary="A customer's revenue forecast")
def forecast(user_id: UserId, state: State, months: Months = 12, as_of: AsOfDay = None) -> Response:
    """Revenue month by month with its 80 % interval, and the trend and seasonality behind it."""
    return _answer(state, user_id, as_of, lambda advisor, situation: advisor.forecast(situation, months))
