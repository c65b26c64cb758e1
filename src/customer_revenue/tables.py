"""Schemas and column meanings of every table that passes between packages, and the checks on them.

The packages do not import each other: they share these tables. ``customer_id`` (``user_id`` in the canonical tables) is
a column everywhere and nothing is aligned by position.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from customer_revenue import lazy_ibis as ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir

Columns = Mapping[str, str]
"""The columns of a table with Ibis's names of their types, "!" before those that are never null."""

PAID = "paid"
REFUNDED = "refunded"
COUNTED_STATUSES = (PAID, REFUNDED)
"""Orders of these statuses are revenue; every other status is kept in the store and never counted."""

IGNORED_STATUSES = (
    "authorized",
    "canceled",
    "cancelled",
    "draft",
    "expired",
    "failed",
    "open",
    "partially_paid",
    "pending",
    "unpaid",
    "void",
    "voided",
)
"""Statuses that are stored under their own name and never count as revenue."""

DEFAULT_CURRENCY = "USD"
"""The currency of a store for which nothing names one."""

UNATTRIBUTED = "unattributed"
"""Product id and name of revenue that no order line explains."""

CANONICAL: Mapping[str, Columns] = {
    "orders": {
        "id": "!string",
        "user_id": "string",
        "total_cents": "!int64",
        "status": "!string",
        "created_at": "!timestamp",
    },
    "users": {"id": "!string", "name": "string", "email": "string"},
    "order_items": {
        "order_id": "!string",
        "product_id": "!string",
        "product_name": "string",
        "quantity": "int64",
        "amount_cents": "!int64",
    },
    "refunds": {
        "id": "!string",
        "order_id": "string",
        "user_id": "string",
        "amount_cents": "!int64",
        "created_at": "!timestamp",
    },
}
"""The tables of a store. Times are UTC without a zone; money is integer cents of the store's one currency.

``user_id`` is null in an order without a customer, such as one at the till, and in its refunds.
"""

OPTIONAL_COLUMNS: Mapping[str, Columns] = {
    "orders": {
        "channel": "string",
        "country": "string",
        "discount_code": "string",
        "discount_cents": "int64",
        "campaign": "string",
        "original_currency": "string",
        "original_cents": "int64",
    },
    "order_items": {"category": "string", "cost_cents": "int64"},
    "users": {"accepts_marketing": "boolean"},
}
"""Further columns of a store's tables, null where nothing states them.

``discount_cents`` is what was taken off the order, ``cost_cents`` the cost of the whole line, and ``original_cents``
the order's total in minor units of ``original_currency``, if it was converted.
"""

YES = ("1", "on", "opted in", "subscribed", "t", "true", "y", "yes")
NO = ("0", "f", "false", "n", "no", "not subscribed", "off", "opted out", "unsubscribed")
"""Words, in lower case, that say yes or no in a text."""

PERSONAL_COLUMNS = {"orders": ("discount_code",), "users": ("name", "email", "accepts_marketing")}
"""What is removed of a forgotten person whose orders are kept: a code may have been made out to them."""

RECENT_DAYS = (30, 90, 180, 365)
"""Windows of the recent counts and sums among the features, in days back from the as-of day."""

DECAY_DAYS = (30, 120, 365)
"""Time constants of the decayed counts: a purchase t days ago weighs exp(-t / constant)."""

SEASON_WINDOWS = (30, 90)
"""Windows of the own season among the features, in days after the anniversaries of the as-of day."""

SEASON_YEARS = 4
"""Anniversaries that the own season looks back to."""

FEATURE_COLUMNS = (
    "customer_id",
    "frequency",
    "recency_days",
    "T_days",
    "silence_days",
    "orders",
    *(f"purchases_{n}" for n in RECENT_DAYS),
    *(f"decayed_purchases_{n}" for n in DECAY_DAYS),
    "purchases_season",
    *(f"season_years_{n}" for n in SEASON_WINDOWS),
    "monetary_cents",
    "spend_days",
    "positive_days",
    "total_cents",
    "first_day_cents",
    "last_day_cents",
    "max_day_cents",
    "log_cents_sum",
    "log_cents_square_sum",
    "decayed_cents_120",
    *(f"cents_{n}" for n in RECENT_DAYS),
    "log_gap_sum",
    "gap_square_sum",
    "max_gap_days",
    "last_gap_days",
    "refund_cents",
    "refunds",
)
"""The columns of the features of a customer as of a day, in order; one row per customer with an order."""

SUMMARY_COLUMNS = (
    "customer_id",
    "total_revenue_cents",
    "total_orders",
    "avg_order_value_cents",
    "first_purchase_date",
    "last_purchase_date",
    "customer_lifespan_days",
    "purchase_frequency_days",
    "avg_days_between_purchases",
    "total_refunds_cents",
    "net_revenue_cents",
    "customer_segment",
    "lifecycle_stage",
    "activity_status",
    "days_since_purchase",
)
"""The columns of the revenue summary, in order; one row per customer with a counted order or a refund."""

PREDICTION_SCHEMA = pa.schema(
    {
        "customer_id": pa.string(),
        "expected_purchases": pa.float64(),
        "purchases_low": pa.int64(),
        "purchases_median": pa.int64(),
        "purchases_high": pa.int64(),
        "expected_revenue_cents": pa.float64(),
        "revenue_low_cents": pa.float64(),
        "revenue_median_cents": pa.float64(),
        "revenue_high_cents": pa.float64(),
        "interval_mass": pa.float64(),
        "purchase_probability": pa.float64(),
        "next_purchase_date": pa.date32(),
        "next_purchase_date_low": pa.date32(),
        "next_purchase_date_high": pa.date32(),
        "next_purchase_probability": pa.float64(),
        "churn_risk_score": pa.float64(),
        "probability_alive": pa.float64(),
        "expected_net_revenue_cents": pa.float64(),
        "estimated_ltv_cents": pa.float64(),
        "ltv_low_cents": pa.float64(),
        "ltv_median_cents": pa.float64(),
        "ltv_high_cents": pa.float64(),
        "interval_note": pa.string(),
        "tier": pa.string(),
    }
)
"""The predictions, in order; one row per customer with an order."""

HORIZON_PREDICTIONS = (
    "expected_purchases",
    "purchases_low",
    "purchases_high",
    "expected_revenue_cents",
    "revenue_low_cents",
    "revenue_high_cents",
    "interval_mass",
)
"""Those predictions that are about one horizon: counts and revenue, and the intervals with their probability."""

BACKTEST_COLUMNS = (
    "customer_id",
    *HORIZON_PREDICTIONS,
    "purchase_probability",
    "next_purchase_date",
    "purchases_median",
    "revenue_median_cents",
    "ltv_low_cents",
    "ltv_median_cents",
    "ltv_high_cents",
    "interval_note",
)
"""The columns of a back-test's file; one row per customer with an order by the cut-off."""

PREDICTION_LOG_SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("as_of", pa.date32()),
        pa.field("horizon_days", pa.int32()),
        pa.field("model_version", pa.string()),
        pa.field("store_id", pa.string()),
        pa.field("segment", pa.string()),
        *(PREDICTION_SCHEMA.field(name) for name in ("purchase_probability", *HORIZON_PREDICTIONS)),
        pa.field("predicted_at", pa.timestamp("us", "UTC")),
        pa.field("source", pa.string()),
    ]
)
"""The prediction log; ``expected_*`` and the intervals are null where only the probability is known for a horizon."""


@dataclass(frozen=True)
class Canonical:
    """The canonical tables as Ibis expressions, whatever engine and table names lie underneath.

    ``orders`` and ``refunds`` carry one column more than in the store: ``day``, the calendar day of ``created_at`` in
    the reporting zone. Nothing outside the store knows about time zones. ``order_items`` may carry ``user_id``, the
    order's customer, so that one customer's items are found at once.

    ``orders`` and ``refunds`` are those of identified customers. ``unattributed`` holds the orders without a customer,
    with the columns of ``orders``; ``None`` where there cannot be any.
    """

    orders: ir.Table
    users: ir.Table
    order_items: ir.Table
    refunds: ir.Table
    unattributed: ir.Table | None = None

    @classmethod
    def of(cls, orders: ir.Table, users: ir.Table, order_items: ir.Table, refunds: ir.Table) -> Canonical:
        """Separate the orders and refunds of a store's tables that have a customer from those without one."""
        return cls(
            orders=orders.filter(orders.user_id.notnull()),
            users=users,
            order_items=order_items,
            refunds=refunds.filter(refunds.user_id.notnull()),
            unattributed=orders.filter(orders.user_id.isnull()),
        )

    def until(self, moment: ir.TimestampValue) -> Canonical:
        """What was known at ``moment``: the orders and refunds created up to and including it."""
        unattributed = self.unattributed
        return replace(
            self,
            orders=self.orders.filter(self.orders.created_at <= moment),
            refunds=self.refunds.filter(self.refunds.created_at <= moment),
            unattributed=None if unattributed is None else unattributed.filter(unattributed.created_at <= moment),
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

    def unattributed_orders(self) -> ir.Table | None:
        """The orders without a customer that are revenue; ``None`` where there cannot be any."""
        orders = self.unattributed
        return None if orders is None else orders.filter(orders.status.isin(COUNTED_STATUSES))

    def counted_refunds(self) -> ir.Table:
        """The refunds that are subtracted from revenue: all but those of orders that do not count."""
        uncounted = self.orders.filter(self.orders.status.notin(COUNTED_STATUSES)).select(uncounted_id="id")
        return self.refunds.anti_join(uncounted, self.refunds.order_id == uncounted.uncounted_id)


def day_literal(day: dt.date) -> ir.DateScalar:
    """A day as a value of an expression."""
    return cast("ir.DateScalar", ibis.literal(day, type="date"))


def as_of_literal(moment: dt.datetime) -> ir.TimestampScalar:
    """A moment (aware, or naive in UTC) as the canonical tables keep times."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return cast("ir.TimestampScalar", ibis.literal(moment, type="timestamp"))


def check_columns(table: pa.Table | ir.Table, needed: Iterable[str], what: str) -> None:
    """Refuse a table that lacks columns.

    Raises:
        TypeError: names the missing columns and those that are there. A programming error, hence not one of ours.
    """
    columns = table.column_names if isinstance(table, pa.Table) else list(table.columns)
    there = set(columns)
    if missing := [name for name in needed if name not in there]:
        raise TypeError(f"{what} lacks the columns {', '.join(missing)}; it has {', '.join(columns)}")
