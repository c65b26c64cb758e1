"""All analytics are the same on every engine, to the cent, and so they are over rows in memory, as in the service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from tests.engines.conftest import SPARK, ZONES

from customer_revenue.choices import AtRiskBy, CohortUnit, FirstDayBy, FlowBy, TopBy
from customer_revenue.features.first_orders import first_orders
from customer_revenue.modeling.new_customer_value import AGE_ENDS
from customer_revenue.orders.store import Store, open_store
from customer_revenue.policy import Margin, load_policy
from customer_revenue.revenue.affinity import first_purchases, next_products
from customer_revenue.revenue.breakdown import by_product, monthly, quarterly
from customer_revenue.revenue.cohorts import cohorts, triangle
from customer_revenue.revenue.customer_lists import at_risk, top_customers
from customer_revenue.revenue.daily_cohorts import daily_cohorts
from customer_revenue.revenue.distribution import concentration, distribution, lorenz_points, purchase_frequency, stages
from customer_revenue.revenue.early_value import early_value
from customer_revenue.revenue.order_sequence import order_sequence
from customer_revenue.revenue.profit import (
    cost_movements,
    own_profits,
    profit_by_customer,
    profit_by_month,
    profit_by_product,
    total_profit,
)
from customer_revenue.revenue.refund_delays import refund_delays, revenue_by_day
from customer_revenue.revenue.rfm_groups import rfm, rfm_summary
from customer_revenue.revenue.segment_flows import segment_flows
from customer_revenue.revenue.summary import summary
from customer_revenue.revenue.trends import trends, widget_metrics
from customer_revenue.revenue.value_by_age import acquired_by_day, spread_of_value, value_by_age
from customer_revenue.revenue.view import customer_revenue_analysis, customers
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.known_tables import known_at

if TYPE_CHECKING:
    from tests.engines.conftest import Stores

ENGINES = ("postgres", "mysql", SPARK)
JOINED = ("early value", "value by age", "spread of value", "profit by customer", "profit by month", "profit in total")


def predictions(store: Store) -> ir.Table:
    """Fixed predictions for four of five customers."""
    ids = sorted(store.fetch(store.tables.orders.select("user_id").distinct()).column("user_id").to_pylist())
    chosen = [user_id for place, user_id in enumerate(ids) if place % 5]
    columns = {
        "customer_id": chosen,
        "estimated_ltv_cents": [place * 7919 % 90_000 / 3 for place in range(len(chosen))],
        "churn_risk_score": [place * 31 % 101 / 100 for place in range(len(chosen))],
        "expected_revenue_cents": [place * 104_729 % 70_001 / 7 for place in range(len(chosen))],
    }
    return ibis.memtable(pa.table(columns))


def analytics(store: Store) -> dict[str, ir.Table]:
    policy, when = load_policy(), store.as_of()
    known, day = known_at(store, when), ibis.literal(when.day, type="date")
    base, predicted = customers(known, day, policy), predictions(store)
    scored = rfm(base, policy.rfm)
    before = store.as_of(when.day - dt.timedelta(days=100))
    earlier = customers(known_at(store, before), ibis.literal(before.day, type="date"), policy)
    margin = Margin(assumed_percent=37, by_category={"Books": 20}, by_product={"a": 55, "c": 0})
    lines = store.table("order_items")
    levels = first_orders(store.table("orders"), lines).select("customer_id", level="product_id")
    moves = cost_movements(known, lines, margin)
    return {
        "summary": summary(known, None, day, policy),
        "summary of a period": summary(known, day - ibis.interval(days=100), day, policy),
        "monthly": monthly(known),
        "quarterly": quarterly(known),
        "by product": by_product(known),
        "view": customer_revenue_analysis(known, day, policy),
        "top customers": top_customers(base, TopBy.LTV, 10, 5, predicted),
        "at risk": at_risk(base, policy, by=AtRiskBy.REVENUE_AT_RISK, predictions=predicted),
        "cohorts": cohorts(base, CohortUnit.QUARTER),
        "triangle": triangle(known),
        "distribution": distribution(base),
        "stages": stages(base),
        "concentration": concentration(base),
        "lorenz": lorenz_points(base),
        "purchase frequency": purchase_frequency(base),
        "trends": trends(known),
        "daily cohorts": daily_cohorts(known, day),
        "order sequence": order_sequence(known, day),
        "segment flows": segment_flows(earlier, base, FlowBy.STAGE, policy.rfm),
        "RFM flows": segment_flows(earlier, base, FlowBy.RFM, policy.rfm),
        "refund delays": refund_delays(known),
        "revenue by day": revenue_by_day(known),
        "acquired by day": acquired_by_day(known, levels, day),
        "early value": early_value(known, levels, day, 7, 400),
        "value by age": value_by_age(known, levels, day, AGE_ENDS, 365),
        "spread of value": spread_of_value(known, levels, day, AGE_ENDS, 365),
        "profit by customer": profit_by_customer(moves),
        "own profits": own_profits(known, lines, margin, day - ibis.interval(days=100)),
        "profit by month": profit_by_month(moves),
        "profit in total": total_profit(moves),
        "profit by product": profit_by_product(known, lines, margin),
        "widget metrics": widget_metrics(base, day, policy.segments),
        "rfm": scored,
        "rfm summary": rfm_summary(scored),
    }


@pytest.fixture(scope="module", params=ZONES)
def expected(request: pytest.FixtureRequest, stores: Stores) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    return request.param, _rows(stores, "duckdb", request.param)


@pytest.mark.parametrize("engine", ENGINES)
def test_run_on_the_engine(
    stores: Stores, engine: str, expected: tuple[str, dict[str, list[dict[str, Any]]]], same: Callable[[Any, Any], bool]
) -> None:
    zone, here = expected
    there = _rows(stores, engine, zone)
    assert [name for name in here if not same(here[name], there[name])] == []
    assert all(here.values())


def _rows(stores: Stores, engine: str, zone: str) -> dict[str, list[dict[str, Any]]]:
    settings = stores.settings(engine, zone)
    with open_store(settings.store, settings.store_options) as store:
        # Large joins that take MariaDB minutes are made on a copy there, as the product does.
        large = store.info.orders > 10_000
        joins = store.for_joins() if large else store
        joined = analytics(joins)
        found = {
            name: joins.fetch(joined[name]) if large and name in JOINED else store.fetch(table)
            for name, table in analytics(store).items()
        }
        known, least = known_at(store, store.as_of()), max(2, store.info.orders // 400)
        found["next products"] = store.fetch_in_two_steps(
            first_purchases(known), lambda firsts: next_products(firsts, least)
        )
    return {name: sorted(table.to_pylist(), key=_without_fractions) for name, table in found.items()}


def _without_fractions(row: dict[str, Any]) -> str:
    return repr([value for value in row.values() if not isinstance(value, float)])


@pytest.fixture(scope="module")
def embedded(stores: Stores) -> dict[str, object]:
    """The service's answers over the embedded store."""
    return _bodies(stores, "duckdb")


@pytest.mark.parametrize("engine", ENGINES)
def test_as_the_service_answers(
    stores: Stores, engine: str, embedded: dict[str, object], same: Callable[[Any, Any], bool]
) -> None:
    there = _bodies(stores, engine)
    for name, body in embedded.items():
        assert same(body, there[name]), (name, body, there[name])


def _bodies(stores: Stores, engine: str) -> dict[str, object]:
    answers = Answers.open(stores.settings(engine))
    customers = answers.base()
    bodies: dict[str, object] = {
        "widget": customers.widget(10),
        "top customers": customers.top_customers(TopBy.LTV, 20, 3),
        "at risk": customers.at_risk("at_risk", None, None, AtRiskBy.REVENUE_AT_RISK, 20, 0),
        "cohorts": customers.cohorts(CohortUnit.MONTH),
        "distribution": customers.distribution(),
        "purchase frequency": customers.purchase_frequency(),
        "rfm": customers.rfm("champions", 20, 0),
        "acquisition": customers.reports.acquisition(FirstDayBy.SIZE, 180, None),
        "segments": customers.segments(),
        "actions": customers.actions(20, 0),
        "forecast": customers.forecast(6),
    }
    answers.close()
    return bodies
