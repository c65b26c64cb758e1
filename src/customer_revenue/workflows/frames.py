"""Feature rows and labels out of a store: the same functions for training, back-tests and serving."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis.expr.types as ir
import pyarrow as pa

from customer_revenue.errors import NotEnoughData
from customer_revenue.features.behaviour import features
from customer_revenue.features.labels import labels
from customer_revenue.modeling.windows import Window, choose_cutoffs
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.tables import Canonical, as_of_literal


def known_at(store: Store, when: AsOf) -> Canonical:
    """The store's tables as they were known at a moment."""
    return store.tables.until(as_of_literal(when.moment))


def feature_rows(store: Store, when: AsOf) -> pa.Table:
    """One feature row for every customer with an order by then.

    Raises:
        NotEnoughData: there is no such customer.
    """
    known = known_at(store, when)
    rows = store.fetch(feature_expression(known, when.day))
    if rows.num_rows == 0:
        raise NotEnoughData(f"no customer has an order by {when.day}; the store begins on {store.info.first_day}")
    return rows


def feature_expression(known: Canonical, day: dt.date | ir.DateValue) -> ir.Table:
    """The feature expression over tables that hold only what was known."""
    return features(known.orders, known.refunds, day)


def label_rows(store: Store, cutoff: dt.date, horizons_days: Sequence[int]) -> pa.Table:
    """What customers did after a cut-off; the caller answers for the horizon being over."""
    return store.fetch(labels(store.tables.orders, cutoff, horizons_days))


def training_windows(store: Store, when: AsOf, horizon_days: int) -> list[Window]:
    """Earlier windows, each with features as of its cut-off and labels that end no later than ``when``."""
    first_day = store.info.first_day
    assert first_day is not None, "a store with feature rows has a first day"
    windows = []
    for plan in choose_cutoffs(first_day, when.day, horizon_days):
        then = store.as_of(plan.cutoff)
        windows.append(
            Window(
                cutoff=plan.cutoff,
                horizon_days=plan.horizon_days,
                features=store.fetch(feature_expression(known_at(store, then), then.day)),
                labels=store.fetch(labels(known_at(store, when).orders, plan.cutoff, plan.horizons_days)),
            )
        )
    return windows
