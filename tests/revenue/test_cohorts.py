"""Cohorts, trends, RFM, acquisition and the widget's figures against hand-written SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

import pytest

from customer_revenue.choices import CohortUnit
from customer_revenue.policy import Policy
from customer_revenue.revenue.cohorts import TriangleRow, cohorts, fill_triangle, triangle
from customer_revenue.revenue.rfm_groups import rfm, rfm_summary
from customer_revenue.revenue.trends import TrendRow, fill_trends, growth_rate, trends, widget_metrics
from customer_revenue.revenue.view import customers

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

AS_OF = dt.date(2023, 12, 15)
JANUARY = 2023 * 12


def index(unit: str, day: str) -> str:
    return f"date_diff('month', DATE '0001-01-01', date_trunc('{unit}', {day})) + 12"


@pytest.mark.parametrize("unit", CohortUnit)
def test_cohorts_equal_their_twin(shop: Shop, policy: Policy, unit: CohortUnit) -> None:
    rows = shop.rows(cohorts(customers(shop.known, shop.as_of_day, policy), unit))
    assert rows == shop.twin(f"""
        SELECT {index(unit, "first_purchase_date")}, count(DISTINCT customer_id), sum(total_revenue_cents),
            sum(net_revenue_cents), (2 * sum(total_revenue_cents) + count(*)) // (2 * count(*))
        FROM base GROUP BY 1 ORDER BY 1""")


@pytest.mark.parametrize("unit", CohortUnit)
def test_triangle_equals_its_twin(shop: Shop, unit: CohortUnit) -> None:
    rows = shop.rows(triangle(shop.known, unit))
    assert rows == shop.twin(f"""
        WITH firsts AS (SELECT user_id, min({index(unit, "day")}) AS cohort FROM counted GROUP BY 1),
        bought AS (
            SELECT *, ({index(unit, "day")} - cohort) // {unit.months} AS age FROM counted JOIN firsts USING (user_id)),
        sizes AS (SELECT cohort, count(*) AS n FROM firsts GROUP BY 1)
        SELECT b.cohort, age, n, count(DISTINCT user_id),
            round(100.0 * count(DISTINCT user_id) / n, 2), sum(total_cents),
            (SELECT sum(total_cents) FROM bought c WHERE c.cohort = b.cohort AND c.age <= b.age)
        FROM bought b JOIN sizes s ON s.cohort = b.cohort GROUP BY b.cohort, age, n ORDER BY 1, 2""")


def test_triangle_is_filled_with_empty_periods() -> None:
    rows = [TriangleRow(JANUARY, 0, 4, 4, 100.0, 80, 80), TriangleRow(JANUARY, 2, 4, 1, 25.0, 20, 100)]
    assert fill_triangle(rows, JANUARY + 3) == [
        rows[0],
        TriangleRow(JANUARY, 1, 4, 0, 0.0, 0, 80),
        rows[1],
        TriangleRow(JANUARY, 3, 4, 0, 0.0, 0, 100),
    ]


def test_trends_equal_their_twin(shop: Shop) -> None:
    rows = shop.rows(trends(shop.known))
    assert rows == shop.twin(f"""
        WITH firsts AS (SELECT user_id, min({index("month", "day")}) AS first_month FROM counted GROUP BY 1),
        bought AS (
            SELECT {index("month", "day")} AS m, sum(total_cents) AS revenue, count(*) AS orders,
                count(DISTINCT user_id) AS active, sum(total_cents) FILTER (status = 'refunded') AS refunded
            FROM counted GROUP BY 1),
        newcomers AS (SELECT first_month AS m, count(*) AS fresh FROM firsts GROUP BY 1),
        got_back AS (
            SELECT {index("month", "day")} AS m, sum(amount_cents) AS cents FROM returned r
            WHERE NOT EXISTS (FROM counted c WHERE c.id = r.order_id AND c.status = 'refunded') GROUP BY 1)
        SELECT m, coalesce(revenue, 0), coalesce(refunded, 0) + coalesce(cents, 0),
            coalesce(revenue, 0) - coalesce(refunded, 0) - coalesce(cents, 0), coalesce(orders, 0),
            coalesce(active, 0), coalesce(fresh, 0), coalesce(active, 0) - coalesce(fresh, 0),
            CASE WHEN orders > 0 THEN (2 * revenue + orders) // (2 * orders) ELSE 0 END
        FROM bought FULL JOIN newcomers USING (m) FULL JOIN got_back USING (m) ORDER BY m""")


def test_trends_are_filled_up_to_the_as_of_month() -> None:
    rows = fill_trends([TrendRow(JANUARY + 9, 5, 0, 5, 1, 1, 1, 0, 5)], AS_OF)
    assert [(row["month"], row["revenue_cents"]) for row in rows] == [("2023-10", 5), ("2023-11", 0), ("2023-12", 0)]
    assert fill_trends([], AS_OF) == []


def test_rfm_equals_its_twin(shop: Shop, policy: Policy) -> None:
    scored = rfm(customers(shop.known, shop.as_of_day, policy), policy.rfm)
    rows = shop.rows(scored.drop("rfm_group"), "customer_id")
    score = "1 + CAST(floor(5 * (SELECT count(*) FROM base o WHERE {}) / (SELECT count(*) FROM base)) AS BIGINT)"
    assert rows == shop.twin(f"""
        SELECT *, concat(r, f, m) FROM (
            SELECT customer_id, days_since_purchase, total_orders, total_revenue_cents,
                {score.format("o.days_since_purchase > b.days_since_purchase")} AS r,
                {score.format("o.total_orders < b.total_orders")} AS f,
                {score.format("o.total_revenue_cents < b.total_revenue_cents")} AS m
            FROM base b) ORDER BY customer_id""")


def test_rfm_groups_hold_every_customer_once(shop: Shop, policy: Policy) -> None:
    scored = rfm(customers(shop.known, shop.as_of_day, policy), policy.rfm)
    owners = {code: group.name for group in policy.rfm.groups for box in group.boxes for code in box.codes()}
    assert set(owners) == {"".join(code) for code in product("12345", repeat=3)}
    counts: dict[str, int] = {}
    for code, group in shop.rows(scored.select("rfm_code", "rfm_group")):
        assert owners[code] == group
        counts[group] = counts.get(group, 0) + 1
    assert {row[0]: row[1] for row in shop.rows(rfm_summary(scored))} == counts


def test_rfm_splits_no_tie(shop_of: Callable[..., Shop], policy: Policy) -> None:
    orders = [(str(n), f"u{n}", 500 if n < 9 else 900, "paid", "2023-05-01") for n in range(10)]
    shop = shop_of(AS_OF, orders)
    rows = shop.dicts(rfm(customers(shop.known, shop.as_of_day, policy), policy.rfm))
    assert {row["monetary_score"] for row in rows if row["monetary_cents"] == 500} == {1}
    assert {row["monetary_score"] for row in rows if row["monetary_cents"] == 900} == {5}


def test_widget_metrics_equal_their_twin(shop: Shop, policy: Policy) -> None:
    base = customers(shop.known, shop.as_of_day, policy)
    for basis in ("net", "total"):
        segments = policy.segments.model_copy(update={"basis": basis})
        rows = shop.rows(widget_metrics(base, shop.as_of_day, segments))
        assert rows == shop.twin(f"""
        SELECT count(*), coalesce(sum(total_revenue_cents), 0), coalesce(max({basis}_revenue_cents), 0),
            count(*) FILTER (first_purchase_date > DATE '{shop.as_of}' - 30),
            count(*) FILTER (first_purchase_date BETWEEN DATE '{shop.as_of}' - 59 AND DATE '{shop.as_of}' - 30),
            CASE WHEN count(*) > 0 THEN (2 * sum(total_revenue_cents) + count(*)) // (2 * count(*)) ELSE 0 END
        FROM base""")


def test_growth_rate_of_the_specification() -> None:
    assert growth_rate(1152, 1000) == 15.2
    assert growth_rate(0, 0) is None
