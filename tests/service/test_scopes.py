"""Each scope opens what it is for and nothing else, and the last use of a key is known."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from customer_revenue.choices import USUAL_SCOPES, Scope
from customer_revenue.keys import KeyFile
from customer_revenue.service.app import create_app
from customer_revenue.service.authentication import needed_scope
from customer_revenue.settings import Settings

ANALYTICS = "/api/payment/analytics"
OPENED = {
    ("GET", f"{ANALYTICS}/customers/a/revenue"): {Scope.READ},
    ("HEAD", f"{ANALYTICS}/widget"): {Scope.READ},
    ("GET", f"{ANALYTICS}/campaigns"): {Scope.READ},
    ("GET", "/metrics"): {Scope.READ, Scope.METRICS},
    ("POST", f"{ANALYTICS}/customers/batch"): {Scope.BATCH},
    ("POST", f"{ANALYTICS}/score"): {Scope.BATCH},
    ("POST", f"{ANALYTICS}/campaigns"): {Scope.ACT},
    ("POST", f"{ANALYTICS}/campaigns/contacts"): {Scope.ACT},
    ("DELETE", f"{ANALYTICS}/campaigns/spring"): {Scope.ACT},
    ("POST", f"{ANALYTICS}/campaigns/spring/send"): {Scope.ACT},
    ("GET", f"{ANALYTICS}/campaigns/webhooks"): {Scope.READ},
    ("POST", f"{ANALYTICS}/campaigns/spring/learn"): {Scope.ADMIN},
    ("POST", f"{ANALYTICS}/campaigns/spring/unlearn"): {Scope.ADMIN},
    ("GET", f"{ANALYTICS}/keys"): {Scope.ADMIN},
    ("POST", f"{ANALYTICS}/keys"): {Scope.ADMIN},
    ("DELETE", f"{ANALYTICS}/keys/reports"): {Scope.ADMIN},
    ("GET", f"{ANALYTICS}/policy"): {Scope.READ},
    ("POST", f"{ANALYTICS}/policy"): {Scope.ADMIN},
    ("POST", f"{ANALYTICS}/policy/undo"): {Scope.ADMIN},
    ("GET", f"{ANALYTICS}/models"): {Scope.READ},
    ("POST", f"{ANALYTICS}/models/promote"): {Scope.ADMIN},
    ("POST", f"{ANALYTICS}/models/rollback"): {Scope.ADMIN},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a service without a store: what is let in gets another error than 403."""
    own = {name: tmp_path / name for name in ("models", "keys.json", "campaigns")}
    return Settings(
        _env_file=None,
        store=f"duckdb:///{tmp_path}/none.duckdb",
        models=own["models"],
        keys=own["keys.json"],
        campaigns=own["campaigns"],
        policy=None,
        requests_per_minute=1000,
    )


@pytest.fixture
def client(settings: Settings) -> TestClient:
    return TestClient(create_app(settings), base_url="http://localhost", client=("127.0.0.1", 50_000))


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_opens_what_it_is_for(client: TestClient, settings: Settings, scope: Scope) -> None:
    header = {"X-API-Key": KeyFile(settings.keys).add("one", frozenset({scope}))}
    opened = set()
    for method, path in OPENED:
        answer = client.request(method, path, headers=header, json={} if method == "POST" else None)
        if answer.status_code != 403:
            opened.add((method, path))
        elif method != "HEAD":
            assert answer.json()["error"]["message"] == f"the key one has no {needed_scope(method, path)} scope"
    assert opened == {request for request, scopes in OPENED.items() if scope in scopes}


def test_keys_of_before_keep_what_they_had_and_no_more(client: TestClient, settings: Settings) -> None:
    secret = KeyFile(settings.keys).add("old", USUAL_SCOPES)
    (kept,) = json.loads(settings.keys.read_text())
    del kept["expires_at"]
    settings.keys.write_text(json.dumps([{**kept, "scopes": ["read", "batch"]}]))
    found = KeyFile(settings.keys).match(secret)
    assert found is not None
    assert found.scopes == {Scope.READ, Scope.BATCH}
    header = {"X-API-Key": secret}
    assert client.post(f"{ANALYTICS}/campaigns", headers=header, json={}).status_code == 403
    assert client.get(f"{ANALYTICS}/keys", headers=header).status_code == 403
    assert {Scope.ACT, Scope.ADMIN}.isdisjoint(USUAL_SCOPES)


def test_the_last_use_is_kept_and_told(client: TestClient, settings: Settings) -> None:
    keys = KeyFile(settings.keys)
    admin = {"X-API-Key": keys.add("admin", frozenset({Scope.ADMIN}))}
    reader = {"X-API-Key": keys.add("reader", frozenset({Scope.READ}), days=5)}
    assert keys.used_at("reader") is None
    client.get(f"{ANALYTICS}/widget", headers={"X-API-Key": "cr_wrong"})
    assert keys.used_at("reader") is None
    client.get(f"{ANALYTICS}/widget", headers=reader)
    used = keys.used_at("reader")
    assert used is not None
    assert abs((dt.datetime.now(dt.UTC) - used).total_seconds()) < 60
    told = client.get(f"{ANALYTICS}/keys", headers=admin)
    rows = {row["name"]: row for row in told.json()["keys"]}
    assert dt.datetime.fromisoformat(rows["reader"]["last_used_at"]) == used
    assert rows["reader"]["scopes"] == ["read"]
    assert rows["reader"]["expires_at"] is not None
    assert reader["X-API-Key"] not in told.text
    assert told.headers["cache-control"] == "private, no-cache"
    again = client.get(f"{ANALYTICS}/keys", headers=admin).json()["keys"][0]
    assert again["last_used_at"] is not None, "it is not kept as an answer"
    keys.revoke("reader")
    keys.add("reader", frozenset({Scope.READ}))
    assert keys.used_at("reader") is None


def test_a_place_that_cannot_be_written_stops_nobody(client: TestClient, settings: Settings) -> None:
    header = {"X-API-Key": KeyFile(settings.keys).add("reader", frozenset({Scope.READ}))}
    settings.keys.with_name("keys.json.used").write_text("in the way")
    assert client.get("/metrics", headers=header).status_code == 200


def test_the_limit_says_whose_it_is(settings: Settings) -> None:
    client = TestClient(create_app(settings.model_copy(update={"requests_per_minute": 1})), base_url="http://localhost")
    header = {"X-API-Key": KeyFile(settings.keys).add("hasty", frozenset({Scope.METRICS}))}
    answers = [client.get("/metrics", headers=header) for _ in range(3)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    message = refused.json()["error"]["message"]
    assert message.startswith("the key hasty may send 1 requests per minute to each worker; wait ")
