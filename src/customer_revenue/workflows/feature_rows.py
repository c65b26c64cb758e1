"""Feature rows and labels out of a store: the same functions for training, back-tests and serving."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.errors import NotEnoughData
from customer_revenue.features.history_counts import chosen_customers, counts
from customer_revenue.features.labels import labels
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.predictor import CUSTOMERS_PER_WINDOW
from customer_revenue.modeling.rolling_windows import Window, choose_cutoffs
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Store
from customer_revenue.periods import MAX_YEAR, AsOf
from customer_revenue.settings import ModelOptions
from customer_revenue.tables import Canonical
from customer_revenue.workflows.known_tables import (
    CompleteOrders,
    day_parameter,
    feature_expression,
    known_at,
    known_by_then,
    known_features,
    of_customers,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir

END_OF_TIME = dt.date(MAX_YEAR, 12, 31)
"""Later than any order that a store holds."""


def feature_rows(
    store: Store, when: AsOf, max_customers: int | None = None, covariates: Sequence[str] = ()
) -> pa.Table:
    """One feature row for every customer with an order by then, in the order of their ids.

    Args:
        store: the orders.
        when: the as-of moment.
        max_customers: take a random sample of this size, the same each time and on every engine.
        covariates: columns of customers' first orders to add, for a model with covariates.

    Raises:
        NotEnoughData: there is no such customer.
    """
    if covariates or _is_sampled(store, max_customers):
        known = known_for_sample(store, when, max_customers)
        found = store.fetch(store_features(store, known, when.day, covariates))
    else:
        found = store.fetch(Recipe(known_features), moment=when.moment_utc_naive, as_of_day=when.day)
    rows = found.sort_by("customer_id")
    if rows.num_rows == 0:
        raise NotEnoughData(f"no customer has an order by {when.day}; the store begins on {store.info.first_day}")
    return rows


def store_features(store: Store, known: Canonical, day: dt.date | ir.DateValue, covariates: Sequence[str]) -> ir.Table:
    """The feature expression over tables of a store, with those columns of first orders that are covariates."""
    complete = CompleteOrders.of(store) if covariates else None
    return feature_expression(known, day, covariates, complete)


def known_for_sample(store: Store, when: AsOf, max_customers: int | None) -> Canonical:
    """As ``known_at``, of a random sample of at most ``max_customers`` customers; another one every day."""
    known = known_at(store, when)
    if max_customers is None or not _is_sampled(store, max_customers):
        return known
    chosen = store.fetch(chosen_customers(known.counted_orders(), max_customers, f"{when.day}"))
    return of_customers(known, chosen.column("user_id"))


def _is_sampled(store: Store, max_customers: int | None) -> bool:
    return max_customers is not None and store.info.customers > max_customers


def population(
    store: Store,
    when: AsOf,
    max_customers: int = CUSTOMERS_PER_WINDOW,
    rows: pa.Table | None = None,
    covariates: Sequence[str] = (),
) -> Population:
    """The customers with an order by then, as the probability models need them.

    If there are more than ``max_customers``, the engine counts them and a sample of that size is read.

    Args:
        store: the orders.
        when: the as-of moment.
        max_customers: size of the sample.
        rows: the feature rows of then, where they have been read; those of all customers spare a query.
        covariates: columns of customers' first orders that the sample has too.

    Raises:
        NotEnoughData: there is no such customer.
    """
    if rows is None or store.info.customers > max_customers:
        rows = feature_rows(store, when, max_customers, covariates)
    if store.info.customers <= max_customers:
        return Population.of(rows)
    counted = counts(feature_expression(known_at(store, when), when.day))
    return Population.counted(
        store.fetch(counted.totals), store.fetch(counted.histories), store.fetch(counted.spends), rows
    )


def label_rows(store: Store, cutoff: dt.date, horizons_days: Sequence[int], customers: pa.ChunkedArray) -> pa.Table:
    """What customers did after a cut-off, in their order; the caller answers for the horizon being over.

    Those without an order by the cut-off are left out.
    """
    return _labels_of(store, store.as_of(END_OF_TIME), cutoff, horizons_days, customers)


def training_windows(store: Store, when: AsOf, horizon_days: int, options: ModelOptions | None = None) -> list[Window]:
    """Earlier windows, each with features as of its cut-off and labels that end no later than ``when``.

    The engine samples large shops: nothing holds them all.
    """
    options, first_day, windows = options or ModelOptions(), store.info.first_day, list[Window]()
    if first_day is None:
        return windows
    for plan in choose_cutoffs(first_day, when.day, horizon_days, options.windows, options.churn_days):
        then = store.as_of(plan.cutoff)
        rows = feature_rows(store, then, CUSTOMERS_PER_WINDOW, options.covariates)
        outcomes = _labels_of(store, when, plan.cutoff, plan.horizons_days, rows.column("customer_id"))
        windows.append(Window(plan.cutoff, plan.horizon_days, rows, outcomes, plan.of_other_quarter))
    return windows


def _labels_of(
    store: Store, when: AsOf, cutoff: dt.date, horizons_days: Sequence[int], customers: pa.ChunkedArray
) -> pa.Table:
    """The labels of some customers, as known at a moment, in their order."""
    if store.info.customers > len(customers):
        some = of_customers(known_at(store, when), customers)
        found = store.fetch(labels(some.orders, cutoff, horizons_days))
    else:
        recipe = Recipe(_known_labels, tuple(horizons_days))
        found = store.fetch(recipe, moment=when.moment_utc_naive, as_of_day=cutoff)
    place = pc.index_in(customers, value_set=found.column("customer_id").combine_chunks())
    return found.take(place.drop_null())


def _known_labels(tables: Canonical, *horizons_days: int) -> ir.Table:
    return labels(known_by_then(tables).orders, day_parameter("as_of_day"), horizons_days)
