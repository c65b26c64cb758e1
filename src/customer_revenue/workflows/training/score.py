"""Predictions for every customer of a store."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from customer_revenue.console import Report
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.predictor import PREDICTIONS, Predictor
from customer_revenue.orders.engines.map_batches import Totals
from customer_revenue.orders.store import open_store
from customer_revenue.policy import load_policy
from customer_revenue.settings import Settings
from customer_revenue.workflows.customers.prediction_fields import predictor_as_of
from customer_revenue.workflows.exports import check_output
from customer_revenue.workflows.feature_rows import feature_expression, feature_rows, known_at
from customer_revenue.workflows.registry.bundles import load_model
from customer_revenue.workflows.training.log_scores import log_scores

SUMMED = ("expected_purchases", "expected_revenue_cents", "expected_net_revenue_cents", "churn_risk_score")
MAX_LOGGED = 1_000_000


class Scorer:
    """Predicts batches of feature rows. It travels to other processes as the bundle's texts, and is made anew there."""

    def __init__(self, predictor: Predictor) -> None:
        self._state = json.dumps(predictor.to_state())
        self._texts = predictor.to_texts()

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor.from_state(json.loads(self._state), self._texts)

    def __getstate__(self) -> Mapping[str, object]:
        return {"_state": self._state, "_texts": self._texts}

    def __call__(self, features: pa.RecordBatch) -> pa.RecordBatch:
        """The predictions of a batch of feature rows, in its order."""
        if not features.num_rows:
            return pa.RecordBatch.from_pylist([], PREDICTIONS)
        (batch,) = self._predictor.predict(pa.Table.from_batches([features])).combine_chunks().to_batches()
        return batch


def score(settings: Settings, as_of: dt.date | None, output: Path | None, report: Report) -> str:
    """Predict for every customer with an order; returns lines for people.

    Writes a file, on Spark a folder, and the prediction log, which holds a sample of very many customers.

    Raises:
        ModelError: there is no model.
        NotEnoughData: there is no customer, or nothing can be predicted.
        InvalidParameter: the output's ending is unknown.
    """
    if output is not None:
        check_output(output)
    model = load_model(settings)
    with open_store(settings.store, settings) as store:
        if warning := model.foreign_to(store.info):
            report(f"Warning: {warning}")
        when = store.as_of(as_of or settings.as_of)
        predictor = predictor_as_of(model.predictor, when.day)
        predictor.check_fitted()
        report("Predicting")
        features = feature_expression(known_at(store, when), when.day)
        totals = store.write_mapped(features, Scorer(predictor), PREDICTIONS, SUMMED, output)
        if not totals.rows:
            raise NotEnoughData(f"no customer has an order by {when.day}; the store begins on {store.info.first_day}")
        if settings.log is not None:
            logged = feature_rows(store, when, MAX_LOGGED)
            log_scores(settings, model, store.info.id, when.day, logged, load_policy(settings.policy).segments)
        return _text(totals, when.day, predictor.horizon_days, store.info.currency, output)


def _text(totals: Totals, day: dt.date, horizon_days: int, currency: str, output: Path | None) -> str:
    sums = totals.sums
    lines = [
        f"{totals.rows:,} customers as of {day}, {horizon_days} days ahead:",
        f"expected purchases {sums['expected_purchases']:,.0f}",
        f"expected revenue {sums['expected_revenue_cents'] / 100:,.2f} {currency}",
        f"expected revenue net of refunds {sums['expected_net_revenue_cents'] / 100:,.2f} {currency}",
        f"mean churn risk {sums['churn_risk_score'] / totals.rows:.3f}",
    ]
    return "\n".join([*lines, f"Predictions written to {output}" if output else "`--output FILE` writes them all"])
