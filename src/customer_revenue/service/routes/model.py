"""``/payment/analytics/model``: the model in use."""

from __future__ import annotations

from fastapi import APIRouter, Response

from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses.dashboard import ModelCard
from customer_revenue.service.routes.common import State, json_response

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics", tags=["model"])


@router.get("/model", response_model=ModelCard, summary="The model in use")
def model(state: State) -> Response:
    """Version, training window, back-test with comparators, calibration, and the tracked run."""
    answers = state.current()
    return json_response(answers.complete(answers.model_card(), answers.when(None)))
