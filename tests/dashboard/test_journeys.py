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
from tests.dashboard.test_trouble import sign_in
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


def test_settings_are_tried_saved_and_taken_back(running: Service, own_shop: Shop, context: BrowserContext) -> None:
    visit = visit_of(context, running)
    page = visit.open("#/settings")
    margin = page.get_by_label("Margin in percent")
    was = margin.input_value()
    margin.fill("15")
    effect = page.locator("section.card", has=page.get_by_role("heading", name="What it would change"))
    expect(effect.get_by_role("row", name="Expected profit of all plays")).to_be_visible()
    page.get_by_label("Contacts at most").fill("2")
    effect.get_by_role("button", name="Save", exact=True).click()
    expect(effect).to_contain_text("Saved. The file as it was is kept as policy.toml.")
    written = (own_shop.folder / "data" / "policy.toml").read_text("utf-8")
    assert "assumed_percent = 15" in written
    assert "most_contacts = 2" in written
    assert serious(page) == {}
    for _ in range(40):  # the workers take it up within seconds
        page.reload()
        visit.drawn()
        if margin.input_value() == "15":
            break
        page.wait_for_timeout(300)
    expect(margin).to_have_value("15")
    effect.get_by_role("button", name="Take the last saving back").click()
    expect(effect).to_contain_text("Taken back")
    for _ in range(40):
        page.reload()
        visit.drawn()
        if margin.input_value() == was:
            break
        page.wait_for_timeout(300)
    expect(margin).to_have_value(was)
    assert visit.errors == []


def test_a_key_is_made_on_the_page_shown_once_and_revoked(
    own_shop: Shop, context: BrowserContext, tmp_path: Path
) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(own_shop.folder, folder, symlinks=True)
    shop = Shop(folder, own_shop.environment)
    admin = shop.run("keys", "add", "kim", "--scope", "read", "--scope", "admin").strip().splitlines()[-1].split()[-1]
    with serving(shop) as service:
        visit = visit_of(context, service)
        page = visit.page
        page.goto(f"{visit.url}/#/settings")
        sign_in(page, admin)
        visit.drawn()
        keys = page.locator("section.card", has=page.get_by_role("heading", name="API keys"))
        expect(keys.get_by_role("row", name="kim")).to_contain_text("signed in with it")
        keys.get_by_text("Create a key").click()
        keys.get_by_label("Name", exact=True).fill("reports")
        keys.get_by_label("start campaigns").check()
        keys.get_by_role("button", name="Create the key").click()
        secret = keys.locator("pre").inner_text()
        assert secret.startswith("cr_")
        assert serious(page) == {}
        service.client.headers["X-API-Key"] = secret
        assert service.get("/widget").status_code == 200
        keys.get_by_role("button", name="I have noted it").click()
        visit.drawn()
        row = keys.get_by_role("row", name="reports")
        expect(row).to_contain_text("start campaigns, read")
        assert secret not in page.content()
        row.get_by_role("button", name="Revoke reports").click()
        row.get_by_role("button", name="Revoke reports for good").click()
        expect(row).to_contain_text("Revoked")
        assert service.get("/widget").status_code == 401
    assert [text for text in visit.errors if "status of 401" not in text] == []
