"""What to do about one customer: actions, offer, retention, upsell, forecast."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import pyarrow as pa
from cachetools import LRUCache

from customer_revenue.actions.barring import Barring
from customer_revenue.actions.decide import Decisions, decide
from customer_revenue.actions.forecast import customer_forecast, full_months, horizons_days
from customer_revenue.actions.offers import offers
from customer_revenue.actions.recommend import as_fields, recommend
from customer_revenue.actions.replenishment import replenishments
from customer_revenue.actions.retention import retention
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.terms import Terms
from customer_revenue.actions.upsell import upsell
from customer_revenue.arrays import Floats
from customer_revenue.choices import Breakdown
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.affinity import first_purchases, next_products
from customer_revenue.revenue.main_product import main_product
from customer_revenue.revenue.view import customers
from customer_revenue.tables import Canonical, day_literal
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customer_base.snapshot import CustomerPredictions
from customer_revenue.workflows.customers.response import without_id
from customer_revenue.workflows.customers.store_reader import StoredCustomer
from customer_revenue.workflows.known_tables import known_at

MAX_FORECAST_MONTHS = 36
MAX_PRODUCT_PAIRS = 16
"""Maximum number of segments and days whose product pairs are kept in memory."""


@dataclass(frozen=True)
class Situation:
    """A customer with what is predicted for them; predictions are ``None`` where nothing can be predicted.

    ``predictor`` is for features of the customer's as-of day.
    """

    customer: StoredCustomer
    predictor: Predictor
    predictions: CustomerPredictions | None

    @classmethod
    def of(cls, customer: StoredCustomer, predictor: Predictor) -> Situation:
        """The situation of a customer.

        Raises:
            CustomerNotFound: the customer has neither an order nor a refund.
        """
        customer.facts(Period.ALL_TIME)
        return cls(customer, predictor, customer.predictions(predictor))

    @property
    def when(self) -> AsOf:
        """The as-of moment."""
        return self.customer.when

    @property
    def facts(self) -> pa.Table:
        """The all-time facts, one row."""
        return self.customer.facts(Period.ALL_TIME)

    @cached_property
    def fact(self) -> Mapping[str, Any]:
        """The row of facts."""
        return cast("Mapping[str, Any]", self.facts.to_pylist()[0])

    @cached_property
    def as_situations(self) -> Situations:
        """Facts and predictions joined; only where there are predictions."""
        assert self.predictions is not None, "checked by the caller"
        return Situations.of(self.facts, self.predictions.table, self.predictor.horizon_days)


class Advisor:
    """Advice about customers of a store, from its facts, a model's predictions and the policy.

    Args:
        store: the orders.
        policy: rules and texts.
        levels: by what each customer's months ahead are multiplied in the forecast of the shop as of a moment.
        terms: what is the same for all decisions as of a moment.
        barred: why a customer must not be contacted, by their id; empty if they may be.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        levels: Callable[[AsOf], Floats],
        terms: Callable[[AsOf], Terms],
        barred: Callable[[StoredCustomer], Mapping[str, Barring]],
    ) -> None:
        self._store, self._policy, self._levels, self._terms = store, policy, levels, terms
        self._barred = barred
        self._currency = store.info.currency
        self._lock = threading.Lock()
        self._product_pairs: LRUCache[tuple[str | None, dt.date], pa.Table] = LRUCache(MAX_PRODUCT_PAIRS)

    def actions(self, situation: Situation) -> Body:
        """The decision as the specification's recommended actions."""
        if situation.predictions is None:
            return as_fields([], self._policy)
        decisions, customer = self._decisions(situation), situation.customer
        product = main_product(customer.products(Period.ALL_TIME))
        products = {} if product is None else {customer.customer_id: product}
        rows = recommend(situation.as_situations, self._policy, self._currency, decisions, products)
        return as_fields(rows, self._policy)

    def offer(self, situation: Situation) -> Body:
        """The personal offer, as specified, with the reason for its discount."""
        if situation.predictions is None:
            return {"offer": None}
        rows = offers(situation.as_situations, self._policy, self._currency, self._decisions(situation))
        return {"offer": without_id(rows[0] if rows else None)}

    def retention(self, situation: Situation) -> Body:
        """The retention strategy, the segment's treatment and the stage's focus."""
        decisions = None if situation.predictions is None else self._decisions(situation)
        rows = retention(situation.facts, self._policy, decisions).to_pylist()
        return {"retention": without_id(rows[0] if rows else None)}

    def upsell(self, situation: Situation) -> Body:
        """Opportunities: the next segment, what similar customers bought next, and what is due again."""
        if situation.predictions is None:
            return {"opportunities": []}
        fact = situation.fact
        kept, today = situation.customer.product_days(), situation.when.day
        first_days = {row["product_id"]: row["first_day"] for row in kept}
        owned = {row.product_id: first_days.get(row.product_id) for row in situation.customer.products(Period.ALL_TIME)}
        pairs = self._pairs(fact["customer_segment"], situation.when)
        if pairs.num_rows == 0:
            pairs = self._pairs(None, situation.when)
        found = upsell(fact, situation.predictions.table, owned, pairs, today, self._policy, self._currency)
        purchase = float(situation.predictions.table["purchase_probability"][0].as_py())
        again = replenishments(
            kept,
            fact["total_orders"],
            purchase,
            today,
            self._policy,
            self._currency,
        )
        return {"opportunities": [*found, *again]}

    def forecast(self, situation: Situation, months: int) -> Body:
        """Expected revenue month by month, with what supports it.

        Raises:
            NotEnoughData: nothing can be predicted.
        """
        customer, today = situation.customer, situation.when.day
        if situation.predictions is None:
            raise NotEnoughData(f"no forecast for {customer.customer_id[:100]!r}: there are facts but no predictions")
        predictor, days = situation.predictor, horizons_days(today, months)
        features = customer.features(predictor.covariates)
        (path,) = predictor.revenue_paths(features, days)
        cents = np.diff(path.sums[1], prepend=0.0) * self._levels(situation.when)[:months]
        found = customer.breakdowns(Period.ALL_TIME, frozenset({Breakdown.MONTHLY}))
        history = full_months(found["monthly_breakdown"], today)
        fact, whole = situation.fact, predictor.predict(features, days[-1])
        body = customer_forecast(
            predictor.predict(features, days[0]),
            whole,
            cents,
            today,
            history,
            fact["avg_order_value_cents"],
            fact["avg_days_between_purchases"],
            self._policy.forecast,
            self._currency,
        )
        return self._with_profit(body, whole, cents, self._terms(situation.when))

    def _with_profit(self, body: Body, whole: pa.Table, cents: Floats, terms: Terms) -> Body:
        """A forecast with the profit of each month, at the shop's margin."""
        gross, net = (float(whole[f"expected_{name}_cents"][0].as_py()) for name in ("revenue", "net_revenue"))
        margin = terms.margin_share(self._policy)
        kept = margin * net / gross if gross else 0.0
        path = cast("list[Body]", body["path"])
        for row, revenue in zip(path, cents.tolist(), strict=True):
            row["expected_profit_cents"] = round(kept * revenue)
        return body | {"margin_percent": round(100 * margin, 2), "margin_basis": terms.margin_basis}

    def _decisions(self, situation: Situation) -> Decisions:
        assert situation.predictions is not None, "checked by the caller"
        known = situation.predictions.decisions
        found = known or decide(situation.as_situations, self._policy, self._terms(situation.when))
        return found.without(situation.as_situations.customer_id, self._barred(situation.customer))

    def _pairs(self, segment: str | None, when: AsOf) -> pa.Table:
        """Products bought after one another by customers of a segment, or by all.

        It takes seconds, so the latest are kept.
        """
        key = (segment, when.day)
        with self._lock:
            if key not in self._product_pairs:
                known = known_at(self._store, when)
                known = known if segment is None else self._of_segment(known, segment, when)
                least = self._policy.upsell.least_support
                self._product_pairs[key] = self._store.fetch_in_two_steps(
                    first_purchases(known), lambda firsts: next_products(firsts, least)
                )
            return self._product_pairs[key]

    def _of_segment(self, known: Canonical, segment: str, when: AsOf) -> Canonical:
        everyone = customers(known, day_literal(when.day), self._policy)
        alike = everyone.filter(everyone.customer_segment == segment).select(alike="customer_id")
        return replace(known, orders=known.orders.semi_join(alike, known.orders.user_id == alike.alike))
