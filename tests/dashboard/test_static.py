"""The page's files over HTTP."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from tests.service.conftest import Service

from customer_revenue.service.dashboard.page_files import SECURITY_HEADERS, STATIC

SOURCES = sorted(path for path in STATIC.rglob("*.*") if "vendor" not in path.parts)


def test_the_page_and_its_files_come_with_every_header(site: Service) -> None:
    for path in ("/", *(f"/dashboard/{file.relative_to(STATIC)}" for file in STATIC.rglob("*.*"))):
        response = site.client.get(path)
        assert response.status_code == 200, path
        assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        again = site.client.get(path, headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304


def test_the_policy_allows_this_service_alone() -> None:
    policy = SECURITY_HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize("path", ["/dashboard/nothing.js", "/dashboard/%2e%2e/serving.py", "/dashboard/charts"])
def test_what_is_no_file_of_the_page_is_not_there(site: Service, path: str) -> None:
    response = site.client.get(path)
    assert response.status_code in (401, 404)
    assert "error" in response.json()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs.json", "/api/docs"])
def test_nothing_else_is_shadowed(site: Service, path: str) -> None:
    response = site.client.get(path)
    assert response.status_code == 200
    assert "content-security-policy" not in response.headers


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_sources_name_no_other_host_and_parse_no_text(path: Path) -> None:
    text = path.read_text("utf-8").replace("http://www.w3.org/", "").replace("http://127.0.0.1:5000", "")
    for word in ("http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in text


def test_what_the_first_view_imports_is_preloaded_at_once() -> None:
    """Otherwise the browser would learn of each module from the one before, a round trip each."""
    listed = set(re.findall(r'modulepreload" href="dashboard/([^"]+)"', (STATIC / "index.html").read_text("utf-8")))
    needed, found = set(), [STATIC / "app.js", STATIC / "views" / "today.js"]
    while found:
        path = found.pop()
        if path not in needed:
            needed.add(path)
            imported = re.findall(r'^import .*?"(\.[^"]+)";$', path.read_text("utf-8"), re.MULTILINE)
            found += [(path.parent / name).resolve() for name in imported]
    assert listed == {path.relative_to(STATIC).as_posix() for path in needed} - {"app.js"}


def test_vendored_files_are_as_they_were_published() -> None:
    listed = dict(line.split("  ")[::-1] for line in (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines())
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (STATIC / "vendor").glob("*.js")}
    assert files == listed
    assert (STATIC / "vendor" / "LICENSE-d3.txt").is_file()
