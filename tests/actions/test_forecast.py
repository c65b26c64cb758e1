"""Trend and seasons by their tests, and the forecast's arithmetic."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.actions.forecast import (
    RevenueHistory,
    base_forecast,
    customer_forecast,
    horizons_days,
    month_ends,
)
from customer_revenue.actions.seasonality import NOT_ENOUGH, seasonality, trend
from customer_revenue.policy import Policy

AS_OF = dt.date(2023, 12, 15)


def path(months: int, a_month: float = 10_000.0, customers: int = 1) -> list[pa.Table]:
    return [
        pa.table(
            {
                "customer_id": [f"u{n}" for n in range(customers)],
                "expected_purchases": [0.5 * ahead] * customers,
                "purchase_probability": [1 - 0.6**ahead] * customers,
                "expected_revenue_cents": [a_month * ahead] * customers,
                "revenue_low_cents": [0.0] * customers,
                "revenue_high_cents": [2.0 * a_month * ahead] * customers,
                "interval_mass": [0.8] * customers,
            }
        )
        for ahead in range(1, months + 1)
    ]


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
    answer = customer_forecast(path(6), AS_OF, RevenueHistory([1, 2, 3]), 12_500, 36.6, policy.forecast)
    assert (answer["months"], answer["predicted_monthly_revenue"], answer["predicted_annual_revenue"]) == (6, 100, 1200)
    rows = answer["path"]
    assert isinstance(rows, list)
    assert [row["expected_revenue_cents"] for row in rows] == [10_000] * 6
    assert [row["last_day"] for row in rows] == [day.isoformat() for day in month_ends(AS_OF, 6)]
    assert all(row["revenue_low_cents"] <= row["expected_revenue_cents"] <= row["revenue_high_cents"] for row in rows)
    assert 0 < float(str(answer["confidence_score"])) < 1


def test_confidence_rises_with_the_tolerance(policy: Policy) -> None:
    scores = [
        float(
            str(customer_forecast(path(6), AS_OF, RevenueHistory([]), order, None, policy.forecast)["confidence_score"])
        )
        for order in (0, 20_000, 40_000, 10**7)
    ]
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(1.0)


def test_base_forecast_is_the_sum_and_wider_where_the_base_scatters_more(policy: Policy) -> None:
    calm, wild = (
        base_forecast(path(3, customers=100), AS_OF, RevenueHistory(values), policy.forecast)
        for values in ([1_000_000, 1_010_000, 990_000] * 4, [1_000_000, 1_900_000, 300_000] * 4)
    )
    assert calm["predicted_monthly_revenue"] == wild["predicted_monthly_revenue"] == 10_000
    widths = [row["path"][0]["revenue_high_cents"] - row["path"][0]["revenue_low_cents"] for row in (calm, wild)]  # type: ignore[index]
    assert widths[0] < widths[1]
    assert float(str(calm["confidence_score"])) > float(str(wild["confidence_score"]))


def test_a_path_of_other_customers_is_refused(policy: Policy) -> None:
    one, two = path(1), path(2)[1:]
    other = two[0].set_column(0, "customer_id", [["someone else"]])
    with pytest.raises(TypeError, match="same customers"):
        base_forecast([*one, other], AS_OF, RevenueHistory([]), policy.forecast)


def test_horizons_end_with_the_months() -> None:
    assert horizons_days(dt.date(2024, 1, 31), 3) == [29, 60, 90]
