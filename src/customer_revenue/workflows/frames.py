"""Feature rows and labels out of a store: the same functions for training, back-tests and serving."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pandas.util import hash_array

from customer_revenue.errors import NotEnoughData
from customer_revenue.features.behaviour import features
from customer_revenue.features.labels import labels
from customer_revenue.modeling.predictor import CUSTOMERS_PER_WINDOW
from customer_revenue.modeling.windows import MOST_WINDOWS, Window, choose_cutoffs
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.tables import Canonical, as_of_literal

HASH = "sample_hash"


def known_at(store: Store, when: AsOf) -> Canonical:
    """The store's tables as they were known at a moment."""
    return store.tables.until(as_of_literal(when.moment))


def feature_rows(
    store: Store, when: AsOf, columns: Sequence[str] | None = None, most_customers: int | None = None
) -> pa.Table:
    """One feature row for every customer with an order by then, in the order of their ids.

    Args:
        store: the orders.
        when: the as-of moment.
        columns: some of the features, and so less to compute and to hold.
        most_customers: take a random sample of so many, the same each time.

    Raises:
        NotEnoughData: there is no such customer.
    """
    wanted = feature_expression(known_at(store, when), when.day)
    if columns is not None:
        wanted = wanted.select(*columns)
    rows = _sampled(store, wanted, most_customers, when.day)
    if rows.num_rows == 0:
        raise NotEnoughData(f"no customer has an order by {when.day}; the store begins on {store.info.first_day}")
    return rows


def features_of(store: Store, when: AsOf, customer_ids: Sequence[str]) -> pa.Table:
    """The feature rows of a few customers, in the order of their ids."""
    known = known_at(store, when)
    some = replace(
        known,
        orders=known.orders.filter(known.orders.user_id.isin(customer_ids)),
        refunds=known.refunds.filter(known.refunds.user_id.isin(customer_ids)),
    )
    return store.fetch(feature_expression(some, when.day)).sort_by("customer_id")


def feature_expression(known: Canonical, day: dt.date | ir.DateValue) -> ir.Table:
    """The feature expression over tables that hold only what was known."""
    return features(known.orders, known.refunds, day)


def label_rows(store: Store, cutoff: dt.date, horizons_days: Sequence[int], customers: pa.ChunkedArray) -> pa.Table:
    """What customers did after a cut-off, in their order; the caller answers for the horizon being over.

    Those without an order by the cut-off are left out.
    """
    return _labels_of(store, labels(store.tables.orders, cutoff, horizons_days), customers)


def training_windows(store: Store, when: AsOf, horizon_days: int, most: int = MOST_WINDOWS) -> list[Window]:
    """Earlier windows, each with features as of its cut-off and labels that end no later than ``when``.

    Large shops are sampled as the rows arrive: nothing holds them all.
    """
    first_day = store.info.first_day
    assert first_day is not None, "a store with feature rows has a first day"
    windows = []
    for plan in choose_cutoffs(first_day, when.day, horizon_days, most):
        then = store.as_of(plan.cutoff)
        known = feature_expression(known_at(store, then), then.day)
        rows = _sampled(store, known, CUSTOMERS_PER_WINDOW, then.day)
        outcomes = labels(known_at(store, when).orders, plan.cutoff, plan.horizons_days)
        outcome_rows = _labels_of(store, outcomes, rows.column("customer_id"))
        windows.append(Window(plan.cutoff, plan.horizon_days, rows, outcome_rows))
    return windows


def _sampled(store: Store, rows: ir.Table, most: int | None, day: dt.date) -> pa.Table:
    """All rows, or those of the customers whose hashes of that day are the smallest, in the order of their ids."""
    if most is None or store.info.customers <= most:
        return store.fetch(rows).sort_by("customer_id")
    bound = np.uint64(2**64 - 1)
    parts: list[pa.Table] = []
    for batch in store.batches(rows):
        hashes = _hashes(batch.column("customer_id"), day)
        parts.append(pa.table(batch).append_column(HASH, pa.array(hashes)).filter(pa.array(hashes <= bound)))
        if sum(part.num_rows for part in parts) > 2 * most:
            kept = _smallest(parts, most)
            parts, bound = [kept], np.uint64(kept.column(HASH)[-1].as_py())
    return _smallest(parts, most).drop_columns([HASH]).sort_by("customer_id")


def _smallest(parts: Sequence[pa.Table], most: int) -> pa.Table:
    return pa.concat_tables(parts).sort_by(HASH).slice(0, most).combine_chunks()


def _hashes(customer_ids: pa.Array, day: dt.date) -> npt.NDArray[np.uint64]:
    """A number for each customer that depends on nothing but the id and the day."""
    ids = np.asarray(customer_ids.to_pylist(), dtype=object)
    return hash_array(ids, hash_key=f"{day:%Y%m%d}-sampled", categorize=False)


def _labels_of(store: Store, rows: ir.Table, customers: pa.ChunkedArray) -> pa.Table:
    """The labels of some customers, in their order."""
    if store.info.customers <= len(customers):
        found = store.fetch(rows)
    else:
        ids = customers.combine_chunks()
        parts = [pa.table(b).filter(pc.is_in(b.column("customer_id"), value_set=ids)) for b in store.batches(rows)]
        found = pa.concat_tables(parts)
    place = pc.index_in(customers, value_set=found.column("customer_id").combine_chunks())
    return found.take(place.drop_null())
