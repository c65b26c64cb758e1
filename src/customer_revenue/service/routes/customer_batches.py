"""``POST``: many customers at once, and posted histories."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from customer_revenue.periods import Period
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.responses import BatchAnswer
from customer_revenue.service.routes.common import ERRORS, MAX_ID_LENGTH, NO_NULL_CHARACTER, State, json_response
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.posted_orders import PostedHistory, PostedOrder, PostedRefund

BATCH_ERRORS = {status: how for status, how in ERRORS.items() if status != 404} | {
    403: ERRORS[401] | {"description": "The API key has no batch scope."},
    413: ERRORS[401] | {"description": "The body is larger than the service allows."},
}

router = APIRouter(prefix="/payment/analytics", tags=["batch"], responses=BATCH_ERRORS)

MAX_CENTS = 1_000_000_000_000
EARLIEST, LATEST = 1900, 2200

CustomerId = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH, pattern=NO_NULL_CHARACTER)]


def _written(moment: object) -> object:
    if not isinstance(moment, str):
        raise ValueError("a moment is written as a text, such as 2023-01-15T09:00:00Z")
    return moment


def _in_reach(moment: dt.datetime) -> dt.datetime:
    if not EARLIEST <= moment.year < LATEST:
        raise ValueError(f"a moment from {EARLIEST} on and before {LATEST}")
    return moment


Moment = Annotated[
    dt.datetime,
    Field(description="When, ISO 8601; in the reporting time zone where it names none."),
    BeforeValidator(_written),
    AfterValidator(_in_reach),
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BatchRequest(_Request):
    """The customers to return, and how."""

    customer_ids: list[CustomerId] = Field(
        min_length=1, description="The customers; the response is in this order.", examples=[["user_123", "nobody"]]
    )
    period: Period = Field(default=Period.ALL_TIME, description="Period of the summaries.")
    include_predictions: bool = Field(default=True, strict=True, description="Whether to predict.")
    as_of: str | None = Field(
        default=None, description="Answer as of the end of this day instead of the store's moment.", examples=[None]
    )


class HistoryOrder(_Request):
    """An order of a history."""

    created_at: Moment = Field(examples=["2023-01-15T09:00:00Z"])
    total_cents: int = Field(strict=True, ge=0, le=MAX_CENTS, description="Its total, in cents.", examples=[10000])
    status: Literal["paid", "refunded"] = Field(default="paid", description="Whether it was refunded as a whole.")


class HistoryRefund(_Request):
    """A refund of a history, beyond the orders whose status is refunded."""

    created_at: Moment = Field(examples=["2023-03-10T09:00:00Z"])
    amount_cents: int = Field(
        strict=True, gt=0, le=MAX_CENTS, description="The amount refunded, in cents.", examples=[2500]
    )


class History(_Request):
    """One customer's whole history."""

    customer_id: CustomerId = Field(description="Any name; the response repeats it.", examples=["user_123"])
    orders: list[HistoryOrder] = Field(description="The orders, in any sequence.")
    refunds: list[HistoryRefund] = Field(default=[], description="The refunds, in any sequence.")


class ScoreRequest(_Request):
    """Histories to score; nothing of them is stored."""

    customers: list[History] = Field(min_length=1, description="One history per customer.")
    as_of: str | None = Field(
        default=None, description="Score as of the end of this day; now by default.", examples=["2023-12-15"]
    )


@router.post(
    "/customers/batch", response_model=BatchAnswer, response_model_exclude_unset=True, summary="Many customers at once"
)
def customers(wanted: BatchRequest, state: State, request: Request) -> Response:
    """Summary, predictions and segment of many customers, in the order of the ids; unknown ids are listed."""
    answers = state.current()
    body = answers.batch(wanted.customer_ids, wanted.period, wanted.include_predictions, wanted.as_of)
    if wanted.as_of is None:
        log_predictions(request.app.state.prediction_log, body, answers)
    return _answer(body)


@router.post(
    "/score", response_model=BatchAnswer, response_model_exclude_unset=True, summary="Score histories that are sent"
)
def score(sent: ScoreRequest, state: State) -> Response:
    """The same for order histories in the request, from the model alone: the store is neither read nor written."""
    histories = [_history(history) for history in sent.customers]
    return _answer(state.scorer().score(histories, sent.as_of))


def _answer(body: Body) -> Response:
    count_predictions(body)
    return json_response(body)


def log_predictions(log: PredictionLog, body: Body, answers: Answers) -> None:
    """Log the predictions of a batch, made as of now."""
    if log.enabled and answers.is_out_of_sample:
        for customer in cast("list[Body]", body["customers"]):
            log.note(customer, answers.model_version, answers.info.id)


def count_predictions(body: Body) -> None:
    """Count the predictions of a batch in the metrics."""
    customers = cast("list[Body]", body["customers"])
    version = cast("dict[str, str | None]", body["meta"])["model_version"]
    metrics().predicted(version, sum(bool(one.get("predictions")) for one in customers))


def _history(sent: History) -> PostedHistory:
    orders = [PostedOrder(order.created_at, order.total_cents, order.status) for order in sent.orders]
    return PostedHistory(sent.customer_id, orders, [PostedRefund(r.created_at, r.amount_cents) for r in sent.refunds])
