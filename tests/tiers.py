"""Which tests `make check`, `make test`, `make test-servers`, `make test-long` and `make test-exhaustive` run.

A test is marked by its fixtures and its file; ``process`` and ``servers`` are written where neither says it. What is
``exhaustive`` has a smaller version in another tier.
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
PROCESSES = frozenset({"trained_shop", "new_shop", "tracking_store", "pages"})

THOROUGH = frozenset(
    {
        *("src/customer_revenue/library/backtests.py", "src/customer_revenue/library/customers.py"),
        *("src/customer_revenue/library/money.py", "src/customer_revenue/library/orders.py"),
        "src/customer_revenue/library/loading.py",
        *("src/customer_revenue/library/probability.py", "src/customer_revenue/library/experiments.py"),
        *("tests/modeling/test_predictor.py", "tests/modeling/test_purchases.py", "tests/modeling/test_bundle.py"),
        *("tests/modeling/test_rhythm_mixture.py", "tests/modeling/test_december_shop.py"),
        *(
            "tests/modeling/test_uncertainty.py",
            "tests/modeling/test_real_data.py",
            "tests/modeling/test_evaluation.py",
        ),
        *("tests/modeling/test_covariates.py", "tests/test_covariate_backtests.py"),
        *("src/customer_revenue/library/covariate_backtests.py", "src/customer_revenue/library/cross_validation.py"),
        *("src/customer_revenue/library/probability_predictions.py", "tests/test_estimators.py"),
        "tests/test_migration.py",
        "tests/test_booster_covariates.py",
        *("tests/modeling/test_ensemble_weights.py", "tests/revenue/test_portability.py", "tests/test_library.py"),
        *("tests/orders/test_generic.py", "tests/orders/test_conservation.py", "tests/orders/test_samples.py"),
        *("tests/orders/test_files.py", "tests/orders/test_store.py", "tests/orders/test_forgetting.py"),
        *("tests/actions/test_reality.py", "tests/trust/test_feed.py", "tests/trust/test_realised.py"),
        *("tests/trust/test_gate.py", "tests/trust/test_accidents.py", "tests/commands/test_acquisition.py"),
        *("tests/orders/test_aliases.py", "tests/orders/test_import.py", "tests/orders/test_quarantine_export.py"),
        *("tests/orders/test_no_customer.py", "tests/orders/test_currencies.py", "tests/orders/test_refunds.py"),
        *("tests/orders/test_optional_columns.py", "tests/orders/test_platforms.py"),
        *("tests/modeling/test_shop_prior.py", "tests/modeling/test_uplift_benchmark.py"),
        *("tests/modeling/test_forest.py", "tests/modeling/test_cohort_money.py"),
        *(
            "tests/orders/test_two_exports.py",
            "tests/orders/test_small_imports.py",
            "tests/actions/test_learned_uplift.py",
        ),
    }
)
"""Files whose tests fit models, import many files or try many cases: none of them takes less than five seconds."""

PREDICTORS = frozenset({"predictor", "fitted"})
GROUPS = {"databases": DATABASES, "browser": BROWSER, "spark": SPARK, "predictor": PREDICTORS}
"""Tests that share what takes long to start run in one worker."""

RETAIL = "Online Retail"
"""Its stores on all engines are a group of their own: it takes as long as the rest of the databases."""

LONGEST = (
    *(RETAIL, "databases", "browser", "served", "predictor", "spark"),
    *("tests/trust/test_accidents.py", "tests/service/test_faults.py", "tests/notebooks/test_notebooks.py"),
    *("tests/trust/test_retraining.py", "tests/trust/test_walk.py", "tests/commands/test_tracking.py"),
    *("tests/commands/test_demo.py", "tests/trust/test_promotion.py", "tests/modeling/test_real_data.py"),
    *("tests/test_installation.py", "tests/trust/test_hindsight.py", "tests/trust/test_odd_shops.py"),
    *("tests/service/test_access.py", "tests/service/test_replacing.py", "tests/orders/test_aliases.py"),
    *("tests/commands/test_commands.py", "tests/orders/test_conservation.py", "tests/orders/test_atomic.py"),
)
"""Groups and files that begin first, the longest at the front: at the end no worker waits for another."""

STARTS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.system"})
"""Audit events of a new process."""

ON_SERVERS = [
    pytest.param(kind, marks=[pytest.mark.servers, pytest.mark.xdist_group("databases")])
    for kind in ("postgres", "mysql")
]
"""Parameters of a test that asks for the fixture of this name itself, which its own fixtures therefore do not show."""

ON_SPARK = pytest.param("spark", marks=[pytest.mark.servers, pytest.mark.xdist_group("spark")])

EXHAUSTIVE = ({"spark", RETAIL}, {"spark", "America/New_York"}, {RETAIL, "America/New_York"})
"""Parameters that `make test-exhaustive` alone combines: each is tried with others in another tier."""

_watched: list[str] = []


def sort_into_tiers(items: list[pytest.Item], *, grouped: bool) -> None:
    """Mark tests by their fixtures, skip the slow ones unless ``SLOW`` is set, and group them for the workers."""
    for item in items:
        if any(both <= _parameters(item) for both in EXHAUSTIVE):
            item.add_marker("exhaustive")
        if item.get_closest_marker("exhaustive"):
            item.add_marker("slow")
        fixtures = frozenset(getattr(item, "fixturenames", ()))
        if fixtures & (DATABASES | BROWSER | SPARK | SERVED):
            item.add_marker("servers")
        if fixtures & PROCESSES or item.get_closest_marker("servers") or item.get_closest_marker("slow"):
            item.add_marker("process")
        if item.nodeid.split("::")[0] in THOROUGH:
            item.add_marker("thorough")
        if item.get_closest_marker("slow") and not os.environ.get("SLOW"):
            item.add_marker(pytest.mark.skip(reason="slow: set SLOW=1"))
        if grouped and fixtures & DATABASES and RETAIL in _parameters(item):
            item.add_marker(pytest.mark.xdist_group(RETAIL))
        elif grouped and not item.get_closest_marker("xdist_group"):
            shared = (group for group, names in GROUPS.items() if fixtures & names)
            item.add_marker(pytest.mark.xdist_group(next(shared, item.nodeid.split("::")[0])))
    if grouped:
        items.sort(key=_turn)


def keep_groups_together(items: list[pytest.Item]) -> None:
    """Name each test's group in its id, by which the workers' tests are dealt out.

    pytest-xdist does so itself, but with pytest 9.2 what it writes is no longer read
    (https://github.com/pytest-dev/pytest-xdist/issues/1386): without this, each test is dealt out alone.
    """
    for item in items:
        suffix = f"@{_group(item)}"
        if not item.nodeid.endswith(suffix):
            item._id = type(item._id).parse(item.nodeid + suffix)


def _turn(item: pytest.Item) -> int:
    group = _group(item)
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)


def _group(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    assert mark is not None
    name: str = mark.args[0]
    return name


def _parameters(item: pytest.Item) -> set[str]:
    call = getattr(item, "callspec", None)
    return {value for value in call.params.values() if isinstance(value, str)} if call else set()


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
