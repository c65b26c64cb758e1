"""How long Today takes over a slow network: ``python -m benchmarks.page_load http://127.0.0.1:3000``.

Chromium loads the page with an empty cache at 50 KB/s and 400 ms of latency, which its protocol for developers
(``Network.emulateNetworkConditions``) adds to every request. The service runs already, and has answered once before.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Browser, Request, expect
from tests.dashboard.browser import DESKTOP, chromium

TOTAL_SECONDS = 3.0
ALL_SECONDS = 6.0
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Load:
    """One load of the page: seconds until the total and until all is there, and what was asked for."""

    total_seconds: float
    all_seconds: float
    requests: int
    bytes_sent: int
    kept: list[str]


def load(browser: Browser, url: str, kilobytes: float, latency_ms: float) -> Load:
    """Load Today once, in a browser that has kept nothing."""
    context = browser.new_context(viewport={"width": DESKTOP["width"], "height": DESKTOP["height"]}, locale="en-US")
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    speed = {"downloadThroughput": kilobytes * 1000, "uploadThroughput": kilobytes * 1000}
    network.send("Network.emulateNetworkConditions", {"offline": False, "latency": latency_ms, **speed})
    ended: list[Request] = []
    page.on("requestfinished", lambda request: ended.append(request))
    page.add_init_script(
        "new MutationObserver(() => { if (!window.totalAt && document.querySelector('.huge')) "
        "requestAnimationFrame(() => { window.totalAt = performance.now(); }); })"
        ".observe(document, { childList: true, subtree: true })"
    )
    page.goto(f"{url}/", wait_until="commit")
    expect(page.locator(".huge")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
    expect(page.locator("main:not([aria-busy]):not(:has(.skeleton))")).to_have_count(1)
    times = page.evaluate(
        "[window.totalAt, Math.max(...performance.getEntriesByType('resource').map((one) => one.responseEnd))]"
    )
    sizes = [request.sizes() for request in ended]
    sent = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
    timing = sorted((one.timing["startTime"], one) for one in ended)
    first = timing[0][0]
    kept = [f"{at - first:6.0f} ms  {one.timing['responseEnd']:6.0f} ms  {one.url}" for at, one in timing]
    context.close()
    return Load(times[0] / 1000, times[1] / 1000, len(ended), sent, kept)


def main() -> None:
    """Print the medians, and whether they are within what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the service runs")
    parser.add_argument("--runs", type=int, default=5, help="loads, of which the median counts")
    parser.add_argument("--kilobytes", type=float, default=50, help="thousand bytes a second")
    parser.add_argument("--latency-ms", type=float, default=400, help="latency of a request")
    parser.add_argument("--requests", action="store_true", help="when each request of the last load began and took")
    given = parser.parse_args()
    with chromium() as browser:
        load(browser, given.url.rstrip("/"), 1e6, 0)
        loads = [load(browser, given.url.rstrip("/"), given.kilobytes, given.latency_ms) for _ in range(given.runs)]
    print("| | seconds, median | worst | wanted |\n|---|---:|---:|---:|")
    for name, wanted in (("total_seconds", TOTAL_SECONDS), ("all_seconds", ALL_SECONDS)):
        seconds = [getattr(one, name) for one in loads]
        print(f"| {name.removesuffix('_seconds')} | {median(seconds):.2f} | {max(seconds):.2f} | {wanted:.0f} |")
    print(f"\n{loads[-1].requests} requests, {loads[-1].bytes_sent / 1000:.0f} kB")
    if given.requests:
        print("\n".join(loads[-1].kept))


if __name__ == "__main__":
    main()
