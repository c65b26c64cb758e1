"""``/payment/analytics/customers/{user_id}/…``: one customer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, NamedTuple
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import Field
from typing_extensions import override

from customer_revenue.choices import Breakdown
from customer_revenue.errors import InvalidParameter
from customer_revenue.periods import MAX_HORIZON_DAYS, Period
from customer_revenue.service.admission import Handler
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.responses import CustomerRevenue
from customer_revenue.service.routes.common import AsOfDay, UserId, json_response
from customer_revenue.service.serving_state import ServingState
from customer_revenue.workflows.parameters import MAX_ID_LENGTH, parse_breakdowns

HorizonDays = Annotated[int, Field(ge=1, le=MAX_HORIZON_DAYS)]

MAX_PLAIN_BYTES = 200
PLAIN_QUERIES = 256
"""How many queries are kept as they were understood: few differ, since the customer is in the path."""


class Asked(NamedTuple):
    """What is asked about a customer, as of now."""

    period: Period = Period.ALL_TIME
    include_predictions: bool = True
    breakdowns: frozenset[Breakdown] = frozenset()


class PlainRoute(APIRoute):
    """A route about one customer that reads plain requests itself: FastAPI's validation takes longer than the answer.

    A request is plain if its parameters are known, given once and written as documented; the others, those with an
    error among them, are FastAPI's.
    """

    @override
    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            name, asked = request.path_params["user_id"], plain(request.scope["query_string"])
            if asked is None or not 1 <= len(name) <= MAX_ID_LENGTH or "\x00" in name:
                return await handle(request)
            return await _answer(request, name, asked)

        return answer


def plain(query: bytes) -> Asked | None:
    """What a plain query asks for; ``None`` for any other query."""
    return _plain(query) if len(query) <= MAX_PLAIN_BYTES else None


@lru_cache(PLAIN_QUERIES)
def _plain(query: bytes) -> Asked | None:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query))
        given = dict(pairs)
        if len(given) != len(pairs) or not given.keys() <= {"period", "include_predictions", "breakdown"}:
            return None
        return Asked(
            Period(given.get("period", Period.ALL_TIME)),
            {"true": True, "false": False}[given.get("include_predictions", "true")],
            parse_breakdowns([given["breakdown"]]) if "breakdown" in given else frozenset(),
        )
    except (ValueError, KeyError, InvalidParameter):
        return None


router = APIRouter(prefix="/payment/analytics/customers", tags=["customers"], route_class=PlainRoute)


@router.get(
    "/{user_id:path}/revenue",
    response_model=CustomerRevenue,
    summary="A customer's revenue, predictions and segment",
)
async def revenue(
    user_id: UserId,
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
    asked = Asked(period, include_predictions, parse_breakdowns(breakdown or ()))
    return await _answer(request, user_id, asked, as_of, days or ())


async def _answer(
    request: Request, user_id: str, asked: Asked, as_of: str | None = None, days: Sequence[int] = ()
) -> Response:
    state: ServingState = request.app.state.serving_state
    answers = state.opened
    if answers is None:
        answers = await state.run_in_store_thread(state.current)
    customer = answers.find(user_id, answers.when(as_of))
    request_args = (customer, asked.period, asked.breakdowns, asked.include_predictions, days)
    if customer.holds(asked.period, asked.breakdowns) and not days:
        # No thread: with many requests, threads wait for the interpreter's lock longer than they compute.
        body = answers.response(*request_args)
    else:
        body = await state.run_in_store_thread(answers.response, *request_args)
    metrics().count_predictions(answers.model_version, bool(body.get("predictions")))
    log: PredictionLog = request.app.state.prediction_log
    if log.enabled and as_of is None and answers.is_out_of_sample:
        log.note(body, answers.model_version, answers.info.id)
    return json_response(body)
