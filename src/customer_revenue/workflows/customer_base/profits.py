"""What the shop earned: profit and revenue, as an answer and as a rate for what is to come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from customer_revenue.choices import ProfitBy
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Store
from customer_revenue.periods import DAYS_PER_YEAR, AsOf, month_label
from customer_revenue.policy import Margin
from customer_revenue.revenue.arithmetic import first_of_month
from customer_revenue.revenue.profit import (
    OWN_PROFIT_COLUMNS,
    cost_movements,
    profit_by_customer,
    profit_by_month,
    profit_by_product,
    total_profit,
)
from customer_revenue.tables import Canonical
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.customer_columns import with_columns_of
from customer_revenue.workflows.known_tables import day_parameter, known_at, known_by_then

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class MarginRate:
    """What remained of net revenue after cost, and what that rests on: one of the bases of profit."""

    share: float
    basis: str

    @property
    def percent(self) -> float:
        """In percent, to two decimals."""
        return round(100 * self.share, 2)


def margin_rate(store: Store, when: AsOf, margin: Margin) -> MarginRate:
    """The margin of the last year, which is expected to stay; the policy's where that brought no net revenue."""
    recipe = Recipe(_known_since, (margin,), complete=("order_items",))
    first = when.day - dt.timedelta(days=DAYS_PER_YEAR - 1)
    (row,) = store.fetch(recipe, moment=when.moment_utc_naive, first_day=first).to_pylist()
    if row["net_revenue_cents"] <= 0:
        return MarginRate(margin.assumed_percent / 100, "assumed")
    return MarginRate(row["profit_cents"] / row["net_revenue_cents"], row["margin_basis"])


def profit_rows(store: Store, when: AsOf, margin: Margin, by: ProfitBy) -> ir.Table:
    """Profit by month, product or customer, as an expression over the store.

    Args:
        store: the orders.
        when: the as-of moment.
        margin: rates where no cost is stated.
        by: what a row is.
    """
    return _profits(known_at(store, when), store.table("order_items"), margin, by)


def _profits(known: Canonical, lines: ir.Table, margin: Margin, by: ProfitBy) -> ir.Table:
    if by is ProfitBy.PRODUCT:
        return profit_by_product(known, lines, margin)
    moves = cost_movements(known, lines, margin)
    return profit_by_customer(moves) if by is ProfitBy.CUSTOMER else profit_by_month(moves)


def _known_since(tables: Canonical, margin: Margin) -> ir.Table:
    known, first = known_by_then(tables), day_parameter("first_day")
    return total_profit(cost_movements(known, tables.order_items, margin, first))


def _known_total(tables: Canonical, margin: Margin) -> ir.Table:
    return total_profit(cost_movements(known_by_then(tables), tables.order_items, margin))


def _known_page(tables: Canonical, margin: Margin, by: ProfitBy, limit: int, offset: int) -> ir.Table:
    return _profits(known_by_then(tables), tables.order_items, margin, by).limit(limit, offset=offset)


def profit_body(store: Store, when: AsOf, margin: Margin, by: ProfitBy, limit: int, offset: int) -> Body:
    """Profit in total and by month, product or customer, as an answer; highest profit first, months oldest first."""
    moment = when.moment_utc_naive
    (total,) = store.fetch(Recipe(_known_total, (margin,), complete=("order_items",)), moment=moment).to_pylist()
    page = Recipe(_known_page, (margin, by, limit, offset), complete=("order_items",))
    rows = store.fetch(page, moment=moment).to_pylist()
    return {
        "by": by.value,
        "total": _with_percent(total),
        "profits": [_named(row, by) for row in rows],
        "page": {"limit": limit, "offset": offset},
    }


def with_profits(customers: pa.Table, profits: pa.Table) -> pa.Table:
    """Customers with their cost, their profit and what they rest on, in one chunk.

    Args:
        customers: with the column ``customer_id``.
        profits: rows of :func:`~customer_revenue.revenue.profit.own_profits` of at least these customers.
    """
    return with_columns_of(profits.select(("customer_id", *OWN_PROFIT_COLUMNS)), customers).combine_chunks()


def _named(row: Row, by: ProfitBy) -> Row:
    named: Row = {"name": None}
    if by is ProfitBy.MONTH:
        named = {"id": month_label(first_of_month(cast("int", row.pop("month_index")))), **named}
    elif by is ProfitBy.PRODUCT:
        named = {"id": row.pop("product_id"), "name": row.pop("product_name")}
    else:
        named = {"id": row.pop("customer_id"), **named}
    return {**named, **_with_percent(row)}


def _with_percent(row: Mapping[str, object]) -> Row:
    net, profit = cast("int", row["net_revenue_cents"]), cast("int", row["profit_cents"])
    percent = round(100 * profit / net, 2) if net > 0 else None
    return {
        **{name: value for name, value in row.items() if name != "margin_basis"},
        "margin_percent": percent,
        "margin_basis": row["margin_basis"],
    }
