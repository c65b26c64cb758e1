"""A real MLflow server that accepts connections and never answers: everything goes on, and is told to it later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from tests.conftest import Shop, empty_shop, free_port
from tests.service.conftest import serving
from tests.trust.mlflow_champion import champion_in_mlflow

from customer_revenue.orders.files.simulate import simulate_orders
from customer_revenue.settings import load_settings
from customer_revenue.tracking import queued
from customer_revenue.workflows.registry.bundles import current_version
from customer_revenue.workflows.registry.champion import changes

pytestmark = [pytest.mark.servers, pytest.mark.filterwarnings("ignore")]

LOCAL_SECONDS = 12.0
"""A command's imports, two seconds for a sign of life, and what a busy machine adds; it was four minutes and more."""
URI = "models:/customer-revenue@champion"


@dataclass(frozen=True)
class Tracker:
    """An MLflow server in a process group of its own."""

    url: str
    group: int

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It accepts connections, and answers none, until the end of the block."""
        os.killpg(self.group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.group, signal.SIGCONT)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracker]:
    folder, port = tmp_path_factory.mktemp("tracker"), free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "a")]
    own = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    with subprocess.Popen(
        command, cwd=folder, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        url, give_up = f"http://127.0.0.1:{port}", time.monotonic() + 90
        try:
            while not _answers(url):
                assert time.monotonic() < give_up, "the MLflow server did not start"
                time.sleep(0.3)
            yield Tracker(url, process.pid)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def shop(tracker: Tracker, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A small store with one version, which MLflow knows."""
    folder = tmp_path_factory.mktemp("away")
    shop = Shop(folder, {**empty_shop(folder).environment, "MLFLOW_TRACKING_URI": tracker.url})
    pq.write_table(simulate_orders(60, 200, seed=3), folder / "orders.parquet")
    shop.run("import", "orders.parquet")
    shop.run("train")
    return shop


def timed(shop: Shop, *words: str) -> float:
    began = time.monotonic()
    shop.run(*words)
    return time.monotonic() - began


def test_commands_go_on_while_mlflow_hangs_and_are_told_later(tracker: Tracker, shop: Shop) -> None:
    models = shop.folder / "models"
    settings = load_settings(models=models, tracking_uri=tracker.url)
    first = current_version(models)
    with tracker.hanging():
        assert "the run waits until the tracking server answers" in shop.run("train")
        second = current_version(models)
        assert second != first
        assert timed(shop, "rollback", "--why", "a test") < LOCAL_SECONDS
        assert current_version(models) == first
        assert timed(shop, "promote", str(second), "--why", "it was good") < LOCAL_SECONDS
        assert current_version(models) == second
        assert [run.kind for run in queued(models)] == ["train"]
        assert [change.run_id is None for change in changes(models)] == [False, True, True, True]
    shop.run("promote", str(second))  # nothing to do but to tell
    assert queued(models) == []
    assert all(change.run_id for change in changes(models))
    champion = champion_in_mlflow(settings)
    assert champion.tags["bundle"] == second
    assert (champion.tags["promote_why"], champion.version) == ("it was good", "2")
    assert second in shop.run("models")


def test_the_service_starts_from_the_last_good_bundle_and_says_so(tracker: Tracker, shop: Shop) -> None:
    named = Shop(shop.folder, {**shop.environment, "CUSTOMER_REVENUE_MODEL": URI})
    current = current_version(shop.folder / "models")
    with tracker.hanging():
        began = time.monotonic()
        with serving(named) as running:
            assert time.monotonic() - began < 45
            warning = running.get("/model").json()["warning"]
            assert f"does not answer: answering with the bundle {current}" in warning
            assert "customer_revenue_model_fallback 1.0" in running.client.get("/metrics").text
            os.killpg(tracker.group, signal.SIGCONT)
            give_up = time.monotonic() + 60
            while running.get("/model").json()["warning"] is not None:
                assert time.monotonic() < give_up, "it did not take up the model that MLflow names"
                time.sleep(0.5)
    assert f"answering with the bundle {current}" in Path(shop.folder / "serve.log").read_text()
