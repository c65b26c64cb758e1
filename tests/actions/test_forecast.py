"""Trend and seasons by their tests, and the forecast's arithmetic."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.actions.forecast import (
    STEP_COLUMNS,
    Confidence,
    RevenueHistory,
    base_factors,
    base_forecast,
    customer_forecast,
    full_months,
    horizons_days,
    month_ends,
    step_ends,
)
from customer_revenue.actions.seasonality import NOT_ENOUGH, seasonality, trend
from customer_revenue.choices import ForecastUnit
from customer_revenue.policy import Policy

AS_OF = dt.date(2023, 12, 15)


def within(months: int, a_month: float = 10_000.0) -> pa.Table:
    return pa.table(
        {
            "purchase_probability": [1 - 0.6**months],
            "expected_revenue_cents": [a_month * months],
            "revenue_high_cents": [2.0 * a_month * months],
            "interval_mass": [0.8],
        }
    )


def of_customer(policy: Policy, order: int = 12_500, history: list[int] | None = None) -> dict[str, object]:
    months = RevenueHistory(history or [1, 2, 3])
    return customer_forecast(within(1), within(6), np.full(6, 10_000.0), AS_OF, months, order, 36.6, policy.forecast)


def steps(rows: int) -> pa.Table:
    known = np.linspace(1_000_000.4, 800_000.4, rows)
    columns = {
        **dict.fromkeys(STEP_COLUMNS, np.full(rows, 10.0)),
        "known_revenue_cents": known,
        "known_low_cents": known / 2,
        "known_high_cents": known * 2,
        "new_revenue_cents": np.full(rows, 500_000.4),
        "total_low_cents": known * 0.9,
        "total_high_cents": known * 2.5,
    }
    return pa.table(columns)


def test_a_short_history_has_no_trend_and_no_seasons(policy: Policy) -> None:
    assert trend([1, 2, 3, 4, 5], policy.forecast)["direction"] == NOT_ENOUGH
    assert seasonality(list(range(23)), 1, policy.forecast)["found"] == NOT_ENOUGH


@pytest.mark.parametrize(
    ("values", "direction"),
    [
        ([10, 20, 30, 40, 50, 60, 70], "rising"),
        ([70, 61, 50, 40, 31, 20, 10], "falling"),
        ([5, 5, 5, 5, 5, 5, 5], "steady"),
        ([30, 10, 40, 20, 50, 10, 30], "steady"),
    ],
)
def test_trend(policy: Policy, values: list[int], direction: str) -> None:
    assert trend(values, policy.forecast)["direction"] == direction


def test_seasons_are_found_under_a_trend_and_not_in_noise(policy: Policy) -> None:
    rng = np.random.default_rng(1)
    months = np.arange(48)
    noise = rng.normal(0, 50, 48)
    december = np.where((months + 2) % 12 == 11, 5_000, 0)  # the first month is March
    summer = np.where(np.isin((months + 2) % 12, [5, 6, 7]), 2_000, 0)
    found = seasonality([round(x) for x in 1_000 + 20 * months + december + summer + noise], 3, policy.forecast)
    assert found["found"] is True
    assert found["strongest_month"] == "December"
    plain = seasonality([round(x) for x in 1_000 + 20 * months + noise], 3, policy.forecast)
    assert plain["found"] is False
    assert seasonality([7] * 24, 1, policy.forecast)["found"] is False


def test_customer_forecast(policy: Policy) -> None:
    answer = of_customer(policy)
    assert (answer["months"], answer["predicted_monthly_revenue"], answer["predicted_annual_revenue"]) == (6, 100, 1200)
    rows = answer["path"]
    assert isinstance(rows, list)
    assert [row["expected_revenue_cents"] for row in rows] == [10_000] * 6
    assert [row["last_day"] for row in rows] == [day.isoformat() for day in month_ends(AS_OF, 6)]
    assert all(row["revenue_low_cents"] <= row["expected_revenue_cents"] <= row["revenue_high_cents"] for row in rows)
    assert 0 < float(str(answer["confidence_score"])) < 1


def test_confidence_rises_with_the_tolerance(policy: Policy) -> None:
    scores = [float(str(of_customer(policy, order)["confidence_score"])) for order in (0, 20_000, 40_000, 10**7)]
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("unit", list(ForecastUnit))
def test_the_rows_of_the_shop_add_up(policy: Policy, unit: ForecastUnit) -> None:
    ends = step_ends(AS_OF, 3, unit)
    measured = Confidence(0.82, 12, 30, calibrated_days=45)
    factors = base_factors(RevenueHistory([1, 2, 3]), {"level": True}, policy.forecast)
    answer = base_forecast(steps(len(ends)), AS_OF, measured, factors, 3, unit)
    rows = answer["path"]
    assert isinstance(rows, list)
    assert [row["last_day"] for row in rows] == [end.isoformat() for end in ends]
    for row in rows:
        assert row["expected_revenue_cents"] == row["known_revenue_cents"]
        assert row["total_revenue_cents"] == row["known_revenue_cents"] + row["new_revenue_cents"]
        assert row["total_orders"] == row["known_orders"] + row["new_orders"]
        assert row["is_calibrated"] == (row["last_day"] <= "2024-01-29")
    total = sum(row["total_revenue_cents"] for row in rows)
    months = 3 if unit is ForecastUnit.MONTH else 7 * len(rows) / 365 * 12
    assert answer["predicted_monthly_revenue_cents"] == pytest.approx(total / months, abs=3)
    assert answer["confidence_score"] == 0.82
    assert "12 past months" in str(answer["confidence_reason"])


def test_too_few_past_months_give_no_score(policy: Policy) -> None:
    factors = base_factors(RevenueHistory([]), {}, policy.forecast)
    answer = base_forecast(steps(1), AS_OF, Confidence(None, 2, 3, 0), factors, 1)
    assert answer["confidence_score"] is None
    assert "too few" in str(answer["confidence_reason"])


def test_horizons_end_with_the_months() -> None:
    assert horizons_days(dt.date(2024, 1, 31), 3) == [29, 60, 90]


def test_what_supports_the_forecast_is_named(policy: Policy) -> None:
    answer = of_customer(policy)
    factors = answer["factors"]
    assert isinstance(factors, dict)
    assert list(factors) == ["purchase_frequency", "trend", "seasonality"]
    assert factors["purchase_frequency"] == 36.6
    assert factors["trend"] == trend([1, 2, 3], policy.forecast)
    assert factors["seasonality"] == seasonality([1, 2, 3], 1, policy.forecast)


@pytest.mark.parametrize(
    ("today", "cents"), [("2023-12-30", [5, 6]), ("2023-12-31", [5, 6, 7]), ("2023-12-15", [5, 6])]
)
def test_only_months_that_are_over_are_history(today: str, cents: list[int]) -> None:
    months = ("2023-10", "2023-11", "2023-12")
    rows = [{"month": month, "revenue_cents": 5 + place} for place, month in enumerate(months)]
    assert full_months(rows, dt.date.fromisoformat(today)) == RevenueHistory(cents, 10)
    assert full_months([], dt.date.fromisoformat(today)) == RevenueHistory([], 1)
