"""The days on which one customer bought each product, on every engine."""

from __future__ import annotations

import datetime as dt
from contextlib import closing

import pytest
from tests.orders.conftest import Shop
from tests.tiers import ON_SERVERS

from customer_revenue.workflows.customers.answers import Answers

HEADER = "order_id,user_id,created_at,total,status,product_id,product_name,quantity,amount"
LINES = (
    "1,ann,2023-03-01,5,paid,tea,Tea,1,5",
    "2,ann,2023-04-01,6,paid,tea,Tea,1,6",
    "3,ann,2023-04-01,2,paid,tea,Tea,1,2",
    "4,ann,2023-05-01,9,refunded,tea,Tea,1,9",
    "5,ann,2023-05-02,9,paid,mug,Mug,1,9",
    "6,bob,2023-05-03,9,paid,tea,Tea,1,9",
)


@pytest.mark.parametrize("any_shop", ["duckdb", *ON_SERVERS], indirect=True)
def test_a_day_counts_once_and_a_refunded_order_not(any_shop: Shop) -> None:
    any_shop.load(*LINES, header=HEADER)
    with closing(Answers.open(any_shop.settings)) as answers:
        rows = answers.find("ann", answers.when(None)).product_days()
        assert sorted(rows, key=lambda row: row["product_id"]) == [
            {
                "product_id": "mug",
                "product_name": "Mug",
                "days": 1,
                "first_day": dt.date(2023, 5, 2),
                "last_day": dt.date(2023, 5, 2),
                "amount_cents": 900,
            },
            {
                "product_id": "tea",
                "product_name": "Tea",
                "days": 2,
                "first_day": dt.date(2023, 3, 1),
                "last_day": dt.date(2023, 4, 1),
                "amount_cents": 1300,
            },
        ]
