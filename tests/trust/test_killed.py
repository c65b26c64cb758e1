"""Killed at any moment, each command leaves what was there before it or after it, and can be run again."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.conftest import Shop, empty_shop
from tests.forked import started

from customer_revenue.modeling import bundle
from customer_revenue.orders.files.simulate import simulate_orders
from customer_revenue.orders.store import open_store
from customer_revenue.settings import load_settings
from customer_revenue.workflows.monitoring.prediction_log import read_log
from customer_revenue.workflows.registry.bundles import current_version, read_gate
from customer_revenue.workflows.registry.champion import RECORD, changes

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

KILLS = [2, pytest.param(60, marks=[pytest.mark.exhaustive, pytest.mark.timeout(1800)])]
GONE = "c7"


@pytest.fixture(scope="module")
def pristine(tracking_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A small shop with two versions, the second of them champion, and a prediction log. Not to be changed."""
    folder = tmp_path_factory.mktemp("killed")
    own = {"CUSTOMER_REVENUE_FORGET_KEY": "a secret for the tests", "CUSTOMER_REVENUE_LOG": "log"}
    shop = Shop(folder, {**empty_shop(folder).environment, **own})
    (folder / "models").mkdir()
    shutil.copy(tracking_store, folder / "models" / "mlflow.db")
    pq.write_table(simulate_orders(60, 200, seed=3), folder / "orders.parquet")
    shop.run("import", "orders.parquet")
    for _ in range(2):
        shop.run("train")
    shop.run("score")
    return shop


@pytest.mark.parametrize("kills", KILLS)
@pytest.mark.parametrize("words", [("promote",), ("rollback",), ("forget", GONE, "--orders"), ("monitor",)])
def test_a_command_killed_at_any_moment(pristine: Shop, tmp_path: Path, words: tuple[str, ...], kills: int) -> None:
    versions = sorted(path.parent.name for path in (pristine.folder / "models").glob("[0-9]*/gate.json"))
    assert current_version(pristine.folder / "models") == versions[1]
    full = {
        "promote": ("promote", versions[0], "--force", "--why", "test"),
        "rollback": ("rollback", "--why", "test"),
    }.get(words[0], words)

    def fresh(name: str) -> Shop:
        shutil.copytree(pristine.folder, tmp_path / name, symlinks=True)
        return Shop(tmp_path / name, pristine.environment)

    whole = fresh("whole")
    before, began = state(whole), time.monotonic()
    run_again(whole, full)
    duration, after = time.monotonic() - began, state(whole)
    moments = random.Random(words[0])  # noqa: S311  # times, not secrets
    for kill in range(kills):
        shop = fresh(f"kill-{kill}")
        process = started(full, shop.folder, shop.environment)
        process.join(moments.uniform(0, 1.1 * duration))
        process.kill()
        process.join()
        assert state(shop) in (before, after), full
        run_again(shop, full)
        assert state(shop) == after
        assert [path.name for path in shop.folder.rglob("*.next")] == []
        shutil.rmtree(shop.folder)


def run_again(shop: Shop, words: tuple[str, ...]) -> None:
    """Run a command to its end; a second rollback has nothing to roll back to, and is not run."""
    if words[0] == "rollback" and changes(shop.folder / "models")[-1].event == "rollback":
        shop.run("models")  # completes what was interrupted between the record and the link
        shop.run("promote", changes(shop.folder / "models")[-1].version)
        return
    shop.run(*words)


def state(shop: Shop) -> tuple[object, ...]:
    """Champion, orders and customers; everything that is there can be read."""
    models = shop.folder / "models"
    settings = load_settings(store=f"duckdb:///{shop.folder}/data/orders.duckdb", models=models)
    record = json.loads((models / RECORD).read_text())
    champion = current_version(models)
    assert champion is not None
    assert bundle.load(models / champion).tier_
    assert all(read_gate(path.parent) is not None for path in models.glob("[0-9]*/gate.json"))
    with open_store(settings.store, settings.store_options) as store:
        orders = store.fetch(store.tables.orders).num_rows
        assert orders == store.info.orders
    assert read_log(shop.folder / "log").num_rows > 0
    # The record is written ahead of the link: the next command makes the link.
    return record[-1]["version"], orders, store.info.customers
