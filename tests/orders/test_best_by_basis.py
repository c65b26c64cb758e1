"""The basis of the segments in every answer that ranks customers: net of refunds by default, total where it says so."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from tests.orders.conftest import Shop

from customer_revenue.periods import Period
from customer_revenue.workflows.customer_base.lists import Shown, Wanted
from customer_revenue.workflows.customers.answers import Answers

HEADER = "order_id,user_id,created_at,total,status,refund_cents"
ORDERS = (
    "1,refunded_whale,2023-01-02,20000,refunded,",
    "2,steady,2023-01-03,9000,paid,",
    "3,partly,2023-01-04,9500,paid,900000",
    "4,today,2023-12-01,10,paid,",
)


@pytest.mark.parametrize(
    ("basis", "ranked", "best_cents"),
    [
        ("net", ["steady", "partly", "today", "refunded_whale"], 900_000),
        ("total", ["refunded_whale", "partly", "steady", "today"], 2_000_000),
    ],
)
def test_every_answer_follows_the_basis(shop: Shop, basis: str, ranked: list[str], best_cents: int) -> None:
    file = shop.folder / "policy.toml"
    file.write_text(f'[segments]\nbasis = "{basis}"\n')
    shop.load(*ORDERS, header=HEADER)
    with closing(Answers.open(shop.settings.model_copy(update={"policy": file}))) as answers:
        base, dashboard = answers.base(), answers.dashboard()
        top: Any = base.top_customers(None, 10, 0)["top_customers"]
        assert [row["customer_id"] for row in top] == ranked
        metrics: Any = dashboard.overview.of(Period.ALL_TIME, ())["metrics"]
        assert metrics["top_customer_value_cents"]["value"] == best_cents
        widget: Any = base.widget(10)
        assert widget["metrics"]["topCustomerValue"] == best_cents / 100
        assert [row["customer_id"] for row in widget["topCustomers"]] == ranked
        listed = dashboard.lists.customers(Shown.ALL, Period.ALL_TIME, Wanted(), None, descending=True)
        page: Any = dashboard.lists.customers_page(listed, 10, 0)["customers"]
        assert [row["customer_id"] for row in page] == ranked
        found: Any = dashboard.lists.search("e", 10)["customers"]
        assert [row["customer_id"] for row in found] == [one for one in ranked if "e" in one]
        risky: Any = base.at_risk("at_risk", None, ["whale", "high_value", "medium_value", "low_value"], None, 10, 0)
        assert [row["customer_id"] for row in risky["at_risk_customers"]] == [one for one in ranked if one != "today"]


def test_figures_of_a_segment_are_of_those_whose_facts_say_so(shop: Shop) -> None:
    shop.load(*ORDERS, header=HEADER)
    with closing(Answers.open(shop.settings)) as answers:
        overview = answers.dashboard().overview
        for segment, customers in (("whale", 0), ("high_value", 1), ("medium_value", 1), ("low_value", 2)):
            body: Any = overview.of(Period.ALL_TIME, [segment])
            assert body["metrics"]["total_customers"]["value"] == customers
            assert sum(row["customer_count"] for row in body["rfm"]["groups"]) == customers
