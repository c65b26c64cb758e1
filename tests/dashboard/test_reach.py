"""The page at other sizes, at 200 % zoom, in both schemes, by keyboard alone and without motion."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.dashboard.browser import PHONE
from tests.dashboard.conftest import Visit, visit_of
from tests.dashboard.test_page import MOST_TAB_STOPS, VIEWS
from tests.service.conftest import Service

LEAST_CONTRAST = 3.0
"""WCAG 2.2, 1.4.11, of graphics that are needed to understand the content."""

MARKS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const behind = (element) => {
        for (let one = element.parentElement; one; one = one.parentElement) {
            const color = rgba(getComputedStyle(one).backgroundColor);
            if (color[3] === 255) return color;
        }
        return rgba("white");
    };
    const found = {};
    const lines = ":is(.curve, .stem, .mark, .ideal, .zero, .whisker)";
    for (const one of document.querySelectorAll(`.stage svg :is(${lines}, .bar, .dot, .tip, .hatch-line)`)) {
        const style = getComputedStyle(one);
        const color = one.matches(lines) ? style.stroke : style.fill;
        if (!color.startsWith("url(")) found[`${one.getAttribute("class")} ${color}`] = [rgba(color), behind(one)];
    }
    for (const one of document.querySelectorAll(".meter span, .key:is(.one, .two, .line-key)")) {
        const color = getComputedStyle(one).backgroundColor;
        found[`${one.className || one.parentElement.dataset.kind || "meter"} ${color}`] = [rgba(color), behind(one)];
    }
    return found;
}"""


def contrast(color: list[int], behind: list[int]) -> float:
    """WCAG's contrast ratio of a colour, possibly translucent, on an opaque one."""
    share = color[3] / 255
    mixed = [share * own + (1 - share) * under for own, under in zip(color[:3], behind[:3], strict=True)]
    lighter, darker = sorted((luminance(mixed), luminance(behind[:3])), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: list[Any]) -> float:
    parts = [part / 255 for part in color]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


def test_the_ratio_is_wcags() -> None:
    assert contrast([0, 0, 0, 255], [255, 255, 255, 255]) == pytest.approx(21)
    assert contrast([119, 119, 119, 255], [255, 255, 255, 255]) == pytest.approx(4.48, abs=0.005)
    assert contrast([0, 0, 0, 0], [255, 255, 255, 255]) == pytest.approx(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_of_charts_stand_out_from_what_is_behind_them(visit: Visit, scheme: Literal["light", "dark"]) -> None:
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found: dict[str, float] = {}
    for fragment in ("#/customer/user_123", "#/shop", "#/trust", "#/customers"):
        page = visit.open(fragment)
        expect(page.locator("main .later")).to_have_count(0)
        page.wait_for_timeout(100)  # charts are drawn once their place has a size
        found |= {name: contrast(*pair) for name, pair in page.evaluate(MARKS).items()}
    assert {name.split()[0] for name in found} >= {"bar", "curve", "dot", "ideal", "segment-0", "segment-3"}
    assert {name: round(ratio, 2) for name, ratio in found.items() if ratio < LEAST_CONTRAST} == {}


@pytest.mark.parametrize("width", [390, 768, 1024, 1440])
def test_at_200_percent_nothing_is_lost(browser: Browser, site: Service, width: int) -> None:
    """Zoom halves the pixels that a layout has, and doubles those of the screen behind each."""
    height = 844 if width == PHONE["width"] else 900
    context = browser.new_context(
        viewport={"width": width // 2, "height": height // 2}, device_scale_factor=2, reduced_motion="reduce"
    )
    visit = visit_of(context, site)
    for fragment in VIEWS:
        page = visit.open(fragment)
        page.wait_for_timeout(100)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{fragment} is {wide} pixels too wide"
        page.mouse.move(width / 4, height / 4)
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(150)
        assert_navigation_is_reachable(page, width // 2, height // 2)
    context.close()
    assert visit.errors == []


def assert_navigation_is_reachable(page: Page, width: int, height: int) -> None:
    """The navigation is in sight, leaves room for the content, and each of its links can be scrolled to within it."""
    navigation = page.get_by_role("navigation", name="Pages")
    box = navigation.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= height
    covered = page.evaluate("document.querySelector('header.top').getBoundingClientRect().height")
    assert covered <= height / 2, f"{covered} of {height} pixels are covered by what stays in sight"
    for link in navigation.get_by_role("link").all():
        link.scroll_into_view_if_needed()
        at = link.bounding_box()
        assert at is not None
        assert at["x"] >= -1
        assert at["x"] + at["width"] <= width + 1
        assert at["y"] + at["height"] <= height


@pytest.mark.parametrize("fragment", VIEWS)
def test_the_content_is_a_few_tab_stops_away(visit: Visit, fragment: str) -> None:
    page = visit.open(fragment)
    for stops in range(MOST_TAB_STOPS + 1):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('main') !== null"):
            break
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"stop {stops} does not show where it is"
    else:
        pytest.fail(f"the content is more than {MOST_TAB_STOPS} tab stops away")


def test_a_play_is_reached_and_its_test_is_chosen_by_keyboard_alone(visit: Visit) -> None:
    page = visit.open()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("Nudge to the second purchase"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(".power")).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name === 'share'"):
            break
    said = page.locator(".power").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="30%")).to_be_checked()
    expect(page.locator(".power")).not_to_have_text(said)
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type === 'submit'"):
            break
    expect(page.get_by_role("button", name=re.compile("Create the campaign"))).to_be_focused()


def test_who_wants_no_motion_sees_none(visit: Visit) -> None:
    page = visit.page
    page.emulate_media(reduced_motion="reduce")
    waiting: list[Route] = []
    page.route("**/dashboard/context", lambda route: waiting.append(route))
    page.goto(f"{visit.url}/#/")
    bone = page.locator(".bone").first
    expect(bone).to_be_attached()
    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0
    waiting[0].continue_()
    visit.drawn()
