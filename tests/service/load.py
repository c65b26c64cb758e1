"""Clients that ask a running service without pause."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.service.conftest import Service

PATH = "/api/payment/analytics/customers/user_123/revenue"


@dataclass
class Load:
    """What the clients have seen."""

    answers: list[tuple[float, int, Any]] = field(default_factory=list)
    """When, status, and what was read from the body of a 200, or the code of an error."""
    errors: set[str] = field(default_factory=set)
    """The messages of answers other than 200."""
    failures: list[str] = field(default_factory=list)
    """Connections that broke."""

    @property
    def statuses(self) -> Counter[int]:
        return Counter(status for _, status, _ in self.answers)

    @property
    def seen(self) -> set[Any]:
        return {what for _, status, what in self.answers if status == 200}

    def wait_for(self, what: Callable[[Load], bool], seconds: float = 20) -> None:
        """Wait until the clients have seen something."""
        give_up = time.monotonic() + seconds
        while not what(self):
            assert time.monotonic() < give_up, (self.statuses, self.seen)
            time.sleep(0.05)


@contextmanager
def loaded(
    service: Service, read: Callable[[dict[str, Any]], Any], clients: int = 3, pause: float = 0.0, timeout: float = 30
) -> Iterator[Load]:
    """Ask about ``user_123`` until the block ends, each time in another way, so that no kept answer is given."""
    load, over = Load(), threading.Event()

    def ask(client: int) -> None:
        number = 0
        with httpx.Client(base_url=service.client.base_url, timeout=timeout) as http:
            while not over.is_set():
                number += 1
                try:
                    response = http.get(PATH, params={"breakdown": "monthly", "n": f"{client}-{number}"})
                except httpx.TransportError as error:
                    load.failures.append(repr(error))
                    time.sleep(0.05)
                    continue
                body = response.json()
                what = read(body) if response.status_code == 200 else body["error"]["code"]
                if response.status_code != 200:
                    load.errors.add(body["error"]["message"])
                load.answers.append((time.monotonic(), response.status_code, what))
                time.sleep(pause)

    threads = [threading.Thread(target=ask, args=(client,), daemon=True) for client in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout + 5)
