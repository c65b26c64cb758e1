"""Who is answered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, serving

PATH = "/api/payment/analytics/customers/user_123/revenue"


@pytest.fixture(scope="module")
def shop(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The trained shop with keys of its own."""
    folder = tmp_path_factory.mktemp("keyed") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    return Shop(folder, {**trained_shop.environment, "CUSTOMER_REVENUE_REQUESTS_PER_MINUTE": "20"})


@pytest.fixture(scope="module")
def reader(shop: Shop) -> str:
    """A key that may read."""
    return shop.run("keys", "add", "reader", "--scope", "read").strip()


@pytest.fixture(scope="module")
def guarded(shop: Shop, reader: str) -> Iterator[Service]:
    """A service with keys."""
    with serving(shop) as running:
        yield running


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_key_opens_the_door(guarded: Service, reader: str, header: str) -> None:
    value = f"Bearer {reader}" if header == "Authorization" else reader
    assert guarded.client.get(PATH, headers={header: value}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "cr_wrong"}, {"Authorization": "Basic abc"}])
@pytest.mark.parametrize("path", [PATH, "/metrics", "/docs.json", "/api/openapi.json"])
def test_without_one_nothing_is_told(guarded: Service, headers: dict[str, str], path: str) -> None:
    response = guarded.client.get(path, headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_reader_may_not_ask_in_batches(guarded: Service, reader: str) -> None:
    response = guarded.client.post("/predict", json={"customer_ids": ["user_123"]}, headers={"X-API-Key": reader})
    assert response.status_code == 403


def test_health_needs_no_key(guarded: Service) -> None:
    assert guarded.client.get("/livez").status_code == 200
    assert guarded.client.get("/readyz").status_code == 200


def test_a_key_is_held_to_its_rate(shop: Shop, guarded: Service) -> None:
    key = shop.run("keys", "add", "hasty").strip()
    answers = [guarded.client.get(PATH, headers={"X-API-Key": key}) for _ in range(60)]
    (refused, *_) = (answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["code"] == "too_many_requests"


def test_a_revoked_key_is_refused_at_once(shop: Shop, guarded: Service) -> None:
    key = shop.run("keys", "add", "brief").strip()
    assert guarded.client.get(PATH, headers={"X-API-Key": key}).status_code == 200
    shop.run("keys", "revoke", "brief")
    assert guarded.client.get(PATH, headers={"X-API-Key": key}).status_code == 401


def test_a_key_file_that_cannot_be_read_lets_nobody_in(shop: Shop, guarded: Service, reader: str) -> None:
    keys = shop.folder / "data" / "keys.json"
    text = keys.read_text()
    keys.write_text("[{]")
    try:
        answer = guarded.client.get(PATH, headers={"X-API-Key": reader, "X-Request-ID": "broken-keys"})
    finally:
        keys.write_text(text)
    assert answer.status_code == 503
    message = "the API keys cannot be read, so nobody is let in; the log says why"
    assert answer.json() == {
        "success": False,
        "error": {"code": "keys_unavailable", "message": message, "details": []},
    }
    assert answer.headers["x-request-id"] == "broken-keys"
    assert guarded.client.get(PATH, headers={"X-API-Key": reader}).status_code == 200


def test_without_keys_a_foreign_name_for_this_machine_is_refused(service: Service) -> None:
    assert service.client.get(PATH, headers={"Host": "evil.example"}).status_code == 401
    assert service.client.get(PATH, headers={"Host": "localhost:3000"}).status_code == 200
