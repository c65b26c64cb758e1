"""The forecast of the shop out of a store and a model: known customers, customers to come, and its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.actions.forecast import (
    Confidence,
    base_factors,
    base_forecast,
    full_months,
    horizons_days,
    step_ends,
)
from customer_revenue.arrays import Floats
from customer_revenue.choices import ForecastUnit
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.revenue_path import KNOT_MONTHS
from customer_revenue.modeling.shop_forecast import ShopForecast
from customer_revenue.modeling.shop_history import ShopHistory, month_ends_around
from customer_revenue.modeling.shop_outlook import MAX_CALIBRATED_MONTHS, ShopOutlook
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, months_before
from customer_revenue.policy import Policy
from customer_revenue.public_holidays import public_holidays
from customer_revenue.revenue.daily_cohorts import daily_cohorts, unattributed_days
from customer_revenue.tables import Canonical
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.profits import MarginRate
from customer_revenue.workflows.known_tables import day_parameter, known_by_then

if TYPE_CHECKING:
    import ibis.expr.types as ir

MONTHS_AHEAD = KNOT_MONTHS[-1]


def shop_forecast(store: Store, when: AsOf, predictor: Predictor, features: pa.Table, policy: Policy) -> ShopForecast:
    """The forecast of the shop for three years.

    Args:
        store: the orders.
        when: the as-of moment.
        predictor: for features of its day.
        features: of every customer with an order by then.
        policy: days on which nothing is sold, significance of what weekdays bring.

    Raises:
        NotEnoughData: there are facts but no predictions.
    """
    rows = store.fetch(Recipe(_known_cohorts), moment=when.moment_utc_naive, as_of_day=when.day)
    feed, significance = policy.monitoring.feed, policy.forecast.significance
    first, last = store.info.first_day or when.day, months_before(when.day, -MONTHS_AHEAD)
    holidays = public_holidays(feed.country, first, last)
    history = ShopHistory.of(rows, when.day, MONTHS_AHEAD, feed.closed_days, holidays, significance)
    parts = predictor.revenue_paths(features, horizons_days(when.day, MONTHS_AHEAD))
    purchases, cents, net = (
        np.diff(reduce(np.add, cumulative), prepend=0.0)
        for cumulative in zip(*(part.sums for part in parts), strict=True)
    )
    orders = float(pc.sum(features["orders"]).as_py())
    purchase_days = float(pc.sum(features["frequency"]).as_py()) + features.num_rows
    return ShopForecast(
        outlook=ShopOutlook(history, MONTHS_AHEAD),
        purchases=purchases,
        cents=cents,
        net_cents=net,
        orders_per_purchase=orders / purchase_days,
        net_share_of_new=1 - predictor.refund_rate_,
        unattributed_cents=_unattributed(store, when, history.months),
    )


def forecast_body(
    forecast: ShopForecast,
    trends: Sequence[Mapping[str, object]],
    when: AsOf,
    months: int,
    unit: ForecastUnit,
    policy: Policy,
    currency: str,
    margin: MarginRate,
) -> Body:
    """The forecast as an answer.

    Args:
        forecast: of the shop.
        trends: ``month`` and ``revenue_cents`` of every calendar month.
        when: the as-of moment.
        months: ahead.
        unit: of a step.
        policy: minimum history.
        currency: of the amounts.
        margin: what is expected to remain of net revenue.
    """
    day, outlook = when.day, forecast.outlook
    ends = step_ends(day, months, unit)
    steps = forecast.months.slice(0, months) if unit is ForecastUnit.MONTH else forecast.weeks(day, ends)
    measured = forecast.measured(min(months, MAX_CALIBRATED_MONTHS))
    calibrated = min(outlook.history.months - outlook.origins[0], MAX_CALIBRATED_MONTHS)
    days = horizons_days(day, calibrated)[-1] if calibrated else 0
    confidence = Confidence(measured.share, measured.months, measured.forecasts, days)
    coming = bool(outlook.new_customers[-1].any())
    used = {
        "level": True,
        "trend": round(float(outlook.levels.trend[-1]), 4),
        "seasonality": round(float(outlook.levels.season[-1]), 4),
        "arrivals_trend": round(float(outlook.arrivals.trend[-1]), 4) if coming else 0.0,
        "arrivals_seasonality": round(float(outlook.arrivals.season[-1]), 4) if coming else 0.0,
        "weekdays": outlook.history.has_weekdays,
        "holidays": outlook.history.has_holidays,
        "closed_days": bool(len(outlook.history.day_weights.closed)),
    }
    factors = base_factors(full_months(trends, day), used, policy.forecast)
    body = base_forecast(steps, day, confidence, factors, months, unit, currency)
    for row in cast("list[Row]", body["path"]):
        row["total_profit_cents"] = round(row["total_net_revenue_cents"] * margin.share)
    return body | {"margin_percent": margin.percent, "margin_basis": margin.basis}


def _known_cohorts(tables: Canonical) -> ir.Table:
    return daily_cohorts(known_by_then(tables), day_parameter("as_of_day"))


def _known_unattributed(tables: Canonical) -> ir.Table:
    found = unattributed_days(known_by_then(tables))
    assert found is not None, "checked by the caller"
    return found


def _unattributed(store: Store, when: AsOf, months: int) -> Floats | None:
    """Revenue of the orders without a customer by month of the history."""
    if store.tables.unattributed is None:
        return None
    rows = store.fetch(Recipe(_known_unattributed), moment=when.moment_utc_naive)
    ends = month_ends_around(when.day, months, 0)
    month = np.searchsorted(ends, rows["day"].to_numpy().astype("datetime64[D]")) - 1
    cents = rows["revenue_cents"].to_numpy().astype(np.float64)
    return np.bincount(month[month >= 0], cents[month >= 0], minlength=months)[:months].astype(np.float64)
