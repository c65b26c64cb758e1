"""What commands and the service write, their owner alone may read, whatever the umask was before."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.conftest import EXAMPLE_ORDERS, Shop, as_trained
from tests.service.conftest import BENTOML_SERVE, serving_command

OPEN = 0o022
"""The umask of most accounts, under which others may read."""


@pytest.fixture(autouse=True)
def others_may_read() -> Iterator[None]:
    before = os.umask(OPEN)
    yield
    os.umask(before)


def run(shop: Shop, *words: str) -> None:
    command = [sys.executable, "-m", "customer_revenue", *words]
    subprocess.run(command, cwd=shop.folder, env=dict(shop.environment), check=True, capture_output=True)


def open_to_others(folder: Path, ours: set[Path], written: Sequence[Path] = ()) -> Iterator[str]:
    """The files and folders that others than their owner may use, but those that the test has made.

    MLflow's copies of the package itself keep the modes of what they are copies of, in folders that are closed.
    """
    for path in written or sorted(folder.rglob("*")):
        if "mlflow-artifacts" in path.parts and ("code" in path.parts or path.name == "pyfunc.py"):
            continue
        mode = stat.S_IMODE(path.lstat().st_mode)
        if not path.is_symlink() and path not in ours and mode & 0o077:
            yield f"{path.relative_to(folder)} {mode:o}"


def test_what_import_export_and_backup_write(new_shop: Shop) -> None:
    folder = new_shop.folder
    bad = "order_id,user_id,created_at,total_cents,status\nx,ann,never,100,paid\ny,bob,2023-11-01,100,paid\n"
    (folder / "orders.csv").write_text(EXAMPLE_ORDERS)
    (folder / "bad.csv").write_text(bad)
    ours = set(folder.rglob("*"))
    run(new_shop, "import", "orders.csv", "bad.csv", "--as-of", "2023-12-15")
    run(new_shop, "keys", "add", "reader")
    run(new_shop, "quarantine", "--output", "corrected.csv")
    run(new_shop, "backup", "backups/one")
    assert {"data", "corrected.csv", "backups"} <= {path.name for path in folder.iterdir()}
    assert list(open_to_others(folder, ours)) == []


def test_what_training_writes(trained_shop: Shop) -> None:
    ours = {trained_shop.folder / name for name in ("example.csv", "others.parquet", "serve.log")}
    written = as_trained(trained_shop)
    assert trained_shop.folder / "models" / "current" in written
    assert list(open_to_others(trained_shop.folder, ours, written)) == []


@pytest.mark.servers
def test_what_the_service_writes(trained_shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    shutil.rmtree(folder / "models" / "trials", ignore_errors=True)
    trained = {folder / path.relative_to(trained_shop.folder) for path in as_trained(trained_shop)}
    ours = {folder / name for name in ("example.csv", "others.parquet", "serve.log")} | set(folder.rglob("*")) - trained
    shop = Shop(folder, {**trained_shop.environment, "CUSTOMER_REVENUE_LOG": "log"})
    with serving_command(BENTOML_SERVE, shop) as running:
        assert running.get("/customers/user_123/revenue").status_code == 200
        running.process.terminate()
        running.process.wait(30)
    run(shop, "actions", "--output", "actions.csv")
    assert list((folder / "log").rglob("*.parquet"))
    assert list((folder / "models" / "trials").iterdir())
    assert list(open_to_others(folder, ours)) == []
