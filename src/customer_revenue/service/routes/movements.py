"""``/payment/analytics/…``: movements between segments, the sequence of orders, and refunds to come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from customer_revenue.choices import FlowBy
from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import flow_reports as replies
from customer_revenue.service.routes.common import AsOfDay, State, json_response

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics", tags=["customer base"])


@router.get("/segment-flows", response_model=replies.SegmentFlows, summary="Who moved between segments")
def segment_flows(
    state: State,
    by: Annotated[FlowBy, Query(description="What the groups are.")] = FlowBy.SEGMENT,
    since: Annotated[
        str | None,
        Query(description="The earlier day; by default 90 days before the later one.", examples=["2023-09-16"]),
    ] = None,
    as_of: AsOfDay = None,
) -> Response:
    """Customers and net revenue by group on an earlier day and group on the as-of day.

    Every customer of the later day is in one flow. The groups of each day are those of what was known on it.
    """
    return json_response(state.current().flows(by, since, as_of))


@router.get("/order-sequence", response_model=replies.OrderSequence, summary="First, second, third … orders")
def order_sequence(state: State, as_of: AsOfDay = None) -> Response:
    """What each order of a customer in a row brings, and how many are followed by another within 7 to 365 days.

    An order counts for a lag once it is that old.
    """
    return json_response(state.current().of_base(lambda base: base.reports.order_sequence(), as_of))


@router.get("/refunds-to-come", response_model=replies.RefundsToCome, summary="Refunds still to be expected")
def refunds_to_come(state: State, as_of: AsOfDay = None) -> Response:
    """Revenue of the last twelve months' orders, what has been refunded of it, and what is still to be expected.

    Learned from the shop's own delays between orders and their dated refunds. A refund that names no order belongs to
    its customer's latest.
    """
    return json_response(state.current().of_base(lambda base: base.reports.refunds_to_come(), as_of))
