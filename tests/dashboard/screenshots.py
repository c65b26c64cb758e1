"""Pictures of every view on a desktop, a tablet and a phone, in light and dark: what ``make screenshots`` runs.

The shop is the demo's, made in ``build/screenshots`` where it is not there yet.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import httpx
from playwright.sync_api import Browser, expect
from tests.conftest import Shop, empty_shop
from tests.dashboard.browser import DESKTOP, PHONE, chromium
from tests.service.conftest import serving

FOLDER = Path("build/screenshots")
SIZES = {"desktop": DESKTOP, "tablet": {"width": 768, "height": 1024}, "phone": PHONE}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LONGEST = 3000


def pages(url: str) -> dict[str, str]:
    """The address of each page; the customer is the one with most revenue at risk, who has something to show."""
    api = f"{url}/api/payment/analytics"
    asked = {"show": "at_risk", "sort": "revenue_at_risk_cents", "limit": "1"}
    found = httpx.get(f"{api}/dashboard/customers", params=asked, timeout=60).json()["customers"]
    customer = found[0]["customer_id"] if found else "nobody"
    plays = httpx.get(f"{api}/dashboard/plays", timeout=60).json().get("plays")
    campaigns = httpx.get(f"{api}/campaigns", timeout=60).json()["campaigns"]
    views = {
        "today": "#/",
        "plays": "#/plays",
        "results": "#/results",
        "customers": "#/customers",
        "filtered": "#/customers?status=slipping&sort=value_at_risk_cents",
        "customer": f"#/customer/{quote(customer, safe='')}",
        "shop": "#/shop",
        "acquisition": "#/acquisition?by=size",
        "trust": "#/trust",
        "settings": "#/settings",
        "missing": "#/customer/nobody",
    }
    if plays:
        views["play"] = f"#/plays/{plays[0]['code']}"
    if campaigns:
        views["result"] = f"#/results/{quote(campaigns[-1]['campaign'], safe='')}"
    return views


def take(browser: Browser, url: str, folder: Path) -> list[Path]:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for size, viewport in SIZES.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": viewport["width"], "height": viewport["height"]},
                color_scheme=scheme,
                locale="en-US",
                device_scale_factor=1,
                reduced_motion="reduce",
            )
            page = context.new_page()
            for name, fragment in pages(url).items():
                page.goto("about:blank")
                page.goto(f"{url}/{fragment}")
                page.wait_for_selector("main :is(h1, .empty)")
                expect(page.locator("main :is(.skeleton, .later)")).to_have_count(0, timeout=60_000)
                page.wait_for_timeout(150)  # charts are drawn when their place has a size
                height = min(page.evaluate("document.documentElement.scrollHeight"), LONGEST)
                path = folder / f"{name}-{size}-{scheme}.png"
                page.screenshot(
                    path=path, clip={"x": 0, "y": 0, "width": viewport["width"], "height": height}, full_page=True
                )
                taken.append(path)
            context.close()
    return taken


def _demo_shop() -> Shop:
    FOLDER.mkdir(parents=True, exist_ok=True)
    shop = empty_shop(FOLDER.resolve())
    if not (shop.folder / "models" / "current").exists():
        shop.run("demo", "--no-serve")
    return shop


def main() -> None:
    """Take them of a service that runs at the address given, or of the demo's."""
    if len(sys.argv) > 1:
        with chromium() as browser:
            taken = take(browser, sys.argv[1].rstrip("/"), Path(sys.argv[2] if len(sys.argv) > 2 else FOLDER))
    else:
        with serving(_demo_shop()) as service, chromium() as browser:
            taken = take(browser, str(service.client.base_url).rstrip("/"), FOLDER)
    sys.stdout.write(f"{len(taken)} pictures in {os.path.relpath(taken[0].parent)}\n")


if __name__ == "__main__":
    main()
