"""Sessions of the page: signed in once by a key, ended with it, and of no use to a page of another site."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from customer_revenue.choices import Scope
from customer_revenue.keys import KeyFile
from customer_revenue.service.authentication import AuthMiddleware
from customer_revenue.service.sessions import COOKIE, SESSION_SECONDS, SessionPage, Sessions

PAGE = {"X-Requested-With": "customer-revenue"}
CAMPAIGNS = "/api/payment/analytics/campaigns"
READ = "/api/payment/analytics/trends"


async def _answer(request: Request) -> Response:
    return PlainTextResponse(getattr(request.state, "key_name", ""))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def keys(path: Path) -> KeyFile:
    return KeyFile(path)


@pytest.fixture
def secret(keys: KeyFile) -> str:
    return keys.add("marketing", frozenset({Scope.READ, Scope.ACT}))


def application(path: Path) -> ASGIApp:
    answering = Starlette(routes=[Route("/{path:path}", _answer, methods=["GET", "POST", "DELETE"])])
    return SessionPage(AuthMiddleware(answering, path, 0), path)


@pytest.fixture
def client(path: Path) -> Iterator[TestClient]:
    with TestClient(application(path), base_url="https://shop.test", client=("203.0.113.7", 5000)) as opened:
        yield opened


def sign_in(client: TestClient, secret: str) -> None:
    assert client.post("/api/session", json={"key": secret}, headers=PAGE).status_code == 200


def test_a_session_stands_for_its_key_and_nothing_else_gets_in(client: TestClient, secret: str) -> None:
    assert client.get(READ).status_code == 401
    assert client.post("/api/session", json={"key": "cr_wrong"}, headers=PAGE).status_code == 401
    assert client.get("/api/session").json()["signed_in"] is False
    sign_in(client, secret)
    assert (client.get(READ).status_code, client.get(READ).text) == (200, "marketing")
    who = client.get("/api/session").json()
    assert who == {
        "success": True,
        "signed_in": True,
        "name": "marketing",
        "scopes": ["act", "read"],
        "keys_required": True,
    }
    assert client.get("/api/payment/analytics/keys").status_code == 403, "its key lacks the scope admin"


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(client: TestClient, secret: str) -> None:
    sent = client.post("/api/session", json={"key": secret}, headers=PAGE).headers["set-cookie"]
    attributes = {part.strip().lower() for part in sent.split(";")[1:]}
    assert {"httponly", "samesite=strict", "secure", "path=/", f"max-age={SESSION_SECONDS}"} <= attributes
    assert secret not in sent


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**PAGE, "Origin": "https://evil.test"},
        {**PAGE, "Origin": "null"},
        {**PAGE, "Sec-Fetch-Site": "same-site"},
        {**PAGE, "Sec-Fetch-Site": "cross-site"},
        {"X-Requested-With": "XMLHttpRequest"},
    ],
)
def test_what_changes_something_has_to_come_from_the_page(
    client: TestClient, secret: str, headers: dict[str, str]
) -> None:
    sign_in(client, secret)
    assert client.post(CAMPAIGNS, headers=headers).status_code == 403
    assert client.post("/api/session", json={"key": secret}, headers=headers).status_code == 403
    own = {**PAGE, "Origin": "https://shop.test", "Sec-Fetch-Site": "same-origin"}
    assert client.post(CAMPAIGNS, headers=own).status_code == 200
    by_key = {**headers, "X-API-Key": secret}
    expected = 403 if headers.get("Sec-Fetch-Site") == "cross-site" else 200
    assert client.post(CAMPAIGNS, headers=by_key).status_code == expected, "a key itself is no cookie"


def test_a_session_ends_with_its_key_and_by_signing_out(client: TestClient, keys: KeyFile, secret: str) -> None:
    sign_in(client, secret)
    assert client.delete("/api/session", headers=PAGE).json()["signed_in"] is False
    assert client.get(READ).status_code == 401
    sign_in(client, secret)
    time.sleep(0.01)
    keys.revoke("marketing")
    assert client.get(READ).status_code == 401
    keys.add("marketing", frozenset({Scope.READ}))
    assert client.get(READ).status_code == 401, "another key of the same name is another key"


def test_a_session_expires_and_cannot_be_prolonged(path: Path, keys: KeyFile, secret: str) -> None:
    sessions, key = Sessions(path, keys), keys.match(secret)
    assert key is not None
    value = sessions.issue(key)
    assert sessions.key_of(Headers({"cookie": f"{COOKIE}={value}"})) == key
    name, until, signature = value.split("~")
    later = f"{name}~{int(until) + 60}~{signature}"
    past = f"{name}~{int(dt.datetime.now(dt.UTC).timestamp()) - 1}~{signature}"
    for other in (later, past, f"{name}~{until}~", f"{name}~{until}~ü", f"admin~{until}~{signature}", "~~", "x"):
        assert (
            sessions.key_of(Headers({"cookie": f"{COOKIE}={other}".encode("utf-8", "replace").decode("latin-1")}))
            is None
        )


def test_workers_and_restarts_share_sessions_until_their_secret_is_gone(path: Path, keys: KeyFile, secret: str) -> None:
    key = keys.match(secret)
    assert key is not None
    cookies = Headers({"cookie": f"{COOKIE}={Sessions(path, keys).issue(key)}"})
    other = Sessions(path, KeyFile(path))
    assert other.key_of(cookies) == key
    kept = path.with_name("keys.json.sessions")
    assert kept.stat().st_mode & 0o077 == 0
    kept.unlink()
    assert other.key_of(cookies) is None
    kept.write_bytes(b"damaged")
    assert other.key_of(cookies) is None
    again = Headers({"cookie": f"{COOKIE}={other.issue(key)}"})
    assert Sessions(path, keys).key_of(again) == key


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b'{"key": 1}', b'{"key": ""}', b'{"key": "' + b"x" * 5000 + b'"}']
)
def test_what_is_no_key_is_refused(client: TestClient, secret: str, body: bytes) -> None:
    assert client.post("/api/session", content=body, headers=PAGE).status_code == 422
    assert client.put("/api/session", headers=PAGE).status_code == 405


def test_where_the_secret_cannot_be_kept_nobody_is_signed_in(
    client: TestClient, path: Path, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    path.with_name("keys.json.sessions").mkdir()
    answer = client.post("/api/session", json={"key": secret}, headers=PAGE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "keys_unavailable")
    assert "set-cookie" not in answer.headers
    assert "cannot keep the secret of sessions" in caplog.text
    assert client.get(READ, headers={"X-API-Key": secret}).status_code == 200, "a key itself needs none"


def test_where_there_are_no_keys_nobody_has_to_sign_in(client: TestClient) -> None:
    assert client.get("/api/session").json() == {
        "success": True,
        "signed_in": False,
        "name": None,
        "scopes": [],
        "keys_required": False,
    }
