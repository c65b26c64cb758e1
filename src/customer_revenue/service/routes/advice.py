"""``/payment/analytics/customers/{user_id}/…``: actions, offer, retention, upsell and forecast."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import advice as replies
from customer_revenue.service.routes.common import AsOfDay, Months, State, UserId, json_response
from customer_revenue.service.serving_state import ServingState
from customer_revenue.workflows.customers.advice import Advisor, Situation

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics/customers/{user_id:path}", tags=["advice"])


def _reply(
    state: ServingState, user_id: str, as_of: str | None, advise: Callable[[Advisor, Situation], dict[str, object]]
) -> Response:
    return json_response(state.current().advice(user_id, advise, as_of))


@router.get("/actions", response_model=replies.CustomerActions, summary="Recommended actions")
def actions(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """Each action with its code, text, reason in the customer's own numbers, priority and expected value."""
    return _reply(state, user_id, as_of, Advisor.actions)


@router.get("/offer", response_model=replies.CustomerOffer, summary="A personal offer")
def offer(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """The offer of the customer's segment, without a discount where it would cost more than it brings."""
    return _reply(state, user_id, as_of, Advisor.offer)


@router.get("/retention", response_model=replies.CustomerRetention, summary="Retention advice")
def retention(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """The retention strategy for the segment and situation, the segment's treatment and the stage's focus."""
    return _reply(state, user_id, as_of, Advisor.retention)


@router.get("/upsell", response_model=replies.CustomerUpsell, summary="Upsell opportunities")
def upsell(user_id: UserId, state: State, as_of: AsOfDay = None) -> Response:
    """The probability of reaching the next segment, and products that similar customers bought next."""
    return _reply(state, user_id, as_of, Advisor.upsell)


@router.get("/forecast", response_model=replies.CustomerForecast, summary="A customer's revenue forecast")
def forecast(user_id: UserId, state: State, months: Months = 12, as_of: AsOfDay = None) -> Response:
    """Expected revenue month by month with 80 % intervals, and the trend and seasonality behind it."""
    return _reply(state, user_id, as_of, lambda advisor, situation: advisor.forecast(situation, months))
