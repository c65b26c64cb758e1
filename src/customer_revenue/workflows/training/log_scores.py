"""Predictions of every customer as rows of the prediction log."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from customer_revenue.modeling.predictor import CHURN_DAYS, NEXT_DAYS
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.policy import Segments
from customer_revenue.settings import Settings
from customer_revenue.workflows.customers.prediction_fields import predictor_as_of
from customer_revenue.workflows.monitoring.prediction_log import SCHEMA, sampled, write_rows
from customer_revenue.workflows.registry.bundles import LoadedModel

SOURCE = "score"


def log_scores(
    settings: Settings, model: LoadedModel, store_id: str, day: dt.date, features: pa.Table, segments: Segments
) -> int:
    """Log what the model predicts for the customers of a table of features, at each horizon; returns the rows written.

    Nothing is written without a log, or for a day before the model's training ended: that would be hindsight.
    """
    share = settings.logged_share
    if settings.log is None or share == 0 or model.predictor.as_of_day > day:
        return 0
    chosen = sampled(features, share)
    if not chosen.num_rows:
        return 0
    predictor = predictor_as_of(model.predictor, day)
    names = segment_names(column(chosen, "total_cents"), segments)
    at = dt.datetime.now(dt.UTC)
    tables = []
    for horizon in sorted({NEXT_DAYS, CHURN_DAYS, predictor.horizon_days}):
        predicted = predictor.predict(chosen, horizon)
        constant = {
            "as_of": pa.scalar(day, pa.date32()),
            "horizon_days": pa.scalar(horizon, pa.int32()),
            "model_version": pa.scalar(model.version),
            "store_id": pa.scalar(store_id),
            "predicted_at": pa.scalar(at, pa.timestamp("us", "UTC")),
            "source": pa.scalar(SOURCE),
        }
        columns = {name: pa.repeat(value, chosen.num_rows) for name, value in constant.items()}
        columns |= {name: predicted.column(name) for name in SCHEMA.names if name in predicted.column_names}
        tables.append(pa.table({**columns, "segment": names}).select(SCHEMA.names).cast(SCHEMA))
    rows = pa.concat_tables(tables)
    write_rows(settings.log, rows, SOURCE)
    return int(rows.num_rows)


def segment_names(total_cents: np.ndarray, segments: Segments) -> pa.Array:
    """The value segment of each customer, from total revenue."""
    rungs = segments.active[::-1]
    places = np.searchsorted([rung.from_total_revenue_cents for rung in rungs], total_cents, side="right") - 1
    return pa.array([rung.name for rung in rungs]).take(pa.array(np.maximum(places, 0)))
