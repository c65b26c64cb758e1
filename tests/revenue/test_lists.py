"""The lists of customers against hand-written SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pytest

from customer_revenue.choices import AtRiskBy, TopBy
from customer_revenue.errors import InvalidParameter
from customer_revenue.policy import Policy
from customer_revenue.revenue.customer_lists import at_risk, top_customers
from customer_revenue.revenue.view import CUSTOMER_COLUMNS, customers

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

PREDICTIONS = ibis.table(
    {
        "customer_id": "string",
        "estimated_ltv_cents": "int64",
        "churn_risk_score": "float64",
        "expected_revenue_cents": "float64",
    },
    name="predictions",
)
PREDICTED = """
    SELECT customer_id, CAST(hash(customer_id) % 100000 AS BIGINT) - 1000 AS estimated_ltv_cents,
        (hash(customer_id) % 101) / 100 AS churn_risk_score,
        (hash(customer_id) % 70001) / 7 AS expected_revenue_cents FROM base WHERE hash(customer_id) % 7 > 0"""


def base(shop: Shop, policy: Policy) -> ir.Table:
    return customers(shop.known, shop.as_of_day, policy)


def predictions(shop: Shop) -> ir.Table:
    shop.execute(f"CREATE OR REPLACE TABLE predictions AS {PREDICTED}")
    return PREDICTIONS


def test_customers_equal_their_twin(shop: Shop, policy: Policy) -> None:
    rows = shop.rows(base(shop, policy), "customer_id")
    assert rows == shop.twin(f"SELECT {', '.join(CUSTOMER_COLUMNS)} FROM base ORDER BY customer_id")


@pytest.mark.parametrize("by", [TopBy.TOTAL_REVENUE, TopBy.NET_REVENUE])
@pytest.mark.parametrize(("limit", "offset"), [(10, 0), (3, 7), (5, 100_000)])
def test_top_customers_equal_their_twin(shop: Shop, policy: Policy, by: TopBy, limit: int, offset: int) -> None:
    rows = shop.rows(top_customers(base(shop, policy), by, limit, offset))
    columns = ", ".join(CUSTOMER_COLUMNS)
    assert rows == shop.twin(
        f"SELECT {columns} FROM base ORDER BY {by} DESC, customer_id LIMIT {limit} OFFSET {offset}"
    )


def test_top_by_lifetime_value_puts_the_unpredicted_last(shop: Shop, policy: Policy) -> None:
    table = top_customers(base(shop, policy), TopBy.LTV, 10**6, predictions=predictions(shop))
    rows = shop.rows(table.select("customer_id", "estimated_ltv_cents"))
    assert rows == shop.twin("""
        SELECT customer_id, estimated_ltv_cents FROM base LEFT JOIN predictions USING (customer_id)
        ORDER BY estimated_ltv_cents DESC NULLS LAST, customer_id""")


def test_at_risk_equals_the_specification(shop: Shop, policy: Policy) -> None:
    table = at_risk(base(shop, policy), policy, segments=["high_value", "medium_value"], limit=10**6)
    rows = shop.rows(table.select("customer_id", "customer_name", "last_purchase_date", "days_since_purchase"))
    assert rows == shop.twin(f"""
        SELECT customer_id, customer_name, last_purchase_date, DATE '{shop.as_of}' - last_purchase_date FROM base
        WHERE activity_status = 'at_risk' AND customer_segment IN ('high_value', 'medium_value')
        ORDER BY total_revenue_cents DESC, customer_id""")


def test_at_risk_by_stage_and_revenue_at_risk(shop: Shop, policy: Policy) -> None:
    table = at_risk(
        base(shop, policy),
        policy,
        stage="at_risk",
        by=AtRiskBy.REVENUE_AT_RISK,
        limit=20,
        predictions=predictions(shop),
    )
    rows = shop.rows(table.select("customer_id", "churn_risk_score", "revenue_at_risk_cents"))
    assert rows == shop.twin("""
        SELECT customer_id, churn_risk_score,
            CAST(floor(coalesce(expected_revenue_cents * churn_risk_score + 0.5, 0)) AS BIGINT) AS risk
        FROM base LEFT JOIN predictions USING (customer_id)
        WHERE lifecycle_stage = 'at_risk' AND customer_segment <> 'low_value'
        ORDER BY risk DESC, customer_id LIMIT 20""")


def test_at_risk_by_value_starts_with_those_who_can_be_won(shop: Shop, policy: Policy) -> None:
    known = predictions(shop)
    statuses = ibis.cases((known.churn_risk_score > 0.5, "lost"), else_="slipping")
    predicted = known.mutate(customer_status=statuses, value_at_risk_cents=known.expected_revenue_cents)
    found = shop.rows(
        at_risk(base(shop, policy), policy, by=AtRiskBy.VALUE_AT_RISK, limit=10**6, predictions=predicted).select(
            "customer_id", "customer_status", "value_at_risk_cents"
        )
    )
    assert not found or {row[1] for row in found} >= {"lost", "slipping"}
    assert found == sorted(
        found, key=lambda row: ((row[1] or "") != "slipping", row[1] is None, row[2] is None, -(row[2] or 0), row[0])
    )
    with pytest.raises(InvalidParameter, match="value_at_risk_cents needs predictions"):
        at_risk(base(shop, policy), policy, by=AtRiskBy.VALUE_AT_RISK)


def test_equal_customers_follow_their_ids(shop_of: Callable[..., Shop], policy: Policy) -> None:
    shop = shop_of(dt.date(2023, 12, 15), [(u, u, 5, "paid", "2023-05-01") for u in ("b", "ä", "a", "B")])
    first = shop.rows(top_customers(base(shop, policy), limit=2))
    second = shop.rows(top_customers(base(shop, policy), limit=2, offset=2))
    assert [row[0] for row in first + second] == ["B", "a", "b", "ä"]


def test_unknown_names_are_refused_with_the_allowed_ones(shop: Shop, policy: Policy) -> None:
    table = base(shop, policy)
    with pytest.raises(InvalidParameter, match="segments: 'gold' is not one of whale"):
        at_risk(table, policy, segments=["gold"])
    with pytest.raises(InvalidParameter, match="activity: 'x'"):
        at_risk(table, policy, activity="x")
    with pytest.raises(InvalidParameter, match="stage: 'x'"):
        at_risk(table, policy, stage="x")
    with pytest.raises(InvalidParameter, match="limit"):
        top_customers(table, limit=0)
    with pytest.raises(InvalidParameter, match="needs predictions"):
        top_customers(table, TopBy.LTV)
    with pytest.raises(InvalidParameter, match="needs predictions"):
        at_risk(table, policy, by=AtRiskBy.REVENUE_AT_RISK)
    with pytest.raises(TypeError, match="lacks the columns estimated_ltv_cents"):
        top_customers(table, predictions=ibis.table({"customer_id": "string"}, name="predictions"))
