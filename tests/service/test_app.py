"""The whole application without a server: in a test client, and mounted in somebody else's service."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp
from tests.conftest import Shop

from customer_revenue.service import authentication, body_limit, request_middleware
from customer_revenue.service.app import Application, create_app
from customer_revenue.service.dashboard import page_files
from customer_revenue.service.response_cache import ResponseCache
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.monitoring.prediction_log import read_log

REVENUE = "/api/payment/analytics/customers/user_123/revenue"
LOCAL = ("127.0.0.1", 50000)


def client_of(app: ASGIApp, root: str = "") -> TestClient:
    """A client on this machine."""
    return TestClient(app, base_url=f"http://localhost{root}", client=LOCAL, raise_server_exceptions=False)


@pytest.fixture
def settings(trained_shop: Shop, tmp_path: Path) -> Settings:
    folder = trained_shop.folder
    store = f"duckdb:///{folder}/data/orders.duckdb"
    return load_settings(store=store, models=folder / "models", keys=tmp_path / "keys.json", log=tmp_path / "log")


@pytest.fixture
def app(settings: Settings) -> Application:
    return create_app(settings)


@pytest.fixture
def client(app: Application) -> Iterator[TestClient]:
    with client_of(app) as running:
        yield running


def test_it_answers_everything_itself(client: TestClient) -> None:
    answer = client.get(REVENUE, headers={"X-Request-ID": "mine"})
    assert (answer.status_code, answer.json()["customer_id"]) == (200, "user_123")
    assert answer.headers["x-request-id"] == "mine"
    assert "Customer revenue" in client.get("/").text
    assert client.get("/dashboard/app.js").status_code == 200
    assert [client.get(path).status_code for path in ("/livez", "/healthz", "/readyz")] == [200, 200, 200]
    assert 'route="/api/payment/analytics/customers/{user_id}/revenue"' in client.get("/metrics").text
    assert client.get("/api/openapi.json").json()["info"]["title"] == "customer-revenue"


def test_errors_have_the_documented_shape(client: TestClient) -> None:
    for path, status, code in (
        ("/api/payment/analytics/customers/nobody/revenue", 404, "customer_not_found"),
        ("/api/nothing", 404, "not_found"),
        ("/nothing", 404, "not_found"),
        (f"{REVENUE}?period=never", 422, "invalid_parameter"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_another_machine_needs_a_key(app: Application) -> None:
    stranger = TestClient(app, base_url="http://localhost", client=("192.0.2.1", 50000))
    assert stranger.get(REVENUE).status_code == 401
    assert stranger.get("/livez").status_code == 200


def test_it_can_be_mounted_in_another_service(app: Application) -> None:
    other = FastAPI(lifespan=app.lifespan)
    other.mount("/revenue", app)

    @other.get("/orders")
    def orders() -> list[str]:
        return []

    with client_of(other) as client:
        assert client.get("/orders").json() == []
        assert client.get(f"/revenue{REVENUE}").json()["customer_id"] == "user_123"
        assert "Customer revenue" in client.get("/revenue/").text
        assert client.get("/revenue/dashboard/app.js").status_code == 200
        assert client.get("/revenue/livez").status_code == 200
        assert client.get("/revenue/api/nothing").json()["error"]["code"] == "not_found"
        assert client.get("/elsewhere").json() == {"detail": "Not Found"}


def test_the_end_of_the_lifespan_writes_the_prediction_log(app: Application, settings: Settings) -> None:
    with client_of(app) as client:
        client.get(REVENUE)
    assert settings.log is not None
    assert set(read_log(settings.log).column("customer_id").to_pylist()) == {"user_123"}


@pytest.mark.parametrize(
    "broken",
    [
        (authentication.AuthMiddleware, "_refusal"),
        (page_files, "own_path"),
        (body_limit, "Headers"),
        (request_middleware.MetricsPage, "__call__"),
        (ResponseCache, "__call__"),
    ],
    ids=["authentication", "page", "body", "metrics", "cache"],
)
def test_an_exception_in_any_middleware_is_answered_in_the_documented_shape(
    app: Application, broken: tuple[object, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(*broken, fail)
    client = client_of(app)
    with caplog.at_level(logging.ERROR):
        if broken[0] is body_limit:
            answer = client.post("/api/payment/analytics/score", json={})
        else:
            answer = client.get(REVENUE)
    assert answer.status_code == 500
    assert answer.json() == {
        "success": False,
        "error": {"code": "internal_error", "message": "the service failed; its log says why", "details": []},
    }
    assert answer.headers["x-request-id"] in caplog.text
    assert "broken on purpose" in caplog.text
