"""Distribution, concentration and frequency against hand-written SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from customer_revenue.policy import Policy
from customer_revenue.revenue.distribution import (
    concentration,
    distribution,
    lorenz_points,
    purchase_frequency,
    segment_rows,
    stage_rows,
    stages,
)
from customer_revenue.revenue.view import customers

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

AS_OF = dt.date(2023, 12, 15)


@pytest.mark.parametrize(("query", "column"), [(distribution, "customer_segment"), (stages, "lifecycle_stage")])
def test_distribution_equals_the_specification(shop: Shop, policy: Policy, query: Callable, column: str) -> None:  # type: ignore[type-arg]
    rows = shop.rows(query(customers(shop.known, shop.as_of_day, policy)))
    assert rows == shop.twin(f"""
        SELECT {column}, count(*), sum(total_revenue_cents),
            (2 * sum(total_revenue_cents) + count(*)) // (2 * count(*)),
            coalesce(CAST(round(sum(total_revenue_cents) * CAST(100 AS DECIMAL(38, 8)) /
                nullif((SELECT sum(total_revenue_cents) FROM base), 0), 2) AS DOUBLE), 0),
            CAST(round(count(*) * 100.0 / (SELECT count(*) FROM base), 2) AS DOUBLE)
        FROM base GROUP BY 1 ORDER BY 3 DESC, 1""")


def test_concentration_equals_its_twin(shop: Shop, policy: Policy) -> None:
    rows = shop.rows(concentration(customers(shop.known, shop.as_of_day, policy)))
    tops = ", ".join(
        f"""round(100 * (SELECT sum(c) FROM (SELECT total_revenue_cents AS c FROM base ORDER BY 1 DESC
            LIMIT (SELECT CAST(ceil(count(*) * {p} / 100) AS BIGINT) FROM base))) / sum(total_revenue_cents), 2)"""
        for p in (1, 5, 10, 20)
    )
    expected = shop.twin(f"""
        SELECT count(*), sum(total_revenue_cents), {tops},
            (SELECT sum(abs(a.total_revenue_cents - b.total_revenue_cents)) FROM base a, base b)
                / (2.0 * count(*) * sum(total_revenue_cents)) AS gini
        FROM base HAVING count(*) > 0""")
    assert [row[:6] for row in rows] == [row[:6] for row in expected]
    assert [row[6] for row in rows] == pytest.approx([row[6] for row in expected], abs=6e-7)


def test_lorenz_equals_its_twin(shop: Shop, policy: Policy) -> None:
    rows = shop.rows(lorenz_points(customers(shop.known, shop.as_of_day, policy)))
    assert [row[:3] for row in rows] == shop.twin("""
        WITH placed AS (
            SELECT total_revenue_cents AS cents, count(*) OVER () AS n,
                row_number() OVER (ORDER BY total_revenue_cents, customer_id DESC) AS place FROM base)
        SELECT step, count(*) FILTER (place * 20 <= n * step), sum(cents) FILTER (place * 20 <= n * step)
        FROM placed, range(1, 21) s(step) GROUP BY step
        HAVING count(*) FILTER (place * 20 <= n * step) > count(*) FILTER (place * 20 <= n * (step - 1))
        ORDER BY step""")
    if rows:
        assert rows[-1][3:] == (100.0, 100.0)
        assert all(row[4] <= row[3] for row in rows)


def test_purchase_frequency_equals_the_specification(shop: Shop, policy: Policy) -> None:
    rows = shop.rows(purchase_frequency(customers(shop.known, shop.as_of_day, policy)))
    bucket = """CASE WHEN avg_days_between_purchases <= 30 THEN 'Monthly' WHEN avg_days_between_purchases <= 90
        THEN 'Quarterly' WHEN avg_days_between_purchases <= 180 THEN 'Bi-Annual' ELSE 'Annual+' END"""
    assert rows == shop.twin(f"""
        SELECT {bucket}, count(*), sum(total_revenue_cents), (2 * sum(total_revenue_cents) + count(*)) // (2 * count(*))
        FROM base WHERE avg_days_between_purchases IS NOT NULL GROUP BY 1 ORDER BY 4 DESC, 1""")


@pytest.mark.parametrize(("days", "bucket"), [(30, "Monthly"), (31, "Quarterly"), (90, "Quarterly"), (181, "Annual+")])
def test_frequency_at_its_thresholds(shop_of: Callable[..., Shop], policy: Policy, days: int, bucket: str) -> None:
    second = dt.date(2023, 1, 1) + dt.timedelta(days=days)
    shop = shop_of(AS_OF, [("1", "u", 5, "paid", "2023-01-01"), ("2", "u", 6, "paid", second.isoformat())])
    assert shop.rows(purchase_frequency(customers(shop.known, shop.as_of_day, policy))) == [(bucket, 1, 11, 11)]


def test_equal_customers_have_no_inequality_and_one_has_all(shop_of: Callable[..., Shop], policy: Policy) -> None:
    equal = shop_of(AS_OF, [(str(n), f"u{n}", 700, "paid", "2023-05-01") for n in range(10)])
    (row,) = equal.dicts(concentration(customers(equal.known, equal.as_of_day, policy)))
    assert (row["gini"], row["top_1_percent"], row["top_20_percent"]) == (0.0, 10.0, 20.0)
    one = shop_of(AS_OF, [(str(n), f"u{n}", 700 * (n == 3), "paid", "2023-05-01") for n in range(10)])
    (row,) = one.dicts(concentration(customers(one.known, one.as_of_day, policy)))
    assert (row["gini"], row["top_1_percent"]) == (0.9, 100.0)


def test_segments_carry_the_specifications_words(policy: Policy) -> None:
    rows = segment_rows(
        [
            {"customer_segment": "whale", "customer_count": 2}
            | dict.fromkeys(
                [
                    "total_revenue_cents",
                    "avg_revenue_per_customer_cents",
                    "percentage_of_total_revenue",
                    "percentage_of_customers",
                ],
                1,
            )
        ],
        policy,
    )
    assert [row["criteria"] for row in rows] == [
        "total_revenue >= $10,000",
        "total_revenue >= $1,000",
        "total_revenue >= $100",
        "total_revenue < $100",
    ]
    assert rows[0]["treatment"] == "White-glove service, dedicated support"
    assert [row["customer_count"] for row in rows] == [2, 0, 0, 0]


def test_stages_carry_the_specifications_words(policy: Policy) -> None:
    assert [(row["criteria"], row["focus"]) for row in stage_rows([], policy)] == [
        ("first_purchase < 30 days ago", "Onboarding and second purchase"),
        ("last_purchase < 60 days ago", "Engagement and upselling"),
        ("last_purchase 60-120 days ago", "Retention campaigns"),
        ("last_purchase > 120 days ago", "Win-back campaigns"),
    ]


def test_every_stage_has_its_own_figures_and_zeros_where_empty(shop_of: Callable[..., Shop], policy: Policy) -> None:
    orders = [("1", "a", 700, "paid", "2023-12-10"), ("2", "b", 300, "paid", "2022-01-10")]
    found = shop_of(AS_OF, orders)
    rows = stage_rows(found.dicts(stages(customers(found.known, found.as_of_day, policy))), policy)
    figures = {row["lifecycle_stage"]: (row["customer_count"], row["total_revenue_cents"]) for row in rows}
    assert figures == {"new": (1, 700), "active": (0, 0), "at_risk": (0, 0), "churned": (1, 300)}
    assert [row["percentage_of_total_revenue"] for row in rows] == [70, 0, 0, 30]
