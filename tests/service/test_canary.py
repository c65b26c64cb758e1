"""Bundles with right checksums that end or break whatever process reads them: a child process does, and no worker."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Shop
from tests.service.conftest import serving
from tests.service.load import loaded
from tests.service.test_replacing import refused, witness

from customer_revenue.errors import BundleDamaged
from customer_revenue.orders.store import open_store
from customer_revenue.settings import load_settings
from customer_revenue.workflows.registry import canary
from customer_revenue.workflows.registry.bundles import find_model, make_current

pytestmark = pytest.mark.servers


def aborting(folder: Path) -> None:
    """A text that LightGBM's parser ends the process over."""
    file = next(folder.glob("*.txt"))
    file.write_text(re.sub(r"(?m)^tree_sizes=.*$", "tree_sizes=900000000 900000000", file.read_text()))


def nested(folder: Path) -> None:
    """JSON that no parser follows."""
    (folder / "predictor.json").write_text("[" * 200_000 + "]" * 200_000)


def lacking(folder: Path) -> None:
    state = json.loads((folder / "predictor.json").read_text())
    (folder / "predictor.json").write_text(json.dumps({name: {} for name in state}))


def spoilt(shop: Shop, spoil: Callable[[Path], None]) -> str:
    """A copy of the current bundle that is spoilt, with checksums that say it is whole."""
    folder = shop.folder / "models" / spoil.__name__
    shutil.copytree((shop.folder / "models" / "current").resolve(), folder)
    spoil(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["version"] = folder.name
    manifest["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["sha256"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder.name


@pytest.fixture(scope="module")
def shop(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("canary") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    return Shop(folder, trained_shop.environment)


def test_no_worker_reads_a_bundle_that_ends_processes(shop: Shop) -> None:
    models = shop.folder / "models"
    first = (models / "current").resolve().name
    bad = [spoilt(shop, spoil) for spoil in (aborting, nested, lacking)]
    with serving(shop) as running:
        workers = children(running.process.pid)
        with loaded(running, witness, clients=1, pause=0.05) as load:
            for version in bad:
                make_current(models, version)
                load.wait_for(lambda _: refused(running) == 1, 90)
                make_current(models, first)
                load.wait_for(lambda _: refused(running) == 0, 30)
        assert children(running.process.pid) == workers
        assert load.seen == {(first, 365)}
    log = (shop.folder / "serve.log").read_text()
    for version in bad:
        assert f"the model {version} failed its trial" in log
    assert "it ended the process (SIG" in log
    assert "Traceback" not in log


def test_one_trial_serves_all(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(store=f"duckdb:///{shop.folder}/data/orders.duckdb", models=shop.folder / "models")
    model = find_model(settings.registry)
    shutil.rmtree(settings.models / canary.TRIALS, ignore_errors=True)
    with open_store(settings.store, settings.store_options) as store:
        canary.check_trial(model, settings.models, store)
        monkeypatch.setattr(canary, "CHILD", "no.such.module")
        canary.check_trial(model, settings.models, store)
        with pytest.raises(BundleDamaged, match="ended the process"):
            canary.check_trial(model, settings.models, None)


def children(process: int) -> set[str]:
    """The processes below one, by their ids."""
    found: set[str] = set()
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        found |= set(task.read_text().split())
    return found | {one for child in found for one in children(int(child))}
