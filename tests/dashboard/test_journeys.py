"""What a marketer sets out to do, from beginning to end, in a browser before a shop of its own."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from tests.conftest import Shop
from tests.dashboard.accessibility import serious
from tests.dashboard.conftest import visit_of
from tests.service.conftest import Service, serving


@pytest.fixture(scope="module")
def own_shop(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("journey") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    (folder / "data" / "campaigns.sqlite").unlink(missing_ok=True)
    return Shop(folder, trained_shop.environment)


@pytest.fixture(scope="module")
def running(own_shop: Shop) -> Iterator[Service]:
    with serving(own_shop) as service:
        yield service


def plant_response(shop: Shop, treated: list[str]) -> None:
    """Orders of seven in eight of those contacted, five days after the campaign's first day."""
    lines = ["order_id,user_id,created_at,total_cents,status"]
    lines += [f"r{n},{one},2023-12-20T10:00:00Z,5000,paid" for n, one in enumerate(treated) if n % 8]
    (shop.folder / "response.csv").write_text("\n".join(lines) + "\n", "utf-8")
    shop.run("import", "response.csv", "--as-of", "2024-01-20")


def test_from_money_at_stake_to_a_measured_result(
    running: Service, own_shop: Shop, context: BrowserContext, tmp_path: Path
) -> None:
    visit = visit_of(context, running)
    page = visit.open()
    worth = page.locator("section.card", has=page.get_by_role("heading", name="Worth doing first"))
    expect(worth.locator("li")).to_have_count(3)
    worth.get_by_role("link").and_(page.locator(".play")).first.click()
    expect(page.locator(".power")).to_contain_text(
        re.compile(r"To find it with a chance of 80 % takes [\d,]+ customers")
    )
    page.get_by_role("radio", name="30%").check()
    page.get_by_label("Name of the campaign").fill("first-test")
    page.get_by_role("button", name="Create the campaign").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("first-test")
    expect(page.locator("main")).to_contain_text("No result yet")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download who is to be contacted").click()
    started.value.save_as(tmp_path / "treated.csv")
    with (tmp_path / "treated.csv").open(encoding="utf-8") as file:
        treated = [row["customer_id"] for row in csv.DictReader(file)]
    assert len(treated) > 20
    plant_response(own_shop, treated)
    expect(page.locator("main")).to_contain_text("No result yet")
    for _ in range(20):  # the service takes the new orders up within seconds
        page.reload()
        visit.drawn()
        if page.get_by_text("It worked").count():
            break
        page.wait_for_timeout(500)
    expect(page.get_by_role("heading", name="It worked")).to_be_visible()
    assert serious(page) == {}
    buyers = page.locator(".lifts li", has_text="More buyers of 100")
    assert float(buyers.locator(".worth").inner_text()) > 50
    expect(page.locator("main")).to_contain_text("more buyers of 100 who could be persuaded")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Results").click()
    expect(page.locator("li.play-row")).to_contain_text("It worked")
    visit.errors = [text for text in visit.errors if "status of 422" not in text]  # there is no result at first
    assert visit.errors == []
