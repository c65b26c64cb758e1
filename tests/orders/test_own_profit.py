"""Profit next to revenue in every answer about customers: the same to the cent, on every engine."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from tests.orders.conftest import Shop
from tests.tiers import ON_SERVERS

from customer_revenue.choices import ProfitBy, TopBy
from customer_revenue.periods import Period
from customer_revenue.revenue.profit import OWN_PROFIT_COLUMNS
from customer_revenue.workflows.customer_base.lists import Shown, Sort, Wanted
from customer_revenue.workflows.customers.answers import Answers

HEADER = "order_id,user_id,created_at,total,status,refund_cents,product_id,quantity,amount,cost"
LINES = (
    "1,ann,2022-05-01,20.00,paid,,tea,1,10.00,7.25",
    "1,ann,2022-05-01,20.00,paid,,mug,1,8.00,3.01",
    "2,ann,2023-05-01,10.00,paid,250,tea,1,10.00,7.25",
    "3,bob,2023-06-01,9.99,paid,,mug,1,9.99,",
    "4,cay,2023-07-01,50.00,refunded,,tea,5,50.00,36.25",
    "5,dot,2023-08-01,4.00,paid,,pen,1,4.00,1.00",
)
EARNED = {
    # Her first order brings 2.00 beyond its lines, which cost as they do: 10.26 of 18.00.
    "ann": (2000 + 1000 - 250 - (1026 + 114) - (725 - 181), "measured"),
    "bob": (999 - 599, "assumed"),
    "cay": (0, "measured"),
    "dot": (400 - 100, "measured"),
}


@pytest.mark.parametrize("any_shop", ["duckdb", *ON_SERVERS], indirect=True)
def test_each_answer_has_the_profit_of_the_report(any_shop: Shop) -> None:
    any_shop.load(*LINES, header=HEADER)
    with closing(Answers.open(any_shop.settings)) as answers:
        base, lists = answers.base(), answers.dashboard().lists
        report: Any = base.reports.profit(ProfitBy.CUSTOMER, 10, 0)["profits"]
        assert {row["id"]: (row["profit_cents"], row["margin_basis"]) for row in report} == EARNED
        top: Any = base.top_customers(TopBy.PROFIT, 10, 0)["top_customers"]
        listed = lists.customers(Shown.ALL, Period.ALL_TIME, Wanted(), Sort.PROFIT, descending=True)
        page: Any = lists.customers_page(listed, 10, 0)["customers"]
        for rows in (top, page):
            assert [row["customer_id"] for row in rows] == ["ann", "bob", "dot", "cay"]
            assert {row["customer_id"]: (row["profit_cents"], row["margin_basis"]) for row in rows} == EARNED
        for period in Period:
            batch: Any = answers.batch(list(EARNED), period, include_predictions=False)["customers"]
            for one in batch:
                own: Any = answers.customer(one["customer_id"], period, include_predictions=False)["revenue_summary"]
                assert own == one["revenue_summary"]
                assert own["net_revenue_cents"] - own["cost_cents"] == own["profit_cents"]
                if period is Period.ALL_TIME:
                    assert (own["profit_cents"], own["margin_basis"]) == EARNED[one["customer_id"]]


def test_a_period_without_orders_earned_nothing(shop: Shop) -> None:
    shop.load(*LINES, header=HEADER)
    with closing(Answers.open(shop.settings)) as answers:
        body: Any = answers.customer("ann", Period.LAST_6_MONTHS, include_predictions=False, as_of="2024-06-01")
        summary = body["revenue_summary"]
        assert {name: summary[name] for name in OWN_PROFIT_COLUMNS} == {
            "cost_cents": 0,
            "profit_cents": 0,
            "margin_basis": "assumed",
        }
