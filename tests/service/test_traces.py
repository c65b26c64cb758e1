"""Traces reach an OTLP receiver when the settings name one, tell what took the time, and hold nobody's data."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.conftest import Shop, free_port
from tests.service.conftest import serving
from tests.service.test_no_trace import PLANTED, requests, traces_in

from customer_revenue.errors import InvalidParameter
from customer_revenue.service import tracing
from customer_revenue.service.app import create_app
from customer_revenue.settings import Settings, load_settings
from customer_revenue.spans import span

REVENUE = f"/api/payment/analytics/customers/{PLANTED['id']}/revenue"
ROUTE = "/api/payment/analytics/customers/{user_id}/revenue"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(autouse=True)
def _exporter() -> None:
    if "CI" not in os.environ:
        pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs customer-revenue[traces]")


@contextmanager
def receiving() -> Iterator[tuple[str, list[bytes]]]:
    """An OTLP receiver, and the bodies that it was sent."""
    bodies: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", bodies
    finally:
        server.shutdown()
        server.server_close()


def spans_in(bodies: list[bytes]) -> list[Any]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    sent = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    return [one for request in sent for of in request.resource_spans for s in of.scope_spans for one in s.spans]


def attributes(one: Any) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in one.attributes}


def settings_of(shop: Shop, folder: Path, **own: object) -> Settings:
    store = f"duckdb:///{shop.folder}/data/orders.duckdb"
    return load_settings(
        store=store, models=shop.folder / "models", keys=folder / "keys.json", log_level="WARNING", **own
    )


def test_a_request_its_queries_and_the_models_answer_are_spans_of_one_trace(trained_shop: Shop, tmp_path: Path) -> None:
    with receiving() as (endpoint, bodies):
        app = create_app(settings_of(trained_shop, tmp_path, traces=endpoint))
        with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as client:
            path = REVENUE.replace(PLANTED["id"], "user_123")
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "own=planted", "baggage": "user=planted"}
            assert client.get(path, headers=headers).status_code == 200
            assert client.get("/api/nothing").status_code == 404
        spans = spans_in(bodies)
    (server,) = [one for one in spans if one.trace_id.hex() == TRACE and one.kind == one.SPAN_KIND_SERVER]
    assert (server.name, server.parent_span_id.hex()) == (f"GET {ROUTE}", PARENT)
    expected = {"http.request.method": "GET", "http.route": ROUTE, "http.response.status_code": 200}
    assert attributes(server) == expected
    own = [one for one in spans if one.trace_id == server.trace_id and one is not server]
    (model,) = [one for one in own if one.name == "model.answer"]
    assert model.parent_span_id == server.span_id
    assert attributes(model) == {"customers": 1}
    queries = [one for one in own if one.name == "store.query"]
    assert {attributes(one)["db.operation.name"] for one in queries} >= {"facts", "features", "profit"}
    assert all(server.start_time_unix_nano <= one.start_time_unix_nano for one in own)
    assert all(one.end_time_unix_nano <= server.end_time_unix_nano for one in own)
    assert all(one.trace_state == "" for one in spans)
    assert [one.name for one in spans if one.trace_id.hex() != TRACE] == ["GET /api/{path}"]


def test_the_share_of_requests_is_traced_unless_the_caller_says(trained_shop: Shop, tmp_path: Path) -> None:
    with receiving() as (endpoint, bodies):
        app = create_app(settings_of(trained_shop, tmp_path, traces=endpoint, traces_share=0.0))
        with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as client:
            client.get("/livez")
            client.get("/livez", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        assert [(one.name, one.trace_id.hex()) for one in spans_in(bodies)] == [("GET /livez", TRACE)]


@pytest.mark.servers
def test_what_is_planted_is_in_no_trace_of_a_served_shop(trained_shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "planted"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    line = ",".join(("p1", PLANTED["id"], "2023-11-02T18:30:00Z", "4500", "paid", PLANTED["name"], PLANTED["email"]))
    (folder / "planted.csv").write_text(
        f"order_id,user_id,created_at,total_cents,status,user_name,user_email\n{line}\n"
    )
    with receiving() as (endpoint, bodies):
        shop = Shop(folder, {**trained_shop.environment, "CUSTOMER_REVENUE_TRACES": endpoint})
        shop.run("import", "planted.csv")
        with serving(shop) as running:
            asked = len(requests(running))
            planted = {"traceparent": "00-planted-7f3a-01", "tracestate": PLANTED["id"], "baggage": PLANTED["email"]}
            assert running.client.get(REVENUE, headers=planted).status_code == 200
            assert running.client.request(PLANTED["id"].upper(), REVENUE).status_code == 405
            running.process.terminate()
            running.process.wait(30)
        names = Counter(one.name for one in spans_in(bodies))
        assert names.total() > asked
        assert names[f"GET {ROUTE}"] > 1
        assert names["store.query"] > 100
        assert names["model.answer"] > 1
        for body in bodies:
            assert traces_in(body.decode("latin1")) == []
            assert PLANTED["id"].upper() not in body.decode("latin1")


def test_a_receiver_that_is_away_costs_no_answer_and_little_time_at_the_end(trained_shop: Shop, tmp_path: Path) -> None:
    app = create_app(settings_of(trained_shop, tmp_path, traces=f"http://127.0.0.1:{free_port()}/v1/traces"))
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as client:
        answers = [client.get(f"/api/payment/analytics/customers/c{n}/revenue").status_code for n in range(5)]
        began = time.monotonic()
    assert answers == [200] * 5
    assert time.monotonic() - began < 10


def test_without_the_setting_nothing_is_traced(
    trained_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "_provider", lambda *_arguments: pytest.fail("it is off"))
    create_app(settings_of(trained_shop, tmp_path))
    assert span("store.query") is span("model.answer", customers=1)


def test_a_missing_exporter_is_named(tmp_path: Path, trained_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(InvalidParameter, match=r"customer-revenue\[traces\]"):
        create_app(settings_of(trained_shop, tmp_path, traces="http://127.0.0.1:9/v1/traces"))
