"""A running service."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from tests.conftest import Shop, free_port

START_SECONDS = 60
BENTOML_SERVE = [sys.executable, "-m", "bentoml", "serve", "customer_revenue.service.bento:CustomerRevenueService"]
"""Serves whatever is there; ``customer-revenue serve`` refuses to start without a store."""


@dataclass(frozen=True)
class Service:
    """A service that runs in a process of its own, and a client for it."""

    client: httpx.Client
    process: subprocess.Popen[bytes]

    def get(self, path: str, **parameters: str | list[str]) -> httpx.Response:
        """GET below ``/api/payment/analytics``."""
        return self.client.get(f"/api/payment/analytics{path}", params=parameters)


@contextmanager
def serving(shop: Shop, *options: str) -> Iterator[Service]:
    """Serve a shop on a free port until the end of the block."""
    with serving_command([sys.executable, "-m", "customer_revenue", "serve", *options], shop) as running:
        yield running


@contextmanager
def serving_command(command: list[str], shop: Shop, ready: str = "/readyz") -> Iterator[Service]:
    """Serve with any command that takes a port, in the shop's folder and environment, once ``ready`` is answered."""
    port = free_port()
    log = (shop.folder / "serve.log").open("wb")
    with (
        log,
        subprocess.Popen(
            [*command, "--port", str(port)], cwd=shop.folder, env=shop.environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _wait_until(client, process, ready)
                yield Service(client, process)
        finally:
            process.terminate()


def _wait_until(client: httpx.Client, process: subprocess.Popen[bytes], path: str) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            if client.get(path).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("the service did not become ready")


@pytest.fixture(scope="session")
def service(trained_shop: Shop) -> Iterator[Service]:
    """The trained shop, served. Not to be changed."""
    with serving(trained_shop) as running:
        yield running
