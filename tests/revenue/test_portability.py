"""Every expression compiles for every engine, in forms that each of them has."""

from __future__ import annotations

import re

import ibis
import ibis.expr.types as ir
import pytest

from customer_revenue.orders.engines.spark.dialect import SparkStoreCompiler
from customer_revenue.policy import Policy, load_policy
from customer_revenue.revenue import base_analytics as base
from customer_revenue.revenue.affinity import first_purchases, next_products
from customer_revenue.revenue.breakdown import by_product, monthly, quarterly
from customer_revenue.revenue.summary import summary
from customer_revenue.revenue.view import customer_revenue_analysis
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
    customers = base.customers(known, day, policy)
    scored = base.rfm(customers, policy.rfm)
    return {
        "summary": summary(known, None, day, policy),
        "summary of a period": summary(known, day, day, policy),
        "monthly": monthly(known, day),
        "quarterly": quarterly(known),
        "by product": by_product(known, day),
        "view": customer_revenue_analysis(known, day, policy),
        "top customers": base.top_customers(customers, base.TopBy.LTV, 10, 5, PREDICTIONS),
        "at risk": base.at_risk(customers, policy, by=base.AtRiskBy.REVENUE_AT_RISK, predictions=PREDICTIONS),
        "cohorts": base.cohorts(customers, base.CohortUnit.QUARTER),
        "triangle": base.triangle(known),
        "distribution": base.distribution(customers),
        "stages": base.stages(customers),
        "concentration": base.concentration(customers),
        "lorenz": base.lorenz(customers),
        "purchase frequency": base.purchase_frequency(customers),
        "trends": base.trends(known),
        "widget metrics": base.widget_metrics(customers, day),
        "rfm": scored,
        "rfm summary": base.rfm_summary(scored),
        "acquisition by cohort": base.acquisition_by_cohort(customers, PREDICTIONS, policy.acquisition),
        "acquisition by segment": base.acquisition_by_segment(customers, PREDICTIONS, policy.acquisition),
        "next products": next_products(first_purchases(known), 20),
    }


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", sorted(queries(load_policy())))
def test_compiles_in_forms_that_the_engine_has(policy: Policy, engine: str, name: str) -> None:
    query = queries(policy)[name]
    # Ibis's own compiler for Spark wants a Spark that runs.
    sql = (
        SparkStoreCompiler().to_sqlglot(query).sql("spark") if engine == "spark" else ibis.to_sql(query, dialect=engine)
    )
    text = re.sub(r"\s+", " ", sql).replace("FILTER (", "FILTER(")
    assert not [word for word in FOREIGN[engine] if word in text]
    assert not NOWHERE.search(text)
