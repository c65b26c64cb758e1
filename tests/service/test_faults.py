"""A database that goes away or is slow, a service that is stopped, a disk that is full."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.conftest import EXAMPLE_ORDERS, Shop
from tests.servers import RunningPostgres
from tests.service.conftest import Service, serving
from tests.service.load import Load, loaded

pytestmark = pytest.mark.slow  # they wait for real time-outs, and want a machine to themselves

SOAK_SECONDS = float(os.environ.get("SOAK_SECONDS", "1800"))
"""How long the long run is that `make test-exhaustive` tries."""
BATCH = "/api/payment/analytics/customers/batch"


def orders(body: dict[str, dict[str, int]]) -> int:
    return body["revenue_summary"]["total_orders"]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningPostgres]:
    with RunningPostgres.start() as running:
        yield running


@pytest.fixture(scope="module")
def on_postgres(trained_shop: Shop, server: RunningPostgres, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The example's customer on a database server, with the trained shop's model."""
    folder = tmp_path_factory.mktemp("postgres") / "shop"
    shutil.copytree(trained_shop.folder / "models", folder / "models", symlinks=True)
    environment = {"CUSTOMER_REVENUE_STORE": server.url, "CUSTOMER_REVENUE_STATEMENT_SECONDS": "2"}
    shop = Shop(folder, {**trained_shop.environment, **environment})
    (folder / "example.csv").write_text(EXAMPLE_ORDERS)
    shop.run("import", "example.csv", "--as-of", "2023-12-15")
    return shop


@pytest.fixture(scope="module")
def service(on_postgres: Shop) -> Iterator[Service]:
    """A service that asks the database about each customer; test_stale.py has one that keeps them in memory."""
    environment = {**on_postgres.environment, "CUSTOMER_REVENUE_CUSTOMERS_IN_MEMORY": "0"}
    with serving(Shop(on_postgres.folder, environment)) as running:
        yield running


def test_a_database_that_stops_and_starts_again(service: Service, server: RunningPostgres) -> None:
    with loaded(service, orders) as load:
        wait(load, 200)
        server.down()
        wait(load, 503)
        assert service.client.get("/readyz").status_code == 503
        assert service.client.get("/livez").status_code == 200
        server.up()
        began = time.monotonic()
        wait(load, 200)
        # The clients may all have the same worker, and the other one may find the database a little later.
        while service.client.get("/readyz").status_code != 200 and time.monotonic() - began < 60:
            time.sleep(0.1)
        recovered = time.monotonic() - began
    assert load.failures == []
    assert set(load.statuses) == {200, 503}
    assert {what for _, status, what in load.answers if status == 503} == {"store_unavailable"}
    assert recovered < 15


def wait(load: Load, status: int) -> None:
    """Until all clients get this status."""
    seen = len(load.answers)
    load.wait_for(lambda load: len(load.answers) > seen + 12 and {s for _, s, _ in load.answers[-12:]} == {status}, 60)


def test_a_slow_database_is_not_waited_for(service: Service, server: RunningPostgres) -> None:
    with loaded(service, orders, clients=30) as load:
        wait(load, 200)
        with psycopg.connect(server.url) as holder:
            holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            wait(load, 503)
            connections = server.query(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'customer-revenue'"
            )
            time.sleep(3)
        released = time.monotonic()
        wait(load, 200)
    late = [when - began for when, status, _ in load.answers if status == 503]
    assert min(late) < 6  # a statement's 2 seconds, or a connection's 3, and not more in a row
    assert time.monotonic() - released < 30
    assert set(load.statuses) == {200, 503}
    assert connections[0][0] <= 2 * 8  # two workers
    assert load.failures == []


def test_requests_in_flight_are_answered_before_the_service_stops(trained_shop: Shop) -> None:
    ids = [f"c{number}" for number in range(800)] * 12
    answers: list[int | str] = []
    sent = threading.Barrier(6, timeout=30)

    def on_event(name: str, info: Mapping[str, Any]) -> None:
        if name == "http11.send_request_body.complete":
            sent.wait()

    def ask(url: httpx.URL) -> None:
        try:
            with httpx.Client(base_url=url, timeout=60) as client:
                response = client.post(BATCH, json={"customer_ids": ids}, extensions={"trace": on_event})
                answers.append(len(response.json()["customers"]) if response.is_success else response.text)
        except Exception as error:
            answers.append(repr(error))

    with serving(trained_shop) as running:
        # A worker admits one batch and four that wait, and all of them may have the same worker.
        threads = [threading.Thread(target=ask, args=(running.client.base_url,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        sent.wait()
        time.sleep(0.5)  # for the service to read what has been sent
        answered_before = len(answers)
        running.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        running.process.wait(timeout=30)
    assert answered_before < len(threads)
    assert answers == [len(ids)] * len(threads)


def test_a_full_disk_in_training_leaves_the_model_in_use(trained_shop: Shop, tmp_path: Path) -> None:
    """A limit on the size of any file written stands for the full disk."""
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    shop = Shop(folder, trained_shop.environment)
    before = shop.show("user_123")
    command = [sys.executable, "-m", "customer_revenue", "train"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=shop.environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000)),
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr
    assert shop.show("user_123") == before
    left = [path.name for path in (folder / "models").iterdir() if path.name.startswith(".")]
    assert [name for name in left if not name.endswith(".lock")] == []


@pytest.mark.slow
@pytest.mark.timeout(SOAK_SECONDS + 300)
@pytest.mark.parametrize("seconds", [20.0, pytest.param(SOAK_SECONDS, marks=pytest.mark.exhaustive)])
def test_memory_is_flat_in_the_long_run(trained_shop: Shop, tmp_path: Path, seconds: float) -> None:
    """Moderate load, with an import now and then."""
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    shop = Shop(folder, trained_shop.environment)
    sizes: list[float] = []
    with serving(shop) as running, loaded(running, orders, clients=2, pause=0.03) as load:
        began = time.monotonic()
        for number in range(100_000):
            line = f"s{number},user_123,2023-12-12T10:00:00Z,100,paid\n"
            (folder / "more.csv").write_text("order_id,user_id,created_at,total_cents,status\n" + line)
            shop.run("import", "more.csv")
            time.sleep(seconds / 20)
            sizes.append(memory_of_workers(running))
            if time.monotonic() - began > seconds:
                break
    print("MB:", *(round(size) for size in sizes), load.statuses)  # noqa: T201
    assert load.failures == []
    assert set(load.statuses) == {200}
    first, last = sizes[len(sizes) // 3], sizes[-1]
    assert last < 1.1 * first + 20


def memory_of_workers(service: Service) -> float:
    """Resident memory of the service's workers in MB."""
    listing = subprocess.run(["ps", "-eo", "ppid,rss"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()[1:]]
    return sum(int(rss) for parent, rss in rows if int(parent) == service.process.pid) / 1024
