"""What a worker keeps in memory of its own while stores and models are replaced."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from itertools import cycle
from pathlib import Path
from statistics import median

import pytest
from tests.conftest import SIMULATED_DAYS, Shop
from tests.service.conftest import Service, serving

from customer_revenue.orders.files.simulate import Shop as Truth
from customer_revenue.orders.files.simulate import write_simulated_orders
from customer_revenue.workflows.registry.bundles import make_current

CUSTOMERS = 20_000
TEN_ORDERS_A_CUSTOMER = Truth(r=0.9, alpha_days=22.0, a=0.3, b=4.0)
CHANGES = 10
HALF = CHANGES // 2
MAX_GROWTH = 1.25
"""Of the second half's median over the first's. A replaced store and its customers are 30 to 45 MB of about 300."""
BATCH = "/api/payment/analytics/customers/batch"
REPORTS = ("/widget", "/trends", "/rfm", "/segments", "/actions")


@pytest.mark.process
def test_an_application_starts_without_large_libraries_that_it_seldom_needs() -> None:
    code = "import sys, customer_revenue.service.app; print({'pandas', 'scipy.stats', 'lightgbm'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"


@pytest.mark.servers
def test_workers_have_allocators_that_give_back_what_is_free(served: Service) -> None:
    environment = Path(f"/proc/{workers_of(served)[0]}/environ").read_bytes().split(b"\0")
    assert {b"MALLOC_ARENA_MAX=2", b"ARROW_DEFAULT_MEMORY_POOL=system"} <= set(environment)


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(900)
def test_a_worker_does_not_grow_with_imports_promotions_and_batches(trained_shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    shop = Shop(folder, {**trained_shop.environment, "CUSTOMER_REVENUE_WORKERS": "1"})
    write_simulated_orders(folder / "many.parquet", CUSTOMERS, SIMULATED_DAYS, 3, TEN_ORDERS_A_CUSTOMER)
    shop.run("import", "many.parquet")
    models = folder / "models"
    first = (models / "current").resolve().name
    shutil.copytree(models / first, models / "other")
    versions = cycle(["other", first])
    over = threading.Event()
    megabytes: list[float] = []

    def keep_asking(client: int) -> None:
        while not over.is_set():
            ask(running, client)

    with serving(shop) as running:
        wait_until_taken_up(folder, 0)
        (worker,) = workers_of(running)
        clients = [threading.Thread(target=keep_asking, args=(client,), daemon=True) for client in range(8)]
        for thread in clients:
            thread.start()
        for number in range(CHANGES):
            if number % 2:
                make_current(models, next(versions))
            else:
                line = f"m{number},c7,2023-12-12T10:00:00Z,100,paid\n"
                (folder / "more.csv").write_text("order_id,user_id,created_at,total_cents,status\n" + line)
                shop.run("import", "more.csv")
            wait_until_taken_up(folder, number + 1)
            megabytes.append(own_megabytes(worker))
        over.set()
        for thread in clients:
            thread.join(60)
        assert median(megabytes[HALF:]) < MAX_GROWTH * median(megabytes[:HALF])


def workers_of(service: Service) -> list[int]:
    """Its worker processes."""
    asked = ["pgrep", "--parent", str(service.process.pid), "--full", "_bentoml_impl.worker"]
    return [int(pid) for pid in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()]


def own_megabytes(pid: int) -> float:
    """Memory that no other process can share; a mapped snapshot, which all can, is not part of it."""
    found = re.search(r"^Anonymous:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found.group(1)) / 1024


def wait_until_taken_up(folder: Path, changes: int) -> None:
    """Until the worker's customers in memory are those after this many changes."""
    give_up = time.monotonic() + 120
    while (folder / "serve.log").read_text().count("customers in memory as of") <= changes:
        assert time.monotonic() < give_up, (folder / "serve.log").read_text()[-2000:]
        time.sleep(0.2)


def ask(service: Service, part: int) -> None:
    """A batch, a report, and some customers: of all time from memory, and of a period from the store."""
    names = [f"c{number}" for number in range(part * 500, part * 500 + 500)]
    service.client.post(BATCH, json={"customer_ids": names})
    service.get(REPORTS[part % len(REPORTS)])
    for name in names[:30]:
        service.get(f"/customers/{name}/revenue")
    for name in names[:5]:
        service.get(f"/customers/{name}/revenue", period="last_6_months")
