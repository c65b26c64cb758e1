"""The page as a marketer uses it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Page, expect
from tests.dashboard.browser import PHONE
from tests.dashboard.conftest import HOSTILE, Visit, visit_of
from tests.service.conftest import Service

VIEWS = ["#/", "#/best", "#/risk", "#/actions", "#/customer/user_123", "#/models"]
SERIOUS = ("serious", "critical")


def test_the_overview_says_who_is_best_who_slips_away_and_what_to_do(visit: Visit) -> None:
    page = visit.open()
    for title in ("Best customers", "Slipping away", "Do this week"):
        card = page.locator("section.card", has=page.get_by_role("heading", name=title, exact=True))
        expect(card.locator("li").first).to_be_visible()
    for title in ("Revenue by month", "Revenue by segment", "Retention by cohort", "Concentration", "RFM map"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("dl.tiles .tile")).to_have_count(4)
    expect(page.get_by_role("img", name="Revenue by month")).to_be_visible()


def test_it_stays_small_and_asks_nobody_else(visit: Visit) -> None:
    sizes: list[int] = []
    visit.page.on("response", lambda response: sizes.append(len(response.body())))
    visit.open()
    visit.page.wait_for_load_state("networkidle")
    assert all(url.startswith(visit.url) for url in visit.asked)
    assert sum(sizes) < 500_000, f"{sum(sizes):,} bytes"


def test_filters_hold_for_everything_and_live_in_the_address(visit: Visit) -> None:
    page = visit.open()
    everybody = page.locator(".tile .value").first.inner_text()
    for choice in ("6 months", "High value"):
        page.get_by_role("link", name=choice).click()
        expect(page.get_by_role("link", name=choice)).to_have_attribute("aria-current", "true")
    visit.drawn()
    expect(page).to_have_url(re.compile(r"period=last_6_months&segment=high_value"))
    expect(page.locator(".tile .value").first).not_to_have_text(everybody)
    filtered = page.locator("main").inner_text()
    page.reload()
    visit.drawn()
    assert page.locator("main").inner_text() == filtered
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Best customers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Best customers")
    expect(page).to_have_url(re.compile(r"period=last_6_months&segment=high_value"))
    segments = page.locator("td .badge[data-kind=segment]")
    assert set(segments.all_inner_texts()) == {"High value"}
    page.go_back()
    expect(page.get_by_role("heading", level=2).first).to_have_text("Best customers")


def test_a_customer_is_found_as_one_types(visit: Visit) -> None:
    page = visit.open()
    box = page.get_by_role("combobox", name="Find a customer")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    for text in ("user_12", "john d", "JOHN@EXAMPLE"):
        box.fill(text)
        expect(page.get_by_role("option").first).to_contain_text("John Doe")
    box.fill("nobody at all")
    expect(page.get_by_role("option")).to_contain_text("Nobody")
    box.fill("john")
    expect(page.get_by_role("option").first).to_contain_text("John Doe")
    box.press("ArrowDown")
    box.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("John Doe")
    expect(page).to_have_url(re.compile(r"#/customer/user_123$"))


def test_a_customers_page_shows_everything_about_them(visit: Visit) -> None:
    page = visit.open("#/customer/user_123")
    tiles = page.locator("dl.tiles")
    expect(tiles).to_contain_text("$1,225")
    for name in ("Lifetime value", "Next purchase", "Churn risk", "Still a customer"):
        expect(tiles).to_contain_text(name)
    titles = ["When the next purchase comes", "What to do", "Orders and refunds", "Products"]
    for title in [*titles, "Still a customer, month by month", "Revenue to be expected", "In numbers"]:
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="Chance that a purchase has come")).to_be_visible()
    rows = page.get_by_role("region", name="Orders and refunds").get_by_role("row")
    expect(rows).to_have_count(9)
    page.get_by_role("button", name="Show all 11").click()
    expect(rows).to_have_count(12)
    expect(page.get_by_role("row", name="Refund of e2")).to_contain_text("-$25.00")
    expect(page.locator("main")).to_contain_text("Premium Monthly")


def test_every_number_has_its_definition_a_hover_or_a_focus_away(visit: Visit) -> None:
    page = visit.open("#/customer/user_123")
    hint = page.locator("#hint")
    term = page.locator("dl.tiles").get_by_role("button", name="Churn risk")
    term.hover()
    expect(hint).to_have_text(
        "The chance of no purchase within the churn window: 90 days, unless the settings say otherwise."
    )
    page.mouse.move(2, 2)
    expect(hint).to_be_hidden()
    page.locator("dl.tiles").get_by_role("button", name="Next purchase").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(hint).to_contain_text("as likely before as after this day")
    page.keyboard.press("Escape")
    expect(hint).to_be_hidden()
    for fragment in VIEWS:
        visit.open(fragment)
        undefined = page.evaluate(
            """async () => {
                const { DEFINITIONS } = await import("/dashboard/definitions.js");
                const terms = [...document.querySelectorAll("[data-term]")].map((element) => element.dataset.term);
                return terms.filter((term) => !DEFINITIONS[term]);
            }"""
        )
        assert undefined == []


def test_lists_sort_and_page(visit: Visit) -> None:
    page = visit.open("#/best")
    rows = page.locator("table.list tbody tr")
    expect(rows).to_have_count(25)
    head = page.get_by_role("columnheader", name="Orders")
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    most = int(rows.first.locator("td").nth(3).inner_text())
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    visit.drawn()
    assert int(rows.first.locator("td").nth(3).inner_text()) < most
    first = rows.first.inner_text()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("nav.pages")).to_contain_text("26–50 of")
    assert rows.first.inner_text() != first
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("nav.pages")).to_contain_text("1–25 of")


@pytest.mark.parametrize("view", ["best", "risk", "actions"])
def test_lists_are_saved_as_files(visit: Visit, downloads: Path, view: str) -> None:
    page = visit.open(f"#/{view}")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download CSV").click()
    started.value.save_as(downloads)
    assert started.value.suggested_filename.endswith("2023-12-15.csv")
    rows = list(csv.DictReader(downloads.read_text("utf-8").splitlines()))
    total = page.locator("nav.pages span").first.inner_text() if page.locator("nav.pages").count() else None
    assert total is None or len(rows) == int(
        page.locator("nav.pages").inner_text().split(" of ")[1].split()[0].replace(",", "")
    )
    assert rows[0]["customer_id"]
    if view == "best":
        formula = next(row for row in rows if row["customer_id"] == "x-formula")
        assert formula["customer_name"] == "'" + HOSTILE["x-formula"]
        assert formula["total_revenue"] == "26999.88"


@pytest.mark.parametrize("user_id", HOSTILE)
def test_hostile_names_are_text(visit: Visit, user_id: str) -> None:
    name = HOSTILE[user_id]
    page = visit.open("#/best")
    link = page.locator(f"a.customer[href*='{quote(user_id, safe='')}']")
    expect(link).to_contain_text(name[:200])
    box = link.bounding_box()
    assert box is not None
    assert box["width"] < 400
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    visit.drawn()
    assert page.evaluate("window.owned") is None
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    search = page.get_by_role("combobox", name="Find a customer")
    search.fill(user_id)
    expect(page.get_by_role("option").first).to_contain_text(name[:200])


@pytest.mark.parametrize("fragment", VIEWS)
def test_nothing_serious_stands_in_the_way_of_anybody_and_it_fits_a_phone(visit: Visit, fragment: str) -> None:
    visit.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page = visit.open(fragment)
    page.wait_for_timeout(100)  # charts are drawn once their place has a size
    assert _serious(page) == {}
    page.emulate_media(color_scheme="dark")
    assert _serious(page) == {}
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keyboard_goes_everywhere(visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("dl.tiles button").first).to_be_focused()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="At risk").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Customers at risk")
    expect(page.locator("main")).to_be_focused()


def test_numbers_are_written_as_the_reader_does(browser: Browser, site: Service) -> None:
    context = browser.new_context(locale="de-DE")
    visit = visit_of(context, site)
    page = visit.open("#/customer/user_123")
    expect(page.locator("dl.tiles")).to_contain_text("1.225\xa0$")
    expect(page.locator("dl.facts")).to_contain_text("15.01.2023")
    context.close()
    assert visit.errors == []


def test_nobody_and_nothing_are_designed(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.url}/#/customer/nobody")
    expect(page.get_by_role("alert")).to_contain_text("No such customer")
    page.goto(f"{visit.url}/#/nowhere")
    expect(page.get_by_role("alert")).to_be_visible()
    page.goto(f"{visit.url}/#/best?segment=no_such")
    expect(page.get_by_role("alert")).to_contain_text("segment: the value is not one of whale, ")
    visit.errors = [text for text in visit.errors if "status of 404" not in text and "status of 422" not in text]


def _serious(page: Page) -> dict[str, list[str]]:
    """What axe finds serious, with some of the elements."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return {one["id"]: [node["html"][:200] for node in one["nodes"]][:3] for one in found if one["impact"] in SERIOUS}
