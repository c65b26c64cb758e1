"""Requests that the route about a customer reads itself are answered as FastAPI would have them answered."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from fastapi.testclient import TestClient
from tests.conftest import Shop

from customer_revenue.choices import Breakdown
from customer_revenue.service.app import create_app
from customer_revenue.service.response_cache import CALCULATION_DATE
from customer_revenue.service.routes import customers
from customer_revenue.service.routes.customers import plain
from customer_revenue.service.serving_state import ServingState
from customer_revenue.settings import load_settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.parameters import MAX_ID_LENGTH

PLAIN = (
    "",
    "breakdown=monthly",
    "breakdown=monthly,by_product",
    "breakdown=quarterly%2Cmonthly",
    "breakdown=",
    "breakdown=monthly+",
    "period=last_6_months&include_predictions=false",
    "include_predictions=true&period=ytd",
    "%62reakdown=%6donthly",
)
OTHERS = (
    "breakdown=nonsense",
    "breakdown=monthly&breakdown=by_product",
    "breakdown=monthly;by_product",
    "period=",
    "period=ALL_TIME",
    "period=all_time&period=ytd",
    "period",
    "include_predictions=0",
    "include_predictions=TRUE",
    "include_predictions=",
    "as_of=2023-07-01",
    "as_of=never",
    "days=7",
    "days=0",
    "unknown=1",
    "breakdown=%ff",
    "breakdown=monthly&",
    f"breakdown={'monthly,' * 40}",
)
IDS = ("user_123", "c7", "nobody", "x" * MAX_ID_LENGTH, "x" * (MAX_ID_LENGTH + 1), "c7%00", "%E5%AE%A2", "a%2Fb", "%FF")


@pytest.fixture(scope="module")
def client(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder, keys = trained_shop.folder, tmp_path_factory.mktemp("keys") / "keys.json"
    store = f"duckdb:///{folder}/data/orders.duckdb"
    app = create_app(load_settings(store=store, models=folder / "models", keys=keys, log_level="WARNING"))
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as running:
        app.serving_state.current().refresh_snapshot()
        yield running


def answers(client: TestClient) -> list[tuple[str, int, bytes]]:
    asked = [f"user_123/revenue?{query}" for query in (*PLAIN, *OTHERS)] + [f"{name}/revenue" for name in IDS]
    found = [(path, client.get(f"/api/payment/analytics/customers/{path}")) for path in asked]
    return [(path, answer.status_code, re.sub(CALCULATION_DATE, b"", answer.content)) for path, answer in found]


def test_plain_requests_are_answered_as_all_others(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # Otherwise the second answer would be the first one, cached.
    monkeypatch.setattr(ServingState, "version", lambda _state: None)
    found = answers(client)
    assert {status for _, status, _ in found} == {200, 404, 422}
    with monkeypatch.context() as validated:
        validated.setattr(customers, "plain", lambda _query: None)
        assert answers(client) == found


@pytest.mark.parametrize("query", PLAIN)
def test_what_is_plain(query: str) -> None:
    assert plain(query.encode()) is not None


@pytest.mark.parametrize("query", OTHERS)
def test_what_is_left_to_fastapi(query: str) -> None:
    assert plain(query.encode()) is None
    assert plain(b"breakdown=\xff") is None


def test_a_customer_with_a_refund_alone_is_the_same_from_memory(trained_shop: Shop, tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", trained_shop.environment)
    shutil.copytree(trained_shop.folder, shop.folder, symlinks=True)
    with duckdb.connect(str(shop.folder / "data" / "orders.duckdb")) as con:
        moment = dt.datetime(2023, 5, 1, 9)
        con.execute(
            "INSERT INTO refunds BY NAME SELECT 'r' AS id, '90001' AS user_id, 5 AS amount_cents, ? AS created_at",
            [moment],
        )
    store = f"duckdb:///{shop.folder}/data/orders.duckdb"
    answers = Answers.open(load_settings(store=store, models=shop.folder / "models"))
    asked = answers.customer("90001", breakdowns=frozenset(Breakdown))
    assert asked["predictions"] is None
    answers.refresh_snapshot()
    assert answers.has_snapshot
    assert answers.customer("90001", breakdowns=frozenset(Breakdown)) == asked
