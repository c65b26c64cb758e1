"""What all tests share, those in docstrings too."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator

import pytest
from tests.tiers import keep_groups_together, sort_into_tiers, watched


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Sort the tests into tiers, before those of other tiers are left out."""
    grouped = bool(config.getoption("loadgroup", default=False))
    sort_into_tiers(items, grouped=grouped)
    yield
    if grouped:
        keep_groups_together(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Make what the test uses."""
    with watched(item):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Run the test."""
    with watched(item):
        yield


@pytest.fixture(autouse=True)
def _figures_are_closed() -> Iterator[None]:
    """Close what a test has drawn: notebooks show figures, tests only look at them."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(autouse=True)
def _examples_share_what_they_do_alike(request: pytest.FixtureRequest) -> Iterator[None]:
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    from tests.remembered import remembered  # reads every library, which few tests need

    with remembered():
        yield
