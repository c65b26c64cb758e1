"""The page when something is amiss: no key, a wrong one, no service, no store, no model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.conftest import Shop
from tests.dashboard.accessibility import serious
from tests.dashboard.conftest import Visit, visit_of
from tests.service.conftest import Service, serving

from customer_revenue.modeling.manifest import MANIFEST
from customer_revenue.workflows.registry.bundles import UNDER_WAY


@pytest.fixture(scope="module")
def bare(shop: Shop) -> Shop:
    """The shop with a key and without a model."""
    folder = shop.folder.with_name("bare")
    shutil.copytree(shop.folder / "data", folder / "data")
    return Shop(folder, shop.environment)


@pytest.fixture(scope="module")
def key(bare: Shop) -> str:
    return bare.run("keys", "add", "marketing", "--scope", "read").strip().splitlines()[-1].split()[-1]


@pytest.fixture(scope="module")
def guarded(bare: Shop, key: str) -> Iterator[Service]:
    with serving(bare) as running:
        yield running


def sign_in(page: Page, key: str) -> None:
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("API key").fill(key)
    dialog.get_by_role("button", name="Sign in").click()


def test_a_key_is_pasted_once_and_no_script_can_read_the_session(
    guarded: Service, key: str, context: BrowserContext
) -> None:
    visit = visit_of(context, guarded)
    page = visit.page
    page.goto(f"{visit.url}/")
    dialog = page.get_by_role("dialog", name="Sign in")
    sign_in(page, "cr_wrong")
    expect(dialog).to_contain_text("That key is not valid")
    assert serious(page) == {}
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert")).to_contain_text("needs an API key")
    page.get_by_role("button", name="Sign in").click()
    sign_in(page, key)
    visit.drawn()
    expect(page.get_by_role("heading", name="The last 7 days")).to_be_visible()
    page.reload()
    visit.drawn()
    kept = page.evaluate("[document.cookie, JSON.stringify(localStorage), sessionStorage.length]")
    assert kept[0] == ""
    assert key not in kept[1]
    assert kept[2] == 0
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert key not in cookie["value"]
    expect(page.locator("#foot")).to_contain_text("Signed in as marketing (read)")
    page.get_by_role("button", name="Sign out").click()
    expect(dialog).to_be_visible()
    assert context.cookies() == []
    assert unexpected(visit, "401", "503") == []


def test_without_a_model_there_are_the_facts(guarded: Service, key: str, context: BrowserContext) -> None:
    visit = visit_of(context, guarded)
    page = visit.page
    page.goto(f"{visit.url}/")
    sign_in(page, key)
    visit.drawn()
    expect(page.get_by_role("alert")).to_contain_text("No model has been trained yet")
    expect(page.get_by_role("heading", name="The last 7 days")).to_be_visible()
    assert serious(page) == {}
    visit.open("#/customers?activity=at_risk")
    expect(page.get_by_text("There are no predictions")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Churn risk")).to_have_count(0)
    visit.open("#/customer/user_123")
    expect(page.get_by_text("No model has been trained yet")).to_be_visible()
    expect(page.get_by_role("heading", name="Orders and refunds")).to_be_visible()
    visit.open("#/shop")
    expect(page.get_by_text("A forecast needs a model")).to_be_visible()
    for view in ("plays", "trust"):
        page.goto(f"{visit.url}/#/{view}")
        expect(page.get_by_role("alert")).to_contain_text("customer-revenue train")
    assert unexpected(visit, "401", "503", "403") == []


def test_when_the_service_is_gone_the_page_waits_for_it(site: Service, context: BrowserContext) -> None:
    visit = visit_of(context, site)
    page = visit.open("#/customers")
    context.set_offline(True)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Today").click()
    expect(page.get_by_role("alert")).to_contain_text("The service does not respond")
    context.set_offline(False)
    expect(page.get_by_role("heading", name="Money at stake this week")).to_be_visible()
    assert unexpected(visit, "ERR_INTERNET_DISCONNECTED") == []


def test_without_orders_the_page_says_how_to_begin(site: Service, context: BrowserContext) -> None:
    visit = visit_of(context, site)
    error = {"code": "store_not_found", "message": "no store at data/orders.duckdb", "details": []}
    visit.page.route("**/api/**", lambda route: route.fulfill(status=503, json={"success": False, "error": error}))
    visit.page.goto(visit.url)
    alert = visit.page.get_by_role("alert")
    expect(alert).to_contain_text("There are no orders yet")
    expect(alert).to_contain_text("customer-revenue import orders.csv")
    visit.page.unroute("**/api/**")
    alert.get_by_role("button", name="Try again").click()
    visit.drawn()
    assert unexpected(visit, "503") == []


def unexpected(visit: Visit, *expected: str) -> list[str]:
    """What is on the console other than the failed requests that a browser notes there by itself."""
    noted = [f"status of {word}" if word.isdigit() else word for word in expected]
    return [text for text in visit.errors if not any(word in text for word in noted)]


def test_a_model_that_is_not_back_tested_yet_is_said_to_be_so(
    shop: Shop, context: BrowserContext, tmp_path: Path
) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(shop.folder, folder, symlinks=True)
    manifest = folder / "models" / "current" / MANIFEST
    done = manifest.read_text("utf-8")
    manifest.write_text(json.dumps(json.loads(done) | {UNDER_WAY: True}), "utf-8")
    with serving(Shop(folder, shop.environment)) as running:
        visit = visit_of(context, running)
        page = visit.open("#/trust")
        expect(page.get_by_text("How good the predictions are is not known yet").first).to_be_visible()
        visit.open()
        tag = page.get_by_role("button", name="back-test under way")
        expect(tag).to_be_visible()
        manifest.write_text(done, "utf-8")
        expect(tag).to_have_count(0)
        visit.open("#/trust")
        expect(page.get_by_text("the model knew nothing later")).to_be_visible()
    assert unexpected(visit) == []
