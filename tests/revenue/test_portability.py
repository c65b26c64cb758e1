"""Every expression compiles for every engine, in forms that each of them has."""

from __future__ import annotations

import re

import ibis
import ibis.expr.types as ir
import pytest

from customer_revenue.choices import AtRiskBy, CohortUnit, TopBy
from customer_revenue.orders.engines.spark.dialect import SparkStoreCompiler
from customer_revenue.policy import Margin, Policy, load_policy
from customer_revenue.revenue.affinity import first_purchases, next_products
from customer_revenue.revenue.breakdown import by_product, monthly, quarterly
from customer_revenue.revenue.cohorts import cohorts, triangle
from customer_revenue.revenue.customer_lists import at_risk, top_customers
from customer_revenue.revenue.distribution import concentration, distribution, lorenz_points, purchase_frequency, stages
from customer_revenue.revenue.early_value import early_value
from customer_revenue.revenue.profit import cost_movements, profit_by_customer, profit_by_product
from customer_revenue.revenue.rfm_groups import rfm, rfm_summary
from customer_revenue.revenue.summary import summary
from customer_revenue.revenue.trends import trends, widget_metrics
from customer_revenue.revenue.value_by_age import spread_of_value, value_by_age
from customer_revenue.revenue.view import customer_revenue_analysis, customers
from customer_revenue.tables import CANONICAL, Canonical

ENGINES = ("duckdb", "postgres", "mysql", "spark")
FOREIGN = {
    "duckdb": (),
    "postgres": ("ANTI JOIN", "SEMI JOIN", "QUALIFY"),
    "mysql": ("ANTI JOIN", "SEMI JOIN", "QUALIFY", "FULL OUTER", "DATE_TRUNC", "NULLS LAST", "FILTER("),
    "spark": ("QUALIFY", "FILTER("),
}
"""What an engine does not know."""

NOWHERE = re.compile(r"\b(ARG_?MAX|ARG_?MIN|MAX_BY|MIN_BY|MEDIAN|QUANTILE|PERCENTILE|NTILE)", re.IGNORECASE)
"""What not every engine knows."""

PREDICTIONS = ibis.table(
    {
        "customer_id": "string",
        "estimated_ltv_cents": "float64",
        "churn_risk_score": "float64",
        "expected_revenue_cents": "float64",
    },
    name="predictions",
)


def scalar(kind: str) -> ir.DateScalar:
    value = ibis.literal("2023-12-15").cast(kind)
    assert isinstance(value, ir.DateScalar)
    return value


def queries(policy: Policy) -> dict[str, ir.Table]:
    tables = {name: ibis.table(schema, name=name) for name, schema in CANONICAL.items()}
    orders, refunds = tables["orders"], tables["refunds"]
    known = Canonical(
        orders.mutate(day=orders.created_at.date()),
        tables["users"],
        tables["order_items"],
        refunds.mutate(day=refunds.created_at.date()),
    )
    day = scalar("date")
    base = customers(known, day, policy)
    scored = rfm(base, policy.rfm)
    lines = tables["order_items"].mutate(category=ibis.null("string"), cost_cents=ibis.null("int64"))
    levels = base.select("customer_id", level="customer_segment")
    margin = Margin(assumed_percent=37, by_category={"Books": 20}, by_product={"a": 55})
    return {
        "summary": summary(known, None, day, policy),
        "summary of a period": summary(known, day, day, policy),
        "monthly": monthly(known, day),
        "quarterly": quarterly(known),
        "by product": by_product(known, day),
        "view": customer_revenue_analysis(known, day, policy),
        "top customers": top_customers(base, TopBy.LTV, 10, 5, PREDICTIONS),
        "at risk": at_risk(base, policy, by=AtRiskBy.REVENUE_AT_RISK, predictions=PREDICTIONS),
        "cohorts": cohorts(base, CohortUnit.QUARTER),
        "triangle": triangle(known),
        "distribution": distribution(base),
        "stages": stages(base),
        "concentration": concentration(base),
        "lorenz": lorenz_points(base),
        "purchase frequency": purchase_frequency(base),
        "trends": trends(known),
        "widget metrics": widget_metrics(base, day, policy.segments),
        "rfm": scored,
        "rfm summary": rfm_summary(scored),
        "profit by customer": profit_by_customer(cost_movements(known, lines, margin, day)),
        "profit by product": profit_by_product(known, lines, margin),
        "early value": early_value(known, levels, day, 7, 30),
        "value by age": value_by_age(known, levels, day, (0, 30), 365),
        "spread of value": spread_of_value(known, levels, day, (0, 30), 365),
        "next products": next_products(first_purchases(known), 20),
    }


@pytest.fixture(scope="module")
def built(policy: Policy) -> dict[str, ir.Table]:
    return queries(policy)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", sorted(queries(load_policy())))
def test_compiles_in_forms_that_the_engine_has(built: dict[str, ir.Table], engine: str, name: str) -> None:
    query = built[name]
    # Ibis's own compiler for Spark wants a Spark that runs.
    sql = (
        SparkStoreCompiler().to_sqlglot(query).sql("spark") if engine == "spark" else ibis.to_sql(query, dialect=engine)
    )
    text = re.sub(r"\s+", " ", sql).replace("FILTER (", "FILTER(")
    assert not [word for word in FOREIGN[engine] if word in text]
    assert not NOWHERE.search(text)
