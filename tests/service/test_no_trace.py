"""No log line, metric or validation error holds an id, a name or an e-mail address, whatever is asked."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, serving

from customer_revenue.service.json_logs import JsonFormatter

PLANTED = {"id": "planted-7f3a", "name": "Plantedname", "email": "planted@mail.example"}
ANALYTICS = "/api/payment/analytics"
MOMENT = "2023-11-02T18:30:00Z"


def traces_in(text: str) -> list[str]:
    return [name for name, value in PLANTED.items() if value in text or quote(value) in text]


def requests(service: Service) -> list[httpx.Response]:
    """Answers to every route, asked for the planted customer rightly, and with what is planted in every parameter."""
    client = service.client
    document: dict[str, Any] = client.get("/api/openapi.json").json()
    answers = []
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        address = f"/api{path}"
        ids = (PLANTED["id"], PLANTED["email"], f"{PLANTED['id']}\x00", "x" * 600 + PLANTED["id"])
        answers += [client.get(address.replace("{user_id}", quote(own_id, safe=""))) for own_id in ids]
        names = [one["name"] for one in operations["get"].get("parameters", ()) if one["in"] == "query"]
        address = address.replace("{user_id}", PLANTED["id"])
        for value in PLANTED.values():
            answers += [client.get(address, params={name: value}) for name in names]
    answers += [post(client, path, body) for path in ("/customers/batch", "/score", "/predict") for body in bodies()]
    for value in PLANTED.values():
        answers += [
            client.get(f"/{quote(value)}"),
            client.get(f"{ANALYTICS}/customers/{quote(value)}/nothing"),
            client.request("DELETE", f"{ANALYTICS}/customers/{quote(value)}/revenue"),
            client.get("/metrics", headers={"X-API-Key": value, "Authorization": f"Bearer {value}"}),
            client.get(f"{ANALYTICS}/widget", headers={"X-Request-ID": f"{value} x"}),
        ]
    return answers


def post(client: httpx.Client, path: str, body: Any) -> httpx.Response:
    address = path if path == "/predict" else ANALYTICS + path
    if isinstance(body, bytes):
        return client.post(address, content=body, headers={"Content-Type": "application/json"})
    return client.post(address, json=body)


def bodies() -> Iterator[Any]:
    for value in PLANTED.values():
        order = {"created_at": MOMENT, "total_cents": 100}
        yield {"customer_ids": [value]}
        yield {"customer_ids": [value, 7]}
        yield {"customer_ids": value}
        yield {"customer_ids": [f"{value}\x00"]}
        yield {"customer_ids": [value], "period": value}
        yield {"customer_ids": [value], "as_of": value}
        yield {"customer_ids": [value], value: value}
        yield {"customers": [{"customer_id": value, "orders": [order]}]}
        yield {"customers": [{"customer_id": value, "orders": [order]}] * 2}
        yield {"customers": [{"customer_id": value, "orders": [order]}], "as_of": value}
        yield {"customers": [{"customer_id": value, "orders": [{**order, "created_at": value}]}]}
        yield {"customers": [{"customer_id": value, "orders": [{**order, "status": value}]}]}
        yield {"customers": [{"customer_id": value, "orders": [{**order, "total_cents": value}]}]}
        yield {"customers": [{"customer_id": value, "orders": [{**order, value: 1}]}]}
        yield [value]
        yield value
        yield f'{{"customer_ids": ["{value}"'.encode()
        yield f'{{"customer_ids": ["{value}\xff"]}}'.encode("latin1")


@pytest.mark.servers
def test_what_is_planted_is_in_no_validation_error_log_or_metric(trained_shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "planted"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    (folder / "metrics").mkdir()
    own = {"CUSTOMER_REVENUE_LOG_LEVEL": "DEBUG", "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
    shop = Shop(folder, {**trained_shop.environment, **own})
    line = ",".join(("p1", PLANTED["id"], MOMENT, "4500", "paid", PLANTED["name"], PLANTED["email"]))
    (folder / "planted.csv").write_text(
        f"order_id,user_id,created_at,total_cents,status,user_name,user_email\n{line}\n"
    )
    shop.run("import", "planted.csv")
    with serving(shop) as running:
        answers = requests(running)
        assert traces_in(running.client.get("/metrics").text) == []
        for path in (folder / "metrics").iterdir():
            assert traces_in(path.read_bytes().decode("latin1")) == [], path
    assert {200, 404, 405, 422} <= {answer.status_code for answer in answers}
    refused = [answer for answer in answers if answer.status_code == 422]
    assert len(refused) > 50
    assert [(answer.url.path, answer.text) for answer in refused if traces_in(answer.text)] == []
    assert not [answer for answer in answers if answer.status_code >= 500]
    logged = (folder / "serve.log").read_text()
    assert logged.count('"logger":"access"') > 100
    assert traces_in(logged) == []


def test_a_logged_exception_has_its_place_and_no_message() -> None:
    try:
        try:
            raise KeyError(PLANTED["id"])
        except KeyError as error:
            raise RuntimeError(f"no place for {PLANTED['email']}") from error
    except RuntimeError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "failed", (), (RuntimeError, error, error.__traceback__)
        )
    line = JsonFormatter().format(record)
    assert traces_in(line) == []
    assert "builtins.KeyError" in line
    assert "builtins.RuntimeError" in line
    assert "test_a_logged_exception_has_its_place_and_no_message" in line
