"""How fast the service answers: latency of one client, and throughput against a bare route, side by side.

``python -m benchmarks.service --customers 200000 --folder FOLDER``. The folder keeps the simulated store and its
model for the next time. ``--store postgresql://…`` asks an empty database instead. Needs wrk. Loads nothing but a
service that it starts itself on this machine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import http.client
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_revenue.orders.files.simulate import Shop, write_simulated_orders

ROOT = Path(__file__).parents[1]
TEN_ORDERS_A_CUSTOMER = Shop(r=0.9, alpha_days=22.0, a=0.3, b=4.0)
DAYS = 700
PATH = "/api/payment/analytics/customers/c{n}/revenue?breakdown=monthly"
WARM_UP_SECONDS = 1800
RANDOM_CUSTOMERS = """
local n = tonumber(os.getenv("CUSTOMERS"))
init = function() math.randomseed(os.time()) end
request = function()
  local id = "c" .. math.random(0, n - 1)
  return wrk.format("GET", "/api/payment/analytics/customers/" .. id .. "/revenue?breakdown=monthly")
end
"""
BARE = """
local i = 0
request = function() i = i + 1; return wrk.format("GET", "/api/bare?n=" .. i .. "-" .. math.random(1000000)) end
"""


def prepare(folder: Path, customers: int) -> None:
    """The store and the model, unless they are there from an earlier time."""
    folder.mkdir(parents=True, exist_ok=True)
    store = os.environ.get("CUSTOMER_REVENUE_STORE", "duckdb:///data/orders.duckdb")
    filled = folder / f"filled-{hashlib.sha256(store.encode()).hexdigest()[:12]}"
    if not filled.exists():
        orders = write_simulated_orders(folder / "orders.parquet", customers, DAYS, 5, TEN_ORDERS_A_CUSTOMER)
        print(f"{customers:,} customers with {orders:,} orders")
        run(folder, "import", "orders.parquet")
        filled.touch()
    if not (folder / "models" / "current").exists():
        run(folder, "train")


def run(folder: Path, *words: str) -> None:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "customer_revenue", *words], cwd=folder, check=True, capture_output=True)
    print(f"{words[0]}: {time.monotonic() - began:.0f} s")


@contextmanager
def serving(folder: Path, service: str, size: int = 0) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "bentoml", "serve", service, "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "BARE_BYTES": str(size)}
    with (
        (folder / "serve.log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            began = time.monotonic()
            wait(lambda: get(port, PATH.format(n=7))[0] == 200, 60)
            print(f"{service.partition(':')[0]}: first answer after {time.monotonic() - began:.1f} s")
            yield port
        finally:
            process.terminate()


def wait(done: Callable[[], bool], seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            if done():
                return
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit("the service did not become ready")


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


def customers_in_memory(port: int) -> float:
    """Of each worker, by its metrics."""
    found = re.search(r"^customer_revenue_customers_in_memory (\S+)$", get(port, "/metrics")[1].decode(), re.MULTILINE)
    return float(found.group(1)) if found else 0


def latency(port: int, customers: int, requests: int) -> None:
    """One client, one connection, random customers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    for _ in range(requests):
        path = PATH.format(n=random.randrange(customers))  # noqa: S311
        began = time.perf_counter()
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        times.append((time.perf_counter() - began) * 1000)
        assert response.status == 200, response.status
    percentiles = statistics.quantiles(times, n=100)
    print(f"one client: median {statistics.median(times):.2f} ms, p99 {percentiles[98]:.2f} ms of {requests} requests")


def throughput(port: int, folder: Path, script: str, customers: int, seconds: int) -> float:
    """Requests a second that wrk gets answered."""
    file = folder / "load.lua"
    file.write_text(script)
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(file), f"http://127.0.0.1:{port}"]
    done = subprocess.run(
        command, env=os.environ | {"CUSTOMERS": str(customers)}, capture_output=True, text=True, check=True
    )
    assert "Non-2xx" not in done.stdout, done.stdout
    match = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert match, done.stdout
    return float(match.group(1))


def compare(port: int, folder: Path, customers: int, rounds: int, seconds: int) -> None:
    """The three loads in turn, so that what else the machine does meets all of them."""
    one = f'request = function() return wrk.format("GET", "{PATH.format(n=7)}") end'
    loads = {"bare": BARE, "random customers": RANDOM_CUSTOMERS, "one customer again": one}
    found: dict[str, list[float]] = {name: [] for name in loads}
    for _ in range(rounds):
        for name, script in loads.items():
            found[name].append(throughput(port, folder, script, customers, seconds))
    bare = statistics.median(found["bare"])
    for name, rates in found.items():
        rate = statistics.median(rates)
        print(f"{name:20} {rate:8.0f} requests/s  {rate / bare:5.0%} of the bare route")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--customers", type=int, default=200_000)
    arguments.add_argument("--folder", type=Path, default=None)
    arguments.add_argument("--store", help="URL of an empty database server's database instead of the embedded one")
    arguments.add_argument("--requests", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=int, default=8)
    given = arguments.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("needs wrk: apt-get install wrk")
    folder = (given.folder or ROOT / "build" / f"bench-{given.customers}").resolve()
    if given.store:
        os.environ["CUSTOMER_REVENUE_STORE"] = given.store
    prepare(folder, given.customers)
    print(f"{dt.date.today()}, {os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}")
    with serving(folder, "customer_revenue.service.bento:CustomerRevenueService") as port:
        size = len(get(port, PATH.format(n=7))[1])
    print(f"an answer has about {size} bytes; one worker from here on")
    with serving(folder, "benchmarks.bare:CustomerRevenueService", size) as port:
        began = time.monotonic()
        wait(lambda: customers_in_memory(port) >= given.customers, WARM_UP_SECONDS)
        print(f"all customers in memory after {time.monotonic() - began:.0f} s more; {memory()}")
        latency(port, given.customers, given.requests)
        compare(port, folder, given.customers, given.rounds, given.seconds)


def memory() -> str:
    """What the workers take, as the system sees it."""
    listing = subprocess.run(["ps", "-eo", "rss,args"], capture_output=True, text=True, check=True).stdout
    workers = [
        int(line.split()[0]) for line in listing.splitlines() if "_bentoml_impl.worker" in line and "bare" in line
    ]
    return ", ".join(f"worker {rss / 1024:.0f} MB" for rss in workers)


if __name__ == "__main__":
    main()
