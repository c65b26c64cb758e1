"""Many customers at once, and histories that were sent, over HTTP."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import EXAMPLE_ORDERS, Shop
from tests.service.conftest import BENTOML_SERVE, Service, serving_command

from customer_revenue.service.responses import BatchAnswer

BATCH = "/api/payment/analytics/customers/batch"
SCORE = "/api/payment/analytics/score"
PER_CUSTOMER = ("customer_id", "period", "revenue_summary", "predictions", "customer_segment", "lifecycle_stage")


def ask(service: Service, *ids: str, **more: object) -> dict[str, Any]:
    response = service.client.post(BATCH, json={"customer_ids": ids, **more})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_each_customer_is_answered_as_alone(service: Service) -> None:
    for period in ("all_time", "last_6_months"):
        answer = ask(service, "user_123", "c7", "c0", period=period)
        BatchAnswer.model_validate(answer)
        for customer in answer["customers"]:
            alone = service.get(f"/customers/{customer['customer_id']}/revenue", period=period).json()
            assert customer == {name: alone[name] for name in (*PER_CUSTOMER, "activity_status")}
        assert answer["meta"] == alone["meta"]


def test_in_the_order_asked_and_unknown_ids_are_listed(service: Service) -> None:
    answer = ask(service, "c7", "nobody", "user_123", "c7", "' OR 1=1 --", "nobody", include_predictions=False)
    assert [customer["customer_id"] for customer in answer["customers"]] == ["c7", "user_123", "c7"]
    assert answer["unknown_customer_ids"] == ["nobody", "' OR 1=1 --"]
    assert all("predictions" not in customer for customer in answer["customers"])


def test_as_of_an_earlier_day(service: Service) -> None:
    answer = ask(service, "user_123", as_of="2023-04-20")
    assert answer["customers"][0]["revenue_summary"]["total_orders"] == 4
    assert answer["meta"]["calculation_date"] == "2023-04-20T23:59:59Z"


def test_ten_thousand_ids_are_one_call_and_one_more_is_refused(service: Service) -> None:
    ids = [f"c{n}" for n in range(10_000)]
    answer = ask(service, *ids)
    assert len(answer["customers"]) == 800
    assert len(answer["unknown_customer_ids"]) == 9_200
    refused = service.client.post(BATCH, json={"customer_ids": [*ids, "x"]})
    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == "customer_ids: from 1 to 10000 in one call, not 10001"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "customer_ids"),
        ({"customer_ids": []}, "customer_ids"),
        ({"customer_ids": ["x" * 600]}, "512"),
        ({"customer_ids": ["a"], "period": "forever"}, "'last_12_months'"),
        ({"customer_ids": ["a"], "as_of": "soon"}, "2023-12-15"),
        ({"customer_ids": ["a"], "other": 1}, "other"),
    ],
)
def test_a_wrong_body_is_told(service: Service, body: dict[str, object], words: str) -> None:
    response = service.client.post(BATCH, json=body)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "invalid_parameter"
    assert words in response.json()["error"]["message"]


def sent_example() -> dict[str, Any]:
    """The specification's customer as a history."""
    rows = list(csv.DictReader(io.StringIO(EXAMPLE_ORDERS)))
    orders = [{"created_at": row["created_at"], "total_cents": int(row["total_cents"])} for row in rows]
    return {
        "customer_id": "user_123",
        "orders": orders,
        "refunds": [{"created_at": "2023-03-05T00:00:00Z", "amount_cents": 2500}],
    }


def test_a_history_that_is_sent_is_answered_as_if_it_were_in_the_store(service: Service) -> None:
    body = {"customers": [{"customer_id": "new", "orders": []}, sent_example()], "as_of": "2023-12-15"}
    answer = service.client.post(SCORE, json=body).json()
    BatchAnswer.model_validate(answer)
    assert answer["customers"] == ask(service, "user_123")["customers"]
    assert answer["unknown_customer_ids"] == ["new"]
    assert answer["meta"] == ask(service, "user_123")["meta"]


@pytest.mark.parametrize(
    ("customers", "words"),
    [
        ([], "customers"),
        ([{"customer_id": "a", "orders": []}] * 2, "one id comes 2 times, at 0, 1"),
        ([{"customer_id": "a", "orders": [{"created_at": "2023-01-01", "total_cents": 1}] * 10_001}], "at most 10000"),
        ([{"customer_id": "a", "orders": [{"created_at": "9999-12-31T23:59:59-12:00", "total_cents": 1}]}], "2200"),
        ([{"customer_id": "a", "orders": [{"created_at": "2023-01-01", "total_cents": -1}]}], "total_cents"),
    ],
)
def test_a_wrong_history_is_told(service: Service, customers: list[object], words: str) -> None:
    response = service.client.post(SCORE, json={"customers": customers})
    assert response.status_code == 422
    assert words in response.json()["error"]["message"]


@pytest.mark.parametrize("path", [BATCH, SCORE, "/predict"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_past_the_limit_is_refused(service: Service, path: str, chunked: bool) -> None:
    size = 16 * 1024 * 1024 + 1
    content = (b"x" * 65_536 for _ in range(257)) if chunked else b"x" * size
    response = service.client.post(path, content=content)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"
    assert "16777216 bytes" in response.json()["error"]["message"]


def test_bentos_own_method_answers_the_same(served: Service) -> None:
    answer = served.client.post("/predict", json={"customer_ids": ["c7", "nobody"]})
    assert answer.json() == ask(served, "c7", "nobody")
    refused = served.client.post("/predict", json={"customer_ids": []})
    assert refused.status_code == 422
    assert "Traceback" not in refused.text


def test_histories_are_scored_without_a_store(trained_shop: Shop, served: Service, tmp_path: Path) -> None:
    folder = tmp_path
    shutil.copytree(trained_shop.folder / "models", folder / "models", symlinks=True)
    body = {"customers": [sent_example()], "as_of": "2023-12-15"}
    with serving_command(BENTOML_SERVE, Shop(folder, trained_shop.environment), ready="/livez") as running:
        assert running.get("/customers/user_123/revenue").json()["error"]["code"] == "store_not_found"
        answer = running.client.post(SCORE, json=body).json()
    assert answer == served.client.post(SCORE, json=body).json()
