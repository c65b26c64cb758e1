"""The page in a browser, before a running service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from tests.conftest import Shop
from tests.dashboard.browser import DESKTOP, chromium, need_chromium
from tests.service.conftest import Service, serving

PATIENCE_MS = 15_000

HOSTILE = {
    "x-script": "<script>window.owned = true</script><img src=x onerror='window.owned = true'>",
    "x-rtl": "\u202eevil\u202c שלום عالم",
    "x-long": "L" + "o" * 9_998 + "g",
    "x/slash?&#%": "Slash & Sons",
    "x-formula": "=HYPERLINK(0)",
}
"""Names that customers of a shop may come with, by id."""


def hostile_orders() -> str:
    """Orders of customers with such names, worth so much that they lead every list."""
    lines = ["order_id,user_id,created_at,total_cents,status,user_name,user_email"]
    for n, (user_id, name) in enumerate(HOSTILE.items()):
        quoted = name.replace('"', '""')
        lines += [
            f'h{n}-{month},{user_id},2023-{month}-20T10:00:00Z,{900_000 - n},paid,"{quoted}",{n}@example.com'
            for month in ("01", "05", "08")
        ]
    return "\n".join(lines) + "\n"


@dataclass
class Visit:
    """A page that is looked at, and what went wrong on it."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, fragment: str = "#/") -> Page:
        """Open a view and wait until it is drawn."""
        self.page.goto(f"{self.url}/{fragment}")
        return self.drawn()

    def drawn(self) -> Page:
        """Wait until the view is drawn, with what comes later: all of it in one look, since each may come and go."""
        expect(self.page.locator("main:not([aria-busy]):has(h1):not(:has(.skeleton))")).to_have_count(1)
        return self.page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    need_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def shop(browser: Browser, trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The trained shop, with some customers of odd names more; not made where the browser is missing."""
    folder = tmp_path_factory.mktemp("page") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    copied = Shop(folder, trained_shop.environment)
    (folder / "hostile.csv").write_text(hostile_orders(), "utf-8")
    copied.run("import", "hostile.csv", "--as-of", "2023-12-15")
    return copied


@pytest.fixture(scope="session")
def site(shop: Shop) -> Iterator[Service]:
    """The shop, served. Not to be changed."""
    with serving(shop) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-US", viewport={"width": DESKTOP["width"], "height": DESKTOP["height"]})
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def visit(site: Service, context: BrowserContext) -> Iterator[Visit]:
    """A visit that must end without an error on the console."""
    visit = visit_of(context, site)
    yield visit
    assert visit.errors == []


def visit_of(context: BrowserContext, service: Service) -> Visit:
    """A visit to any service; the caller looks at its errors."""
    page = context.new_page()
    visit = Visit(page, str(service.client.base_url).rstrip("/"))

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visit.errors.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("request", lambda request: visit.asked.append(request.url))
    return visit


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path / "downloads"
