"""Many customers at once: of a store by their ids, or of histories that were sent. One query each, whole columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from customer_revenue.actions.offers import offers
from customer_revenue.actions.recommend import as_fields, recommend
from customer_revenue.actions.situations import Situations
from customer_revenue.errors import InvalidParameter, NotEnoughData
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.summary import summary
from customer_revenue.tables import Canonical
from customer_revenue.workflows.customers.prediction_fields import prediction_fields
from customer_revenue.workflows.customers.store_reader import SUMMARY_FIELDS, as_rows
from customer_revenue.workflows.feature_rows import feature_expression

Body = dict[str, object]


@dataclass(frozen=True)
class Customers:
    """Some customers as they were known at a moment.

    Args:
        known: canonical tables of these customers alone, up to ``when``.
        fetch: runs an expression over them.
        when: the moment.
        policy: segments, stages, actions and offers.
        currency: code written behind amounts.
    """

    known: Canonical
    fetch: Callable[[ir.Table], pa.Table]
    when: AsOf
    policy: Policy
    currency: str

    def answers(self, period: Period, predictor: Predictor | None) -> dict[str, Body]:
        """What is known of each customer, by id: summary of the period, predictions if there is a predictor, segment.

        A customer without an order or a refund is left out.
        """
        facts = self._facts(period)
        predicted: dict[str, Body] = {}
        if predictor is not None:
            of_all_time = facts if period is Period.ALL_TIME else self._facts(Period.ALL_TIME)
            predicted = self._predictions(predictor, of_all_time)
        return {row["customer_id"]: _answer(row, period, predictor is not None, predicted) for row in as_rows(facts)}

    def _facts(self, period: Period) -> pa.Table:
        first_day = None if period is Period.ALL_TIME else _date(period.first_day(self.when.day))
        return self.fetch(summary(self.known, first_day, _date(self.when.day), self.policy))

    def _predictions(self, predictor: Predictor, facts: pa.Table) -> dict[str, Body]:
        features = self.fetch(feature_expression(self.known, self.when.day))
        try:
            predictions = predictor.predict(features) if features.num_rows else None
        except NotEnoughData:
            predictions = None
        if predictions is None:
            return {}
        fields = prediction_fields(predictor, predictions, predictor.grounds(features))
        ids = features.column("customer_id").to_pylist()
        situations = Situations.of(facts, predictions)
        actions, offered = self._actions(situations), self._offers(situations)
        return {
            name: own | as_fields(actions.get(name, [])) | {"offer": offered.get(name)}
            for name, own in zip(ids, fields, strict=True)
        }

    def _actions(self, situations: Situations) -> dict[str, list[dict[str, Any]]]:
        by_customer: dict[str, list[dict[str, Any]]] = {}
        for row in recommend(situations, self.policy.actions, self.currency):
            by_customer.setdefault(row["customer_id"], []).append(row)
        return by_customer

    def _offers(self, situations: Situations) -> dict[str, Body]:
        ladder = [rung.name for rung in self.policy.segments.active]
        rows = offers(situations, self.policy.offers, ladder, self.currency)
        return {row.pop("customer_id"): row for row in rows}


def in_order(ids: Sequence[str], found: dict[str, Body]) -> Body:
    """Answers in the order asked for, one for each id, and the ids that are not known beside them."""
    unknown = list(dict.fromkeys(name for name in ids if name not in found))
    return {"customers": [found[name] for name in ids if name in found], "unknown_customer_ids": unknown}


def check_count(number: int, most: int, what: str) -> None:
    """Refuse more than the limit, or nothing.

    Raises:
        InvalidParameter: states the limit.
    """
    if not 1 <= number <= most:
        raise InvalidParameter(f"{what}: from 1 to {most} in one call, not {number}")


def _answer(row: dict[str, Any], period: Period, predicting: bool, predicted: dict[str, Body]) -> Body:
    name = row["customer_id"]
    answer: Body = {
        "customer_id": name,
        "period": period.value,
        "revenue_summary": {field: row[field] for field in SUMMARY_FIELDS},
    }
    if predicting:
        answer["predictions"] = predicted.get(name)
    return answer | {field: row[field] for field in ("customer_segment", "lifecycle_stage", "activity_status")}


def _date(day: object) -> ir.DateScalar:
    return cast("ir.DateScalar", ibis.literal(day, type="date"))
