"""Facts and predictions of the same customers side by side, and what follows from both: risk level and timing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from customer_revenue.arrays import Floats, Ints, Marks, Texts
from customer_revenue.choices import LOST
from customer_revenue.periods import DAYS_PER_YEAR
from customer_revenue.policy import Actions, Policy
from customer_revenue.tables import check_columns

DECISION_DAYS = 30
"""The days within which a decision is to bring something: those of the chance of a purchase soon."""

LEAST_ALIVE = 0.01
"""A smaller chance of not being lost counts as this one: what it is divided by may have been corrected by as much."""

FACTS = (
    "customer_id",
    "total_orders",
    "avg_order_value_cents",
    "last_purchase_date",
    "avg_days_between_purchases",
    "customer_segment",
    "lifecycle_stage",
    "activity_status",
    "days_since_purchase",
)
PREDICTIONS = (
    "customer_id",
    "expected_purchases",
    "expected_net_revenue_cents",
    "next_purchase_probability",
    "churn_risk_score",
    "probability_alive",
)

STATUS_COLUMNS = ("customer_status", "value_at_risk_cents")
"""What is said of each customer's status."""


@dataclass(frozen=True)
class Situations:
    """Customers with an order and a prediction, in the order of the facts: one column of both tables each.

    Args:
        facts: columns :data:`FACTS` of the all-time summary.
        predictions: columns :data:`PREDICTIONS`, in the order of the facts.
        horizon_days: of the predictions.
    """

    facts: pa.Table
    predictions: pa.Table
    horizon_days: int = DAYS_PER_YEAR

    @classmethod
    def of(cls, facts: pa.Table, predictions: pa.Table, horizon_days: int = DAYS_PER_YEAR) -> Situations:
        """Those customers of ``facts`` that have an order and a prediction; other columns and rows are dropped.

        Raises:
            TypeError: a column is missing.
        """
        try:
            facts, predictions = facts.select(FACTS), predictions.select(PREDICTIONS)
        except KeyError:  # checked only now: reading every name slows a single answer
            check_columns(facts, FACTS, "the table of facts")
            check_columns(predictions, PREDICTIONS, "the table of predictions")
            raise
        ids, predicted = (_one_chunk(table["customer_id"]) for table in (facts, predictions))
        if ids.equals(predicted) and not facts["lifecycle_stage"].null_count:
            return cls(facts, predictions, horizon_days)
        places = pc.index_in(ids, value_set=predicted)
        kept = pc.and_(places.is_valid(), facts["lifecycle_stage"].is_valid())
        return cls(facts.filter(kept), predictions.take(pc.filter(places, _one_chunk(kept))), horizon_days)

    def take(self, places: Ints) -> Situations:
        """Some of them."""
        return Situations(self.facts.take(places), self.predictions.take(places), self.horizon_days)

    def __len__(self) -> int:
        return int(self.facts.num_rows)

    @cached_property
    def customer_id(self) -> Texts:
        """Ids."""
        return self._texts("customer_id")

    @cached_property
    def segment(self) -> Texts:
        """Value segments."""
        return self._texts("customer_segment")

    @cached_property
    def stage(self) -> Texts:
        """Lifecycle stages."""
        return self._texts("lifecycle_stage")

    @cached_property
    def activity(self) -> Texts:
        """Activity statuses."""
        return self._texts("activity_status")

    @cached_property
    def last_purchase(self) -> list[dt.date]:
        """Days of the last purchase."""
        found: list[dt.date] = self.facts["last_purchase_date"].to_pylist()
        return found

    @cached_property
    def orders(self) -> Ints:
        """Number of orders."""
        return np.asarray(self._numbers("total_orders"), np.int64)

    @cached_property
    def silence_days(self) -> Ints:
        """Days since the last purchase."""
        return np.asarray(self._numbers("days_since_purchase"), np.int64)

    @cached_property
    def rhythm_days(self) -> Floats:
        """Mean gap between purchases, in days; not a number with one order."""
        return np.asarray(self._numbers("avg_days_between_purchases"), np.float64)

    @cached_property
    def expected_revenue_cents(self) -> Floats:
        """Revenue net of refunds that is expected within the predictions' horizon, in cents, at least 0."""
        return np.maximum(self._predicted("expected_net_revenue_cents"), 0.0)

    @cached_property
    def uplift_features(self) -> Floats:
        """What campaigns record and learn from: chance to buy, persuadable share, revenue of the month."""
        return np.column_stack([self.soon, self.persuadable, self.month_revenue_cents])

    @cached_property
    def expected_purchase_cents(self) -> Floats:
        """What a purchase to come is expected to be worth, net of refunds, in cents."""
        purchases = np.maximum(self._predicted("expected_purchases"), 1e-9)
        return np.asarray(self.expected_revenue_cents / purchases)

    @cached_property
    def churn_risk(self) -> Floats:
        """Chance of no purchase within the churn window."""
        return self._predicted("churn_risk_score")

    @cached_property
    def month_revenue_cents(self) -> Floats:
        """Net revenue that is expected within 30 days, in cents: the share of the horizon's."""
        return np.asarray(self.expected_revenue_cents * (DECISION_DAYS / max(self.horizon_days, DECISION_DAYS)))

    @cached_property
    def anyway_cents(self) -> Floats:
        """Net revenue within 30 days of a customer who is not contacted, in cents: at least that of one purchase."""
        return np.maximum(self.month_revenue_cents, self.soon * self.expected_purchase_cents)

    @cached_property
    def persuadable(self) -> Floats:
        """Chance of a customer who is not lost, and who would not buy in the next 30 days unasked."""
        return np.maximum(self.alive - self.soon, 0.0)

    @cached_property
    def soon(self) -> Floats:
        """Chance of a purchase in the next 30 days."""
        return self._predicted("next_purchase_probability")

    @cached_property
    def alive(self) -> Floats:
        """Chance of not being lost."""
        return self._predicted("probability_alive")

    @cached_property
    def value_at_risk_cents(self) -> Floats:
        """Net revenue within the horizon that is expected of a customer who is not lost, less what is expected now.

        What is expected now is what one who is not lost would bring, times the chance that they are not.
        """
        alive = np.minimum(np.maximum(self.alive, LEAST_ALIVE), 1.0)
        return np.asarray(self.expected_revenue_cents * (1 / alive - 1))

    def status(self, policy: Policy) -> Texts:
        """One word for each: ``new``, ``active``, ``due``, ``slipping`` or ``lost``.

        ``lost`` are those who are more likely gone than not. The others are judged by their own mean gap: within it
        ``active``, at its end ``due``, well beyond it ``slipping``; with one order, which makes no gap, by their stage.
        """
        timing = self.timing(policy.actions)
        first = timing == "first"
        steps = [
            self.alive < policy.decisions.lost_below,
            first & (self.stage == "new"),
            (timing == "early") | (first & (self.stage == "active")),
            timing == "due",
        ]
        return _chosen(steps, [LOST, "new", "active", "due"], "slipping")

    def at_stake(self, policy: Policy) -> pa.Table:
        """``customer_id``, ``customer_status`` and ``value_at_risk_cents`` (rounded) of each."""
        return pa.table(
            {
                "customer_id": _one_chunk(self.facts["customer_id"]),
                "customer_status": pa.array(self.status(policy), pa.string()),
                "value_at_risk_cents": self.whole_cents_at_risk,
            }
        )

    @cached_property
    def whole_cents_at_risk(self) -> Ints:
        """:attr:`value_at_risk_cents`, rounded."""
        return np.rint(self.value_at_risk_cents).astype(np.int64)

    def risk_level(self, policy: Actions) -> Texts:
        """``low``, ``medium`` or ``high``, by the churn risk."""
        levels = policy.risk
        return _chosen(
            [self.churn_risk >= levels.high_from, self.churn_risk >= levels.medium_from], ["high", "medium"], "low"
        )

    def timing(self, policy: Actions) -> Texts:
        """``first`` with one order; else ``early``, ``due`` or ``overdue`` by the customer's own mean gap."""
        levels = policy.timing
        gaps = self.silence_days / np.fmax(self.rhythm_days, levels.shortest_rhythm_days)  # without a rhythm the latter
        steps = [self.orders <= 1, gaps >= levels.overdue_from, gaps >= levels.due_from]
        return _chosen(steps, ["first", "overdue", "due"], "early")

    def _texts(self, name: str) -> Texts:
        return np.asarray(self.facts[name].to_numpy(zero_copy_only=False), np.object_)

    def _numbers(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self.facts[name].to_numpy())

    def _predicted(self, name: str) -> Floats:
        return np.asarray(self.predictions[name].to_numpy(), np.float64)


class SituationOfOne(Situations):
    """One customer with an order and a prediction, from rows: without tables, of which one takes longer than the rest.

    Args:
        fact: their row of the facts.
        prediction: their row of the predictions.
        horizon_days: of the predictions.
    """

    def __init__(self, fact: Mapping[str, Any], prediction: Mapping[str, Any], horizon_days: int) -> None:
        vars(self).update(_fact=fact, _prediction=prediction, horizon_days=horizon_days)

    @cached_property
    def facts(self) -> pa.Table:
        """The row of the facts as a table."""
        return pa.Table.from_pylist([{name: vars(self)["_fact"][name] for name in FACTS}])

    @cached_property
    def predictions(self) -> pa.Table:
        """The row of the predictions as a table."""
        return pa.Table.from_pylist([{name: vars(self)["_prediction"][name] for name in PREDICTIONS}])

    @override
    def __len__(self) -> int:
        return 1

    @cached_property
    @override
    def last_purchase(self) -> list[dt.date]:
        return [vars(self)["_fact"]["last_purchase_date"]]

    @override
    def _texts(self, name: str) -> Texts:
        return np.array([vars(self)["_fact"][name]], np.object_)

    @override
    def _numbers(self, name: str) -> npt.NDArray[Any]:
        value = vars(self)["_fact"][name]
        return np.array([np.nan if value is None else value])

    @override
    def _predicted(self, name: str) -> Floats:
        return np.array([vars(self)["_prediction"][name]], np.float64)


def _chosen(conditions: Sequence[Marks], names: Sequence[str], otherwise: str) -> Texts:
    """The name of the first condition that holds."""
    found = np.full(len(conditions[0]), otherwise, np.object_)
    for condition, name in reversed(list(zip(conditions, names, strict=True))):
        found[condition] = name
    return found


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
