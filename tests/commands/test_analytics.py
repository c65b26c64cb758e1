"""``analytics`` on the command line; over HTTP the bodies are the same."""

from __future__ import annotations

import json

import pytest
from tests.conftest import SIMULATED_CUSTOMERS, Shop

NAMES = {
    "overview": "metrics",
    "top-customers": "top_customers",
    "at-risk": "at_risk_customers",
    "cohorts": "cohorts",
    "distribution": "distribution",
    "purchase-frequency": "purchase_frequency",
    "trends": "monthly_trends",
    "rfm": "groups",
    "acquisition": "all",
    "profit": "profits",
    "cohort-money": "cohorts",
    "segment-flows": "flows",
    "order-sequence": "order_numbers",
    "refunds-to-come": "months",
    "segments": "segments",
    "widget": "topCustomers",
}


@pytest.mark.parametrize(("command", "field"), NAMES.items())
def test_each_analytic_is_a_command(trained_shop: Shop, command: str, field: str) -> None:
    answer = json.loads(trained_shop.run("analytics", command))
    assert (next(iter(answer)), next(reversed(answer))) == ("success", "meta")
    assert answer[field]


def test_segments_and_stages_count_every_customer_once(trained_shop: Shop) -> None:
    answer = json.loads(trained_shop.run("analytics", "segments"))
    for rows in (answer["segments"], answer["stages"]):
        assert sum(row["customer_count"] for row in rows) == SIMULATED_CUSTOMERS + 1
    assert [row["customer_segment"] for row in answer["segments"]] == [
        "whale",
        "high_value",
        "medium_value",
        "low_value",
    ]


def test_the_widget_has_the_specifications_names(trained_shop: Shop) -> None:
    widget = json.loads(trained_shop.run("analytics", "widget", "--limit", "3"))
    assert list(widget["metrics"]) == ["totalCustomers", "avgCustomerValue", "topCustomerValue", "customerGrowthRate"]
    assert widget["metrics"]["totalCustomers"] == SIMULATED_CUSTOMERS + 1
    assert widget["metrics"]["topCustomerValue"] == widget["topCustomers"][0]["total_revenue"]
    assert len(widget["topCustomers"]) == 3


def test_pages_join_without_a_gap(trained_shop: Shop) -> None:
    def ids(limit: int, offset: int) -> list[str]:
        words = ("--by", "estimated_ltv_cents", "--limit", str(limit), "--offset", str(offset))
        return [
            row["customer_id"]
            for row in json.loads(trained_shop.run("analytics", "top-customers", *words))["top_customers"]
        ]

    assert ids(6, 0) == ids(3, 0) + ids(3, 3)


def test_trends_add_up_to_the_customers(trained_shop: Shop) -> None:
    months = json.loads(trained_shop.run("analytics", "trends"))["monthly_trends"]
    assert sum(month["new_customers"] for month in months) == SIMULATED_CUSTOMERS + 1
    total = json.loads(trained_shop.run("analytics", "distribution"))
    assert sum(month["revenue_cents"] for month in months) == total["concentration"]["total_revenue_cents"]


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (("top-customers", "--by", "beauty"), "net_revenue_cents"),
        (("at-risk", "--stage", "asleep"), "churned"),
        (("at-risk", "--segment", "gold"), "whale"),
        (("cohorts", "--unit", "week"), "quarter"),
    ],
)
def test_wrong_words_are_told_the_right_ones(trained_shop: Shop, words: tuple[str, ...], allowed: str) -> None:
    output = trained_shop.run("analytics", *words, status=2)
    assert sum(line.lower().startswith("error: ") for line in output.splitlines()) == 1
    assert allowed in output


def test_the_list_by_value_at_risk_starts_with_those_who_can_be_won(trained_shop: Shop) -> None:
    by = ("analytics", "at-risk", "--by", "value_at_risk_cents", "--limit", "1000")
    listed = json.loads(trained_shop.run(*by))["at_risk_customers"]
    lost = [row["customer_status"] == "lost" for row in listed]
    assert lost == sorted(lost)
    assert 0 < sum(lost) < len(lost)
    cents = [row["value_at_risk_cents"] for row in listed]
    assert cents[: lost.index(True)] == sorted(cents[: lost.index(True)], reverse=True)
    first = trained_shop.show(listed[0]["customer_id"])["predictions"]
    names = ("customer_status", "value_at_risk_cents")
    assert [first[name] for name in names] == [listed[0][name] for name in names]
