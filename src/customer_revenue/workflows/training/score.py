"""Predictions for every customer of a store."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from customer_revenue.console import Report
from customer_revenue.currencies import money_text
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.modeling.rolling_windows import NEXT_DAYS
from customer_revenue.orders.engines.map_batches import BatchTotals
from customer_revenue.orders.store import open_store
from customer_revenue.policy import Segments, load_policy
from customer_revenue.settings import Settings
from customer_revenue.tables import PREDICTION_LOG_SCHEMA, PREDICTION_SCHEMA
from customer_revenue.workflows.exports import check_output
from customer_revenue.workflows.feature_rows import feature_rows, store_features
from customer_revenue.workflows.known_tables import known_at
from customer_revenue.workflows.monitoring.prediction_log import sampled, write_rows
from customer_revenue.workflows.registry.bundles import LoadedModel, load_model, model_known_by

SUMMED = ("expected_purchases", "expected_revenue_cents", "expected_net_revenue_cents", "churn_risk_score")
MAX_LOGGED = 1_000_000
SCORE_SOURCE = "score"


class Scorer:
    """Predicts batches of feature rows. It is sent to other processes as the texts of a bundle, and rebuilt there."""

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
            return pa.RecordBatch.from_pylist([], PREDICTION_SCHEMA)
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
    model = load_model(settings.registry)
    with open_store(settings.store, settings.store_options) as store:
        if warning := model.foreign_to(store.info):
            report(f"Warning: {warning}")
        when = store.as_of(as_of or settings.as_of)
        model = model_known_by(settings.models, model, when.day)
        if model.knew_later_than(when.day):
            report(f"Warning: no model was trained by {when.day}; {model.version} knew the orders after it")
        predictor = model.predictor.as_of(when.day)
        predictor.check_fitted()
        report("Predicting")
        features = store_features(store, known_at(store, when), when.day, predictor.covariates)
        totals = store.map_batches(features, Scorer(predictor), PREDICTION_SCHEMA, SUMMED, output)
        if not totals.rows:
            raise NotEnoughData(f"no customer has an order by {when.day}; the store begins on {store.info.first_day}")
        if settings.log is not None:
            logged = feature_rows(store, when, MAX_LOGGED, predictor.covariates)
            log_scores(
                settings.log,
                settings.logged_share,
                model,
                store.info.id,
                when.day,
                logged,
                load_policy(settings.policy).segments,
            )
        return _text(totals, when.day, predictor.horizon_days, store.info.currency, output)


def log_scores(
    log: Path,
    share: float,
    model: LoadedModel,
    store_id: str,
    day: dt.date,
    features: pa.Table,
    segments: Segments,
) -> int:
    """Log what the model predicts for the customers of a table of features, at each horizon; returns the rows written.

    Nothing is written for a share of 0, or for a day before the model's training ended: that would be hindsight.
    """
    if share == 0 or model.predictor.as_of_day > day:
        return 0
    chosen = sampled(features, share)
    if not chosen.num_rows:
        return 0
    predictor = model.predictor.as_of(day)
    refunded = column(chosen, "refund_cents") if segments.is_net else 0
    names = segment_names(column(chosen, "total_cents") - refunded, segments)
    at = dt.datetime.now(dt.UTC)
    tables = []
    for horizon in sorted({NEXT_DAYS, predictor.churn_days, predictor.horizon_days}):
        predicted = predictor.predict(chosen, horizon)
        constant = {
            "as_of": pa.scalar(day, pa.date32()),
            "horizon_days": pa.scalar(horizon, pa.int32()),
            "model_version": pa.scalar(model.version),
            "store_id": pa.scalar(store_id),
            "predicted_at": pa.scalar(at, pa.timestamp("us", "UTC")),
            "source": pa.scalar(SCORE_SOURCE),
        }
        columns = {name: pa.repeat(value, chosen.num_rows) for name, value in constant.items()}
        columns |= {
            name: predicted.column(name) for name in PREDICTION_LOG_SCHEMA.names if name in predicted.column_names
        }
        tables.append(
            pa.table({**columns, "segment": names}).select(PREDICTION_LOG_SCHEMA.names).cast(PREDICTION_LOG_SCHEMA)
        )
    rows = pa.concat_tables(tables)
    write_rows(log, rows, SCORE_SOURCE)
    return int(rows.num_rows)


def segment_names(cents: np.ndarray, segments: Segments) -> pa.Array:
    """The value segment of each customer, from revenue of all time on the policy's basis."""
    rungs = segments.active[::-1]
    places = np.searchsorted([rung.from_total_revenue_cents for rung in rungs], cents, side="right") - 1
    return pa.array([rung.name for rung in rungs]).take(pa.array(np.maximum(places, 0)))


def _text(totals: BatchTotals, day: dt.date, horizon_days: int, currency: str, output: Path | None) -> str:
    sums = totals.sums
    lines = [
        f"{totals.rows:,} customers as of {day}, {horizon_days} days ahead:",
        f"expected purchases {sums['expected_purchases']:,.0f}",
        f"expected revenue {money_text(sums['expected_revenue_cents'], currency)}",
        f"expected revenue net of refunds {money_text(sums['expected_net_revenue_cents'], currency)}",
        f"mean churn risk {sums['churn_risk_score'] / totals.rows:.3f}",
    ]
    return "\n".join([*lines, f"Predictions written to {output}" if output else "`--output FILE` writes them all"])
