"""How long each view of the page takes on a large shop: ``python -m benchmarks.page_views --folder FOLDER``.

The shop is CDNOW's customers, thirteen times over, 306,410 in all; the folder keeps store and model for the next
time. Cold is the first view after the service has started and has its customers in memory, with a start for each view;
warm is the median of some more. Chromium draws them, and a view counts until all of its parts are there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
from playwright.sync_api import Browser, Page, expect
from tests.conftest import Shop, empty_shop
from tests.dashboard.browser import DESKTOP, chromium
from tests.dashboard.screenshots import pages
from tests.service.conftest import serving

from customer_revenue.orders.files.samples import cdnow_path

TIMES = 13
COLD_SECONDS, WARM_SECONDS = 5.0, 1.0
DRAWN = "main:not([aria-busy]):has(h1):not(:has(.skeleton, .later))"
PATIENCE_MS = 120_000
MEMORY_SECONDS = 600
WARM_UP = 8
"""Openings until every worker has answered each request, in all likelihood."""


def large_shop(folder: Path, times: int) -> Shop:
    """The shop, imported and trained unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    shop = empty_shop(folder.resolve())
    if not (folder / "models" / "current").exists():
        header, *lines = [line for line in cdnow_path().read_text("ascii").splitlines() if line.strip()]
        with (folder / "CDNOW_master.txt").open("w", encoding="ascii") as file:
            file.write(f"{header}\n")
            for n in range(times):
                for line in lines:
                    customer, day, number, amount = line.split()
                    file.write(f" {n + 1}{customer} {day} {number:>2} {amount:>7}\n")
        shop.run("import", "CDNOW_master.txt")
        shop.run("train")
    return shop


@contextmanager
def started(shop: Shop) -> Iterator[str]:
    """The service with its customers in memory; its address."""
    with serving(shop) as service:
        give_up = time.monotonic() + MEMORY_SECONDS
        while not in_memory(service.client):
            assert time.monotonic() < give_up, "the customers are not in memory"
            time.sleep(0.5)
        yield str(service.client.base_url).rstrip("/")


def in_memory(client: httpx.Client) -> bool:
    """Whether the service has its customers in memory."""
    text = client.get("/metrics").text
    return any(
        line.startswith("customer_revenue_customers_in_memory") and float(line.split()[-1]) > 0
        for line in text.splitlines()
    )


def drawn(page: Page, url: str, fragment: str) -> float:
    """Seconds until a view is drawn."""
    page.goto("about:blank")
    began = time.monotonic()
    page.goto(f"{url}/{fragment}", wait_until="commit")
    expect(page.locator(DRAWN)).to_have_count(1, timeout=PATIENCE_MS)
    return time.monotonic() - began


def opened(browser: Browser) -> Page:
    """A page in a browser that has kept nothing."""
    context = browser.new_context(viewport={"width": DESKTOP["width"], "height": DESKTOP["height"]}, locale="en-US")
    return context.new_page()


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/large-shop"), help="keeps store and model")
    parser.add_argument("--times", type=int, default=TIMES, help="how many times CDNOW's customers")
    parser.add_argument("--runs", type=int, default=5, help="warm openings of each view, of which the median counts")
    parser.add_argument("--no-cold", action="store_true", help="leave out the starts of the service")
    given = parser.parse_args()
    shop = large_shop(given.folder, given.times)
    with chromium() as browser:
        with started(shop) as url:
            views = pages(url)
            page = opened(browser)
            warm = {}
            for name, fragment in views.items():
                for _ in range(WARM_UP):
                    drawn(page, url, fragment)
                warm[name] = median(drawn(page, url, fragment) for _ in range(given.runs))
        print(f"| view | cold, s (wanted {COLD_SECONDS:.0f}) | warm, s (wanted {WARM_SECONDS:.0f}) |\n|---|---:|---:|")
        for name, fragment in views.items():
            cold = "–"
            if not given.no_cold:
                with started(shop) as url:
                    cold = f"{drawn(opened(browser), url, fragment):.2f}"
            print(f"| {name} | {cold} | {warm[name]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
