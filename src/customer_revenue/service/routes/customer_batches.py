"""``POST`` routes: batches of customers, and posted order histories."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from customer_revenue.periods import MAX_YEAR, MIN_YEAR, Period
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.responses import BatchAnswer
from customer_revenue.service.routes.common import ERRORS, MAX_ID_LENGTH, NO_NULL_CHARACTER, State, json_response
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.posted_orders import PostedHistory, PostedOrder, PostedRefund

BATCH_ERRORS = {status: response for status, response in ERRORS.items() if status != 404} | {
    403: ERRORS[401] | {"description": "The API key has no batch scope."},
    413: ERRORS[401] | {"description": "The body exceeds the maximum size."},
}

router = APIRouter(prefix="/payment/analytics", tags=["batch"], responses=BATCH_ERRORS)

MAX_CENTS = 1_000_000_000_000

CustomerId = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH, pattern=NO_NULL_CHARACTER)]


def _require_text(moment: object) -> object:
    if not isinstance(moment, str):
        raise ValueError("a moment must be text, such as 2023-01-15T09:00:00Z")
    return moment


def _require_supported_year(moment: dt.datetime) -> dt.datetime:
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise ValueError(f"the date must be on or after {MIN_YEAR}-01-01 and before {MAX_YEAR + 1}-01-01")
    return moment


Moment = Annotated[
    dt.datetime,
    Field(description="ISO 8601 time; in the reporting time zone if it has no offset."),
    BeforeValidator(_require_text),
    AfterValidator(_require_supported_year),
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BatchRequest(_Request):
    """Customers to return, and what to return about them."""

    customer_ids: list[CustomerId] = Field(
        min_length=1,
        description="Ids of the customers; the response keeps their order.",
        examples=[["user_123", "nobody"]],
    )
    period: Period = Field(default=Period.ALL_TIME, description="Period of the summaries.")
    include_predictions: bool = Field(default=True, strict=True, description="Whether to include predictions.")
    as_of: str | None = Field(
        default=None,
        description="Compute as of the end of this day; by default as of the store's moment.",
        examples=[None],
    )


class HistoryOrder(_Request):
    """An order in a history."""

    created_at: Moment = Field(examples=["2023-01-15T09:00:00Z"])
    total_cents: int = Field(
        strict=True, ge=0, le=MAX_CENTS, description="Total of the order, in cents.", examples=[10000]
    )
    status: Literal["paid", "refunded"] = Field(
        default="paid", description="`refunded` if the whole order was refunded."
    )


class HistoryRefund(_Request):
    """A refund in a history, in addition to orders with the status `refunded`."""

    created_at: Moment = Field(examples=["2023-03-10T09:00:00Z"])
    amount_cents: int = Field(
        strict=True, gt=0, le=MAX_CENTS, description="The amount refunded, in cents.", examples=[2500]
    )


class History(_Request):
    """The whole order history of one customer."""

    customer_id: CustomerId = Field(description="Any id; the response repeats it.", examples=["user_123"])
    orders: list[HistoryOrder] = Field(description="The orders, in any order.")
    refunds: list[HistoryRefund] = Field(default=[], description="The refunds, in any order.")


class ScoreRequest(_Request):
    """Histories to score; they are not stored."""

    customers: list[History] = Field(min_length=1, description="One history per customer.")
    as_of: str | None = Field(
        default=None, description="Score as of the end of this day; by default as of now.", examples=["2023-12-15"]
    )


@router.post(
    "/customers/batch", response_model=BatchAnswer, response_model_exclude_unset=True, summary="A batch of customers"
)
def customers(batch: BatchRequest, state: State, request: Request) -> Response:
    """Summary, predictions and segment of each customer, in the order of the ids; unknown ids are listed."""
    answers = state.current()
    body = answers.batch(batch.customer_ids, batch.period, batch.include_predictions, batch.as_of)
    if batch.as_of is None:
        log_predictions(request.app.state.prediction_log, body, answers)
    return _counted(body)


@router.post(
    "/score", response_model=BatchAnswer, response_model_exclude_unset=True, summary="Score posted order histories"
)
def score(posted: ScoreRequest, state: State) -> Response:
    """The same for order histories in the request, from the model alone; the store is not used."""
    histories = [_history(history) for history in posted.customers]
    return _counted(state.scorer().score(histories, posted.as_of))


def _counted(body: Body) -> Response:
    count_predictions(body)
    return json_response(body)


def log_predictions(log: PredictionLog, body: Body, answers: Answers) -> None:
    """Log the predictions of a batch that was computed as of the store's moment."""
    if log.enabled and answers.is_out_of_sample:
        for customer in cast("list[Body]", body["customers"]):
            log.note(customer, answers.model_version, answers.info.id)


def count_predictions(body: Body) -> None:
    """Count the predictions of a batch in the metrics."""
    customers = cast("list[Body]", body["customers"])
    version = cast("dict[str, str | None]", body["meta"])["model_version"]
    metrics().count_predictions(version, sum(bool(one.get("predictions")) for one in customers))


def _history(posted: History) -> PostedHistory:
    orders = [PostedOrder(order.created_at, order.total_cents, order.status) for order in posted.orders]
    return PostedHistory(
        posted.customer_id, orders, [PostedRefund(r.created_at, r.amount_cents) for r in posted.refunds]
    )
