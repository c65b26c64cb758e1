"""The store's tables as they were known at a moment, and the features over them, before any of it is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue import lazy_ibis as ibis
from customer_revenue.features.behaviour import features
from customer_revenue.features.first_orders import first_orders
from customer_revenue.orders.store import Store, parameter
from customer_revenue.periods import AsOf, Period
from customer_revenue.tables import OPTIONAL_COLUMNS, Canonical, as_of_literal, day_literal

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class CompleteOrders:
    """``orders`` and ``order_items`` with their optional columns, of all customers or of some."""

    orders: ir.Table
    lines: ir.Table

    @classmethod
    def of(cls, store: Store) -> CompleteOrders:
        """Those of a store."""
        return cls(store.table("orders"), store.table("order_items"))

    @classmethod
    def unstated(cls, known: Canonical) -> CompleteOrders:
        """Those of tables where nothing states the optional columns: null."""
        orders, lines = (
            table.mutate(**{column: ibis.null(kind) for column, kind in OPTIONAL_COLUMNS[name].items()})
            for name, table in (("orders", known.orders), ("order_items", known.order_items))
        )
        return cls(orders, lines)


def known_at(store: Store, when: AsOf) -> Canonical:
    """The store's tables as they were known at a moment."""
    return store.tables.until(as_of_literal(when.moment))


def known_by_then(tables: Canonical) -> Canonical:
    """The tables as they were known at the moment that the parameter ``moment`` names."""
    return tables.until(cast("ir.TimestampScalar", parameter("moment", "timestamp")))


def known_features(tables: Canonical) -> ir.Table:
    """The features as known by the parameter ``moment``, on the day ``as_of_day``."""
    return feature_expression(known_by_then(tables), day_parameter("as_of_day"))


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


def feature_expression(
    known: Canonical,
    day: dt.date | ir.DateValue,
    covariates: Sequence[str] = (),
    complete: CompleteOrders | None = None,
) -> ir.Table:
    """The feature expression over tables that hold only what was known.

    Args:
        known: the tables.
        day: the as-of day.
        covariates: columns of :func:`~customer_revenue.features.first_orders.first_orders` to add.
        complete: where these columns are; needed with covariates.
    """
    rows = features(known.orders, known.refunds, day)
    if not covariates:
        return rows
    assert complete is not None, "covariates are columns of the complete orders"
    orders = complete.orders.semi_join(known.orders, complete.orders.id == known.orders.id)
    firsts = first_orders(orders, complete.lines)
    firsts = firsts.select(*covariates, first_customer_id=firsts.customer_id)
    joined = rows.left_join(firsts, rows.customer_id == firsts.first_customer_id)
    return joined.select(*rows.columns, *covariates)
