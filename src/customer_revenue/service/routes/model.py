"""``/payment/analytics/model``: the model that answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic_core import to_json

from customer_revenue.service.routes.customers import ERRORS
from customer_revenue.service.serving_state import Answering, answering

router = APIRouter(prefix="/payment/analytics", tags=["model"], responses=ERRORS)


@router.get("/model", summary="The model that answers")
def model(source: Annotated[Answering, Depends(answering)]) -> Response:
    """Version, training window, back-test with its comparators, calibration, and where its run is tracked."""
    answers = source.current()
    body = answers.complete(answers.model_card(), answers.when(None))
    return Response(to_json(body), media_type="application/json")
