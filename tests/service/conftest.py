"""The service: within the test's own process, or running in another."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import httpx
import pytest
from fastapi.testclient import TestClient
from tests.conftest import Shop, free_port

from customer_revenue.service.app import create_app
from customer_revenue.settings import load_settings

START_SECONDS = 60
BENTOML_SERVE = [sys.executable, "-m", "bentoml", "serve", "customer_revenue.service.bento:CustomerRevenueService"]
"""Serves whatever is there; ``customer-revenue serve`` refuses to start without a store."""


@dataclass(frozen=True)
class Service:
    """A client of the service, and its process where it has one of its own."""

    client: httpx.Client
    running: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Its own process."""
        assert self.running is not None, "it answers within the test's process"
        return self.running

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


@contextmanager
def in_process(shop: Shop) -> Iterator[Service]:
    """The whole application on a shop's store and models, asked without a server."""
    folder = shop.folder
    store = f"duckdb:///{folder}/data/orders.duckdb"
    files = {"keys": folder / "data" / "keys.json", "campaigns": folder / "data" / "campaigns.sqlite"}
    files["learned_effects"] = folder / "data" / "learned-effects.toml"
    app = create_app(load_settings(store=store, models=folder / "models", **files))
    local = ("127.0.0.1", 50_000)
    with TestClient(app, base_url="http://localhost", client=local, raise_server_exceptions=False) as client:
        yield Service(cast("httpx.Client", client))


@pytest.fixture(scope="session")
def served(trained_shop: Shop) -> Iterator[Service]:
    """The trained shop, served over HTTP. Not to be changed."""
    with serving(trained_shop) as running:
        yield running


OVER_HTTP = pytest.param("served", marks=[pytest.mark.servers, pytest.mark.xdist_group("served")])


@pytest.fixture(scope="session", params=["in process", OVER_HTTP])
def service(request: pytest.FixtureRequest, trained_shop: Shop) -> Iterator[Service]:
    """The trained shop, within this process and, with the tests that need servers, over HTTP. Not to be changed."""
    if request.param == "served":
        yield request.getfixturevalue("served")
    else:
        with in_process(trained_shop) as answering:
            yield answering
