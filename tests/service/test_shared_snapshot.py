"""Customers in memory as files that all workers map: the same answers, kept over a restart, and gone when forgotten."""

from __future__ import annotations

import json
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, serving

from customer_revenue.choices import Breakdown, TopBy
from customer_revenue.errors import StoreError
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.customer_base.kept_snapshots import KeptSnapshots
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.shared_snapshot import SNAPSHOT_CHILD, make_snapshot_in_child

pytestmark = pytest.mark.slow

CUSTOMERS = ("user_123", "c0", "c7", "c77", "c777", "c799")
ALL = frozenset(Breakdown)
SECONDS_AFTER_RESTART = 3.0


@pytest.fixture
def settings(trained_shop: Shop, tmp_path: Path) -> Settings:
    folder = trained_shop.folder
    return load_settings(
        store=f"duckdb:///{folder}/data/orders.duckdb", models=folder / "models", snapshots=tmp_path / "snapshots"
    )


def mapped_files(pid: str = "self") -> set[str]:
    return set(re.findall(r"(\w+)\.arrow$", Path(f"/proc/{pid}/maps").read_text(), re.MULTILINE))


def test_an_answer_is_the_same_from_a_mapped_file(settings: Settings) -> None:
    first = Answers.open(settings)
    asked = [first.customer(name, breakdowns=ALL) for name in CUSTOMERS]
    top = first.base().top_customers(TopBy.LTV, 5, 0)
    actions = first.base().actions(20, 0)
    first.keep_snapshot()
    assert not first.has_snapshot, "it is kept for others"
    second = Answers.open(settings)
    assert second.take_up_kept_snapshot()
    assert {"rows", "predictions", "inputs", "decisions", "months", "products"} <= mapped_files()
    assert [second.customer(name, breakdowns=ALL) for name in CUSTOMERS] == asked
    assert second.base().top_customers(TopBy.LTV, 5, 0) == top
    assert second.base().actions(20, 0) == actions
    modes = {stat.S_IMODE(path.stat().st_mode) for path in settings.snapshots.rglob("*.*") if path.is_file()}
    assert modes <= {0o600, 0o700}
    assert stat.S_IMODE(settings.snapshots.stat().st_mode) & 0o077 == 0


def test_another_policy_model_or_day_has_another_snapshot(settings: Settings, tmp_path: Path) -> None:
    Answers.open(settings).keep_snapshot()
    policy = tmp_path / "policy.toml"
    policy.write_text("[decisions]\nleast_chance = 0.9\n")
    assert not Answers.open(settings.model_copy(update={"policy": policy})).take_up_kept_snapshot()
    earlier = settings.model_copy(update={"as_of": Answers.open(settings).info.first_day})
    assert not Answers.open(earlier).take_up_kept_snapshot()
    models = tmp_path / "models"
    shutil.copytree(settings.models, models, symlinks=True)
    manifest = models / "current" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()), indent=7))
    assert not Answers.open(settings.model_copy(update={"models": models})).take_up_kept_snapshot()
    assert Answers.open(settings).take_up_kept_snapshot()


@pytest.mark.parametrize("name", ["rows.arrow", "snapshot.json", "predictions.arrow"])
def test_a_damaged_snapshot_is_made_anew(settings: Settings, name: str) -> None:
    first = Answers.open(settings)
    first.keep_snapshot()
    (path,) = settings.snapshots.glob(f"*/{name}")
    path.write_bytes(path.read_bytes()[:100])
    again = Answers.open(settings)
    assert not again.take_up_kept_snapshot()
    again.keep_snapshot()
    assert again.take_up_kept_snapshot()


def test_only_the_newest_is_kept_and_nothing_of_a_killed_one(settings: Settings) -> None:
    kept = KeptSnapshots(settings.snapshots)
    (settings.snapshots / ".killed").mkdir(parents=True)
    (settings.snapshots / "older").mkdir()
    answers = Answers.open(settings)
    answers.keep_snapshot()
    assert [folder.name for folder in settings.snapshots.iterdir() if folder.is_dir()] == [answers.snapshot_key]
    assert kept.discard() == 1
    assert kept.find(answers.snapshot_key) is None
    assert kept.discard() == 0


@pytest.mark.process
def test_a_process_of_its_own_makes_it_and_a_place_that_cannot_be_written_does_without(settings: Settings) -> None:
    answers = Answers.open(settings)
    answers.refresh_snapshot(shared=True)
    assert answers.has_snapshot
    assert list(settings.snapshots.glob("*/snapshot.json"))
    asked = answers.customer("c77", breakdowns=ALL)
    nowhere = settings.model_copy(update={"snapshots": Path("/proc/snapshots")})
    with pytest.raises(StoreError, match="reads all customers ended"):
        make_snapshot_in_child(nowhere)
    alone = Answers.open(nowhere)
    alone.refresh_snapshot(shared=True)
    assert alone.has_snapshot, "it keeps customers of its own"
    assert alone.customer("c77", breakdowns=ALL) == asked


@pytest.mark.process
def test_a_killed_child_leaves_nothing_that_is_used(settings: Settings) -> None:
    given = settings.model_dump(mode="json", exclude_unset=True)
    for seconds in (1.0, 3.0, 4.0):
        with subprocess.Popen([sys.executable, "-m", SNAPSHOT_CHILD], stdin=subprocess.PIPE, text=True) as child:
            assert child.stdin is not None
            child.stdin.write(json.dumps(given))
            child.stdin.close()
            time.sleep(seconds)
            child.send_signal(signal.SIGKILL)
        answers = Answers.open(settings)
        taken = answers.take_up_kept_snapshot()
        assert answers.customer("c7")["success"]
        if taken:
            break
    Answers.open(settings).keep_snapshot()
    assert not [path for path in settings.snapshots.iterdir() if path.is_dir() and path.name.startswith(".")]


@pytest.mark.servers
def test_workers_map_one_file_that_a_restart_finds_and_forgetting_removes(trained_shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    shutil.rmtree(folder / "data" / "snapshots", ignore_errors=True)
    shop = Shop(folder, {**trained_shop.environment, "CUSTOMER_REVENUE_FORGET_KEY": "a secret for the tests"})
    with serving(shop) as running:
        wait_for_memory(running, 120)
        assert len(workers(running)) > 1
        wait_until(lambda: all("rows" in mapped_files(pid) for pid in workers(running)), 60)
        before = running.get("/customers/user_123/revenue").json()
    with serving(shop) as running:
        wait_for_memory(running, SECONDS_AFTER_RESTART)
        assert running.get("/customers/user_123/revenue").json() == before
        made = next(folder.glob("data/snapshots/*/rows.arrow"))
        assert b"John Doe" in made.read_bytes()
        told = shop.run("forget", "user_123", "--orders")
        assert re.search(r"^shared snapshots +1$", told, re.MULTILINE), told
        assert not made.exists()
        wait_until(lambda: any(folder.glob("data/snapshots/*/snapshot.json")), 120)
        wait_for_memory(running, 60)
        for path in folder.glob("data/snapshots/*/*"):
            assert b"user_123" not in path.read_bytes()
            assert b"John Doe" not in path.read_bytes()
        assert running.get("/customers/user_123/revenue").status_code == 404


def workers(service: Service) -> list[str]:
    found = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    return [pid for pid in found if "worker" in Path(f"/proc/{pid}/cmdline").read_text()]


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def wait_for_memory(service: Service, seconds: float) -> None:
    """Until the workers that have begun have all customers in memory."""
    loaded = re.compile(r"^customer_revenue_customers_in_memory [1-9]", re.MULTILINE)
    wait_until(lambda: loaded.search(service.client.get("/metrics").text) is not None, seconds)
