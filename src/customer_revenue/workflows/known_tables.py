"""The store's tables as they were known at a moment, and the features over them, before any of it is read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue import lazy_ibis as ibis
from customer_revenue.features.behaviour import features
from customer_revenue.orders.store import Store, parameter
from customer_revenue.periods import AsOf, Period
from customer_revenue.tables import Canonical, as_of_literal, day_literal

if TYPE_CHECKING:
    import ibis.expr.types as ir


def known_at(store: Store, when: AsOf) -> Canonical:
    """The store's tables as they were known at a moment."""
    return store.tables.until(as_of_literal(when.moment))


def known_by_then(tables: Canonical) -> Canonical:
    """The tables as they were known at the moment that the parameter ``moment`` names."""
    return tables.until(cast("ir.TimestampScalar", parameter("moment", "timestamp")))


def day_parameter(name: str) -> ir.DateScalar:
    """A day that is bound when the query runs."""
    return cast("ir.DateScalar", parameter(name, "date"))


def first_day_of(period: Period, when: AsOf) -> ir.DateScalar | None:
    """The first day of a period that ends with a moment; ``None`` for all time."""
    return None if period is Period.ALL_TIME else day_literal(period.first_day(when.day))


def of_customers(known: Canonical, ids: pa.Array | pa.ChunkedArray) -> Canonical:
    """The orders and refunds of some customers."""
    return of_members(known, ibis.memtable(pa.table({"member": pc.unique(ids)})))


def of_members(known: Canonical, members: ir.Table) -> Canonical:
    """The orders and refunds of the customers in the column ``member`` of a table."""
    return replace(
        known,
        orders=known.orders.semi_join(members, known.orders.user_id == members.member),
        refunds=known.refunds.semi_join(members, known.refunds.user_id == members.member),
    )


def feature_expression(known: Canonical, day: dt.date | ir.DateValue) -> ir.Table:
    """The feature expression over tables that hold only what was known."""
    return features(known.orders, known.refunds, day)
