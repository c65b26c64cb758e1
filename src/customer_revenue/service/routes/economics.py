"""``/payment/analytics/…``: what the shop earns, and what customers to be won are worth."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from customer_revenue.choices import BiddingForm, FirstDayBy, ProfitBy
from customer_revenue.service.admission import StoreRoute
from customer_revenue.service.responses import earnings as replies
from customer_revenue.service.routes.common import AsOfDay, Limit, Offset, State, json_response
from customer_revenue.workflows.customer_base.bidding_files import BidOptions

router = APIRouter(route_class=StoreRoute, prefix="/payment/analytics", tags=["customer base"])


@router.get("/profit", response_model=replies.Profits, summary="Profit and revenue")
def profit(
    state: State,
    by: Annotated[ProfitBy, Query(description="What a row is.")] = ProfitBy.MONTH,
    limit: Limit = 100,
    offset: Offset = 0,
    as_of: AsOfDay = None,
) -> Response:
    """Revenue, refunds, cost and profit, in total and by month, product or customer.

    `margin_basis` says what the cost rests on: `measured` (stated by the order lines), `policy` (its rates by product
    or category), `assumed` (its assumed rate) or `partly_assumed`, where only some of the lines have no cost and no
    rate. A sum rests on the weakest of its parts.
    """
    return json_response(state.current().of_base(lambda base: base.reports.profit(by, limit, offset), as_of))


@router.get("/acquisition", response_model=replies.Acquisition, summary="What new customers are worth and may cost")
def acquisition(
    state: State,
    by: Annotated[FirstDayBy, Query(description="What makes the groups; known on the first day.")] = FirstDayBy.ALL,
    payback_days: Annotated[
        int, Query(ge=1, le=730, description="Days within which the profit is to pay the cost.")
    ] = 365,
    as_of: AsOfDay = None,
) -> Response:
    """Expected net revenue and profit of a new customer within 30 to 730 days, and the most that they may cost.

    With the setting `acquisition_costs`, `channels` has the cost, the new customers, LTV:CAC and the payback month of
    each channel and month.
    """
    return json_response(state.current().acquisition(by, payback_days, as_of))


@router.get("/cohort-money", response_model=replies.CohortsMoney, summary="Money by cohort, observed and predicted")
def cohort_money(
    state: State,
    max_days: Annotated[int, Query(ge=0, le=730, description="Age up to which the curves go, in days.")] = 365,
    by: Annotated[FirstDayBy, Query(description="What makes the cohorts; known on the first day.")] = FirstDayBy.MONTH,
    as_of: AsOfDay = None,
) -> Response:
    """Cumulative net revenue and profit per customer by month of acquisition and days since their first order.

    Or, with `by`, by channel, first product and more, customers of all months together.

    Where not all customers of a cohort have reached an age, `complete` is false, and the others' part is predicted.
    """
    return json_response(state.current().of_base(lambda base: base.reports.cohort_money(max_days, by), as_of))


@router.get("/bidding", response_model=replies.Bidding, summary="A file for value-based bidding")
def bidding(
    state: State,
    form: Annotated[BiddingForm, Query(description="Whose form the file has.")],
    by: Annotated[FirstDayBy, Query(description="What makes the groups; known on the first day.")] = FirstDayBy.SIZE,
    value_days: Annotated[int, Query(ge=1, le=730, description="Days of expected profit since the first order.")] = 365,
    mature_days: Annotated[int, Query(ge=0, le=90, description="Age of a first order at which it is reported.")] = 0,
    since_days: Annotated[
        int, Query(ge=1, le=90, description="Reported are those that reached it in so many days.")
    ] = 30,
    cap_percent: Annotated[int, Query(ge=50, le=100, description="Percentile to which values are cut.")] = 99,
    as_of: AsOfDay = None,
) -> Response:
    """First orders with the expected profit of their customer, as Google's offline conversions or Meta's requests.

    E-mail addresses and ids are hashed as they prescribe. Nothing is sent.
    """
    options = BidOptions(by, value_days, mature_days, since_days, cap_percent)
    return json_response(state.current().of_base(lambda base: base.reports.bidding(form, options), as_of))
