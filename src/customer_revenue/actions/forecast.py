"""The revenue forecast of a customer, or of all: month by month, from the models, with what supports it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erf, sqrt
from typing import cast

import numpy as np
import pyarrow as pa

from customer_revenue.actions.predictive_revenue import Predictive
from customer_revenue.actions.seasonality import seasonality, trend
from customer_revenue.arrays import Floats
from customer_revenue.currencies import in_units, minor_digits
from customer_revenue.periods import MONTHS_PER_YEAR, month_label, months_before
from customer_revenue.policy import ForecastRules
from customer_revenue.tables import check_columns

LOW, HIGH = 0.1, 0.9
"""The ends of the 80 % interval."""
NORMAL_90 = 1.2815515655446004
CUMULATIVE = ("customer_id", "expected_purchases", "purchase_probability", "expected_revenue_cents")


@dataclass(frozen=True)
class RevenueHistory:
    """Revenue of full months, oldest first, and the calendar month of the first (1 to 12)."""

    revenue_cents: Sequence[int]
    first_month: int = 1


def full_months(rows: Sequence[Mapping[str, object]], today: dt.date) -> RevenueHistory:
    """Revenue of the calendar months that are over.

    Args:
        rows: ``month`` and ``revenue_cents`` of every month from the first with an order to today's.
        today: the as-of day.
    """
    today_ends_its_month = (today + dt.timedelta(days=1)).day == 1
    over = rows if today_ends_its_month else rows[:-1]
    first = int(str(rows[0]["month"])[-2:]) if rows else 1
    return RevenueHistory([cast("int", row["revenue_cents"]) for row in over], first)


def month_ends(as_of_day: dt.date, months: int) -> list[dt.date]:
    """The last days of the forecast's months: the same day of the month as the as-of day, 1 to ``months`` later.

    >>> [str(day) for day in month_ends(dt.date(2024, 1, 31), 3)]
    ['2024-02-29', '2024-03-31', '2024-04-30']
    """
    return [months_before(as_of_day, -ahead) for ahead in range(1, months + 1)]


def horizons_days(as_of_day: dt.date, months: int) -> list[int]:
    """Days from the as-of day to each of :func:`month_ends`: the horizons to predict."""
    return [(end - as_of_day).days for end in month_ends(as_of_day, months)]


def customer_forecast(
    path: Sequence[pa.Table],
    as_of_day: dt.date,
    history: RevenueHistory,
    avg_order_value_cents: int,
    purchase_frequency_days: float | None,
    policy: ForecastRules,
    currency: str = "",
) -> dict[str, object]:
    """The forecast of one customer.

    Args:
        path: the customer's predictions within each of :func:`horizons_days`, each from the as-of day on.
        as_of_day: the day of the as-of moment.
        history: the customer's full months.
        avg_order_value_cents: mean order to date.
        purchase_frequency_days: mean gap between purchases to date; null with one order.
        policy: minimum history, tolerance.
        currency: of the amounts.

    Returns:
        ``months``, ``predicted_monthly_revenue`` and ``predicted_annual_revenue`` (currency units, as specified) and
        the same in cents, ``confidence_score``, ``factors`` (``purchase_frequency``, ``trend``, ``seasonality``) and
        ``path``: for each month its ``month`` and ``last_day``, ``expected_revenue_cents`` and the ends of the 80 %
        interval. The confidence is the predicted probability that the revenue of all months falls within the policy's
        tolerance of the forecast, or within one average order of it where that is more.
    """
    whole = Predictive.of(path[-1])
    total = float(whole.expected_cents[0])
    tolerance = max(total * policy.tolerance_percent / 100, float(avg_order_value_cents))
    confidence = float(whole.within(np.array([total]), np.array([tolerance]))[0])
    months = _single_months(path)
    rows = _rows(
        as_of_day,
        [float(month.expected_cents[0]) for month in months],
        [float(month.quantile(LOW)[0]) for month in months],
        [float(month.quantile(HIGH)[0]) for month in months],
    )
    return _answer(rows, total, confidence, _factors(history, purchase_frequency_days, policy), currency)


def base_forecast(
    path: Sequence[pa.Table], as_of_day: dt.date, history: RevenueHistory, policy: ForecastRules, currency: str = ""
) -> dict[str, object]:
    """The forecast of all known customers together; customers who are yet to come are not in it.

    Args:
        path: predictions of all customers within each of :func:`horizons_days`, the same rows in each table.
        as_of_day: the day of the as-of moment.
        history: the base's full months. Their scatter around the median widens the interval: what moves all customers
            at once is in no customer's own distribution.
        policy: minimum history, tolerance.
        currency: of the amounts.

    Returns:
        As :func:`customer_forecast`; the tolerance is the policy's share alone.
    """
    months = _single_months(path)
    expected = [float(month.expected_cents.sum()) for month in months]
    common = _scatter(history.revenue_cents)
    spread = [
        NORMAL_90 * sqrt(float(month.variances.sum()) + (common * cents) ** 2)
        for month, cents in zip(months, expected, strict=True)
    ]
    ends = list(zip(expected, spread, strict=True))
    rows = _rows(
        as_of_day,
        expected,
        [max(cents - width, 0.0) for cents, width in ends],
        [cents + width for cents, width in ends],
    )
    whole = Predictive.of(path[-1])
    total = float(whole.expected_cents.sum())
    total_spread = sqrt(float(whole.variances.sum()) + (common * total) ** 2)
    confidence = _normal_within(total * policy.tolerance_percent / 100, total_spread)
    return _answer(rows, total, confidence, _factors(history, None, policy), currency)


def _single_months(path: Sequence[pa.Table]) -> list[Predictive]:
    """The distribution of each single month, from what is cumulative.

    A month's chance of a purchase is its expected purchases times the first month's ratio of the two; its shape is
    the first month's.

    Raises:
        TypeError: a table lacks a column, or the tables are not of the same customers in the same order.
    """
    for table in path:
        check_columns(table, CUMULATIVE, "the table of predictions")
        if not table["customer_id"].equals(path[0]["customer_id"]):
            raise TypeError("the tables of the path must hold the same customers in the same order")
    purchases, chances, cents = (np.stack([_floats(table, name) for table in path]) for name in CUMULATIVE[1:])
    ratio = np.minimum(chances[0] / np.maximum(purchases[0], 1e-12), 1.0)
    shape = Predictive.of(path[0]).shape
    months = []
    for in_month, in_month_cents in zip(_steps(purchases), _steps(cents), strict=True):
        chance = np.clip(in_month * ratio, 1e-9, 1.0)
        months.append(Predictive(chance, in_month_cents / chance, shape))
    return months


def _floats(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(), np.float64)


def _steps(cumulative: Floats) -> Floats:
    return np.maximum(np.diff(cumulative, axis=0, prepend=0.0), 0.0)


def _rows(
    as_of_day: dt.date, expected: Sequence[float], low: Sequence[float], high: Sequence[float]
) -> list[dict[str, object]]:
    ends = month_ends(as_of_day, len(expected))
    return [
        {
            "month": month_label(end),
            "last_day": end.isoformat(),
            "expected_revenue_cents": round(middle),
            "revenue_low_cents": round(lowest),
            "revenue_high_cents": round(highest),
        }
        for end, middle, lowest, highest in zip(ends, expected, low, high, strict=True)
    ]


def _answer(
    rows: list[dict[str, object]], total_cents: float, confidence: float, factors: dict[str, object], currency: str
) -> dict[str, object]:
    monthly, digits = total_cents / len(rows), minor_digits(currency)
    return {
        "months": len(rows),
        "predicted_monthly_revenue": round(in_units(monthly, currency), digits),
        "predicted_annual_revenue": round(in_units(monthly * MONTHS_PER_YEAR, currency), digits),
        "predicted_monthly_revenue_cents": round(monthly),
        "predicted_annual_revenue_cents": round(monthly * MONTHS_PER_YEAR),
        "confidence_score": round(confidence, 4),
        "factors": factors,
        "path": rows,
    }


def _factors(
    history: RevenueHistory, purchase_frequency_days: float | None, policy: ForecastRules
) -> dict[str, object]:
    return {
        "purchase_frequency": purchase_frequency_days,
        "trend": trend(history.revenue_cents, policy),
        "seasonality": seasonality(history.revenue_cents, history.first_month, policy),
    }


def _scatter(revenue_cents: Sequence[int]) -> float:
    """The relative scatter of a year's months around their median; 0.25 with too few months."""
    recent = np.asarray(revenue_cents[-MONTHS_PER_YEAR:], np.float64)
    middle = float(np.median(recent)) if len(recent) else 0.0
    if len(recent) < MONTHS_PER_YEAR // 2 or middle <= 0:
        return 0.25
    return float(1.4826 * np.median(np.abs(recent - middle)) / middle)


def _normal_within(tolerance: float, spread: float) -> float:
    return 1.0 if spread == 0 else erf(tolerance / spread / sqrt(2))
