"""``POST`` routes: batches of customers, and posted order histories."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request, Response
from pydantic import Field

from customer_revenue.periods import Period
from customer_revenue.service.admission import BatchRoute, check_wanted
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.responses import BatchAnswer
from customer_revenue.service.routes.common import State, batch_response
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.posted_orders import CustomerId, History, StrictRequest

router = APIRouter(route_class=BatchRoute, prefix="/payment/analytics", tags=["batch"])


class BatchRequest(StrictRequest):
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


class ScoreRequest(StrictRequest):
    """Histories to score; they are not stored."""

    customers: list[History] = Field(min_length=1, description="One history per customer.")
    as_of: str | None = Field(
        default=None, description="Score as of the end of this day; by default as of now.", examples=["2023-12-15"]
    )


@router.post("/customers/batch", response_model=BatchAnswer, summary="A batch of customers")
def customers(batch: BatchRequest, state: State, request: Request) -> Response:
    """Summary, predictions and segment of each customer, in the order of the ids; unknown ids are listed."""
    body = answer_batch(batch, state.current(), request.app.state.prediction_log)
    return batch_response(body, "customers")


@router.post("/score", response_model=BatchAnswer, summary="Score posted order histories")
def score(posted: ScoreRequest, state: State) -> Response:
    """The same for order histories in the request, from the model alone; the store is not used."""
    body = state.scorer().score(posted.customers, posted.as_of, between=check_wanted)
    count_predictions(body)
    return batch_response(body, "customers")


def answer_batch(batch: BatchRequest, answers: Answers, log: PredictionLog) -> Body:
    """The body of a batch, whoever asks: its predictions are counted, and logged if they are of the store's moment."""
    asked = (batch.customer_ids, batch.period, batch.include_predictions, batch.as_of)
    body = answers.batch(*asked, between=check_wanted)
    if batch.as_of is None:
        log_predictions(log, body, answers)
    count_predictions(body)
    return body


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
