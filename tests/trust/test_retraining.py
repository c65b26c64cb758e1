"""``retrain``: everything in one command, again and again, killed anywhere."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.conftest import Shop
from tests.trust.mlflow_champion import champion_in_mlflow

from customer_revenue.console import silent
from customer_revenue.errors import GateRefused, ModelBusy
from customer_revenue.orders.files.simulate import simulate_orders
from customer_revenue.orders.store import open_store
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.monitoring.monitor import report_page
from customer_revenue.workflows.monitoring.prediction_log import read_log
from customer_revenue.workflows.registry.bundles import current_version, load_model
from customer_revenue.workflows.registry.champion import changes, locked
from customer_revenue.workflows.retrain import retrain

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own

FIRST_END, SECOND_END = dt.date(2023, 10, 31), dt.date(2023, 12, 15)


KILLED_AT = (0.4, 0.7)
KILLED_OFTEN_AT = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.8, 0.85, 0.9)
"""Shares of the time that a whole run takes."""


def settings_of(folder: Path) -> Settings:
    return load_settings(
        store=f"duckdb:///{folder}/data/orders.duckdb",
        models=folder / "models",
        tracking_uri=f"sqlite:///{folder}/models/mlflow.db",
        log=folder / "log",
    )


def put(orders: pa.Table, path: Path, after: dt.date | None, until: dt.date) -> None:
    """The orders of some days as a file."""
    path.parent.mkdir(exist_ok=True)
    day = pc.field("created_at")
    chosen = day < dt.datetime.combine(until + dt.timedelta(1), dt.time())
    if after:
        chosen &= day >= dt.datetime.combine(after + dt.timedelta(1), dt.time())
    pq.write_table(orders.filter(chosen), path)


@pytest.mark.slow
def test_a_shop_retrains_as_orders_come_in(tmp_path: Path) -> None:
    settings, inbox = settings_of(tmp_path), tmp_path / "inbox"
    orders = simulate_orders(900, 348, seed=6)
    put(orders, inbox / "a.parquet", None, FIRST_END)
    first = retrain(settings, [inbox], FIRST_END, silent)
    assert first.change is not None, first.text()
    logged = read_log(settings.log or tmp_path)
    assert set(pc.unique(logged["model_version"]).to_pylist()) == {first.champion}

    again = retrain(settings, [inbox], FIRST_END, silent)
    assert (again.imported, again.trained, again.champion) == (None, None, first.champion)
    assert "Nothing new" in again.text()
    assert len(changes(settings.models)) == 1

    put(orders, inbox / "b.parquet", FIRST_END, SECOND_END)
    second = retrain(settings, [inbox], SECOND_END, silent)
    assert second.imported is not None
    (whole,) = (g for g in second.monitored.groups if g.segment == "all")
    assert (whole.horizon_days, whole.versions) == (30, (first.champion,))
    assert second.trained is not None
    assert second.monitored.alarms == []
    page = report_page(settings.models).read_text("utf-8")
    assert page.count("<svg") == 3
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    answers = Answers.open(settings)
    assert b'customer_revenue_monitor_realised{figure="revenue",horizon_days="30",segment="all"}' in (
        answers.monitoring_metrics()
    )
    answers.close()

    rest = orders.filter(pc.field("created_at") >= dt.datetime(2023, 12, 9))
    spoilt = rest.set_column(3, "total_cents", pc.multiply(rest["total_cents"], 100))
    pq.write_table(spoilt, inbox / "c.parquet")
    bad = retrain(settings, [inbox], SECOND_END, silent)
    assert bad.trained is None
    assert bad.champion == second.champion
    with pytest.raises(GateRefused) as caught:
        bad.check()
    assert any("as if cents were read as dollars" in text for text in caught.value.details)


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with locked(settings.models, "retraining"), pytest.raises(ModelBusy, match="another retraining"):
        retrain(settings, [], None, silent)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("moments", [KILLED_AT, pytest.param(KILLED_OFTEN_AT, marks=pytest.mark.exhaustive)])
def test_killed_at_any_moment_the_next_run_takes_up_from_there(new_shop: Shop, moments: Sequence[float]) -> None:
    folder = new_shop.folder
    settings = settings_of(folder)
    orders = simulate_orders(60, 200, seed=3)
    put(orders, folder / "inbox" / "a.parquet", None, dt.date(2023, 5, 31))
    environment = {**new_shop.environment, "CUSTOMER_REVENUE_LOG": "log"}
    command = [sys.executable, "-m", "customer_revenue", "retrain", "inbox"]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    began = time.monotonic()
    assert start().wait(timeout=240) == 0
    duration = time.monotonic() - began
    first = current_version(settings.models)
    put(orders, folder / "inbox" / "b.parquet", dt.date(2023, 5, 31), dt.date(2023, 8, 31))
    for share in moments:
        process = start()
        time.sleep(share * duration)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        load_model(settings.registry)  # the old champion or the new one, whole
        with open_store(settings.store, settings.store_options) as store:
            assert store.info.orders in (pq.read_metadata(folder / "inbox" / "a.parquet").num_rows, orders.num_rows)
    assert start().wait(timeout=240) == 0
    last = current_version(settings.models)
    assert last != first
    assert champion_in_mlflow(settings).tags["bundle"] == last == changes(settings.models)[-1].version
    assert all(change.run_id for change in changes(settings.models))
    left = [p.name for p in settings.models.iterdir() if p.name.startswith(".") and not p.name.endswith(".lock")]
    assert left == []
    with open_store(settings.store, settings.store_options) as store:
        assert store.info.orders == orders.num_rows
    assert start().wait(timeout=240) == 0
    assert current_version(settings.models) == last
