"""The best customer and the customers of segments, on the basis of the policy's segments."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.revenue.conftest import Shop

from customer_revenue.periods import BEGINNING, Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.counted_refunds import revenue_of_all_time
from customer_revenue.workflows.customer_base.headline_metrics import ComparisonPeriods, headline_metrics


@pytest.mark.parametrize("basis", ["net", "total"])
@pytest.mark.parametrize("period", list(Period))
def test_the_best_customer_of_a_period_equals_the_facts(shop: Shop, policy: Policy, basis: str, period: Period) -> None:
    segments = policy.segments.model_copy(update={"basis": basis})
    windows = ComparisonPeriods.of(period, shop.as_of)
    (found,) = shop.dicts(headline_metrics(shop.known, windows, segments))
    first = BEGINNING if period is Period.ALL_TIME else period.first_day(shop.as_of)
    (twin,) = shop.twin(f"""
        SELECT count(*), coalesce(sum(total_revenue_cents), 0), coalesce(sum(total_orders), 0),
            coalesce(max({basis}_revenue_cents), 0)
        FROM ({shop.summary_sql(first)}) WHERE total_orders > 0""")
    assert (found["customers_now"], found["revenue_now"], found["orders_now"], found["top_now"]) == twin


def test_a_late_refund_of_a_whole_order_counts_in_the_window_without_the_order(policy: Policy) -> None:
    shop = Shop.of(
        dt.date(2023, 12, 15),
        [("1", "a", 900, "refunded", "2023-02-01"), ("2", "a", 500, "paid", "2023-12-01")],
        refunds=[("r", "1", "a", 300, "2023-12-02")],
    )
    net = policy.segments.model_copy(update={"basis": "net"})
    windows = ComparisonPeriods.of(Period.LAST_6_MONTHS, shop.as_of)
    (found,) = shop.dicts(headline_metrics(shop.known, windows, net))
    assert (found["revenue_now"], found["top_now"], found["top_before"]) == (500, 200, 0)


@pytest.mark.parametrize("basis", ["net", "total"])
def test_revenue_of_all_time_equals_the_facts(shop: Shop, policy: Policy, basis: str) -> None:
    segments = policy.segments.model_copy(update={"basis": basis})
    assert shop.rows(revenue_of_all_time(shop.known, segments), "member") == shop.twin(
        f"SELECT customer_id, {basis}_revenue_cents FROM base ORDER BY customer_id"
    )
