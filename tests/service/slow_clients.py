"""Clients that hold connections open, over raw sockets: they say nothing, or send or read too slowly."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

LIVEZ_SECONDS = 5.0
"""For which a check may wait where the machine has other things to do; it takes milliseconds where not."""
BATCH = "/api/payment/analytics/customers/batch"
POST = f"POST {BATCH} HTTP/1.1\r\nHost: localhost\r\n"
BEGUN = {
    "idle": b"",
    "slow headers": f"{POST}X-A".encode(),
    "slow bodies": f"{POST}Content-Length: 9000\r\n\r\n{{".encode(),
    "chunked bodies": f"{POST}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n".encode(),
    "between requests": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
"""What each kind of client sends before it keeps still."""


@contextmanager
def holding(client: httpx.Client, kind: str, count: int) -> Iterator[list[socket.socket]]:
    """So many clients of a kind until the end of the block."""
    url = client.base_url
    with contextlib.ExitStack() as opened:
        held = []
        for _ in range(count):
            raw = opened.enter_context(contextlib.closing(socket.create_connection((url.host, url.port or 80), 30)))
            with contextlib.suppress(OSError):  # closed already, to make room
                raw.sendall(BEGUN[kind])
            held.append(raw)
        yield held


def closed(held: list[socket.socket], seconds: float) -> int:
    """How many of the connections the server has closed by then, whatever it sent before."""
    give_up = time.monotonic() + seconds
    waiting = {raw.fileno(): raw for raw in held}
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    while waiting and time.monotonic() < give_up:
        for number, _ in poll.poll(200):
            try:
                ended = not waiting[number].recv(65536)
            except OSError:
                ended = True
            if ended:
                poll.unregister(number)
                del waiting[number]
    return len(held) - len(waiting)


def slowest_livez(client: httpx.Client, times: int = 20) -> float:
    """Seconds of the slowest of some checks, each over a connection of its own."""
    slowest = 0.0
    for _ in range(times):
        began = time.monotonic()
        with httpx.Client(base_url=client.base_url, timeout=30) as asking:
            assert asking.get("/livez").status_code == 200
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.02)
    return slowest
