"""Customers in groups by what was known of them on their first day, and the queries about such groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

import numpy as np
import pyarrow as pa

from customer_revenue import lazy_ibis as ibis
from customer_revenue.arrays import numbers_of
from customer_revenue.choices import FirstDayBy
from customer_revenue.features.first_orders import first_orders
from customer_revenue.modeling.new_customer_value import AGE_ENDS
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Store, parameter
from customer_revenue.periods import AsOf
from customer_revenue.revenue.arithmetic import month_index
from customer_revenue.revenue.early_value import early_value
from customer_revenue.revenue.value_by_age import acquired_by_day, spread_of_value, value_by_age
from customer_revenue.tables import Canonical
from customer_revenue.workflows.known_tables import day_parameter, known_by_then

if TYPE_CHECKING:
    import ibis.expr.types as ir

SIZE_GROUPS = 5
"""Number of groups by the size of the first order, of about as many customers each."""

FIRST_ORDER_COLUMNS = {
    FirstDayBy.CHANNEL: "channel",
    FirstDayBy.COUNTRY: "country",
    FirstDayBy.CAMPAIGN: "campaign",
    FirstDayBy.PRODUCT: "product_id",
    FirstDayBy.CATEGORY: "category",
}

_COMPLETE = ("orders", "order_items")


@dataclass(frozen=True)
class FirstDayGroups:
    """What makes the groups of customers.

    Attributes:
        by: what was known of them on their first day.
        bounds_cents: of the groups by the size of the first order, ascending; empty for others.
    """

    by: FirstDayBy
    bounds_cents: tuple[int, ...] = ()

    @classmethod
    def of(cls, store: Store, when: AsOf, by: FirstDayBy) -> Self:
        """The groups of a store's customers as of a moment."""
        if by is not FirstDayBy.SIZE:
            return cls(by)
        sizes = store.fetch(Recipe(_first_order_sizes, complete=_COMPLETE), moment=when.moment_utc_naive)
        shares = np.arange(1, SIZE_GROUPS) / SIZE_GROUPS
        bounds = np.unique(np.quantile(numbers_of(sizes["order_cents"]), shares).round().astype(np.int64))
        return cls(by, tuple(bounds.tolist()))

    def fetch(self, store: Store, when: AsOf, build: Callable[..., ir.Table], *arguments: int) -> pa.Table:
        """Run a query of this module about the groups, as of a moment."""
        recipe = Recipe(build, (self.by, len(self.bounds_cents), *arguments), complete=_COMPLETE)
        bounds = {_bound_name(place): cents for place, cents in enumerate(self.bounds_cents)}
        return store.fetch(recipe, moment=when.moment_utc_naive, as_of_day=when.day, **bounds)


def known_acquired(tables: Canonical, by: FirstDayBy, bounds: int) -> ir.Table:
    """As :func:`acquired_by_day`, in order."""
    found = acquired_by_day(known_by_then(tables), known_levels(tables, by, bounds), day_parameter("as_of_day"))
    return found.order_by("level", "cohort", "observed_days")


def known_values(tables: Canonical, by: FirstDayBy, bounds: int, window_days: int) -> ir.Table:
    """As :func:`value_by_age`."""
    known, levels = known_by_then(tables), known_levels(tables, by, bounds)
    return value_by_age(known, levels, day_parameter("as_of_day"), AGE_ENDS, window_days)


def known_spread(tables: Canonical, by: FirstDayBy, bounds: int, window_days: int) -> ir.Table:
    """As :func:`spread_of_value`."""
    known, levels = known_by_then(tables), known_levels(tables, by, bounds)
    return spread_of_value(known, levels, day_parameter("as_of_day"), AGE_ENDS, window_days)


def known_early_values(tables: Canonical, by: FirstDayBy, bounds: int, mature_days: int, since_days: int) -> ir.Table:
    """As :func:`early_value`, oldest first."""
    known, levels = known_by_then(tables), known_levels(tables, by, bounds)
    found = early_value(known, levels, day_parameter("as_of_day"), mature_days, since_days)
    return found.order_by("created_at", "order_id")


def known_levels(tables: Canonical, by: FirstDayBy, bounds: int) -> ir.Table:
    """The group of each customer by what was known on their first day, as known by the parameter ``moment``.

    Args:
        tables: orders and their lines with all columns.
        by: what makes the groups.
        bounds: number of parameters ``bound_0`` and so on: the bounds in cents of the groups by size.

    Returns:
        ``customer_id`` and ``level``.
    """
    known = known_by_then(tables)
    if by is FirstDayBy.MONTH:
        dated = known.counted_orders()
        own = dated.group_by(customer_id=dated.user_id).aggregate(first_day=dated.day.min())
        index = month_index(own.first_day)
        year, month = (index / 12).floor().cast("int64"), index % 12 + 1
        padded = (month < 10).ifelse(ibis.literal("0"), "").concat(month.cast("string"))
        return own.select("customer_id", level=year.cast("string").concat("-", padded))
    firsts = first_orders(known.orders, tables.order_items)
    if by is FirstDayBy.SIZE:
        return firsts.select("customer_id", level=_size(firsts, bounds))
    if by is FirstDayBy.DISCOUNT:
        has = (firsts.discount_cents > 0) | firsts.discount_code.notnull()
        return firsts.select("customer_id", level=has.coalesce(ibis.literal(value=False)).ifelse("discount", "none"))
    if by is FirstDayBy.ALL:
        return firsts.select("customer_id", level=ibis.literal("all"))
    return firsts.select("customer_id", level=firsts[FIRST_ORDER_COLUMNS[by]])


def _first_order_sizes(tables: Canonical) -> ir.Table:
    return first_orders(known_by_then(tables).orders, tables.order_items).select("order_cents")


def _bound_name(place: int) -> str:
    return f"bound_{place}"


def _size(firsts: ir.Table, bounds: int) -> ir.StringValue:
    """The group of each first order by its size, named by its bound."""
    cents = [cast("ir.IntegerScalar", parameter(_bound_name(place), "int64")) for place in range(bounds)]
    cases = [
        (firsts.order_cents < bound, ibis.literal(f"{place + 1}: below ").concat(bound.cast("string")))
        for place, bound in enumerate(cents)
    ]
    last = ibis.literal(f"{bounds + 1}: from ").concat(cents[-1].cast("string"))
    return cast("ir.StringValue", ibis.cases(*cases, else_=last))
