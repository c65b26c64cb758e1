"""The specification's SQL, verbatim, on the servers whose dialect it uses."""

# ruff: noqa: W291  # the specification's trailing spaces
from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import EXAMPLE_ORDERS
from tests.servers import DatabaseServer, ServerOf

from customer_revenue.settings import Settings
from customer_revenue.workflows.import_orders import import_orders

VIEW = """\
CREATE VIEW customer_revenue_analysis AS
SELECT 
    o.user_id,
    u.name as customer_name,
    u.email as customer_email,
    COUNT(DISTINCT o.id) as total_orders,
    SUM(o.total_cents) as total_revenue_cents,
    AVG(o.total_cents) as avg_order_value_cents,
    MIN(o.created_at) as first_purchase_date,
    MAX(o.created_at) as last_purchase_date,
    DATEDIFF(MAX(o.created_at), MIN(o.created_at)) as customer_lifespan_days,
    CASE 
        WHEN COUNT(DISTINCT o.id) > 1 
        THEN DATEDIFF(MAX(o.created_at), MIN(o.created_at)) / (COUNT(DISTINCT o.id) - 1)
        ELSE NULL 
    END as avg_days_between_purchases,
    SUM(CASE WHEN o.status = 'refunded' THEN o.total_cents ELSE 0 END) as total_refunds_cents,
    SUM(CASE WHEN o.status = 'paid' THEN o.total_cents ELSE 0 END) - 
    SUM(CASE WHEN o.status = 'refunded' THEN o.total_cents ELSE 0 END) as net_revenue_cents,
    CASE 
        WHEN SUM(o.total_cents) >= 100000 THEN 'high_value'
        WHEN SUM(o.total_cents) >= 50000 THEN 'medium_value'
        WHEN SUM(o.total_cents) >= 10000 THEN 'low_value'
        ELSE 'minimal_value'
    END as customer_segment,
    CASE 
        WHEN DATEDIFF(CURDATE(), MAX(o.created_at)) > 90 THEN 'at_risk'
        WHEN DATEDIFF(CURDATE(), MAX(o.created_at)) > 60 THEN 'declining'
        WHEN DATEDIFF(CURDATE(), MAX(o.created_at)) > 30 THEN 'active'
        ELSE 'highly_active'
    END as activity_status
FROM orders o
JOIN users u ON o.user_id = u.id
WHERE o.status IN ('paid', 'refunded')
GROUP BY o.user_id, u.name, u.email;
"""
COHORTS = """\
-- Revenue by customer acquisition cohort
WITH customer_cohorts AS (
  SELECT 
    user_id,
    DATE_TRUNC('month', first_purchase_date) as cohort_month
  FROM customer_revenue_analysis
),
cohort_revenue AS (
  SELECT 
    cc.cohort_month,
    COUNT(DISTINCT cc.user_id) as customers,
    SUM(cra.total_revenue_cents) / 100 as total_revenue,
    AVG(cra.total_revenue_cents) / 100 as avg_revenue_per_customer
  FROM customer_cohorts cc
  JOIN customer_revenue_analysis cra ON cc.user_id = cra.user_id
  GROUP BY cc.cohort_month
)
SELECT * FROM cohort_revenue ORDER BY cohort_month;
"""
DISTRIBUTION = """\
-- Understand revenue distribution across customer base
SELECT 
  customer_segment,
  COUNT(*) as customer_count,
  SUM(total_revenue_cents) / 100 as total_revenue,
  AVG(total_revenue_cents) / 100 as avg_revenue_per_customer,
  ROUND(SUM(total_revenue_cents) * 100.0 / (
    SELECT SUM(total_revenue_cents) FROM customer_revenue_analysis
  ), 2) as percentage_of_total_revenue
FROM customer_revenue_analysis
GROUP BY customer_segment
ORDER BY total_revenue DESC;
"""
FREQUENCY = """\
-- Analyze purchase patterns
SELECT 
  CASE 
    WHEN avg_days_between_purchases <= 30 THEN 'Monthly'
    WHEN avg_days_between_purchases <= 90 THEN 'Quarterly'
    WHEN avg_days_between_purchases <= 180 THEN 'Bi-Annual'
    ELSE 'Annual+'
  END as purchase_frequency,
  COUNT(*) as customer_count,
  AVG(total_revenue_cents) / 100 as avg_customer_value
FROM customer_revenue_analysis
WHERE avg_days_between_purchases IS NOT NULL
GROUP BY CASE 
  WHEN avg_days_between_purchases <= 30 THEN 'Monthly'
  WHEN avg_days_between_purchases <= 90 THEN 'Quarterly'
  WHEN avg_days_between_purchases <= 180 THEN 'Bi-Annual'
  ELSE 'Annual+'
END
ORDER BY avg_customer_value DESC;
"""


class Filled:
    """A store with the specification's example customer and another one, and its server."""

    def __init__(self, server: DatabaseServer, url: str) -> None:
        self._server, self._database = server, url.rsplit("/", 1)[1]

    def query(self, sql: str) -> list[tuple[object, ...]]:
        return self._server.query(sql, self._database)


@pytest.fixture(params=["postgres", "mysql"])
def filled(request: pytest.FixtureRequest, server_of: ServerOf, tmp_path: Path) -> Iterator[Filled]:
    server = server_of(request.param)
    file = tmp_path / "orders.csv"
    file.write_text(EXAMPLE_ORDERS + "f0,user_456,2023-03-05T00:00:00Z,70000,paid,,,,,Jane Smith,,\n", encoding="utf-8")
    with server.database() as url:
        settings = Settings(_env_file=None, store=url)
        import_orders(settings, [file], as_of=dt.date(2023, 12, 15), report=lambda *_: None)
        yield Filled(server, url)


@pytest.mark.parametrize("filled", ["mysql"], indirect=True)
def test_the_view_runs_on_mariadb(filled: Filled) -> None:
    """The specification's view replaces ours. Its activity is as of the day on which the test runs."""
    ours = filled.query("SELECT * FROM customer_revenue_analysis ORDER BY user_id")
    filled.query("DROP VIEW customer_revenue_analysis")
    filled.query(VIEW)
    theirs = filled.query("SELECT * FROM customer_revenue_analysis ORDER BY user_id")
    assert [row[:6] for row in ours] == [row[:6] for row in theirs]
    assert [(row[6], row[7]) for row in ours] == [(row[6].date(), row[7].date()) for row in theirs]  # type: ignore[attr-defined]
    assert theirs[0][8] == ours[0][8] == 329
    assert theirs[0][-1] == "at_risk"
    assert ours[0][-1] == "highly_active"


@pytest.mark.parametrize("filled", ["postgres"], indirect=True)
def test_the_cohort_query_runs_on_postgresql(filled: Filled) -> None:
    rows = filled.query(COHORTS)
    assert [(str(row[0])[:10], *map(float, row[1:])) for row in rows] == [  # type: ignore[arg-type]
        ("2023-01-01", 1, 1_250, 1_250),
        ("2023-03-01", 1, 700, 700),
    ]


def test_the_other_queries_run_on_both(filled: Filled) -> None:
    assert [(row[0], row[1], *map(float, row[2:])) for row in filled.query(DISTRIBUTION)] == [  # type: ignore[arg-type]
        ("high_value", 1, 1_250, 1_250, 64.1),
        ("medium_value", 1, 700, 700, 35.9),
    ]
    assert [(row[0], row[1], float(row[2])) for row in filled.query(FREQUENCY)] == [("Quarterly", 1, 1_250)]  # type: ignore[arg-type]
