"""The whole application without a server: in a test client, and mounted in somebody else's service."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.conftest import Shop

from customer_revenue.choices import Scope as KeyScope
from customer_revenue.keys import KeyFile
from customer_revenue.service import authentication, body_limit, request_middleware
from customer_revenue.service.app import Application, create_app
from customer_revenue.service.dashboard import page_files
from customer_revenue.service.json_logs import AccessLog
from customer_revenue.service.middleware import middleware_layers, wrap
from customer_revenue.service.prometheus_metrics import Metrics
from customer_revenue.service.response_cache import CachedResponse, ResponseCache, _size
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.monitoring.prediction_log import read_log

ANALYTICS = "/api/payment/analytics"
REVENUE = f"{ANALYTICS}/customers/user_123/revenue"
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
        unknown = client.get("/revenue/api/payment/analytics/customers/nobody/revenue")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "customer_not_found")
        assert unknown.headers["x-request-id"]
        wrong = client.post("/revenue/livez")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
        measured = client.get("/revenue/metrics").text
        for route in ("/", "/dashboard", "/livez", "/api/payment/analytics/customers/{user_id}/revenue"):
            assert f'route="{route}"' in measured
        assert "/revenue/" not in measured
        assert client.get("/revenue/api/openapi.json").json()["servers"][0] == {"url": "/revenue/api"}
        assert client.get("/revenue", follow_redirects=False).headers["location"].endswith("/revenue/")
    stranger = TestClient(other, base_url="http://localhost", client=("192.0.2.1", 50000))
    assert stranger.get(f"/revenue{REVENUE}").status_code == 401
    assert stranger.get("/revenue/livez").status_code == 200
    assert stranger.get("/orders").status_code == 200


def test_a_path_that_only_begins_like_the_mounts_is_not_within_it(app: Application) -> None:
    other = FastAPI()
    other.mount("/rev", app)
    stranger = TestClient(other, base_url="http://localhost", client=("192.0.2.1", 50000))
    assert stranger.get("/revenue/livez").status_code == 404
    assert stranger.get("/rev/rev/livez").status_code == 401


def test_the_api_alone_can_be_mounted_behind_the_authentication_of_another_service(app: Application) -> None:
    other = FastAPI()
    other.mount("/revenue", app.api)
    client = TestClient(other, base_url="http://elsewhere", client=("192.0.2.1", 50000))
    assert client.get(f"/revenue{REVENUE.removeprefix('/api')}").json()["customer_id"] == "user_123"
    assert client.get("/revenue/nothing").json()["error"]["code"] == "not_found"


def test_another_lifespan_may_run_ours(app: Application, settings: Settings) -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with app.lifespan():
            yield

    other = FastAPI(lifespan=lifespan)
    other.mount("/revenue", app)
    with client_of(other) as client:
        assert app.serving_state.opened is not None, "opened before the first request"
        client.get(f"/revenue{REVENUE}")
    assert settings.log is not None
    assert read_log(settings.log).num_rows == 3


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
    with caplog.at_level(logging.ERROR), recorded(monkeypatch) as lines:
        if broken[0] is body_limit:
            answer = client.post("/api/payment/analytics/score", json={})
        else:
            answer = client.get(REVENUE)
    assert_internal_error(answer, lines, caplog)
    assert "broken on purpose" in caplog.text


@pytest.mark.parametrize("depth", range(1, 9))
def test_an_exception_at_any_depth_is_answered_in_the_documented_shape(
    app: Application, settings: Settings, depth: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    layers = middleware_layers(settings, app.serving_state, app.tracing)
    assert len(layers) == 8
    stack = wrap(app.api, [*layers[:depth], Middleware(Broken), *layers[depth:]])
    with recorded(monkeypatch) as lines:
        answer = client_of(stack).get(REVENUE)
    assert_internal_error(answer, lines, caplog)


def test_a_key_file_that_cannot_be_read_lets_nobody_in(
    app: Application, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.keys.write_text("[{]")
    with recorded(monkeypatch) as lines:
        answers = [client_of(app).get(REVENUE) for _ in range(3)]
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "keys_unavailable")
        assert "keys.json" not in answer.text
    assert [line[-1] for line in lines] == [503] * 3
    assert caplog.text.count("keys.json is not a file of API keys") == 1
    assert client_of(app).get("/livez").status_code == 200


def test_without_its_keys_a_service_that_had_some_lets_nobody_in(app: Application, settings: Settings) -> None:
    keys, client = KeyFile(settings.keys), client_of(app)
    assert client.get(REVENUE).status_code == 200, "there has never been a key"
    secret = keys.add("shop", frozenset({KeyScope.READ}))
    assert client.get(REVENUE, headers={"X-API-Key": secret}).status_code == 200
    keys.revoke("shop")
    assert settings.keys.read_text() == "[]"
    assert client.get(REVENUE).status_code == 401
    settings.keys.unlink()
    for one in (client, client_of(create_app(settings))):
        assert (one.get(REVENUE).status_code, one.get("/livez").status_code) == (503, 200)


def test_a_key_for_metrics_reads_no_customer_and_one_that_expired_nothing(app: Application, settings: Settings) -> None:
    keys, client = KeyFile(settings.keys), client_of(app)
    prometheus = {"X-API-Key": keys.add("prometheus", frozenset({KeyScope.METRICS}))}
    old = {"X-API-Key": keys.add("old", frozenset(KeyScope), days=0)}
    assert client.get("/metrics", headers=prometheus).status_code == 200
    assert client.get(REVENUE, headers=prometheus).status_code == 403
    assert client.get(REVENUE, headers=old).status_code == 401


def test_a_page_of_another_site_is_refused_and_its_links_may_be_followed(client: TestClient) -> None:
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert client.get(REVENUE, headers={**cross, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
    assert (
        client.post(f"{ANALYTICS}/score", json={}, headers={**cross, "Sec-Fetch-Mode": "navigate"}).status_code == 403
    )
    assert client.get("/", headers={**cross, "Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert client.get(REVENUE, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_head_is_get_without_the_body(client: TestClient) -> None:
    got, asked = client.get(REVENUE), client.head(REVENUE)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["etag"] == got.headers["etag"]
    assert client.head(f"{ANALYTICS}/customers/nobody/revenue").status_code == 404


def test_an_unknown_group_is_told(client: TestClient) -> None:
    answer = client.get(f"{ANALYTICS}/rfm", params={"group": "nobody"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_parameter")
    assert "champions" in answer.text


def test_the_cache_counts_addresses() -> None:
    answer = CachedResponse.of(b"{}", "/route")
    assert _size(replace(answer, address_bytes=5000)) == _size(answer) + 5000


@pytest.mark.parametrize("broken", [(Metrics, "observe_request"), (AccessLog, "note")], ids=["metrics", "log"])
def test_a_request_that_cannot_be_recorded_is_answered(
    app: Application, broken: tuple[object, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(*broken, fail)
    with client_of(app) as client:
        answer = client.get(REVENUE, headers={"X-Request-ID": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "mine")
    assert "request mine could not be recorded" in caplog.text


def test_a_response_that_breaks_off_is_not_completed(app: Application, settings: Settings) -> None:
    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("broken on purpose")

    stack = wrap(breaks_off, middleware_layers(settings, app.serving_state, app.tracing))
    client = TestClient(stack, base_url="http://localhost", client=LOCAL)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        client.get("/elsewhere")


class Broken:
    """Middleware that fails."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("broken on purpose")


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[object, ...]]]:
    """The lines of the access log: request id, method, route, status."""
    lines: list[tuple[object, ...]] = []
    with monkeypatch.context() as patched:
        patched.setattr(AccessLog, "note", lambda _log, *line: lines.append(line[:-1]))
        yield lines


def assert_internal_error(
    answer: httpx2.Response, lines: list[tuple[object, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    assert answer.status_code == 500
    assert answer.json() == {
        "success": False,
        "error": {
            "code": "internal_error",
            "message": "internal error; the log has the details",
            "details": [],
        },
    }
    ((request_id, _, _, status),) = lines
    assert (request_id, status) == (answer.headers["x-request-id"], 500)
    assert f"request {request_id} failed" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"meta":{"calculation_date":"2023-01-01T00:00:00Z","currency":"USD"}}',
        b'{"a":{"calculation_date":"x"},"b":{"calculation_date":"y"}}',
        b'{"name":"\\"calculation_date\\":\\"x","calculation_date":"z"}',
    ],
)
def test_entity_tags_ignore_calculation_dates_alone(body: bytes) -> None:
    later = body.replace(b'"calculation_date":"', b'"calculation_date":"later ')
    assert CachedResponse.of(later, "").etag == CachedResponse.of(body, "").etag
    assert CachedResponse.of(body + b" ", "").etag != CachedResponse.of(body, "").etag
