"""Training and scoring are the same on every engine, which counts and samples customers, and on Spark's workers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from tests.engines.conftest import SPARK

from customer_revenue.errors import InvalidParameter
from customer_revenue.features.first_orders import first_orders
from customer_revenue.modeling.bundle import load
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_models import BetaGeo
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import Settings
from customer_revenue.workflows import feature_rows as frames
from customer_revenue.workflows.feature_rows import feature_rows, population, training_windows
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.training.score import score
from customer_revenue.workflows.training.train import train

if TYPE_CHECKING:
    from tests.conftest import Shop
    from tests.engines.conftest import Stores

ENGINES = ("duckdb", "postgres", "mysql", SPARK)
FEW = 40
"""Number of customers in the sample, out of about a hundred."""


@pytest.fixture
def whole(stores: Stores) -> Population:
    """One row per customer, as for a small shop."""
    with _open(stores, "duckdb") as store:
        return Population.of(feature_rows(store, store.as_of()))


def _open(stores: Stores, engine: str) -> Store:
    settings = stores.settings(engine)
    return open_store(settings.store, settings.store_options)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_engine_counts_gives_the_same_fits(stores: Stores, engine: str, whole: Population) -> None:
    with _open(stores, engine) as store:
        counted = population(store, store.as_of(), max_customers=FEW)
    assert (counted.customers, counted.total_cents) == (whole.customers, whole.total_cents)
    assert counted.refund_cents == whole.refund_cents
    assert (counted.repeats, counted.purchase_days) == (whole.repeats, whole.purchase_days)
    one, other = (each.histories.distinct[0] for each in (counted, whole))
    assert len(counted.histories) == len(one)
    for name in ("frequency", "recency_days", "T_days", "weights"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert np.allclose(one.log_gap_sum, other.log_gap_sum, rtol=1e-12)
    fits = [_numbers(BetaGeo().fit(each.histories).to_state()) for each in (counted, whole)]
    assert fits[0] == pytest.approx(fits[1], rel=1e-9)
    spends = [_numbers(each.fitted_spend().to_state()) for each in (counted, whole)]
    assert spends[0] == pytest.approx(spends[1], rel=1e-9)


def _numbers(state: dict[str, object]) -> dict[str, float]:
    return {name: value for name, value in state.items() if isinstance(value, float)}


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_the_first_orders_are_the_same(stores: Stores, engine: str) -> None:
    found = []
    for name in ("duckdb", engine):
        with _open(stores, name) as store:
            first = first_orders(store.table("orders"), store.table("order_items"))
            found.append(store.fetch(first).sort_by("customer_id").to_pydict())
            rows = feature_rows(store, store.as_of(), covariates=("channel", "product_id"))
            found.append(rows.select(["customer_id", "channel", "product_id"]).to_pydict())
    assert found[:2] == found[2:]
    assert any(found[0]["product_id"])
    assert found[1]["product_id"] == found[0]["product_id"]


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_the_same_customers_are_sampled(stores: Stores, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CUSTOMERS_PER_WINDOW", FEW)
    sampled = []
    for name in ("duckdb", engine):
        with _open(stores, name) as store:
            when = store.as_of()
            few, windows = feature_rows(store, when, FEW), training_windows(store, when, 90)
            sampled.append([few, *(w.features for w in windows), *(w.labels for w in windows)])
            assert few.num_rows == FEW
    for one, other in zip(*sampled, strict=True):
        assert one.num_rows
        _close(one, other, 1e-12)


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_scoring(stores: Stores, engine: str, tmp_path: Path) -> None:
    """On Spark a worker predicts each partition, from the texts of the bundle."""
    texts = []
    for name in ("duckdb", engine):
        texts.append(score(stores.settings(name), None, tmp_path / f"{name}.parquet", lambda *_: None))
        assert (
            score(stores.settings(name), None, None, lambda *_: None).splitlines()[:-1] == texts[-1].splitlines()[:-1]
        )
    assert texts[0].splitlines()[:-1] == texts[1].splitlines()[:-1]
    one, other = (
        ds.dataset(tmp_path / f"{name}.parquet").to_table().sort_by("customer_id") for name in ("duckdb", engine)
    )
    _close(one, other, 1e-9)
    with _open(stores, "duckdb") as store:
        at_once = _predictor(stores, store.as_of().day).predict(feature_rows(store, store.as_of()))
    _close(one, at_once.sort_by("customer_id"), 1e-12)


def _predictor(stores: Stores, day: dt.date) -> Predictor:
    predictor = load(stores.settings("duckdb").models / "current")
    predictor.as_of_day = day
    return predictor


@pytest.mark.slow
def test_a_folder_of_predictions_is_replaced(stores: Stores, tmp_path: Path) -> None:
    settings, folder = stores.settings("spark"), tmp_path / "scores.parquet"
    with pytest.raises(InvalidParameter, match=r"must end with \.parquet"):
        score(settings, None, tmp_path / "scores.csv", lambda *_: None)
    for _ in range(2):
        score(settings, None, folder, lambda *_: None)
    assert len(list(folder.glob("_SUCCESS"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's, about its dependencies
def test_a_model_trained_on_spark_is_the_same(trained_shop: Shop, spark_session: object, tmp_path: Path) -> None:
    store = f"spark:///{tmp_path / 'orders'}"
    settings = Settings(_env_file=None, store=store, models=tmp_path / "models")
    files = [trained_shop.folder / name for name in ("example.csv", "others.parquet")]
    import_orders(settings, files, as_of=dt.date(2023, 12, 15), report=lambda *_: None)
    result = train(settings, None, lambda *_: None)
    there = load(trained_shop.folder / "models" / "current")
    assert result.predictor.tier_ is there.tier_
    assert result.customers == 801
    with open_store(store, settings.store_options) as opened:
        features = feature_rows(opened, opened.as_of())
    _close(result.predictor.predict(features), there.predict(features), 1e-6)
    assert pq.ParquetDataset(tmp_path / "orders" / "current" / "orders").read().num_rows


def _close(one: pa.Table, other: pa.Table, tolerance: float) -> None:
    """Equal except for the last digits of fractions."""
    assert one.schema.names == other.schema.names
    for name in one.schema.names:
        left, right = one.column(name), other.column(name)
        if pa.types.is_floating(left.type):
            gaps = np.abs(left.to_numpy() - right.to_numpy()) / np.maximum(np.abs(right.to_numpy()), 1)
            assert np.nanmax(gaps, initial=0) <= tolerance, (name, np.nanmax(gaps))
            assert np.array_equal(np.isnan(left.to_numpy()), np.isnan(right.to_numpy())), name
        else:
            assert left.to_pylist() == right.to_pylist(), name
