"""While the database hangs or is away, customers in memory are answered, for a time, and say since when."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import EXAMPLE_ORDERS, Shop
from tests.servers import RUNNING, RunningMariaDB, RunningPostgres
from tests.service.conftest import Service, serving

from customer_revenue.workflows.customers.freshness import CHECK_SECONDS, MAX_AGE_SECONDS, Freshness

STALE_SECONDS = 12
Server = RunningPostgres | RunningMariaDB
PATH = "/customers/user_123/revenue"


@pytest.fixture
def server(kind: str) -> Iterator[Server]:
    with RUNNING[kind].start() as running:
        yield running


@pytest.fixture
def remembering(trained_shop: Shop, server: Server, tmp_path: Path) -> Iterator[Service]:
    """A service that has the customers of a store on a database server in memory."""
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder / "models", folder / "models", symlinks=True)
    own = {"CUSTOMER_REVENUE_STORE": server.url, "CUSTOMER_REVENUE_STALE_SECONDS": str(STALE_SECONDS)}
    shop = Shop(folder, {**trained_shop.environment, **own})
    (folder / "example.csv").write_text(EXAMPLE_ORDERS)
    shop.run("import", "example.csv", "--as-of", "2023-12-15")
    with serving(shop) as running:
        wait_until(lambda: "customer_revenue_customers_in_memory 1.0" in running.client.get("/metrics").text, 60)
        yield running


def wait_until(done: Callable[[], bool], seconds: float) -> None:
    """Until it has been so for all workers, which take turns."""
    right, give_up = 0, time.monotonic() + seconds
    while right < 8:
        assert time.monotonic() < give_up
        right = right + 1 if done() else 0
        time.sleep(0.05)


def send(server: Server, what: signal.Signals) -> None:
    """To the server and each of its processes."""
    if isinstance(server, RunningMariaDB):
        server.process.send_signal(what)
        return
    first = int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    listing = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()[1:]]
    for pid in (first, *(int(pid) for pid, parent in rows if int(parent) == first)):
        os.kill(pid, what)


@pytest.mark.servers
@pytest.mark.parametrize(("kind", "how"), [("postgres", "hangs"), ("postgres", "shut down"), ("mysql", "hangs")])
def test_customers_in_memory_are_answered_while_the_database_is_away(
    remembering: Service, server: Server, how: str
) -> None:
    before = remembering.get(PATH).json()
    assert "stale_since" not in before["meta"]
    quiet = {"ready": True, "store": "answers", "stale_since": None, "reverted": None}
    assert remembering.client.get("/readyz").json() == quiet
    left = dt.datetime.now(dt.UTC)
    send(server, signal.SIGSTOP) if how == "hangs" else server.down()
    try:
        wait_until(lambda: "stale_since" in remembering.get(PATH, breakdown="monthly").json().get("meta", {}), 10)
        answer = remembering.get(PATH).json()
        since = dt.datetime.fromisoformat(answer["meta"].pop("stale_since"))
        assert abs((since - left).total_seconds()) < 5
        assert answer["revenue_summary"] == before["revenue_summary"]
        assert answer["predictions"] == before["predictions"]
        ready, seconds = timed(remembering, "/readyz")
        assert (ready["ready"], ready["store"]) == (True, "away")
        assert seconds < 2
        assert "customer_revenue_store_away 1.0" in remembering.client.get("/metrics").text
        began = time.monotonic()
        assert remembering.get("/customers/nobody/revenue").json()["error"]["code"] == "store_unavailable"
        assert time.monotonic() - began < 2
        wait_until(lambda: remembering.get(PATH).status_code == 503, STALE_SECONDS + 10)
        ready, seconds = timed(remembering, "/readyz")
        assert ready == {"ready": False, "store": "away", "stale_since": None, "reverted": None}
        assert seconds < 2
        assert remembering.client.get("/livez").status_code == 200
    finally:
        send(server, signal.SIGCONT) if how == "hangs" else server.up()
    wait_until(lambda: "stale_since" not in remembering.get(PATH).json().get("meta", {"stale_since": 1}), 20)
    wait_until(lambda: remembering.client.get("/readyz").json()["store"] == "answers", 20)


def timed(service: Service, path: str) -> tuple[dict[str, object], float]:
    began = time.monotonic()
    found: dict[str, object] = service.client.get(path).json()
    return found, time.monotonic() - began


def test_freshness_follows_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    freshness = Freshness(is_snapshot=False, stale_seconds=60)
    assert (freshness.is_valid, freshness.is_stale) == (True, False)
    now += MAX_AGE_SECONDS - CHECK_SECONDS
    freshness.begin_check()
    now += CHECK_SECONDS
    assert (freshness.is_away, freshness.is_stale, freshness.is_valid) == (True, True, True), "a check that hangs"
    freshness.mark_unchanged(now)
    assert (freshness.is_away, freshness.is_stale, freshness.is_valid) == (False, False, True)
    now += MAX_AGE_SECONDS + 0.1
    assert (freshness.is_away, freshness.is_valid) == (False, False), "no check for long, and none that failed"
    freshness.mark_failed()
    assert freshness.is_stale
    now += 60
    assert (freshness.is_away, freshness.is_stale, freshness.is_valid) == (True, False, False), "beyond the limit"
    freshness.mark_changed()
    freshness.mark_failed()
    assert not freshness.is_valid, "the store is known to hold something else"
    embedded = Freshness(is_snapshot=True)
    now += 1000
    assert (embedded.is_away, embedded.is_valid, embedded.stale_since) == (False, True, None)
