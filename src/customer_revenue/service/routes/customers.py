"""``/payment/analytics/customers/{user_id}/…``: one customer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic_core import to_json

from customer_revenue.periods import Period
from customer_revenue.service.error_responses import ErrorAnswer
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.responses import CustomerRevenue
from customer_revenue.service.serving_state import Answering, answering
from customer_revenue.workflows.customers.store_reader import Breakdown
from customer_revenue.workflows.parameters import parse_breakdowns

router = APIRouter(prefix="/payment/analytics/customers", tags=["customers"])

MAX_ID_LENGTH = 512
NO_NULL_CHARACTER = r"^[^\x00]*$"
"""No database takes one in a text."""

ERRORS: dict[int | str, dict[str, object]] = {
    401: {"model": ErrorAnswer, "description": "No valid API key."},
    404: {"model": ErrorAnswer, "description": "The store knows no such customer."},
    422: {"model": ErrorAnswer, "description": "A parameter is outside its allowed values."},
    503: {"model": ErrorAnswer, "description": "No store or no model can answer."},
}

UserId = Annotated[
    str,
    Path(
        description="The customer's id, as in the orders.",
        min_length=1,
        max_length=MAX_ID_LENGTH,
        pattern=NO_NULL_CHARACTER,
        examples=["user_123"],
    ),
]
AsOfDay = Annotated[
    str | None,
    Query(description="Answer as of the end of this day instead of the store's moment.", examples=["2023-12-15"]),
]


@router.get(
    "/{user_id:path}/revenue",
    response_model=CustomerRevenue,
    response_model_exclude_unset=True,
    responses=ERRORS,
    summary="A customer's revenue, predictions and segment",
)
async def revenue(
    user_id: UserId,
    source: Annotated[Answering, Depends(answering)],
    request: Request,
    period: Annotated[Period, Query(description="Period of the facts.")] = Period.ALL_TIME,
    include_predictions: Annotated[bool, Query(description="Whether to predict.")] = True,
    breakdown: Annotated[
        list[str] | None,
        Query(description=f"Any of {', '.join(Breakdown)}, repeated or separated by commas.", examples=["monthly"]),
    ] = None,
    as_of: AsOfDay = None,
) -> Response:
    """The complete answer: facts of the period, breakdowns that were asked for, predictions, segment."""
    breakdowns = parse_breakdowns(breakdown or ())
    answers = source.open_now
    if answers is None:
        answers = await source.ask(source.current)
    customer = answers.find(user_id, answers.when(as_of))
    asked = (customer, period, breakdowns, include_predictions)
    if customer.holds(period, breakdowns):
        # No thread: those of many requests would wait for the interpreter's lock longer than they compute.
        body = answers.response(*asked)
    else:
        body = await source.ask(answers.response, *asked)
    metrics().predicted(answers.model_version, bool(body.get("predictions")))
    log: PredictionLog = request.app.state.prediction_log
    if log.enabled and as_of is None and answers.is_out_of_sample:
        log.note(body, answers.model_version, answers.info.id)
    return Response(to_json(body), media_type="application/json")
