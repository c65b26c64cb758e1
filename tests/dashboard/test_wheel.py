"""The page of an installed wheel, which is a bundle, in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Response, expect
from tests.conftest import Shop
from tests.dashboard.conftest import Visit, visit_of
from tests.dashboard.test_page import VIEWS
from tests.service.conftest import Service, serving

from customer_revenue.service.dashboard.page_files import FOREVER, SECURITY_HEADERS

ROOT = Path(__file__).parents[2]
MOST_REQUESTS = 12
MOST_BYTES = 150_000
MOST_BYTES_OF_SCRIPT = 60_000
"""Compressed, of all that is needed until the first total is on the screen."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel has it, unpacked; what it needs is installed already."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as files:
        files.extractall(folder / "package")
    return folder / "package"


@pytest.fixture(scope="module")
def bundled_site(shop: Shop, wheel: Path) -> Iterator[Service]:
    with serving(Shop(shop.folder, {**shop.environment, "PYTHONPATH": str(wheel)})) as running:
        yield running


@pytest.fixture
def bundled_visit(bundled_site: Service, context: BrowserContext) -> Iterator[Visit]:
    visit = visit_of(context, bundled_site)
    yield visit
    assert visit.errors == []


def sent(response: Response) -> int:
    """The bytes of a response as they were sent, headers included."""
    sizes = response.request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


def test_the_first_load_is_a_few_requests_and_small(bundled_visit: Visit) -> None:
    responses: list[Response] = []
    bundled_visit.page.on("response", lambda response: responses.append(response))
    bundled_visit.open()
    bundled_visit.page.wait_for_load_state("networkidle")
    asked = [f"{sent(response):>7,} {response.url}" for response in responses]
    assert len(responses) <= MOST_REQUESTS, asked
    assert sum(map(sent, responses)) <= MOST_BYTES, asked
    assert not any("/views/" in url or "/vendor/" in url for url in bundled_visit.asked), asked
    code = [response for response in responses if re.search(r"\.(js|css)$", response.url)]
    assert 2 <= len(code) <= 3, asked
    assert sum(map(sent, code)) <= MOST_BYTES_OF_SCRIPT, asked


@pytest.mark.parametrize("fragment", VIEWS)
def test_every_view_is_in_the_bundle(bundled_visit: Visit, fragment: str) -> None:
    page = bundled_visit.open(fragment)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert not any(url.endswith("/dashboard/app.js") for url in bundled_visit.asked)


def test_charts_are_drawn_by_the_bundled_d3(bundled_visit: Visit) -> None:
    page = bundled_visit.open("#/customer/user_123")
    expect(page.get_by_role("img", name="Chance that a purchase has come")).to_be_visible()


def test_what_is_named_by_its_content_is_kept_and_the_page_is_asked_for_again(bundled_site: Service) -> None:
    page = bundled_site.client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'(?:href|src)="(dashboard/bundle/[^"]+)"', page.text)
    assert len(named) >= 3
    for path in named:
        assert re.search(r"-[0-9a-z]{8}\.(js|css)$", path)
        response = bundled_site.client.get(f"/{path}")
        assert response.status_code == 200
        assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS | {
            "cache-control": FOREVER
        }
    missing = bundled_site.client.get("/dashboard/bundle/app-00000000.js")
    assert missing.status_code == 404
    assert missing.headers["cache-control"] == "no-cache"


def test_the_wheel_has_the_bundle_and_not_its_sources(wheel: Path) -> None:
    static = wheel / "customer_revenue" / "service" / "dashboard" / "static"
    assert sorted(path.name for path in static.iterdir()) == ["bundle", "icon.svg", "index.html", "vendor"]
    assert [path.name for path in (static / "vendor").iterdir()] == ["LICENSE-d3.txt"]
