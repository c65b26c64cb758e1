"""Every analytic on real servers: equal to DuckDB's rows, to the cent.

``CUSTOMER_REVENUE_TEST_POSTGRES`` is the URL of a PostgreSQL server in which the tests may make and drop a schema.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import pytest

from customer_revenue.policy import Policy
from customer_revenue.revenue import customer_base as base
from customer_revenue.revenue.affinity import next_products
from customer_revenue.revenue.breakdown import by_product, monthly, quarterly
from customer_revenue.revenue.summary import summary
from customer_revenue.revenue.view import customer_revenue_analysis

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

POSTGRES = "CUSTOMER_REVENUE_TEST_POSTGRES"
TYPES = {"VARCHAR": "text", "BIGINT": "bigint", "TIMESTAMP": "timestamp", "DOUBLE": "double precision"}
PREDICTIONS = ibis.table(
    {
        "customer_id": "string",
        "estimated_ltv_cents": "float64",
        "churn_risk_score": "float64",
        "expected_revenue_cents": "float64",
    },
    name="predictions",
)
PREDICTED = """CREATE OR REPLACE TABLE predictions AS SELECT customer_id,
    (hash(customer_id) % 90000) / 3 AS estimated_ltv_cents, (hash(customer_id) % 101) / 100 AS churn_risk_score,
    (hash(customer_id) % 70001) / 7 AS expected_revenue_cents FROM base WHERE hash(customer_id) % 5 > 0"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    url = os.environ.get(POSTGRES)
    if not url:
        pytest.skip(f"{POSTGRES} names no server")
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS revenue_tests CASCADE")
        connection.execute("CREATE SCHEMA revenue_tests")
        connection.execute("SET search_path TO revenue_tests")
        yield connection
        connection.execute("DROP SCHEMA revenue_tests CASCADE")


def fill(connection: Any, shop: Shop) -> None:
    shop.execute(PREDICTED)
    for table in ("orders", "users", "order_items", "refunds", "predictions"):
        columns = shop.twin(f"SELECT column_name, column_type FROM (DESCRIBE {table})")
        declared = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind in columns)
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE {table} ({declared})")
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in shop.twin(f"SELECT * FROM {table}"):
                copy.write_row(row)
    connection.execute("ANALYZE")


def test_every_analytic_is_the_same_on_postgresql(postgres: Any, shop: Shop, policy: Policy) -> None:
    fill(postgres, shop)
    customers = base.customers(shop.known, shop.as_of_day, policy)
    scored = base.rfm(customers, policy.rfm)
    for table in (
        summary(shop.known, None, shop.as_of_day, policy),
        summary(shop.known, shop.as_of_day, shop.as_of_day, policy),
        monthly(shop.known),
        quarterly(shop.known),
        by_product(shop.known),
        customer_revenue_analysis(shop.known, shop.as_of_day, policy),
        base.top_customers(customers, base.TopBy.LTV, 10, 5, PREDICTIONS),
        base.at_risk(customers, policy, by=base.AtRiskBy.REVENUE_AT_RISK, predictions=PREDICTIONS),
        base.cohorts(customers, base.CohortUnit.QUARTER),
        base.triangle(shop.known),
        base.distribution(customers),
        base.stages(customers),
        base.concentration(customers),
        base.lorenz(customers),
        base.purchase_frequency(customers),
        base.trends(shop.known),
        base.widget_metrics(customers, shop.as_of_day),
        scored,
        base.rfm_summary(scored),
        base.acquisition_by_cohort(customers, PREDICTIONS, policy.acquisition),
        base.acquisition_by_segment(customers, PREDICTIONS, policy.acquisition),
        next_products(shop.known, 100 if shop.as_of.year == 2011 else 2),
    ):
        here = shop.twin(ibis.to_sql(table, dialect="duckdb"))
        there = postgres.execute(ibis.to_sql(table, dialect="postgres")).fetchall()
        assert comparable(here) == comparable(there)


def comparable(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in one order, with the exact decimals that a server gives for sums as plain numbers."""
    plain = [tuple(int(value) if isinstance(value, Decimal) else value for value in row) for row in rows]
    assert not [value for row in rows for value in row if isinstance(value, Decimal) and value != int(value)]
    return sorted(plain, key=repr)
