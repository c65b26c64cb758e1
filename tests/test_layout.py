"""The layout: one name for one thing, of files and of what they define."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "customer_revenue"

SAME_FILE_NAMES = {
    "__init__.py": "Python's name for a package",
    "engine.py": "a role in orders/engines: reads the stores of one kind",
    "dialect.py": "a role in orders/engines: overrides of Ibis's compiler",
    "connection.py": "a role in orders/engines: connections to a server",
    "target.py": "a role in orders/engines: writes the stores of one kind",
    "upsert.py": "a role in orders/engines: rows that replace those with the same id",
    "advice.py": "a workflow, its command, its routes and their responses",
    "analytics.py": "a workflow, its command and its routes",
    "campaigns.py": "routes, their responses, and the same noun of the Python API",
    "customers.py": "routes, their responses, and the same noun of the Python API",
    "dashboard.py": "a workflow, its routes and their responses",
    "plays.py": "a workflow, its routes and their responses",
}

FRONTS = ("cli", "library", "service/routes")
"""A command, a route or a function of the Python API has the name of the workflow that it runs."""

RESPONSES = "service/responses"
"""The names of responses are in the OpenAPI document."""

SAME_NAMES = {
    "logger": "one per module, by convention",
    "router": "one per module of routes, by convention",
    "main": "the entry point of a script",
    "forget": "in a store, and in everything that belongs to a store",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


def public_names(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def test_no_file_name_occurs_twice_without_a_reason() -> None:
    places = defaultdict(list)
    for path, _ in modules():
        places[Path(path).name].append(path)
    repeated = {name: found for name, found in places.items() if len(found) > 1}
    assert not {name: found for name, found in repeated.items() if name not in SAME_FILE_NAMES}
    assert not set(SAME_FILE_NAMES) - set(repeated), "a reason for a name that occurs once"


def test_no_public_name_is_defined_twice_without_a_reason() -> None:
    places = defaultdict(list)
    for path, module in modules():
        if not path.startswith((*FRONTS, RESPONSES)):
            for name in public_names(module):
                places[name].append(path)
    repeated = {name: found for name, found in places.items() if len(found) > 1}
    assert not {name: found for name, found in repeated.items() if name not in SAME_NAMES}


def test_modules_are_small_enough_to_hold_in_the_head() -> None:
    lines = {path: len((PACKAGE / path).read_text("utf-8").splitlines()) for path, _ in modules()}
    assert not {path: number for path, number in lines.items() if number > 420}


def test_tests_of_a_file_are_dealt_out_together(request):
    """pytest-xdist goes by what follows the last @: without it every worker would make the fixtures of every module."""
    grouped = bool(request.config.getoption("loadgroup", default=False))
    assert request.node.nodeid.endswith("@tests/test_layout.py") is grouped
