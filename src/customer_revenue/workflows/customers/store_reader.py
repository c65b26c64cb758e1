"""The queries about one customer, compiled once for a store."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, cast

import ibis.expr.types as ir
import pyarrow as pa

from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.orders.store import Query, Store, parameter
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.breakdown import (
    PeriodRow,
    ProductRow,
    by_product,
    fill_periods,
    monthly,
    product_rows,
    quarterly,
)
from customer_revenue.revenue.summary import summary
from customer_revenue.workflows.customer_base.snapshot import CustomerPredictions, CustomerSnapshot
from customer_revenue.workflows.customers.freshness import Freshness
from customer_revenue.workflows.feature_rows import feature_expression

SUMMARY_FIELDS = (
    "total_revenue_cents",
    "total_orders",
    "avg_order_value_cents",
    "first_purchase_date",
    "last_purchase_date",
    "customer_lifespan_days",
    "purchase_frequency_days",
    "total_refunds_cents",
    "net_revenue_cents",
    "avg_days_between_purchases",
)
"""The fields of ``revenue_summary``: the specification's, in its order, then ours."""


class Breakdown(StrEnum):
    """The breakdowns that an answer can hold."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    BY_PRODUCT = "by_product"


class CustomerQueries:
    """Facts, breakdowns and features of one customer at a time.

    Args:
        store: the store.
        policy: segments, stages and their limits.
        freshness: whether what is in :attr:`book` is still what the store would say.
    """

    def __init__(self, store: Store, policy: Policy, freshness: Freshness) -> None:
        moment = cast("ir.TimestampScalar", parameter("moment", "timestamp"))
        first_day = cast("ir.DateScalar", parameter("first_day", "date"))
        as_of_day = cast("ir.DateScalar", parameter("as_of_day", "date"))
        known = store.tables.until(moment).of_customer(cast("ir.StringScalar", parameter("user_id", "string")))
        of_period = ("user_id", "moment", "first_day")
        self._facts = store.prepare(summary(known, first_day, as_of_day, policy), (*of_period, "as_of_day"))
        self._monthly = store.prepare(monthly(known, first_day), of_period)
        self._quarterly = store.prepare(quarterly(known, first_day), of_period)
        self._products = store.prepare(by_product(known, first_day), of_period)
        self._freshness = freshness
        self.book: CustomerSnapshot | None = None
        """Every customer as of one day, once that has been made: looked up before the store is asked."""
        self._features = store.prepare(feature_expression(known, as_of_day), ("user_id", "moment", "as_of_day"))

    def is_cached(self, user_id: str, period: Period, breakdowns: frozenset[Breakdown], when: AsOf) -> bool:
        """Whether all that there is to answer about the customer is in the book."""
        book, _ = self._in_book(user_id, period, when)
        return book is not None and book.predicted and Breakdown.QUARTERLY not in breakdowns

    def facts(self, user_id: str, period: Period, when: AsOf) -> dict[str, Any] | None:
        """The customer's row of the summary, dates as text; ``None`` for a customer without orders and refunds."""
        facts = self.facts_table(user_id, period, when)
        return as_row(facts) if facts.num_rows else None

    def facts_table(self, user_id: str, period: Period, when: AsOf) -> pa.Table:
        """As :meth:`facts`, as a table of one row or none."""
        book, place = self._in_book(user_id, period, when)
        if book is not None:
            return book.facts(place)
        return self._facts.run(**self._of_period(user_id, period, when), as_of_day=when.day)

    def breakdowns(
        self, user_id: str, period: Period, when: AsOf, wanted: frozenset[Breakdown]
    ) -> dict[str, list[dict[str, object]]]:
        """The breakdowns that are wanted, by the name of their field; the products come along with each of them."""
        if not wanted:
            return {}
        values = self._of_period(user_id, period, when)
        found: dict[str, list[dict[str, object]]] = {}
        if Breakdown.MONTHLY in wanted:
            book, place = self._in_book(user_id, period, when)
            months = _period_rows(self._monthly, values) if book is None else book.months(place)
            found["monthly_breakdown"] = fill_periods(months, when.day, 1)
        if Breakdown.QUARTERLY in wanted:
            found["quarterly_breakdown"] = fill_periods(_period_rows(self._quarterly, values), when.day, 3)
        found["product_breakdown"] = product_rows(self.products(user_id, period, when))
        return found

    def products(self, user_id: str, period: Period, when: AsOf) -> list[ProductRow]:
        """The customer's revenue by product."""
        book, place = self._in_book(user_id, period, when)
        if book is not None:
            return book.products(place)
        rows = self._products.rows(**self._of_period(user_id, period, when))
        return [ProductRow(*(row[name] for name in ProductRow._fields)) for row in rows]

    def features(self, user_id: str, when: AsOf) -> pa.Table:
        """The customer's feature row, if he has an order."""
        return self._features.run(user_id=user_id, moment=when.moment_utc_naive, as_of_day=when.day)

    def foreseen(self, user_id: str, when: AsOf, predictor: Predictor) -> CustomerPredictions | None:
        """What is predicted for the customer; ``None`` without an order, or where nothing can be predicted.

        Args:
            user_id: the customer.
            when: the as-of moment.
            predictor: the model's, for features of the day of ``when``.
        """
        book, place = self._in_book(user_id, Period.ALL_TIME, when)
        if book is not None and (known := book.foreseen(place)) is not None:
            return known
        features = self.features(user_id, when)
        try:
            return CustomerPredictions.of(predictor, features) if features.num_rows else None
        except NotEnoughData:
            return None

    def _in_book(self, user_id: str, period: Period, when: AsOf) -> tuple[CustomerSnapshot, int] | tuple[None, int]:
        """The book and the customer's place in it, where it has what is asked for."""
        book = self.book
        if book is None or period is not Period.ALL_TIME or book.day != when.day or not self._freshness.is_valid:
            return None, 0
        place = book.place(user_id)
        return (None, 0) if place is None else (book, place)

    @staticmethod
    def _of_period(user_id: str, period: Period, when: AsOf) -> dict[str, object]:
        return {"user_id": user_id, "moment": when.moment_utc_naive, "first_day": period.first_day(when.day)}


def _period_rows(query: Query, values: Mapping[str, object]) -> list[PeriodRow]:
    return [PeriodRow(*(row[name] for name in PeriodRow._fields)) for row in query.rows(**values)]


def as_row(table: pa.Table) -> dict[str, Any]:
    """The one row of a table, dates as text."""
    (row,) = as_rows(table)
    return row


def as_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table, dates as text."""
    return [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in table.to_pylist()
    ]
