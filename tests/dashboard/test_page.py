"""The page as a marketer uses it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.dashboard.accessibility import serious
from tests.dashboard.browser import PHONE
from tests.dashboard.conftest import HOSTILE, Visit, visit_of
from tests.service.conftest import Service

VIEWS = [
    "#/",
    "#/plays",
    "#/plays/second_purchase",
    "#/results",
    "#/customers",
    "#/customer/user_123",
    "#/shop",
    "#/acquisition?by=size",
    "#/trust",
    "#/settings",
]
MOST_TAB_STOPS = 20
MOST_REQUESTS_OF_SOURCES = 24
"""From a clone, where the source modules are sent as they are."""


def card(page: Page, title: str) -> Locator:
    return page.locator("section.card", has=page.get_by_role("heading", name=title, exact=True))


def test_today_says_what_is_at_stake_what_to_do_what_changed_and_what_is_wrong(visit: Visit) -> None:
    page = visit.open()
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    stake = card(page, "Money at stake this week")
    total = stake.locator(".huge")
    expect(total).to_have_text(re.compile(r"^\$[\d,.]+$"))
    expect(stake).to_contain_text("in 8 of 10 cases")
    first = card(page, "Worth doing first").locator("li")
    expect(first).to_have_count(3)
    expect(first.first).to_contain_text("To measure it, hold out")
    expect(card(page, "Feed and model")).to_contain_text(re.compile("Nothing is wrong|Alarm"))
    changes = card(page, "The last 7 days")
    for name in ("Net revenue", "Orders", "New customers", "Gone quiet"):
        expect(changes).to_contain_text(name)
    written = total.inner_text()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Plays").click()
    expect(page.locator("dl.tiles .value").first).to_have_text(written)


def test_a_play_says_who_is_in_it_and_what_each_share_held_out_would_find(visit: Visit) -> None:
    page = visit.open("#/plays")
    first = page.locator("li.play-row", has_text="Nudge to the second purchase")
    expect(first).to_contain_text("typically with")
    name = first.get_by_role("heading").get_by_role("link").inner_text()
    first.get_by_role("heading").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    power = page.locator(".power")
    expect(power).to_contain_text("This split would find a difference of")
    said = power.inner_text()
    page.get_by_role("radio", name="50%").check()
    expect(power).not_to_have_text(said)
    people = card(page, "Those worth most").locator("li")
    assert people.count() > 3
    page.get_by_role("link", name="See all").click()
    visit.drawn()
    expect(page.get_by_role("heading", level=1)).to_have_text("Customers")
    expect(page).to_have_url(re.compile("decision="))


def test_it_stays_small_and_asks_nobody_else(visit: Visit) -> None:
    sizes: list[int] = []
    visit.page.on("response", lambda response: sizes.append(len(response.body())))
    visit.open()
    visit.page.wait_for_load_state("networkidle")
    assert all(url.startswith(visit.url) for url in visit.asked)
    assert sum(sizes) < 200_000, f"{sum(sizes):,} bytes"
    assert len(visit.asked) <= MOST_REQUESTS_OF_SOURCES, visit.asked


def test_the_document_of_the_api_is_shown_without_another_host(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.url}/api/docs")
    expect(page.get_by_role("heading", name="customer-revenue")).to_be_visible()
    expect(page.get_by_text("/payment/analytics/dashboard/plays", exact=True)).to_be_visible()
    assert all(url.startswith((visit.url, "data:")) for url in visit.asked), visit.asked
    assert any("docs-files/swagger-ui-bundle.js" in url for url in visit.asked)


def test_conditions_live_in_the_address(visit: Visit) -> None:
    page = visit.open("#/customers")
    everybody = page.locator(".head .below").inner_text()
    page.get_by_role("combobox", name="Segment", exact=True).select_option(label="High value")
    expect(page).to_have_url(re.compile(r"segment=high_value"))
    expect(page.locator(".head .below")).not_to_have_text(everybody)
    page.get_by_text("More conditions").click()
    page.get_by_label("Period").select_option(label="6 months")
    expect(page).to_have_url(re.compile(r"period=last_6_months"))
    page.get_by_label("Net revenue from").fill("500")
    page.get_by_label("Net revenue from").press("Enter")
    expect(page).to_have_url(re.compile(r"net_from=500"))
    visit.drawn()
    segments = page.locator("td .badge[data-kind=segment]")
    assert set(segments.all_inner_texts()) == {"High value"}
    shown = page.locator("table.list").inner_text()
    page.reload()
    visit.drawn()
    assert page.locator("table.list").inner_text() == shown
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator(".head .below")).to_have_text(everybody)


def test_columns_are_chosen_and_a_view_is_saved_under_a_name(visit: Visit) -> None:
    page = visit.open("#/customers?status=lost")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Profit of next step").check()
    expect(page.get_by_role("columnheader", name="Profit of next step")).to_be_visible()
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Orders", exact=True).uncheck()
    expect(page.get_by_role("columnheader", name="Orders")).to_have_count(0)
    page.get_by_text("Saved views", exact=True).click()
    page.get_by_label("Name of the view").fill("to win back")
    page.get_by_role("button", name="Save", exact=True).click()
    address = page.url
    visit.open("#/customers")
    page.get_by_text("Saved views", exact=True).click()
    page.get_by_role("link", name="to win back", exact=True).click()
    expect(page).to_have_url(address)
    assert "localStorage" not in page.url
    kept = page.evaluate("Object.keys(localStorage).sort()")
    assert set(kept) <= {"customer-revenue-last-seen", "customer-revenue-views"}


def test_marks_of_the_shop_open_their_customers(visit: Visit) -> None:
    page = visit.open("#/shop")
    expect(page.locator("main .later")).to_have_count(0)
    for title in ("Revenue, month by month", "Who moved between segments", "What a cohort has brought, per customer"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_role("img", name="Revenue, month by month")).to_be_visible()
    cell = page.locator("table.rfm td a").first
    count = int(cell.locator("b").inner_text().replace(",", ""))
    cell.click()
    visit.drawn()
    expect(page.locator(".head .below")).to_have_text(f"{count} customer{'' if count == 1 else 's'}")
    expect(page.locator(".also")).to_contain_text("recency score")
    visit.open("#/shop")
    page.get_by_role("region", name="What a cohort has brought").get_by_role("link").first.click()
    expect(page.locator(".also")).to_contain_text("first order in")


def test_trust_says_in_words_what_was_said_and_what_came(visit: Visit) -> None:
    page = visit.open("#/trust")
    expect(page.locator(".said li").first).to_contain_text(re.compile("revenue"))
    assert page.locator(".said li").count() >= 4
    expect(page.get_by_role("heading", name="Calibration")).to_be_hidden()
    page.get_by_text("The technical figures").click()
    expect(page.get_by_role("heading", name="Calibration")).to_be_visible()
    expect(card(page, "Versions")).to_contain_text("answers now")


def test_settings_show_what_a_value_would_change_before_it_is_written(visit: Visit) -> None:
    """Where it cannot be saved from the page, there are the lines for the file."""
    mounted = {"file": "policy.toml", "can_be_saved": False, "why_not": "read-only", "kept": [], "learned": []}
    visit.page.route("**/analytics/policy", lambda route: route.fulfill(json={"success": True, **mounted}))
    page = visit.open("#/settings")
    effect = card(page, "What it would change")
    expect(effect).to_contain_text("Change a value to see")
    page.get_by_label("Margin in percent").fill("80")
    expect(effect).to_contain_text("It cannot be saved from here: read-only.")
    expect(effect).to_contain_text("assumed_percent = 80")
    row = effect.get_by_role("row", name="Expected profit of all plays")
    now, then = (float(cell.replace("$", "").replace(",", "")) for cell in row.get_by_role("cell").all_inner_texts())
    assert then > now
    page.get_by_label("High value from").fill("20000")
    expect(effect.get_by_role("alert")).to_contain_text("thresholds must fall")
    visit.errors = [text for text in visit.errors if "status of 422" not in text]


def test_acquisition_says_what_one_may_cost_and_exports_bids(visit: Visit, downloads: Path) -> None:
    page = visit.open("#/acquisition?by=size")
    expect(page.locator("dl.tiles")).to_contain_text("One may cost at most")
    assert page.get_by_role("region", name="By group").get_by_role("row").count() > 2
    with page.expect_download() as started:
        page.get_by_role("button", name="For Google Ads").click()
    started.value.save_as(downloads)
    assert downloads.read_text("utf-8").startswith("Parameters:TimeZone=")


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
    for name in ("Lifetime value", "Next purchase", "Churn risk", "Still a customer"):
        expect(tiles).to_contain_text(name)
    expect(card(page, "Status")).to_contain_text("$1,225")
    expect(card(page, "Status").locator(".badge")).to_have_count(1)
    titles = ["Next step", "Product to offer", "When the next purchase comes", "Orders and refunds", "Products"]
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
    page = visit.open("#/customers")
    rows = page.locator("table.list tbody tr")
    expect(rows).to_have_count(25)
    head = page.get_by_role("columnheader", name="Orders")
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    most = int(rows.first.locator("td").nth(4).inner_text())
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    visit.drawn()
    assert int(rows.first.locator("td").nth(4).inner_text()) < most
    first = rows.first.inner_text()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("nav.pages")).to_contain_text("26–50 of")
    assert rows.first.inner_text() != first
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("nav.pages")).to_contain_text("1–25 of")


def test_a_list_is_saved_as_a_file_with_every_row(visit: Visit, downloads: Path) -> None:
    page = visit.open("#/customers")
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV of all").click()
    started.value.save_as(downloads)
    assert started.value.suggested_filename.endswith("2023-12-15.csv")
    rows = list(csv.DictReader(downloads.read_text("utf-8").splitlines()))
    assert len(rows) == int(page.locator(".head .below").inner_text().split()[0].replace(",", ""))
    formula = next(row for row in rows if row["customer_id"] == "x-formula")
    assert formula["customer_name"] == "'" + HOSTILE["x-formula"]
    assert formula["net_revenue"] == "26999.88"


@pytest.mark.parametrize("user_id", HOSTILE)
def test_hostile_names_are_text(visit: Visit, user_id: str) -> None:
    name = HOSTILE[user_id]
    page = visit.open("#/customers")
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
    assert serious(page) == {}
    page.emulate_media(color_scheme="dark")
    assert serious(page) == {}
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keyboard_goes_everywhere(visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("main button").first).to_be_focused()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Customers").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Customers")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("width", [390, 768, 1024, 1440])
def test_navigation_stays_in_sight_and_is_short(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    page = visit.open("#/customers")
    links = page.get_by_role("navigation", name="Pages").get_by_role("link")
    expect(links).to_have_count(8)
    page.mouse.wheel(0, 2000)
    page.wait_for_timeout(200)
    for link in links.all():
        box = link.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["x"] >= 0
        assert box["y"] + box["height"] <= 844
        assert box["x"] + box["width"] <= width
    stops = page.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
            .filter((one) => !one.closest("main, footer") && one.checkVisibility()).length"""
    )
    assert stops <= MOST_TAB_STOPS
    for name in ("Net revenue", "Churn risk"):
        expect(page.get_by_role("columnheader", name=name)).to_be_visible()


def test_numbers_are_written_as_the_reader_does(browser: Browser, site: Service) -> None:
    context = browser.new_context(locale="de-DE")
    visit = visit_of(context, site)
    page = visit.open("#/customer/user_123")
    expect(card(page, "Status")).to_contain_text("1.225\xa0$")
    expect(page.locator("dl.facts")).to_contain_text("15.01.2023")
    context.close()
    assert visit.errors == []


def test_nobody_and_nothing_are_designed(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.url}/#/customer/nobody")
    expect(page.get_by_role("alert")).to_contain_text("No such customer")
    page.goto(f"{visit.url}/#/nowhere")
    expect(page.get_by_role("alert")).to_be_visible()
    page.goto(f"{visit.url}/#/plays/dance")
    expect(page.get_by_role("alert")).to_contain_text("no such play")
    page.goto(f"{visit.url}/#/customers?segment=no_such")
    expect(page.get_by_role("alert")).to_contain_text("segment: the value is not one of whale, ")
    visit.errors = [text for text in visit.errors if "status of 404" not in text and "status of 422" not in text]
