"""Which tests `make check`, `make test` and `make test-servers` run.

A test is marked by the fixtures that it uses; ``process`` and ``servers`` are written only where no fixture says it.
What is not marked must not start a process, or the test fails: `make check` stays fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

DATABASES = frozenset({"server_of", "postgres_server", "mysql_server"})
BROWSER = frozenset({"browser", "site"})
SPARK = frozenset({"spark_session"})
SERVED = frozenset({"served", "guarded", "logging_shop"})
PROCESSES = frozenset({"trained_shop", "new_shop", "pages"})

GROUPS = {"databases": DATABASES, "browser": BROWSER, "spark": SPARK}
"""Tests that share what takes long to start run in one worker."""

STARTS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.system"})
"""Audit events of a new process."""

_watched: list[str] = []


def sort_into_tiers(items: list[pytest.Item], *, grouped: bool) -> None:
    """Mark tests by their fixtures, skip the slow ones unless ``SLOW`` is set, and group them for the workers."""
    for item in items:
        fixtures = frozenset(getattr(item, "fixturenames", ()))
        if fixtures & (DATABASES | BROWSER | SPARK | SERVED):
            item.add_marker("servers")
        if fixtures & PROCESSES or item.get_closest_marker("servers") or item.get_closest_marker("slow"):
            item.add_marker("process")
        if item.get_closest_marker("slow") and not os.environ.get("SLOW"):
            item.add_marker(pytest.mark.skip(reason="slow: set SLOW=1"))
        if grouped and not item.get_closest_marker("xdist_group"):
            shared = (group for group, names in GROUPS.items() if fixtures & names)
            item.add_marker(pytest.mark.xdist_group(next(shared, item.nodeid.split("::")[0])))


@contextmanager
def watched(item: pytest.Item) -> Iterator[None]:
    """Let no unmarked test start a process until the end of the block."""
    if not item.get_closest_marker("process"):
        _watched.append(item.nodeid)
    try:
        yield
    finally:
        _watched.clear()


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if _watched and event in STARTS:
        raise AssertionError(f"{_watched[0]} starts a process ({event}): mark it with pytest.mark.process")


sys.addaudithook(_refuse)
