"""``/payment/analytics/…``: analytics of the whole customer base."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from customer_revenue.choices import AtRiskBy, CohortUnit, ForecastUnit, TopBy
from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import customer_base as replies
from customer_revenue.service.responses.advice import ShopRevenueForecast
from customer_revenue.service.routes.common import (
    AsOfDay,
    Limit,
    Months,
    Offset,
    State,
    csv_response,
    json_response,
)
from customer_revenue.service.serving_state import ServingState
from customer_revenue.workflows.customer_base.analytics import CustomerBase

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics", tags=["customer base"])

Unit = Annotated[CohortUnit, Query(description="Length of a cohort and of its periods.")]


def _reply(state: ServingState, as_of: str | None, query: Callable[[CustomerBase], dict[str, object]]) -> Response:
    return json_response(state.current().of_base(query, as_of))


@router.get("/top-customers", response_model=replies.TopCustomers, summary="The most valuable customers")
def top_customers(
    state: State,
    by: Annotated[
        TopBy | None, Query(description="Column to sort by, descending; by default the policy's basis of segments.")
    ] = None,
    limit: Limit = 10,
    offset: Offset = 0,
    as_of: AsOfDay = None,
) -> Response:
    """The most valuable customers by total revenue, net revenue or predicted lifetime value."""
    return _reply(state, as_of, lambda base: base.top_customers(by, limit, offset))


@router.get("/at-risk", response_model=replies.AtRiskCustomers, summary="Customers at risk")
def at_risk(
    state: State,
    activity: Annotated[str, Query(description="Activity status to list, unless a stage is given.")] = "at_risk",
    stage: Annotated[str | None, Query(description="Lifecycle stage to list instead.")] = None,
    segment: Annotated[list[str] | None, Query(description="Value segments; by default all but the lowest.")] = None,
    by: Annotated[
        AtRiskBy | None, Query(description="Column to sort by, descending; by default the policy's basis of segments.")
    ] = None,
    limit: Limit = 100,
    offset: Offset = 0,
    as_of: AsOfDay = None,
) -> Response:
    """Customers at risk, highest value of the sort column first, with the days since their last purchase.

    By `value_at_risk_cents`, those who are not `lost`, and so can still be won, stand before those who are.
    """
    return _reply(state, as_of, lambda base: base.at_risk(activity, stage, segment, by, limit, offset))


@router.get("/cohorts", response_model=replies.Cohorts, summary="Acquisition cohorts")
def cohorts(state: State, unit: Unit = CohortUnit.MONTH, as_of: AsOfDay = None) -> Response:
    """Cohorts by first purchase: customers, revenue, and retention and revenue per period."""
    return _reply(state, as_of, lambda base: base.cohorts(unit))


@router.get("/distribution", response_model=replies.Distribution, summary="Revenue by segment, and its concentration")
def distribution(state: State, as_of: AsOfDay = None) -> Response:
    """Revenue by value segment; the revenue shares of the best customers, the Lorenz curve and the Gini coefficient."""
    return _reply(state, as_of, lambda base: base.distribution())


@router.get("/purchase-frequency", response_model=replies.PurchaseFrequency, summary="Customers by purchase frequency")
def purchase_frequency(state: State, as_of: AsOfDay = None) -> Response:
    """Customers with at least two orders, by the mean days between orders."""
    return _reply(state, as_of, lambda base: base.purchase_frequency())


@router.get("/trends", response_model=replies.Trends, summary="The customer base month by month")
def trends(state: State, as_of: AsOfDay = None) -> Response:
    """Revenue, orders, and active, new and returning customers of each month."""
    return _reply(state, as_of, lambda base: base.trends())


@router.get("/rfm", response_model=replies.Rfm, summary="RFM groups")
def rfm(
    state: State,
    group: Annotated[str | None, Query(description="Also list the customers of this group.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
    as_of: AsOfDay = None,
) -> Response:
    """Groups by recency, frequency and monetary score, and the customers of one group."""
    return _reply(state, as_of, lambda base: base.rfm(group, limit, offset))


@router.get("/segments", response_model=replies.Segments, summary="Segments and lifecycle stages")
def segments(state: State, as_of: AsOfDay = None) -> Response:
    """Each segment and stage with its criteria, count, share and treatment."""
    return _reply(state, as_of, lambda base: base.segments())


@router.get("/actions", response_model=replies.BaseActions, summary="The most valuable actions")
def actions(
    state: State,
    limit: Limit = 100,
    offset: Offset = 0,
    as_of: AsOfDay = None,
    file: Annotated[Literal["json", "csv"], Query(description="`csv` for a spreadsheet or an e-mail tool.")] = "json",
) -> Response:
    """The most valuable actions among all customers, highest expected value first."""
    if file == "json":
        return _reply(state, as_of, lambda base: base.actions(limit, offset))
    return csv_response(state.current().base(as_of).action_rows(limit, offset), "actions.csv")


@router.get("/forecast", response_model=ShopRevenueForecast, summary="Revenue forecast of the shop")
def forecast(
    state: State,
    months: Months = 12,
    unit: Annotated[ForecastUnit, Query(description="Length of a step of the path.")] = ForecastUnit.MONTH,
    as_of: AsOfDay = None,
) -> Response:
    """Expected revenue and orders of known customers and of customers to come, with 80 % bands.

    `predicted_monthly_revenue`, `predicted_annual_revenue` and `confidence_score` are of both together. The score is
    the share of past months that lay inside the band forecast for them; null while too few have been.
    """
    return _reply(state, as_of, lambda base: base.forecast(months, unit))


@router.get("/widget", response_model=replies.Widget, summary="The dashboard's data in one request")
def widget(state: State, limit: Limit = 10, as_of: AsOfDay = None) -> Response:
    """Top customers, distribution, customers at risk, trends and metrics in one object, money in currency units."""
    return _reply(state, as_of, lambda base: base.widget(limit))
