"""Schemas and column meanings of every table that crosses from one room to another, and the checks on them.

Rooms know nothing of each other: they know these tables. ``customer_id`` (``user_id`` in the canonical tables) is
a column everywhere and nothing is aligned by position.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir
import pyarrow as pa

PAID = "paid"
REFUNDED = "refunded"
COUNTED_STATUSES = (PAID, REFUNDED)
"""Orders of these statuses are revenue; every other status is kept in the store and never counted."""

UNATTRIBUTED = "unattributed"
"""Product id and name of revenue that no order line explains."""

CANONICAL = {
    "orders": ibis.schema(
        {
            "id": "!string",
            "user_id": "!string",
            "total_cents": "!int64",
            "status": "!string",
            "created_at": "!timestamp",
        }
    ),
    "users": ibis.schema({"id": "!string", "name": "string", "email": "string"}),
    "order_items": ibis.schema(
        {
            "order_id": "!string",
            "product_id": "!string",
            "product_name": "string",
            "quantity": "int64",
            "amount_cents": "!int64",
        }
    ),
    "refunds": ibis.schema(
        {
            "id": "!string",
            "order_id": "string",
            "user_id": "!string",
            "amount_cents": "!int64",
            "created_at": "!timestamp",
        }
    ),
}
"""The tables of a store. Times are UTC without a zone; money is integer cents of the store's one currency."""


@dataclass(frozen=True)
class Canonical:
    """The canonical tables as Ibis expressions, whatever engine and table names lie underneath.

    ``orders`` and ``refunds`` carry one column more than in the store: ``day``, the calendar day of ``created_at`` in
    the reporting zone. Nothing outside the store knows about time zones. ``order_items`` may carry ``user_id``, the
    order's customer, so that one customer's items are found at once.
    """

    orders: ir.Table
    users: ir.Table
    order_items: ir.Table
    refunds: ir.Table

    def until(self, moment: ir.TimestampValue) -> Canonical:
        """What was known at ``moment``: the orders and refunds created up to and including it."""
        return Canonical(
            orders=self.orders.filter(self.orders.created_at <= moment),
            users=self.users,
            order_items=self.order_items,
            refunds=self.refunds.filter(self.refunds.created_at <= moment),
        )

    def of_customer(self, user_id: ir.StringValue) -> Canonical:
        """The tables of one customer. Order lines stay whole where they lack the customer: join them to the orders."""
        items = self.order_items
        return Canonical(
            orders=self.orders.filter(self.orders.user_id == user_id),
            users=self.users.filter(self.users.id == user_id),
            order_items=items.filter(items.user_id == user_id) if "user_id" in items.columns else items,
            refunds=self.refunds.filter(self.refunds.user_id == user_id),
        )

    def counted_orders(self) -> ir.Table:
        """The orders that are revenue: paid, or refunded later."""
        return self.orders.filter(self.orders.status.isin(COUNTED_STATUSES))


def as_of_literal(moment: dt.datetime) -> ir.TimestampScalar:
    """A moment (aware, or naive in UTC) as the canonical tables keep times."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    literal = ibis.literal(moment, type=dtypes.timestamp)
    assert isinstance(literal, ir.TimestampScalar)
    return literal


def check_columns(table: pa.Table | ir.Table, needed: Iterable[str], what: str) -> None:
    """Refuse a table that lacks columns.

    Raises:
        TypeError: names the missing columns and those that are there. A programming error, hence not one of ours.
    """
    columns = list(table.columns) if isinstance(table, ir.Table) else table.column_names
    there = set(columns)
    if missing := [name for name in needed if name not in there]:
        raise TypeError(f"{what} lacks the columns {', '.join(missing)}; it has {', '.join(columns)}")
