"""The page's own answers agree with the others."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from tests.service.conftest import Service

from customer_revenue.periods import Period
from customer_revenue.workflows.customer_base.headline_metrics import ComparisonPeriods, DayRange
from customer_revenue.workflows.exports import as_csv

DAY = dt.date(2023, 12, 15)


def test_the_four_metrics_are_the_widgets(site: Service) -> None:
    metrics = site.get("/dashboard/overview", part="metrics").json()["metrics"]
    widget = site.get("/widget").json()["metrics"]
    assert metrics["total_customers"]["value"] == widget["totalCustomers"]
    assert metrics["avg_customer_value_cents"]["value"] / 100 == widget["avgCustomerValue"]
    assert metrics["top_customer_value_cents"]["value"] / 100 == widget["topCustomerValue"]
    assert metrics["customer_growth_rate"]["value"] == widget["customerGrowthRate"]


def test_what_they_are_compared_with_is_the_answer_of_then(site: Service) -> None:
    now = site.get("/dashboard/overview", part="metrics").json()["metrics"]
    then = site.get("/dashboard/overview", part="metrics", as_of="2023-11-15").json()["metrics"]
    for name in ("total_customers", "total_revenue_cents", "top_customer_value_cents", "customer_growth_rate"):
        assert now[name]["before"] == then[name]["value"], name


@pytest.mark.parametrize("period", list(Period))
def test_every_part_of_the_overview_adds_up_to_the_same(site: Service, period: Period) -> None:
    for segments in ([], ["high_value", "whale"]):
        answer = site.get("/dashboard/overview", period=period.value, segment=segments).json()
        revenue = answer["metrics"]["total_revenue_cents"]["value"]
        customers = answer["metrics"]["total_customers"]["value"]
        assert sum(month["revenue_cents"] for month in answer["monthly"]) == revenue
        shares = [row for row in answer["segment_shares"] if not segments or row["customer_segment"] in segments]
        assert sum(row["total_revenue_cents"] for row in shares) == revenue
        assert answer["concentration"]["customers"] == customers
        assert sum(cell["customers"] for cell in answer["rfm"]["cells"]) == customers
        listed = site.get("/dashboard/customers", period=period.value, segment=segments, limit="1").json()
        assert listed["total"] == customers


def test_the_period_before_is_as_long_and_ends_where_the_period_begins() -> None:
    half = ComparisonPeriods.of(Period.LAST_6_MONTHS, DAY)
    assert half.now == DayRange(dt.date(2023, 6, 16), DAY)
    assert half.before == DayRange(dt.date(2022, 12, 16), dt.date(2023, 6, 15))
    year = ComparisonPeriods.of(Period.YTD, DAY)
    assert year.before == DayRange(dt.date(2022, 1, 1), dt.date(2022, 12, 15))
    assert ComparisonPeriods.of(Period.ALL_TIME, DAY).before.last == dt.date(2023, 11, 15)
    assert half.comparison(dt.date(2023, 1, 1)) is None


def test_a_customers_curve_ends_where_the_predictions_say(site: Service) -> None:
    predicted = site.get("/customers/user_123/revenue").json()["predictions"]
    outlook = site.get("/customers/user_123/outlook").json()
    assert outlook["curve"][-1]["probability"] == pytest.approx(predicted["purchase_probability"], abs=1e-6)
    assert outlook["alive"][-1]["probability_alive"] == pytest.approx(predicted["probability_alive"], abs=1e-6)
    assert outlook["forecast"][-1]["expected_revenue_cents"] == predicted["expected_revenue_cents"]
    highs = [step["revenue_high_cents"] for step in outlook["forecast"]]
    assert highs == sorted(highs)


def test_a_file_holds_money_in_units_and_no_formula() -> None:
    table = pa.table({"customer_name": ["=1+1", "+x", "Ann", None], "total_revenue_cents": [1, 250, 100, None]})
    lines = b"".join(as_csv(table)).decode().splitlines()
    assert lines[0] == '"customer_name","total_revenue"'
    assert lines[1:3] == ['"\'=1+1",0.01', '"\'+x",2.5']
    assert len(lines) == 5
