"""The store's tables as they were known at a moment, and the features over them, before any of it is read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.features.behaviour import features
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.tables import Canonical, as_of_literal


def known_at(store: Store, when: AsOf) -> Canonical:
    """The store's tables as they were known at a moment."""
    return store.tables.until(as_of_literal(when.moment))


def of_customers(known: Canonical, ids: pa.Array | pa.ChunkedArray) -> Canonical:
    """The orders and refunds of some customers."""
    wanted = ibis.memtable(pa.table({"wanted_id": pc.unique(ids)}))
    return replace(
        known,
        orders=known.orders.semi_join(wanted, known.orders.user_id == wanted.wanted_id),
        refunds=known.refunds.semi_join(wanted, known.refunds.user_id == wanted.wanted_id),
    )


def feature_expression(known: Canonical, day: dt.date | ir.DateValue) -> ir.Table:
    """The feature expression over tables that hold only what was known."""
    return features(known.orders, known.refunds, day)
