"""What running needs is small, is all there is in a wheel, and is all that the package imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import customer_revenue as cr

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "customer_revenue"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DEVELOPMENT = {
    "fastmcp",
    "pyspark",
    "playwright",
    "pymysql",
    "psycopg",
    "pytest",
    "mypy",
    "ruff",
    "sphinx",
    "ipykernel",
}
ELSEWHERE = {
    "fastmcp-slim": "service/mcp_server.py",
    "httpx2": "service/mcp_server.py",
    "mcp": "service/mcp_server.py",
    "pymysql": "orders/engines/mysql",
    "psycopg": "orders/engines/postgres",
    "psycopg-pool": "orders/engines/postgres",
    "pyspark": "orders",
    "polars": "library/polars_tables.py",
    "py4j": "orders",
    "pydantic-core": "",
    "opentelemetry-api": "spans.py",
    "opentelemetry-sdk": "service/tracing.py",
}
"""What extras install, and the folder that alone may import it; pydantic fixes the version of its other half."""

DEVELOPING = ("test", "test-long", "coverage", "lint", "screenshots", "notebooks", "docs", "plots", "bench", "walk")


def requirements(lines: list[str]) -> list[Requirement]:
    return [Requirement(line) for line in lines]


def with_their_own(needed: list[Requirement]) -> set[str]:
    """The names of distributions, and of all that they need here."""
    names: set[str] = set()
    waiting = [(requirement, "") for requirement in needed]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        names.add(name)
        for wanted in ["", *requirement.extras]:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(own, wanted) for own in requirements(metadata.requires(name) or [])]
    return names


def commands_of(target: str) -> str:
    """What make would run for a target if nothing were installed yet."""
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", target]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_running_needs_nothing_of_what_developing_needs() -> None:
    running = with_their_own(requirements(PROJECT["project"]["dependencies"]))
    assert {"mlflow", "bentoml", "lightgbm", "lifetimes", "scikit-learn", "pandas"} <= running
    assert not running & DEVELOPMENT


def test_all_that_running_needs_is_in_the_lock_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    locked = re.findall(r"^([a-z0-9._-]+)==[^\n]*\\\n    --hash=sha256:", lock, flags=re.MULTILINE)
    assert not with_their_own(requirements(PROJECT["project"]["dependencies"])) - set(locked)
    assert "//" not in lock, "a lock says what to install, not where it is"


def test_the_package_imports_only_what_it_asks_for() -> None:
    asked = {canonicalize_name(each.name) for each in requirements(PROJECT["project"]["dependencies"])}
    owners = metadata.packages_distributions()
    for path in sorted(SOURCE.rglob("*.py")):
        inside = path.relative_to(SOURCE).as_posix()
        allowed = asked | {name for name, folder in ELSEWHERE.items() if inside.startswith(folder)}
        for name in imported(ast.parse(path.read_text("utf-8"))) - sys.stdlib_module_names - {"customer_revenue"}:
            assert {canonicalize_name(owner) for owner in owners[name]} & allowed, f"{inside} imports {name}"


def imported(module: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(module):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name.partition(".")[0] for alias in aliases}
            case ast.ImportFrom(module=str(name), level=0):
                names.add(name.partition(".")[0])
    return names


@pytest.mark.process
@pytest.mark.parametrize("target", ["setup", "demo", "bento", "lock"])
def test_running_installs_no_development_tools(target: str) -> None:
    commands = commands_of(target).split("touch .venv/.installed")[0]
    assert "--require-hashes --constraints requirements.lock" in commands
    assert "--group dev" not in commands
    assert "--extra" not in commands


@pytest.mark.process
@pytest.mark.parametrize("target", DEVELOPING)
def test_developing_installs_all_of_its_tools(target: str) -> None:
    assert "--extra mcp --extra mysql --extra postgres --extra spark --extra traces --group dev" in commands_of(target)


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(tmp_path: Path) -> None:
    uv = [sys.executable, "-m", "uv"]
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run([*uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, python.parents[1]], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, wheel], check=True)

    def answer(*words: str) -> str:
        command = [str(python.with_name(words[0])), *words[1:]]
        bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        return subprocess.run(command, cwd=tmp_path, env=bare, check=True, capture_output=True, text=True).stdout

    assert answer("customer-revenue", "--version") == f"customer-revenue {cr.__version__}\n"
    orders = tmp_path / "orders.csv"
    orders.write_text("order_id,user_id,created_at,total,status\n1,ann,2024-01-02,10,paid\n2,ann,2024-02-03,5,paid\n")
    answer("customer-revenue", "import", str(orders))
    assert '"total_revenue_cents": 1500' in answer("customer-revenue", "show", "ann", "--no-predictions")
    assert answer("python", "-c", "import customer_revenue as cr; print(len(cr.load_cdnow().features()))") == "23570\n"
