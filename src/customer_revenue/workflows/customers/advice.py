"""What to do about one customer: actions, offer, retention, upsell, forecast."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from cachetools import LRUCache

from customer_revenue.actions.forecast import History, customer_forecast, horizons_days
from customer_revenue.actions.offers import offers
from customer_revenue.actions.recommend import as_fields, recommend
from customer_revenue.actions.retention import retention
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.upsell import upsell
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.affinity import first_purchases, next_products
from customer_revenue.revenue.view import customers
from customer_revenue.tables import Canonical
from customer_revenue.workflows.customer_base.snapshot import CustomerPredictions
from customer_revenue.workflows.customers.store_reader import Breakdown, CustomerQueries
from customer_revenue.workflows.feature_rows import known_at

MAX_MONTHS = 36
KEPT_PAIRS = 16
"""Segments and days whose pairs of products are kept."""

Body = dict[str, object]


@dataclass(frozen=True)
class Situation:
    """A customer's all-time facts, one row, and what is predicted; nothing where there can be no prediction.

    ``predictor`` is the model's, for features of the day of ``when``.
    """

    customer_id: str
    when: AsOf
    predictor: Predictor
    facts: pa.Table
    foreseen: CustomerPredictions | None

    @property
    def fact(self) -> Mapping[str, Any]:
        """The row of facts."""
        return cast("Mapping[str, Any]", self.facts.to_pylist()[0])

    @cached_property
    def beside(self) -> Situations:
        """Facts and predictions side by side; only where there are predictions."""
        assert self.foreseen is not None, "the caller looks"
        return Situations.of(self.facts, self.foreseen.predictions)


class Advisor:
    """Advice about customers of a store, from its facts, a model's predictions and the policy."""

    def __init__(self, store: Store, queries: CustomerQueries, policy: Policy) -> None:
        self._store, self._queries, self._policy = store, queries, policy
        self._currency = store.info.currency
        self._lock = threading.Lock()
        self._kept_pairs: LRUCache[tuple[str | None, dt.date], pa.Table] = LRUCache(KEPT_PAIRS)

    def in_response(self, situation: Situation) -> Body:
        """The fields that stand among the ``predictions`` of the complete answer."""
        if situation.foreseen is None:
            return {"recommended_actions": [], "actions": [], "offer": None}
        return {**self._actions(situation), "offer": self._offer(situation)}

    def actions(self, situation: Situation) -> Body:
        """Recommended actions, most urgent and valuable first."""
        return self._actions(situation) if situation.foreseen is not None else as_fields([])

    def offer(self, situation: Situation) -> Body:
        """The personal offer, as specified, with the reason for its discount."""
        return {"offer": self._offer(situation) if situation.foreseen is not None else None}

    def retention(self, situation: Situation) -> Body:
        """The retention strategy, the segment's treatment and the stage's focus."""
        rows = retention(situation.facts, self._policy).to_pylist()
        return {"retention": _without_id(rows[0]) if rows else None}

    def upsell(self, situation: Situation) -> Body:
        """Opportunities: the next segment, and products that similar customers bought next."""
        if situation.foreseen is None:
            return {"opportunities": []}
        fact = situation.fact
        owned = self._queries.products(situation.customer_id, Period.ALL_TIME, situation.when)
        pairs = self._pairs(fact["customer_segment"], situation.when)
        if pairs.num_rows == 0:
            pairs = self._pairs(None, situation.when)
        ids = {row.product_id for row in owned}
        found = upsell(fact, situation.foreseen.predictions, ids, pairs, self._policy, self._currency)
        return {"opportunities": found}

    def forecast(self, situation: Situation, months: int) -> Body:
        """Expected revenue month by month, with what supports it.

        Raises:
            NotEnoughData: nothing can be predicted.
        """
        today = situation.when.day
        if situation.foreseen is None:
            raise NotEnoughData(f"nothing can be forecast for {situation.customer_id[:100]!r}: there are only facts")
        features = self._queries.features(situation.customer_id, situation.when)
        path = [situation.predictor.predict(features, days) for days in horizons_days(today, months)]
        only_months = frozenset({Breakdown.MONTHLY})
        found = self._queries.breakdowns(situation.customer_id, Period.ALL_TIME, situation.when, only_months)
        history = full_months(found["monthly_breakdown"], today)
        fact = situation.fact
        order, gap = fact["avg_order_value_cents"], fact["avg_days_between_purchases"]
        return customer_forecast(path, today, history, order, gap, self._policy.forecast)

    def _actions(self, situation: Situation) -> Body:
        choices = situation.foreseen.choices if situation.foreseen else None
        rows = recommend(situation.beside, self._policy.actions, self._currency, choices)
        return as_fields(rows)

    def _offer(self, situation: Situation) -> Body | None:
        ladder = [rung.name for rung in self._policy.segments.active]
        rows = offers(situation.beside, self._policy.offers, ladder, self._currency)
        return _without_id(rows[0]) if rows else None

    def _pairs(self, segment: str | None, when: AsOf) -> pa.Table:
        """Products bought after one another by customers of a segment, or by all.

        Seconds of work, so the latest are kept.
        """
        key = (segment, when.day)
        with self._lock:
            if key not in self._kept_pairs:
                known = known_at(self._store, when)
                known = known if segment is None else self._of_segment(known, segment, when)
                least = self._policy.upsell.least_support
                found = self._store.fetch_in_two_steps(
                    first_purchases(known), lambda firsts: next_products(firsts, least)
                )
                self._kept_pairs[key] = found
            return self._kept_pairs[key]

    def _of_segment(self, known: Canonical, segment: str, when: AsOf) -> Canonical:
        everyone = customers(known, cast("ir.DateScalar", ibis.literal(when.day, type="date")), self._policy)
        alike = everyone.filter(everyone.customer_segment == segment).select(alike="customer_id")
        return replace(known, orders=known.orders.semi_join(alike, known.orders.user_id == alike.alike))


def situation_of(
    queries: CustomerQueries, predictor: Predictor, user_id: str, facts: pa.Table, when: AsOf
) -> Situation:
    """A customer's situation, for a customer with facts."""
    return Situation(user_id, when, predictor, facts, queries.foreseen(user_id, when, predictor))


def full_months(rows: Sequence[Mapping[str, object]], today: dt.date) -> History:
    """Revenue of the calendar months that are over.

    Args:
        rows: ``month`` and ``revenue_cents`` of every month from the first with an order to today's.
        today: the as-of day.
    """
    today_ends_its_month = (today + dt.timedelta(days=1)).day == 1
    over = rows if today_ends_its_month else rows[:-1]
    first = int(str(rows[0]["month"])[-2:]) if rows else 1
    return History([cast("int", row["revenue_cents"]) for row in over], first)


def _without_id(row: Mapping[str, object]) -> Body:
    return {name: value for name, value in row.items() if name != "customer_id"}
