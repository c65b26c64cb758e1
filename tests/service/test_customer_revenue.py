"""``GET /api/payment/analytics/customers/{user_id}/revenue`` of a running service."""

from __future__ import annotations

import datetime as dt
import itertools
from urllib.parse import quote

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service

from customer_revenue.service.responses import CustomerRevenue

PATH = "/customers/user_123/revenue"

SPECIFIED = [
    "success",
    "customer_id",
    "period",
    "revenue_summary",
    "monthly_breakdown",
    "product_breakdown",
    "predictions",
    "customer_segment",
    "meta",
]
SPECIFIED_SUMMARY = {
    "total_revenue_cents": 125000,
    "total_orders": 10,
    "avg_order_value_cents": 12500,
    "first_purchase_date": "2023-01-15",
    "last_purchase_date": "2023-12-10",
    "customer_lifespan_days": 329,
    "purchase_frequency_days": 33,
    "total_refunds_cents": 2500,
    "net_revenue_cents": 122500,
}
SPECIFIED_PREDICTIONS = {
    "estimated_ltv_cents": int,
    "next_purchase_probability": float,
    "next_purchase_predicted_date": str,
    "churn_risk_score": float,
    "recommended_actions": list,
}


def test_any_horizons_are_predicted_from_one_path(service: Service) -> None:
    answer = service.get(PATH, days=["180", "7", "365", "7"]).json()
    predictions, plain = answer["predictions"], service.get(PATH).json()["predictions"]
    horizons = predictions.pop("horizons")
    assert predictions == plain
    assert [horizon["days"] for horizon in horizons] == [7, 180, 365]
    for shorter, longer in itertools.pairwise(horizons):
        for name in ("purchase_probability", "expected_purchases", "expected_revenue_cents", "ltv_cents"):
            assert shorter[name] <= longer[name]
    for horizon in horizons:
        assert horizon["revenue_low_cents"] <= horizon["revenue_high_cents"]
        assert horizon["purchase_probability"] <= horizon["expected_purchases"] + 1e-4
    whole = horizons[-1]
    assert whole["days"] == predictions["horizon_days"]
    assert whole["ltv_cents"] == predictions["estimated_ltv_cents"]
    for name in ("purchase_probability", "expected_purchases", "expected_revenue_cents", "revenue_high_cents"):
        assert whole[name] == predictions[name]


@pytest.mark.parametrize("days", ["0", "-1", "4000", "week", "1.5"])
def test_a_horizon_is_a_number_of_days(service: Service, days: str) -> None:
    answer = service.get(PATH, days=days)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_parameter"


def test_the_specifications_request_has_the_specifications_answer(service: Service) -> None:
    answer = service.get(PATH, period="all_time", include_predictions="true", breakdown="monthly").json()
    assert [name for name in answer if name in SPECIFIED] == SPECIFIED
    assert list(answer["revenue_summary"].items())[: len(SPECIFIED_SUMMARY)] == list(SPECIFIED_SUMMARY.items())
    assert (answer["success"], answer["customer_id"], answer["period"]) == (True, "user_123", "all_time")
    assert answer["customer_segment"] == "high_value"
    assert answer["monthly_breakdown"][:3] == [
        {"month": "2023-01", "revenue_cents": 15000, "orders": 2, "avg_order_value_cents": 7500},
        {"month": "2023-02", "revenue_cents": 0, "orders": 0, "avg_order_value_cents": 0},
        {"month": "2023-03", "revenue_cents": 25000, "orders": 1, "avg_order_value_cents": 25000},
    ]
    assert answer["product_breakdown"][0] == {
        "product_id": "premium_plan",
        "product_name": "Premium Monthly",
        "revenue_cents": 60000,
        "orders": 6,
        "percentage_of_total": 48.0,
    }
    addon = answer["product_breakdown"][2]
    assert (addon["revenue_cents"], addon["orders"], addon["percentage_of_total"]) == (30000, 3, 24.0)
    assert answer["meta"]["calculation_date"] == "2023-12-15T23:59:59Z"


def test_predictions_have_the_specified_names_and_types_and_agree_with_each_other(service: Service) -> None:
    predictions = service.get(PATH).json()["predictions"]
    assert list(predictions)[: len(SPECIFIED_PREDICTIONS)] == list(SPECIFIED_PREDICTIONS)
    for name, kind in SPECIFIED_PREDICTIONS.items():
        assert isinstance(predictions[name], kind), name
    assert 0 <= predictions["next_purchase_probability"] <= 1 - predictions["churn_risk_score"]
    assert predictions["purchase_probability"] <= predictions["probability_alive"]
    assert predictions["next_purchase_predicted_date"] > "2023-12-15"
    assert predictions["ltv_low_cents"] <= predictions["estimated_ltv_cents"] <= predictions["ltv_high_cents"]
    assert predictions["estimated_ltv_cents"] >= 122_500


def test_every_answer_is_as_the_openapi_document_says(service: Service) -> None:
    for parameters in ({}, {"breakdown": "quarterly,by_product"}, {"include_predictions": "false"}, {"period": "ytd"}):
        CustomerRevenue.model_validate(service.get(PATH, **parameters).json(), strict=False)


def test_what_is_not_asked_for_is_absent(service: Service) -> None:
    answer = service.get(PATH, include_predictions="false").json()
    assert not {"monthly_breakdown", "quarterly_breakdown", "product_breakdown", "predictions"} & answer.keys()


@pytest.mark.parametrize("words", [["monthly", "quarterly"], ["monthly,quarterly"], [" quarterly , monthly "]])
def test_breakdowns_are_repeated_or_separated_by_commas(service: Service, words: list[str]) -> None:
    answer = service.get(PATH, breakdown=words).json()
    assert {"monthly_breakdown", "quarterly_breakdown", "product_breakdown"} <= answer.keys()
    assert sum(row["revenue_cents"] for row in answer["monthly_breakdown"]) == 125000
    assert sum(row["revenue_cents"] for row in answer["quarterly_breakdown"]) == 125000
    assert [row["quarter"] for row in answer["quarterly_breakdown"]] == ["2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4"]


def test_a_period_limits_the_facts_and_not_the_segment(service: Service) -> None:
    answer = service.get(PATH, period="last_6_months", breakdown="monthly").json()
    assert answer["revenue_summary"]["total_revenue_cents"] == 65000
    assert answer["revenue_summary"]["first_purchase_date"] == "2023-08-01"
    assert answer["monthly_breakdown"][0]["month"] == "2023-08"
    assert answer["customer_segment"] == "high_value"


def test_an_empty_period_is_zeros_and_null_dates(service: Service) -> None:
    summary = service.get(PATH, period="ytd", as_of="2024-06-30").json()["revenue_summary"]
    assert summary["total_revenue_cents"] == summary["total_orders"] == summary["avg_order_value_cents"] == 0
    assert summary["first_purchase_date"] is summary["last_purchase_date"] is summary["purchase_frequency_days"] is None


def test_show_prints_the_same_answer(service: Service, trained_shop: Shop) -> None:
    options = ("--period", "last_12_months", "--breakdown", "quarterly")
    over_http = service.get(PATH, period="last_12_months", breakdown="quarterly").json()
    assert trained_shop.show("user_123", *options) == over_http


def test_an_earlier_day_knows_nothing_of_what_came_after(service: Service) -> None:
    answer = service.get(PATH, as_of="2023-04-20").json()
    assert answer["revenue_summary"]["total_orders"] == 4
    assert answer["meta"] | {"model_version": None} == {
        "calculation_date": "2023-04-20T23:59:59Z",
        "data_freshness": "historical",
        "currency": "USD",
        "timezone": "UTC",
        "model_version": None,
    }
    assert answer["predictions"]["as_of"] == "2023-04-20"
    assert dt.date.fromisoformat(answer["predictions"]["next_purchase_predicted_date"]) > dt.date(2023, 4, 20)


@pytest.mark.parametrize(
    ("path", "parameters", "status", "code", "words"),
    [
        ("/customers/nobody/revenue", {}, 404, "customer_not_found", "nobody"),
        (PATH, {"as_of": "2022-12-31"}, 404, "customer_not_found", "by 2022-12-31"),
        (PATH, {"period": "forever"}, 422, "invalid_parameter", "'last_12_months'"),
        (PATH, {"breakdown": "weekly"}, 422, "invalid_parameter", "monthly, quarterly, by_product"),
        (PATH, {"include_predictions": "perhaps"}, 422, "invalid_parameter", "include_predictions"),
        (PATH, {"as_of": "soon"}, 422, "invalid_parameter", "2023-12-15"),
        ("/customers/" + "x" * 600 + "/revenue", {}, 422, "invalid_parameter", "512"),
        ("/customers/user_123", {}, 404, "not_found", "/api/docs"),
        ("/", {}, 404, "not_found", "/api/docs"),
    ],
)
def test_every_error_has_the_one_shape(
    service: Service, path: str, parameters: dict[str, str], status: int, code: str, words: str
) -> None:
    response = service.get(path, **parameters)
    assert response.status_code == status
    body = response.json()
    assert list(body) == ["success", "error"]
    assert body["success"] is False
    assert list(body["error"]) == ["code", "message", "details"]
    assert body["error"]["code"] == code
    assert words in body["error"]["message"]


@pytest.mark.parametrize("user_id", ["' OR 1=1 --", "../../etc/passwd", "ﷺ\u202e", "a/b", "{}", "\U0001f600" * 20])
def test_odd_ids_are_just_unknown_customers(service: Service, user_id: str) -> None:
    response = service.get(f"/customers/{quote(user_id, safe='')}/revenue")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "customer_not_found"


def test_an_encoded_percent_sign_is_decoded_once(served: Service) -> None:
    """Over HTTP: the client of the tests in process decodes a path twice."""
    response = served.get(f"/customers/{quote('%00', safe='')}/revenue")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "customer_not_found")


def test_profit_to_come_is_the_margin_of_net_revenue_to_come(service: Service) -> None:
    body = service.get("/customers/user_123/revenue").json()
    facts, predicted = body["revenue_summary"], body["predictions"]
    share = predicted["margin_percent"] / 100
    assert facts["profit_cents"] == facts["net_revenue_cents"] - facts["cost_cents"]
    assert 0 < predicted["expected_profit_cents"] <= share * predicted["expected_revenue_cents"] + 1
    to_come = predicted["estimated_ltv_cents"] - facts["net_revenue_cents"]
    assert predicted["ltv_profit_cents"] - facts["profit_cents"] == pytest.approx(share * to_come, abs=1)
    batch = service.client.post("/api/payment/analytics/customers/batch", json={"customer_ids": ["user_123"]}).json()[
        "customers"
    ]
    assert batch[0]["predictions"]["ltv_profit_cents"] == predicted["ltv_profit_cents"]
    forecast = service.get("/customers/user_123/forecast", months="3").json()
    assert (forecast["margin_percent"], forecast["margin_basis"]) == (predicted["margin_percent"], "assumed")
    for month in forecast["path"]:
        assert 0 < month["expected_profit_cents"] <= share * month["expected_revenue_cents"] + 1
