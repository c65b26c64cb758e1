"""What no HTTP client library sends: over raw sockets, against the real service."""

from __future__ import annotations

import json
import socket

import pytest
from tests.service.conftest import Service

SCORE = "/api/payment/analytics/score"
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
LIMIT_BYTES = 16 * 1024 * 1024


def sent(service: Service, head: str, chunks: int) -> tuple[int, int]:
    """The status of the answer to a head and some chunks, and the number of bytes that were taken."""
    url = service.client.base_url
    taken = 0
    with socket.create_connection((url.host, url.port or 80), 30) as raw:
        raw.sendall(
            f"POST {SCORE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}\r\n".encode()
        )
        try:
            for _ in range(chunks):
                raw.sendall(CHUNK)
                taken += len(CHUNK)
            raw.sendall(b"0\r\n\r\n")
        except OSError:  # the server has closed
            pass
        try:
            answer = raw.recv(65536)
        except OSError:
            return 0, taken
    return (int(answer.split()[1]) if answer else 0), taken


def test_bytes_are_counted_and_two_lengths_refused(served: Service) -> None:
    both, _ = sent(served, "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 2)
    assert both == 400
    status, taken = sent(served, "Transfer-Encoding: chunked\r\n", 2000)
    assert status in (0, 413), "a client that goes on sending may only see the connection close"
    assert taken < 4 * LIMIT_BYTES
    assert sent(served, "Transfer-Encoding: chunked\r\n", 1)[0] == 422
    assert served.client.get("/livez").status_code == 200


@pytest.mark.parametrize("body", [{"customer_ids": []}, {"customer_ids": [1]}, {"customer_ids": ["a"], "odd": 1}, {}])
def test_predict_has_the_validator_and_the_errors_of_the_batch_route(served: Service, body: dict[str, object]) -> None:
    one, other = (
        served.client.post(path, json=body) for path in ("/predict", "/api/payment/analytics/customers/batch")
    )
    assert one.status_code == other.status_code == 422
    assert one.json() == other.json()
    assert json.loads(one.text)["error"]["code"] == "invalid_parameter"
