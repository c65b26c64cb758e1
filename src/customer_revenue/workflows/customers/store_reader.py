"""One customer's facts, breakdowns, features and predictions, asked of the store by queries that are compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from customer_revenue.choices import Breakdown
from customer_revenue.errors import CustomerNotFound, NotEnoughData
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Query, Store, parameter
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Margin, Policy
from customer_revenue.revenue.breakdown import (
    PeriodRow,
    ProductRow,
    by_product,
    fill_periods,
    monthly,
    product_rows,
    quarterly,
)
from customer_revenue.revenue.product_days import product_days
from customer_revenue.revenue.profit import NOTHING_EARNED, OWN_PROFIT_COLUMNS, own_profits
from customer_revenue.revenue.summary import summary
from customer_revenue.tables import Canonical
from customer_revenue.workflows.customer_base.base_queries import refusing_marketing
from customer_revenue.workflows.customer_base.snapshot import CustomerPredictions, PredictedRow
from customer_revenue.workflows.known_tables import CompleteOrders, day_parameter, feature_expression, known_by_then

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from customer_revenue.modeling.predictor import Predictor


class CustomerQueries:
    """The compiled queries about one customer at a time.

    Args:
        store: the store.
        policy: segments, stages and their limits.
    """

    def __init__(self, store: Store, policy: Policy) -> None:
        of_period = ("user_id", "moment", "first_day")
        self.facts = store.prepare(Recipe(_facts, (policy,)), (*of_period, "as_of_day"))
        self.monthly = store.prepare(Recipe(_monthly), of_period)
        self.quarterly = store.prepare(Recipe(_quarterly), of_period)
        self.products = store.prepare(Recipe(_products), of_period)
        profit = Recipe(_profit, (policy.margin,), complete=("order_items",))
        self.profit = store.prepare(profit, of_period)
        self.product_days = store.prepare(Recipe(_product_days), ("user_id", "moment"))
        self.refusing = store.prepare(Recipe(_refusing, complete=("users",)), ("user_id",))
        self._store = store
        self._features: dict[tuple[str, ...], Query] = {}

    def features(self, covariates: tuple[str, ...] = ()) -> Query:
        """The query of a customer's feature row, with columns of their first order for a model with covariates."""
        if covariates not in self._features:
            names = ("user_id", "moment", "as_of_day")
            wanted = _features_with(self._store, covariates) if covariates else Recipe(_features)
            self._features[covariates] = self._store.prepare(wanted, names)
        return self._features[covariates]


def _one(tables: Canonical) -> Canonical:
    """What was known of the customer at the moment."""
    return known_by_then(tables).of_customer(cast("ir.StringScalar", parameter("user_id", "string")))


def _facts(tables: Canonical, policy: Policy) -> ir.Table:
    return summary(_one(tables), day_parameter("first_day"), day_parameter("as_of_day"), policy)


def _profit(tables: Canonical, margin: Margin) -> ir.Table:
    known = _one(tables)
    return own_profits(known, known.order_items, margin, day_parameter("first_day"))


def _product_days(tables: Canonical) -> ir.Table:
    return product_days(_one(tables))


def _refusing(tables: Canonical) -> ir.Table:
    return refusing_marketing(tables.of_customer(cast("ir.StringScalar", parameter("user_id", "string"))))


def _monthly(tables: Canonical) -> ir.Table:
    return monthly(_one(tables), day_parameter("first_day"))


def _quarterly(tables: Canonical) -> ir.Table:
    return quarterly(_one(tables), day_parameter("first_day"))


def _products(tables: Canonical) -> ir.Table:
    return by_product(_one(tables), day_parameter("first_day"))


def _features(tables: Canonical) -> ir.Table:
    return feature_expression(_one(tables), day_parameter("as_of_day"))


def _features_with(store: Store, covariates: tuple[str, ...]) -> ir.Table:
    orders = store.table("orders")
    own = orders.filter(orders.user_id == cast("ir.StringScalar", parameter("user_id", "string")))
    complete = CompleteOrders(own, store.table("order_items"))
    return feature_expression(_one(store.tables), day_parameter("as_of_day"), covariates, complete)


class StoredCustomer:
    """One customer as of a moment, asked of the store.

    Args:
        queries: over the store.
        customer_id: the customer; they need not exist.
        when: the as-of moment.
    """

    def __init__(self, queries: CustomerQueries, customer_id: str, when: AsOf) -> None:
        self._queries = queries
        self.customer_id, self.when = customer_id, when
        self._facts: dict[Period, pa.Table] = {}

    def holds(self, period: Period, breakdowns: frozenset[Breakdown]) -> bool:  # noqa: ARG002  # of the snapshot
        """Whether everything that a response needs is in memory, so that the store is not asked."""
        return False

    def facts(self, period: Period) -> pa.Table:
        """The customer's row of the summary of a period.

        Raises:
            CustomerNotFound: the customer has neither an order nor a refund by then.
        """
        if period not in self._facts:
            self._facts[period] = self._read_facts(period)
        facts = self._facts[period]
        if facts.num_rows == 0:
            raise CustomerNotFound(f"no customer {self.customer_id[:100]!r} by {self.when.day}")
        return facts

    def fact(self, period: Period) -> dict[str, Any]:
        """As :meth:`facts`, the row itself, which takes less time where nothing else needs the table.

        Raises:
            CustomerNotFound: as for :meth:`facts`.
        """
        rows = self._facts[period].to_pylist() if period in self._facts else self._read_fact(period)
        if not rows:
            raise CustomerNotFound(f"no customer {self.customer_id[:100]!r} by {self.when.day}")
        return rows[0]

    def profit(self, period: Period) -> dict[str, Any]:
        """The customer's cost and profit of a period, and what they rest on."""
        rows = self._queries.profit.rows(**self.of_period(period))
        return {name: rows[0][name] for name in OWN_PROFIT_COLUMNS} if rows else dict(NOTHING_EARNED)

    def product_days(self) -> list[dict[str, Any]]:
        """The customer's products by the days on which they bought them."""
        return self._queries.product_days.rows(user_id=self.customer_id, moment=self.when.moment_utc_naive)

    def refuses_marketing(self) -> bool:
        """Whether the customer does not accept marketing."""
        return bool(self._queries.refusing.rows(user_id=self.customer_id))

    def months(self, period: Period) -> list[PeriodRow]:
        """The customer's months with an order."""
        return self._periods(self._queries.monthly, period)

    def products(self, period: Period) -> list[ProductRow]:
        """The customer's revenue by product."""
        rows = self._queries.products.rows(**self.of_period(period))
        return [ProductRow(*(row[name] for name in ProductRow._fields)) for row in rows]

    def breakdowns(self, period: Period, wanted: frozenset[Breakdown]) -> Mapping[str, list[dict[str, object]]]:
        """The breakdowns that are wanted, by the name of their field; the products come with each of them."""
        found: dict[str, list[dict[str, object]]] = {}
        if Breakdown.MONTHLY in wanted:
            found["monthly_breakdown"] = fill_periods(self.months(period), self.when.day, 1)
        if Breakdown.QUARTERLY in wanted:
            quarters = self._periods(self._queries.quarterly, period)
            found["quarterly_breakdown"] = fill_periods(quarters, self.when.day, 3)
        if wanted:
            found["product_breakdown"] = product_rows(self.products(period))
        return found

    def features(self, covariates: tuple[str, ...] = (), when: AsOf | None = None) -> pa.Table:
        """The customer's feature row as of this or another moment; no row without an order by then.

        Args:
            covariates: columns of their first order to add, for a model with covariates.
            when: the moment; by default this customer's.
        """
        at = when or self.when
        return self._queries.features(covariates).run(
            user_id=self.customer_id, moment=at.moment_utc_naive, as_of_day=at.day
        )

    def predictions(self, predictor: Predictor) -> CustomerPredictions | None:
        """What is predicted for the customer; ``None`` without an order, or where nothing can be predicted.

        Args:
            predictor: for features of the customer's as-of day.
        """
        features = self.features(predictor.covariates)
        try:
            return CustomerPredictions.of(predictor, features) if features.num_rows else None
        except NotEnoughData:
            return None

    def predicted_row(self) -> PredictedRow | None:
        """What is predicted for the customer, with the decision, if that is in memory."""
        return None

    def _read_facts(self, period: Period) -> pa.Table:
        return self._queries.facts.run(**self.of_period(period), as_of_day=self.when.day)

    def _read_fact(self, period: Period) -> list[dict[str, Any]]:
        return self._queries.facts.rows(**self.of_period(period), as_of_day=self.when.day)

    def _periods(self, query: Query, period: Period) -> list[PeriodRow]:
        rows = query.rows(**self.of_period(period))
        return [PeriodRow(*(row[name] for name in PeriodRow._fields)) for row in rows]

    def of_period(self, period: Period) -> dict[str, Any]:
        """The parameters of a query about this customer and a period."""
        first_day = period.first_day(self.when.day)
        return {"user_id": self.customer_id, "moment": self.when.moment_utc_naive, "first_day": first_day}
