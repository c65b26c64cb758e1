"""A shop that is served for half an hour while orders come, models change and people are forgotten.

``python -m benchmarks.soak --minutes 30 --customers 20000 --folder FOLDER``. Answers about random customers, batches
and reports go on all the time, and every one that fails is counted; the memory of the service's processes is followed.
The folder keeps the simulated store and its two models for the next time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.service import ROOT, customers_in_memory, prepare, run, serving, wait

ANALYTICS = "/api/payment/analytics"
SERVICE = "customer_revenue.service.bento:CustomerRevenueService"
SAMPLE_SECONDS = 5.0
IMPORT_SECONDS, PROMOTE_SECONDS, FORGET_SECONDS = 60.0, 75.0, 100.0
BATCH = 500
WARM_UP_SECONDS = 1800
BUSY_TRIES = 60
"""How often a command is begun again that finds another one at work on the store."""
FORGET_KEY = "soak-key"
MOST_MEGABYTES = 300.0
"""Of a worker's own, in the last third."""
MOST_GROWTH = 1.1
"""From the second third to the last."""
REFUSED = 503
"""With ``Retry-After``: the service says that it has too much to do, and the client asks again."""


@dataclass
class Answers:
    """What one kind of request was answered."""

    milliseconds: list[float] = field(default_factory=list)
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def row(self, name: str) -> tuple[str, ...]:
        """A row of the table."""
        quantiles = statistics.quantiles(self.milliseconds, n=100) if len(self.milliseconds) > 1 else [0.0] * 99
        count, failed = len(self.milliseconds), self.failures.total()
        return name, f"{count:,}", f"{self.refused:,}", f"{failed:,}", f"{quantiles[49]:.1f}", f"{quantiles[98]:.1f}"


class Client:
    """Sends requests of one kind, one after the other, until the end."""

    def __init__(
        self, port: int, request: Callable[[random.Random], tuple[str, str, str | None]], pause: float
    ) -> None:
        self.answers = Answers()
        self._port, self._request, self._pause = port, request, pause
        self._random = random.Random(pause)  # noqa: S311
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self) -> None:
        """Send one, and note how it was answered."""
        method, path, body = self._request(self._random)
        began = time.perf_counter()
        try:
            self._connection.request(method, ANALYTICS + path, body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self.answers.failures[type(error).__name__] += 1
            self._connection.close()
            return
        if response.status == REFUSED and response.getheader("Retry-After"):
            self.answers.refused += 1
        elif response.status != 200:
            self.answers.failures[f"{response.status} {path.partition('?')[0]}"] += 1
        else:
            self.answers.milliseconds.append(1000 * (time.perf_counter() - began))
        time.sleep(self._pause)


def clients(port: int, customers: int) -> dict[str, Client]:
    """One of each kind; the customers whose numbers end in 7 are left to be forgotten."""

    def name(pick: random.Random) -> str:
        return f"c{pick.randrange(customers // 10) * 10 + pick.randrange(7)}"

    def single(pick: random.Random) -> tuple[str, str, None]:
        query = pick.choice(("", "?breakdown=monthly", "?breakdown=by_product", "?breakdown=monthly,by_product"))
        return "GET", f"/customers/{name(pick)}/revenue{query}", None

    def of_the_store(pick: random.Random) -> tuple[str, str, None]:
        return "GET", f"/customers/{name(pick)}/revenue?period=last_6_months", None

    def batch(pick: random.Random) -> tuple[str, str, str]:
        return "POST", "/customers/batch", json.dumps({"customer_ids": [name(pick) for _ in range(BATCH)]})

    def report(pick: random.Random) -> tuple[str, str, None]:
        return "GET", pick.choice(("/widget", "/trends", "/rfm", "/segments", "/actions?limit=50")), None

    return {
        "one customer": Client(port, single, 0.005),
        "one customer, of the store": Client(port, of_the_store, 0.5),
        f"batch of {BATCH}": Client(port, batch, 2.0),
        "report": Client(port, report, 3.0),
    }


class Shop:
    """What happens to the shop meanwhile, by commands."""

    def __init__(self, folder: Path, customers: int) -> None:
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self._folder, self._customers = folder, customers
        self._orders, self._forgotten = itertools.count(), itertools.count()
        models = folder / "models"
        self._versions = itertools.cycle(sorted(path.parent.name for path in models.glob("[0-9]*/gate.json"))[-2:])

    def bring_orders(self) -> None:
        """Import a file of 100 orders."""
        today = dt.date.today() - dt.timedelta(days=1)
        lines = [
            f"soak-{os.getpid()}-{next(self._orders)},c{random.randrange(self._customers // 10) * 10},"  # noqa: S311
            f"{today}T12:00:00Z,{random.randrange(500, 20_000)},paid"  # noqa: S311
            for _ in range(100)
        ]
        file = self._folder / "soak.csv"
        file.write_text("\n".join(["order_id,user_id,created_at,total_cents,status", *lines, ""]))
        self._command("import", "soak.csv")

    def promote(self) -> None:
        """Let the other model answer."""
        self._command("promote", next(self._versions), "--force", "--why", "soak")

    def forget(self) -> None:
        """Forget a customer and their orders."""
        self._command("forget", f"c{next(self._forgotten) * 10 + 7}", "--orders")

    def _command(self, *words: str) -> None:
        command = [sys.executable, "-m", "customer_revenue", *words]
        for _ in range(BUSY_TRIES):
            ended = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False)
            if "try again" not in ended.stderr:
                break
            self.done[f"{words[0]} told to wait for another"] += 1
            time.sleep(1)
        if ended.returncode:
            last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
            self.failures.append(f"{words[0]}: {''.join(last)[:200]}")
        else:
            self.done[words[0]] += 1


def processes() -> dict[str, int]:
    """The process that this one has started, and its workers, by what they are."""
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            lines[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("latin1")
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    workers = sorted(
        pid
        for pid, line in lines.items()
        if "_bentoml_impl.worker" in line and parents.get(parents.get(pid, 0)) == os.getpid()
    )
    return {"parent": parents[workers[0]]} | {f"worker {place}": pid for place, pid in enumerate(workers, 1)}


def private_megabytes(pid: int) -> float:
    """The memory of a process that no file backs, and so without the mapped snapshot; 0 once it has ended."""
    try:
        found = re.search(r"^Anonymous:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found.group(1)) / 1024 if found else 0


def soak(port: int, folder: Path, customers: int, minutes: float) -> bool:
    """Let everything go on, and print the table; whether nothing failed."""
    asking, shop, over = clients(port, customers), Shop(folder, customers), threading.Event()

    def keep(work: Callable[[], None], pause: float = 0.0) -> threading.Thread:
        def go_on() -> None:
            while not over.wait(pause):
                work()

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        return thread

    threads = [keep(client.ask) for client in asking.values()]
    changes = ((shop.bring_orders, IMPORT_SECONDS), (shop.promote, PROMOTE_SECONDS), (shop.forget, FORGET_SECONDS))
    threads += [keep(work, pause) for work, pause in changes]
    pids = processes()
    memory: dict[str, list[float]] = {name: [] for name in pids}
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        for name, pid in pids.items():
            memory[name].append(private_megabytes(pid))
        time.sleep(SAMPLE_SECONDS)
    over.set()
    for thread in threads:
        thread.join(300)
    restarted = processes() != pids
    table(
        [
            ("requests", "answered", "refused", "failed", "median ms", "p99 ms"),
            *(c.answers.row(n) for n, c in asking.items()),
        ]
    )
    table(
        [
            ("private memory, MB", "start", "1st third", "2nd third", "3rd third", "highest"),
            *((name, *of_thirds(values)) for name, values in memory.items()),
        ]
    )
    print(f"done meanwhile: {', '.join(f'{count} x {name}' for name, count in shop.done.items())}")
    failures = [f"{count} x {name}" for client in asking.values() for name, count in client.answers.failures.items()]
    failures += [*shop.failures, *(["a worker was started anew"] if restarted else [])]
    failures += [f"the memory of {name}" for name, values in memory.items() if "worker" in name and not is_flat(values)]
    for failure in failures:
        print(f"failed: {failure}")
    return not failures


def is_flat(megabytes: list[float]) -> bool:
    """Whether a worker's memory stays where it is, and within what it may have."""
    _, before, last = medians_of_thirds(megabytes)
    return last <= min(MOST_MEGABYTES, MOST_GROWTH * before)


def medians_of_thirds(values: list[float]) -> list[float]:
    third = max(len(values) // 3, 1)
    return [statistics.median(values[start : start + third] or values) for start in (0, third, 2 * third)]


def of_thirds(values: list[float]) -> tuple[str, ...]:
    """The first value, the medians of the three thirds, and the highest."""
    return tuple(f"{value:.0f}" for value in (values[0], *medians_of_thirds(values), max(values)))


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=30)
    arguments.add_argument("--customers", type=int, default=20_000)
    arguments.add_argument("--folder", type=Path, default=None)
    given = arguments.parse_args()
    folder = (given.folder or ROOT / "build" / f"soak-{given.customers}").resolve()
    os.environ |= {"CUSTOMER_REVENUE_FORGET_KEY": FORGET_KEY, "CUSTOMER_REVENUE_WORKERS": "2"}
    prepare(folder, given.customers)
    if len(list((folder / "models").glob("[0-9]*/gate.json"))) < 2:
        run(folder, "train")
    print(f"{dt.date.today()}, {os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}")
    with serving(folder, SERVICE) as port:
        wait(lambda: customers_in_memory(port) > 0, WARM_UP_SECONDS)
        is_sound = soak(port, folder, given.customers, given.minutes)
        print(f"load average after {os.getloadavg()[0]:.1f}")
    sys.exit(0 if is_sound else 1)


if __name__ == "__main__":
    main()
