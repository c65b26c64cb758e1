"""Whatever happens to a writer, the store is either the complete old one or the complete new one."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import duckdb
import filelock
import pytest
from tests.forked import import_process

from customer_revenue.errors import StoreBusy, StoreError
from customer_revenue.orders.engines.duckdb.target import DuckDBTarget

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

LIMITED_WRITER = """
import resource, signal, sys
from pathlib import Path
from customer_revenue.orders.imports.import_files import import_files
from customer_revenue.settings import Settings
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
import_files([Path(sys.argv[1])], sys.argv[2], Settings(_env_file=None).store_options)
"""


def _orders(first: int, last: int) -> list[str]:
    return [f"{i},u{i % 997},2023-05-01,10,paid" for i in range(first, last)]


@pytest.mark.process
@pytest.mark.parametrize("kills", [6, pytest.param(100, marks=[pytest.mark.exhaustive, pytest.mark.timeout(900)])])
def test_a_writer_killed_at_any_moment_leaves_a_whole_store(shop: Shop, kills: int) -> None:
    shop.load(*_orders(0, 5_000))
    more = shop.file(*_orders(5_000, 60_000))
    whole, waiting = import_process(more, f"duckdb:///{shop.folder}/other.duckdb")
    started = time.monotonic()
    waiting.send("go")
    whole.join()
    assert whole.exitcode == 0
    duration = time.monotonic() - started
    old, seen = shop.path.read_bytes(), set()
    moments = random.Random(1)  # noqa: S311  # times, not secrets
    for _ in range(kills):
        writer, waiting = import_process(more, shop.url)
        waiting.send("go")
        time.sleep(moments.uniform(0, 1.2 * duration))
        writer.kill()
        writer.join()
        with shop.open() as store:
            orders = store.fetch(store.tables.orders.aggregate(n=lambda t: t.id.nunique())).to_pylist()[0]["n"]
            assert orders == store.info.orders
        assert orders in (5_000, 60_000)
        seen.add(orders)
        shop.path.write_bytes(old)
    assert 5_000 in seen
    assert 60_000 in seen or kills < 100
    assert shop.files(more).orders_in_store == 60_000
    (shop.folder / "other.duckdb").unlink()
    (shop.folder / ".other.duckdb.lock").unlink()
    assert shop.leftovers() == []


def test_one_writer_at_a_time(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    with filelock.FileLock(shop.folder / ".orders.duckdb.lock"):
        with pytest.raises(StoreBusy, match="another import"):
            shop.load("2,ann,2023-05-01,10,paid")
        assert shop.column("SELECT id FROM orders") == ["1"], "a reader never waits"


def test_what_a_dead_writer_left_is_cleaned_up(shop: Shop) -> None:
    folder = DuckDBTarget(shop.path).folder
    folder.mkdir()
    (folder / "store.duckdb").write_bytes(b"half a store")
    (folder / "work.duckdb.wal").write_bytes(b"rest")
    shop.load("1,ann,2023-05-01,10,paid")
    assert shop.leftovers() == []


def test_a_failing_swap_leaves_the_old_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    before = shop.contents()

    def fail(_self: DuckDBTarget) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DuckDBTarget, "swap", fail)
    with pytest.raises(StoreError, match="nothing was changed"):
        shop.load("2,ann,2023-05-01,10,paid")
    assert shop.contents() == before
    assert shop.leftovers() == []


@pytest.mark.process
def test_a_full_disk_leaves_the_old_store(shop: Shop) -> None:
    """A limit on the size of files simulates a full disk."""
    shop.load("1,ann,2023-05-01,10,paid")
    before = shop.contents()
    path = shop.file(*_orders(0, 200_000), name="many.csv")
    command = [sys.executable, "-c", LIMITED_WRITER, str(path), shop.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "StoreError: writing the store failed and nothing was changed" in done.stderr.strip().splitlines()[-1]
    assert shop.contents() == before
    assert shop.leftovers() == []


def test_a_folder_that_cannot_be_written(shop: Shop) -> None:
    (shop.folder / "file").write_text("no folder")
    with pytest.raises(StoreError, match="cannot be written"):
        shop.load("1,ann,2023-05-01,10,paid", url=f"duckdb:///{shop.folder}/file/orders.duckdb")


@pytest.mark.process
def test_readers_see_old_or_new_while_imports_run(shop: Shop) -> None:
    shop.load(*_orders(0, 1_000))
    writer, waiting = import_process(shop.file(*_orders(1_000, 30_000)), shop.url)
    waiting.send("go")
    seen = set()
    while writer.is_alive():
        with shop.open() as store:
            seen.add(store.fetch(store.tables.orders.aggregate(n=lambda t: t.count())).to_pylist()[0]["n"])
    assert writer.exitcode == 0
    with shop.open() as store:
        seen.add(store.info.orders)
    assert seen == {1_000, 30_000}


def test_any_client_may_read_while_an_import_runs(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    with duckdb.connect(str(shop.path), read_only=True) as con:
        shop.load("2,ann,2023-05-01,10,paid")
        assert con.execute("SELECT count(*) FROM orders").fetchall() == [(1,)]
    assert shop.column("SELECT count(*) FROM orders") == [2]
