"""Large shops are sampled: the same customers every time, with the very rows they have among all."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.conftest import Shop

from customer_revenue.modeling.purchase_histories import column
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import load_settings
from customer_revenue.workflows import feature_rows as frames
from customer_revenue.workflows.feature_rows import (
    feature_rows,
    known_for_sample,
    label_rows,
    training_windows,
)
from customer_revenue.workflows.known_tables import feature_expression, known_at, of_customers


@pytest.fixture(scope="module")
def store(trained_shop: Shop):
    settings = load_settings(store=f"duckdb:///{trained_shop.folder}/data/orders.duckdb")
    with open_store(settings.store, settings.store_options) as opened:
        yield opened


def test_a_sample_has_the_rows_that_its_customers_have_among_all(store: Store) -> None:
    when = store.as_of()
    whole, some = feature_rows(store, when), feature_rows(store, when, max_customers=100)
    ids = some.column("customer_id").to_pylist()
    assert len(ids) == len(set(ids)) == 100
    assert ids == sorted(ids)
    same = of_customers(known_at(store, when), pa.array(ids, pa.string()))
    assert some.equals(store.fetch(feature_expression(same, when.day)).sort_by("customer_id"))
    assert set(ids) < set(whole.column("customer_id").to_pylist())
    assert some.equals(feature_rows(store, when, max_customers=100))


def test_a_sample_tells_of_the_whole(store: Store) -> None:
    """Neither the first customers nor the best: means within four standard errors."""
    when = store.as_of()
    whole, some = (column(feature_rows(store, when, max_customers=n), "T_days") for n in (None, 300))
    assert abs(some.mean() - whole.mean()) < 4 * whole.std() / 300**0.5
    later = feature_rows(store, store.as_of(when.day - dt.timedelta(days=1)), max_customers=100)
    assert later.column("customer_id") != feature_rows(store, when, max_customers=100).column("customer_id")


def test_a_sample_has_all_orders_of_its_customers(store: Store) -> None:
    when = store.as_of()
    ids = feature_rows(store, when, max_customers=100).column("customer_id").to_pylist()
    whole, some = (store.fetch(known_for_sample(store, when, most).orders.order_by("id")) for most in (None, 100))
    of_them = whole.filter(pc.is_in(whole.column("user_id"), pa.array(ids)))
    assert some.to_pylist() == of_them.to_pylist()


def test_labels_come_in_the_order_of_the_customers(store: Store) -> None:
    cutoff = store.as_of().day - dt.timedelta(days=90)
    customers = feature_rows(store, store.as_of(cutoff), max_customers=50).column("customer_id")
    labels = label_rows(store, cutoff, [90], customers)
    assert labels.column("customer_id") == customers


def test_windows_of_a_large_shop_hold_no_more_than_the_sample(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CUSTOMERS_PER_WINDOW", 120)
    windows = training_windows(store, store.as_of(), 90)
    assert windows
    for window in windows:
        assert window.features.num_rows == 120
        assert window.labels.column("customer_id") == window.features.column("customer_id")
