"""The types of what users call are complete for their type checkers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PUBLIC = (
    "customer_revenue.library.",
    "customer_revenue.plots.",
    "customer_revenue.settings.",
    "customer_revenue.errors.",
)


@pytest.mark.slow
def test_the_types_of_the_library_are_complete(tmp_path: Path) -> None:
    """By pyright, in an environment of its own; the rest of the package is internal."""
    python, uv = tmp_path / "environment" / "bin" / "python", [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, python.parents[1]], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, "pyright[nodejs]"], check=True)
    command = [str(python.with_name("pyright")), "--pythonpath", sys.executable, "--outputjson", "--ignoreexternal"]
    done = subprocess.run(
        [*command, "--verifytypes", "customer_revenue"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},  # pyright does not find what is installed as editable
        capture_output=True,
        text=True,
        check=False,
    )
    symbols = json.loads(done.stdout)["typeCompleteness"]["symbols"]
    public = [one for one in symbols if one["name"].startswith(PUBLIC) or one["name"].count(".") == 1]
    assert len(public) > 300
    unknown = {one["name"]: one["diagnostics"] for one in public if one["isExported"] and not one["isTypeKnown"]}
    assert not unknown
