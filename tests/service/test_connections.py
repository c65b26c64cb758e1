"""Two thousand connections that hold a server up: it answers ``/livez`` all the while, and closes them in time."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Shop
from tests.service.conftest import BENTOML_SERVE, Service, serving, serving_command
from tests.service.slow_clients import BATCH, BEGUN, LIVEZ_SECONDS, closed, holding, slowest_livez

from customer_revenue.service.connections import OTHER_FILES

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("served")]

SECONDS = 2.0
CONNECTIONS = 300
CLIENTS = 2000
CUSTOMER = "/api/payment/analytics/customers/user_123/revenue"


@pytest.fixture(scope="module", params=["serve", pytest.param("bentoml serve", marks=pytest.mark.slow)])
def bounded(request: pytest.FixtureRequest, trained_shop: Shop) -> Iterator[Service]:
    """A service with little patience, started by either command."""
    limits = {"HEADER_SECONDS": SECONDS, "BODY_SECONDS": SECONDS, "CONNECTIONS": CONNECTIONS}
    own = {f"CUSTOMER_REVENUE_{name}": str(value) for name, value in limits.items()}
    shop = Shop(trained_shop.folder, {**trained_shop.environment, **own})
    started = serving(shop) if request.param == "serve" else serving_command(BENTOML_SERVE, shop)
    with started as running:
        yield running


@pytest.mark.parametrize("kind", BEGUN)
def test_two_thousand_clients_that_wait_hold_nobody_up(bounded: Service, kind: str) -> None:
    with holding(bounded.client, kind, CLIENTS) as held:
        assert slowest_livez(bounded.client) < LIVEZ_SECONDS
        assert bounded.client.get(CUSTOMER).status_code == 200
        assert closed(held, 6 * SECONDS) == CLIENTS
    assert slowest_livez(bounded.client, 3) < LIVEZ_SECONDS


def test_no_more_connections_are_held_than_allowed(bounded: Service) -> None:
    """Room is made before the clients' time is over, which ends them anyway."""
    with holding(bounded.client, "idle", CLIENTS):
        give_up = time.monotonic() + 0.9 * SECONDS
        while max(files_of_workers(bounded)) > CONNECTIONS + OTHER_FILES:
            assert time.monotonic() < give_up
    text = bounded.client.get("/metrics").text
    assert 'customer_revenue_connections_closed_total{reason="no_room"}' in text


def files_of_workers(service: Service) -> list[int]:
    """The files that each process of the service has open, its connections among them."""
    return [len(list((Path("/proc") / pid / "fd").iterdir())) for pid in processes(str(service.process.pid))]


def processes(pid: str) -> list[str]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [*found, *(each for child in found for each in processes(child))]


@pytest.mark.parametrize(
    ("kind", "word"), [("slow headers", "headers"), ("slow bodies", "body"), ("chunked bodies", "body")]
)
def test_a_slow_client_is_told(bounded: Service, kind: str, word: str) -> None:
    began = time.monotonic()
    with holding(bounded.client, kind, 1) as (raw,):
        raw.settimeout(5 * SECONDS)
        for _ in range(int(SECONDS)):  # a byte now and then gains no time
            time.sleep(SECONDS / 4)
            raw.sendall(b"a")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert SECONDS * 0.8 < time.monotonic() - began < 3 * SECONDS
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["error"] == {
        "code": "too_slow",
        "message": f"the {word} of the request did not come in time",
        "details": [],
    }


def test_a_client_that_reads_nothing_is_let_go(bounded: Service) -> None:
    url = bounded.client.base_url
    asked = f"GET {CUSTOMER} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 200
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.connect((url.host, url.port or 80))
        raw.settimeout(0.5)
        give_up = time.monotonic() + 10 * SECONDS
        ended = False
        while not ended and time.monotonic() < give_up:
            try:
                raw.sendall(asked)
            except TimeoutError:
                continue
            except OSError:
                ended = True
        assert ended


def test_a_slow_request_in_time_and_several_on_one_connection_are_answered(bounded: Service) -> None:
    url = bounded.client.base_url
    body = json.dumps({"customer_ids": ["user_123"]}).encode()
    head = f"POST {BATCH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection((url.host, url.port or 80), 30) as raw:
        for _ in range(2):
            for part in (head.encode(), f"Content-Length: {len(body)}\r\n\r\n".encode(), body[:5], body[5:]):
                raw.sendall(part)
                time.sleep(SECONDS / 5)
            answer = http.client.HTTPResponse(raw)
            answer.begin()
            assert (answer.status, json.loads(answer.read())["success"]) == (200, True)


def test_what_is_no_http_is_refused_in_the_shape_of_every_error(bounded: Service) -> None:
    url = bounded.client.base_url
    with socket.create_connection((url.host, url.port or 80), 30) as raw:
        raw.sendall(b"\x16\x03\x01 no http\r\n\r\n")
        head, _, body = b"".join(iter(lambda: raw.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "bad_request"
