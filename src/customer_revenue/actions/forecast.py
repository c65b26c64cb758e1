"""The revenue forecast of a customer, or of the shop, as an answer: month by month, with what supports it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa

from customer_revenue.actions.predictive_revenue import Predictive
from customer_revenue.actions.seasonality import seasonality, trend
from customer_revenue.arrays import Floats
from customer_revenue.choices import ForecastUnit
from customer_revenue.currencies import in_units, minor_digits
from customer_revenue.periods import DAYS_PER_WEEK, DAYS_PER_YEAR, MONTHS_PER_YEAR, month_label, months_before
from customer_revenue.policy import ForecastRules
from customer_revenue.tables import check_columns

LOW, HIGH = 0.1, 0.9
"""The ends of the 80 % interval."""
DAYS_PER_MONTH = DAYS_PER_YEAR / MONTHS_PER_YEAR
COUNTS = ("known_orders", "new_orders", "new_customers")
STEP_COLUMNS = (
    "known_revenue_cents",
    "known_low_cents",
    "known_high_cents",
    "new_revenue_cents",
    "total_low_cents",
    "total_high_cents",
    "total_net_revenue_cents",
    *COUNTS,
    "unattributed_revenue_cents",
)
"""The columns of the forecast of the shop by month or week."""


@dataclass(frozen=True)
class Confidence:
    """What the shop's confidence score counts.

    Attributes:
        share: of the past months that lay inside of the 80 % band that was forecast for them; None for too few.
        months: distinct past months behind it.
        forecasts: those months from every past month end from which they were forecast.
        calibrated_days: days ahead up to which forecasts have been compared with what came.
    """

    share: float | None
    months: int
    forecasts: int
    calibrated_days: int

    @property
    def reason(self) -> str:
        """What the score is, in words."""
        of = f"{self.forecasts} forecasts of {self.months} past months, each from what was known before it"
        if self.share is None:
            return f"no score: {of}, are too few"
        return f"share of {of}, that lay inside their 80 % band"


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
    first: pa.Table,
    whole: pa.Table,
    month_cents: Floats,
    as_of_day: dt.date,
    history: RevenueHistory,
    avg_order_value_cents: int,
    purchase_frequency_days: float | None,
    policy: ForecastRules,
    currency: str = "",
) -> dict[str, object]:
    """The forecast of one customer.

    Args:
        first: the customer's predictions within the first month.
        whole: within all months.
        month_cents: expected revenue of each month, of which the forecast of the shop is the sum.
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
    total = float(month_cents.sum())
    ahead = Predictive.of(whole)
    ahead = Predictive(ahead.probability, total / ahead.probability, ahead.shape)
    tolerance = max(total * policy.tolerance_percent / 100, float(avg_order_value_cents))
    confidence = float(ahead.within(np.array([total]), np.array([tolerance]))[0])
    months = _single_months(first, month_cents)
    rows = _rows(
        month_ends(as_of_day, len(month_cents)),
        month_cents,
        months.quantile(LOW),
        months.quantile(HIGH),
    )
    factors = _factors(history, purchase_frequency_days, policy)
    return {
        **_figures(len(rows), total, currency),
        "confidence_score": round(confidence, 4),
        "factors": factors,
        "path": rows,
    }


def base_forecast(
    steps: pa.Table,
    as_of_day: dt.date,
    confidence: Confidence,
    factors: dict[str, object],
    months: int,
    unit: ForecastUnit = ForecastUnit.MONTH,
    currency: str = "",
) -> dict[str, object]:
    """The forecast of the shop: known customers and customers to come.

    Args:
        steps: one row per month or week with :data:`STEP_COLUMNS`, unrounded.
        as_of_day: the day of the as-of moment.
        confidence: what the confidence score counts.
        factors: of :func:`base_factors`.
        months: that the steps reach.
        unit: of the steps.
        currency: of the amounts.

    Returns:
        As :func:`customer_forecast`, of known customers and customers to come together; in the ``path`` both apart.
        ``expected_revenue_cents`` and its interval are those of the known customers.
    """
    check_columns(steps, STEP_COLUMNS, "the table of steps")
    columns = {name: np.asarray(steps[name].to_numpy(), np.float64) for name in STEP_COLUMNS}
    known, new = columns["known_revenue_cents"], columns["new_revenue_cents"]
    ends = step_ends(as_of_day, months, unit)
    rows = _rows(ends, known, columns["known_low_cents"], columns["known_high_cents"], unit)
    for place, row in enumerate(rows):
        row |= {
            "known_revenue_cents": round(known[place]),
            "new_revenue_cents": round(new[place]),
            "total_revenue_cents": round(known[place]) + round(new[place]),
            "total_low_cents": round(columns["total_low_cents"][place]),
            "total_high_cents": round(columns["total_high_cents"][place]),
            "total_net_revenue_cents": round(columns["total_net_revenue_cents"][place]),
            **{name: round(columns[name][place], 2) for name in COUNTS},
            "total_orders": round(columns["known_orders"][place] + columns["new_orders"][place], 2),
            "unattributed_revenue_cents": round(columns["unattributed_revenue_cents"][place]),
            "is_calibrated": (ends[place] - as_of_day).days <= confidence.calibrated_days,
        }
    total = float(known.sum() + new.sum())
    covered_months = months if unit is ForecastUnit.MONTH else (ends[-1] - as_of_day).days / DAYS_PER_MONTH
    return {
        **_figures(months, total, currency, covered_months),
        "unit": unit.value,
        "confidence_score": None if confidence.share is None else round(confidence.share, 4),
        "confidence_reason": confidence.reason,
        "factors": factors,
        "path": rows,
    }


def base_factors(history: RevenueHistory, used: Mapping[str, object], policy: ForecastRules) -> dict[str, object]:
    """What supports the forecast of the shop, and how far it is used.

    Args:
        history: the full calendar months.
        used: how much the shop's own months speak for a trend and a season, 0 to 1, and whether weekdays are used.
        policy: minimum history, significance.
    """
    return {**_factors(history, None, policy), "used": dict(used)}


def step_ends(as_of_day: dt.date, months: int, unit: ForecastUnit) -> list[dt.date]:
    """The last days of the months, or of the full weeks within them."""
    ends = month_ends(as_of_day, months)
    if unit is ForecastUnit.MONTH:
        return ends
    weeks = (ends[-1] - as_of_day).days // DAYS_PER_WEEK
    return [as_of_day + dt.timedelta(days=DAYS_PER_WEEK * week) for week in range(1, weeks + 1)]


def _single_months(first: pa.Table, month_cents: Floats) -> Predictive:
    """The distribution of each month of one customer.

    A month's chance of a purchase is the first month's times the ratio of their expected revenues; its shape is that of
    the first.
    """
    start = Predictive.of(first)
    ratio = month_cents / np.maximum(start.expected_cents, 1e-9)
    chance = np.clip(start.probability * ratio, 1e-9, 1.0)
    return Predictive(chance, month_cents / chance, np.broadcast_to(start.shape, chance.shape))


def _rows(
    ends: Sequence[dt.date],
    expected: Floats,
    low: Floats,
    high: Floats,
    unit: ForecastUnit = ForecastUnit.MONTH,
) -> list[dict[str, object]]:
    return [
        {
            "month": month_label(end),
            **({"week": _week_label(end)} if unit is ForecastUnit.WEEK else {}),
            "last_day": end.isoformat(),
            "expected_revenue_cents": round(middle),
            "revenue_low_cents": round(lowest),
            "revenue_high_cents": round(highest),
        }
        for end, middle, lowest, highest in zip(ends, expected.tolist(), low.tolist(), high.tolist(), strict=True)
    ]


def _week_label(end: dt.date) -> str:
    year, week, _ = end.isocalendar()
    return f"{year:04d}-W{week:02d}"


def _figures(months: int, total_cents: float, currency: str, covered_months: float | None = None) -> dict[str, object]:
    monthly, digits = total_cents / (covered_months or months), minor_digits(currency)
    return {
        "months": months,
        "predicted_monthly_revenue": round(in_units(monthly, currency), digits),
        "predicted_annual_revenue": round(in_units(monthly * MONTHS_PER_YEAR, currency), digits),
        "predicted_monthly_revenue_cents": round(monthly),
        "predicted_annual_revenue_cents": round(monthly * MONTHS_PER_YEAR),
    }


def _factors(
    history: RevenueHistory, purchase_frequency_days: float | None, policy: ForecastRules
) -> dict[str, object]:
    return {
        "purchase_frequency": purchase_frequency_days,
        "trend": trend(history.revenue_cents, policy),
        "seasonality": seasonality(history.revenue_cents, history.first_month, policy),
    }
