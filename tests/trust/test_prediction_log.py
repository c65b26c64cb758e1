"""The prediction log: what was answered, once, without names; whole files; whoever is forgotten is gone."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.conftest import Shop
from tests.service.conftest import serving

from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.settings import load_settings
from customer_revenue.tables import PREDICTION_LOG_SCHEMA
from customer_revenue.workflows.monitoring.prediction_log import (
    KEY,
    forget_in_log,
    read_log,
    sampled,
    tidy,
    write_rows,
)

DAY = dt.date(2023, 12, 15)
BATCH = "/api/payment/analytics/customers/batch"


def answer(name: str, day: dt.date = DAY, probability: float = 0.25) -> dict[str, Any]:
    return {
        "customer_id": name,
        "customer_segment": "whale",
        "user_name": "John Doe",
        "predictions": {
            "as_of": day.isoformat(),
            "horizon_days": 365,
            "next_purchase_probability": probability,
            "churn_risk_score": 0.5,
            "churn_days": 90,
            "purchase_probability": 0.75,
            "expected_purchases": 2.5,
            "purchases_low": 0,
            "purchases_high": 4,
            "expected_revenue_cents": 1_000,
            "revenue_low_cents": 0,
            "revenue_high_cents": 2_000,
            "interval_mass": 0.8,
        },
    }


def log_of(folder: Path, **settings: Any) -> PredictionLog:
    return PredictionLog(folder, load_settings(**settings).logged_share)


def test_an_answer_becomes_a_row_for_each_horizon(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    log.note(answer("ann"), "v1", "shop")
    log.flush()
    rows = {row["horizon_days"]: row for row in read_log(tmp_path).to_pylist()}
    assert {days: row["purchase_probability"] for days, row in rows.items()} == {30: 0.25, 90: 0.5, 365: 0.75}
    assert rows[365]["expected_purchases"] == 2.5
    assert rows[30]["expected_purchases"] is None
    assert {(row["customer_id"], row["as_of"], row["model_version"]) for row in rows.values()} == {("ann", DAY, "v1")}
    assert [path.name for path in tmp_path.iterdir()] == [f"day={DAY}"]


def test_a_customer_is_logged_once_for_each_day_and_model(tmp_path: Path) -> None:
    log, other = log_of(tmp_path), log_of(tmp_path)
    for _ in range(3):
        log.note(answer("ann"), "v1", "shop")
        other.note(answer("ann", probability=0.9), "v1", "shop")
        log.flush()
        other.flush()
    log.note(answer("ann"), "v2", "shop")
    log.note(answer("ann", DAY + dt.timedelta(1)), "v2", "shop")
    log.flush()
    rows = read_log(tmp_path)
    assert rows.num_rows == 9
    assert len(list(tmp_path.glob("day=*/*.parquet"))) == 4
    of_first = rows.filter((pc.field("model_version") == "v1") & (pc.field("horizon_days") == 30))
    assert of_first["purchase_probability"].to_pylist() == [0.25], "what was said first is what was said"
    assert read_log(tmp_path, DAY + dt.timedelta(1)).num_rows == 3


@pytest.mark.parametrize(("mode", "least", "most"), [("off", 0, 0), ("sampled", 200, 400), ("all", 1_000, 1_000)])
def test_off_sampled_or_all(tmp_path: Path, mode: str, least: int, most: int) -> None:
    log = log_of(tmp_path, log_predictions=mode, log_share=0.3)
    for number in range(1_000):
        log.note(answer(f"c{number}"), "v1", "shop")
    log.flush()
    found = set(read_log(tmp_path)["customer_id"].to_pylist())
    assert least <= len(found) <= most
    again = sampled(pa.table({"customer_id": [f"c{number}" for number in range(1_000)]}), 0.3)
    assert mode != "sampled" or set(again["customer_id"].to_pylist()) == found, "always the same customers"


def test_no_log_without_a_folder(tmp_path: Path) -> None:
    log = PredictionLog(None, 1.0)
    log.note(answer("ann"), "v1", "shop")
    log.flush()
    assert not log.enabled
    assert list(tmp_path.iterdir()) == []


def test_whoever_is_forgotten_is_gone_and_the_rest_stays(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    for name in ("ann", "bob"):
        log.note(answer(name), "v1", "shop")
    log.flush()
    assert forget_in_log(tmp_path, "ann") == 3
    assert set(read_log(tmp_path)["customer_id"].to_pylist()) == {"bob"}
    assert forget_in_log(tmp_path, "bob") == 3
    assert list(tmp_path.glob("day=*/*")) == []


def test_tidying_joins_past_days_and_drops_who_is_unknown(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    for name in ("ann", "bob", "gone"):
        log.note(answer(name), "v1", "shop")
        log.flush()
    before = read_log(tmp_path)
    tidy(tmp_path, pa.array(["ann", "bob"]), DAY)
    assert len(list(tmp_path.glob("day=*/*.parquet"))) == 2, "today's files stay as they are"
    tidy(tmp_path, pa.array(["ann", "bob"]), DAY + dt.timedelta(1))
    assert len(list(tmp_path.glob("day=*/*"))) == 1
    kept = before.filter(pc.field("customer_id") != "gone")
    keys = [(name, "ascending") for name in KEY]
    assert read_log(tmp_path).sort_by(keys).equals(kept.sort_by(keys))


def test_a_file_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    log.note(answer("ann"), "v1", "shop")
    log.flush()
    (tmp_path / f"day={DAY}" / ".half.parquet").write_bytes(b"PAR1")
    assert read_log(tmp_path).num_rows == 3


def test_there_is_no_column_for_a_name(tmp_path: Path) -> None:
    assert not {"name", "email", "user_name"} & set(PREDICTION_LOG_SCHEMA.names)
    write_rows(tmp_path, PREDICTION_LOG_SCHEMA.empty_table(), "worker")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def logging_shop(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The trained shop, with a log that the service and ``score`` have written, and a customer forgotten after that."""
    folder = tmp_path_factory.mktemp("logging") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    own = {"CUSTOMER_REVENUE_LOG": "log", "CUSTOMER_REVENUE_FORGET_KEY": "secret"}
    shop = Shop(folder, {**trained_shop.environment, **own})
    with serving(shop) as running:
        for name in ("user_123", "c1", "c1", "nobody"):
            running.get(f"/customers/{name}/revenue")
        running.get("/customers/c2/revenue", as_of="2023-11-01")
        running.get("/customers/c3/revenue", include_predictions="false")
        assert running.client.post(BATCH, json={"customer_ids": ["c4", "c5"]}).status_code == 200
        running.process.terminate()
        running.process.wait(timeout=30)
    return shop


def test_the_service_logs_what_it_tells_of_now(logging_shop: Shop) -> None:
    rows = read_log(logging_shop.folder / "log")
    served = rows.filter(pc.field("source") == "service")
    assert set(served["customer_id"].to_pylist()) == {"user_123", "c1", "c4", "c5"}
    answered = logging_shop.show("user_123")["predictions"]
    (row,) = served.filter((pc.field("customer_id") == "user_123") & (pc.field("horizon_days") == 365)).to_pylist()
    assert row["expected_revenue_cents"] == answered["expected_revenue_cents"]
    assert row["purchase_probability"] == answered["purchase_probability"]
    assert row["segment"] == "high_value"
    assert not any(b"John" in path.read_bytes() for path in logging_shop.folder.glob("log/*/*"))


def test_score_logs_everyone_at_every_horizon_and_forget_cleans_it(logging_shop: Shop) -> None:
    log = logging_shop.folder / "log"
    logging_shop.run("score")
    rows = read_log(log)
    assert counts(rows) == {(30, 801), (90, 801), (365, 801)}
    near = rows.filter((pc.field("horizon_days") == 30) & (pc.field("source") == "score"))
    assert near["expected_purchases"].null_count == 0
    text = logging_shop.run("forget", "user_123", "--orders")
    assert "logged predictions" in text
    assert "user_123" not in read_log(log)["customer_id"].to_pylist()
    assert read_log(log).num_rows == 2_400
    assert not any(b"user_123" in path.read_bytes() for path in log.glob("*/*"))


def counts(rows: pa.Table) -> set[tuple[int, int]]:
    grouped = rows.group_by("horizon_days").aggregate([("customer_id", "count_distinct")])
    return set(zip(*(column.to_pylist() for column in grouped.columns), strict=True))


def test_hindsight_is_not_logged(logging_shop: Shop, tmp_path: Path) -> None:
    environment = {**logging_shop.environment, "CUSTOMER_REVENUE_LOG": str(tmp_path / "log")}
    Shop(logging_shop.folder, environment).run("score", "--as-of", "2023-11-01")
    assert not (tmp_path / "log").exists()


def test_a_log_can_be_asked_with_any_parquet_reader(logging_shop: Shop) -> None:
    (path, *_) = sorted(logging_shop.folder.glob("log/*/*.parquet"))
    assert pq.read_schema(path).names == PREDICTION_LOG_SCHEMA.names
