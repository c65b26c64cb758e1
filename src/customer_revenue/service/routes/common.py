"""What the routes share: parameters, documented errors, and how a response is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import pyarrow as pa
from fastapi import Depends, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from customer_revenue.service.serving_state import ServingState, serving_state
from customer_revenue.workflows.customers.advice import MAX_FORECAST_MONTHS
from customer_revenue.workflows.exports import as_csv
from customer_revenue.workflows.parameters import MAX_ID_LENGTH, NO_NULL_CHARACTER

PIECE = 100
"""Items of a list that are written as JSON at once."""

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
    Query(
        description="Compute as of the end of this day; by default as of the store's moment.", examples=["2023-12-15"]
    ),
]

State = Annotated[ServingState, Depends(serving_state)]
Months = Annotated[int, Query(ge=1, le=MAX_FORECAST_MONTHS, description="Number of months ahead.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Maximum number of rows.")]
Offset = Annotated[int, Query(ge=0, le=100_000_000, description="Number of rows to skip.")]


def json_response(body: Mapping[str, object]) -> Response:
    """A complete body as the response, without a second validation."""
    return Response(to_json(body), media_type="application/json")


def batch_response(body: Mapping[str, object], many: str) -> Response:
    """The same for a body with a long list, written in pieces: other threads have the interpreter in between.

    Args:
        body: the response.
        many: the name of the list.
    """
    items = body[many]
    assert isinstance(items, list)
    parts = (to_json(items[start : start + PIECE])[1:-1] for start in range(0, len(items), PIECE))
    fields = (
        to_json(name) + b":" + (b"[" + b",".join(parts) + b"]" if name == many else to_json(value))
        for name, value in body.items()
    )
    return Response(b"{" + b",".join(fields) + b"}", media_type="application/json")


def csv_response(rows: pa.Table, filename: str) -> Response:
    """Rows as a CSV file to save."""
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(as_csv(rows), media_type="text/csv", headers=headers)
