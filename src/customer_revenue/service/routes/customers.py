"""``/payment/analytics/customers/{user_id}/…``: one customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from customer_revenue.choices import Breakdown
from customer_revenue.periods import MAX_HORIZON_DAYS, Period
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.responses import CustomerRevenue
from customer_revenue.service.routes.common import AsOfDay, State, UserId, json_response
from customer_revenue.workflows.parameters import parse_breakdowns

HorizonDays = Annotated[int, Field(ge=1, le=MAX_HORIZON_DAYS)]

router = APIRouter(prefix="/payment/analytics/customers", tags=["customers"])


@router.get(
    "/{user_id:path}/revenue",
    response_model=CustomerRevenue,
    summary="A customer's revenue, predictions and segment",
)
async def revenue(
    user_id: UserId,
    state: State,
    request: Request,
    period: Annotated[Period, Query(description="Period of the facts.")] = Period.ALL_TIME,
    include_predictions: Annotated[bool, Query(description="Whether to include predictions.")] = True,
    breakdown: Annotated[
        list[str] | None,
        Query(description=f"Any of {', '.join(Breakdown)}, repeated or separated by commas.", examples=["monthly"]),
    ] = None,
    as_of: AsOfDay = None,
    days: Annotated[
        list[HorizonDays] | None,
        Query(description="Horizons in days to predict as well; can be repeated.", examples=[[7, 180]]),
    ] = None,
) -> Response:
    """The complete response: facts of the period, the requested breakdowns, predictions, segment."""
    breakdowns = parse_breakdowns(breakdown or ())
    answers = state.opened
    if answers is None:
        answers = await state.run_in_store_thread(state.current)
    customer = answers.find(user_id, answers.when(as_of))
    request_args = (customer, period, breakdowns, include_predictions, days or ())
    if customer.holds(period, breakdowns) and not days:
        # No thread: with many requests, threads wait for the interpreter's lock longer than they compute.
        body = answers.response(*request_args)
    else:
        body = await state.run_in_store_thread(answers.response, *request_args)
    metrics().count_predictions(answers.model_version, bool(body.get("predictions")))
    log: PredictionLog = request.app.state.prediction_log
    if log.enabled and as_of is None and answers.is_out_of_sample:
        log.note(body, answers.model_version, answers.info.id)
    return json_response(body)
