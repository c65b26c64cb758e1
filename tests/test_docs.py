"""The documentation site builds without a warning and names everything; what the guides say is so."""

from __future__ import annotations

import inspect
import re
import runpy
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import customer_revenue as cr

ROOT = Path(__file__).parents[1]
CAUTION = re.compile(r'Caution\(\s*"([a-z_]+)"')


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, str(ROOT / "docs" / "build.py")]
    subprocess.run(command, cwd=folder, check=True, timeout=240)
    return folder / "build" / "docs" / cr.__version__


def test_every_public_name_and_method_has_its_place(pages):
    text = (pages / "api.html").read_text("utf-8")
    for name in cr.__all__:
        thing = getattr(cr, name)
        if inspect.ismodule(thing):
            assert all(f'id="customer_revenue.plots.{part}"' in text for part in thing.__all__)
            continue
        assert f'id="customer_revenue.{name}"' in text
        own = [part for part in vars(thing) if not part.startswith("_")] if inspect.isclass(thing) else []
        methods = [part for part in own if inspect.isroutine(getattr(thing, part))]
        assert all(f'id="customer_revenue.{name}.{part}"' in text for part in methods)


def test_the_pages_ask_no_other_host_and_show_only_what_is_public(pages):
    for page in pages.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r"<(?:script|img|iframe)[^>]*src=.https?:|<link[^>]*href=.https?:|@import", text)
    assert "customer_revenue.workflows" not in (pages / "api.html").read_text("utf-8")


def test_every_guide_and_decision_is_on_the_site(pages):
    guides = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert {page.relative_to(pages) for page in pages.rglob("*.html")} >= guides


def test_the_picture_of_the_layers_shows_the_contracts():
    drawn = runpy.run_path(str(ROOT / "docs" / "layers.py"))
    assert drawn["PICTURE"].read_text("utf-8") == drawn["drawn"](drawn["layers"]()), "`make docs` draws it"


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))], ids=str)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert re.match(r"https?:", target) or (page.parent / target).exists(), target


def test_the_version_stands_in_one_place():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"version: {cr.__version__}\n" in citation
    assert metadata.version("customer-revenue") == cr.__version__
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.process
def test_help_lists_every_target():
    text = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.M)
    listed = subprocess.run(["make", "-C", str(ROOT), "--silent", "help"], capture_output=True, text=True, check=True)
    described = {line.split()[0] for line in listed.stdout.splitlines() if len(line.split()) > 1}
    assert set(phony.split()) - described == {"clean"}


def test_every_plot_is_shown_with_its_picture():
    text = (ROOT / "docs" / "plots.md").read_text("utf-8")
    shown = re.findall(r"\]\((images/plots/([a-z_]+)\.png)\)", text)
    assert {name for _, name in shown} == set(cr.plots.__all__)
    for path, name in shown:
        assert 1_000 < (ROOT / "docs" / path).stat().st_size < 60_000
        assert f"`{name}(" in text


def test_what_the_guide_calls_exists():
    text = (ROOT / "docs" / "python.md").read_text("utf-8")
    for name in re.findall(r"\bcr\.plots\.(\w+)", text):
        assert name in cr.plots.__all__
    for name in re.findall(r"\bcr\.(\w+)", text):
        assert name in cr.__all__
    classes = {"orders": cr.Orders, "model": cr.ProbabilityModel, "full": cr.CustomerModel, "result": cr.Backtest}
    for word, kind in classes.items():
        for name in re.findall(rf"(?<![/\w]){word}\.(\w+)", text):
            assert hasattr(kind, name) or name in inspect.getsource(kind), f"{word}.{name}"


def test_every_caution_is_in_the_guide():
    source = (ROOT / "src/customer_revenue/modeling/cautions.py").read_text("utf-8")
    text = (ROOT / "docs" / "python.md").read_text("utf-8")
    codes = set(CAUTION.findall(source))
    assert len(codes) == 7
    assert all(f"| `{code}` |" in text for code in codes)


@pytest.mark.slow
def test_the_examples_of_the_guide_run():
    first, *rest = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), re.S)
    quick = first.replace("cr.load_cdnow()", "cr.load_cdnow(sample=True)")
    assert quick != first
    names: dict[str, Any] = {
        "log": pd.DataFrame({"Kunde": ["a", "b"], "Tag": ["13.12.2025", "2.1.2026"], "Betrag": ["1.250,50", "8,00"]})
    }
    for code in (quick, *rest):
        if "pymc_marketing" not in code:  # it is in no environment of ours: tests/test_pymc_bridge.py
            exec(compile(code, "docs/python.md", "exec"), names)  # noqa: S102  # our own words
    assert names["mine"].table("orders")["total_cents"].sum() == 125_850
