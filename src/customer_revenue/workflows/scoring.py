"""Predictions for every customer of a store."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.console import Report
from customer_revenue.orders.store import open_store
from customer_revenue.policy import load_policy
from customer_revenue.settings import Settings
from customer_revenue.workflows.frames import feature_rows
from customer_revenue.workflows.logging_scores import log_scores
from customer_revenue.workflows.models import load_model
from customer_revenue.workflows.output import check_output, write_table
from customer_revenue.workflows.predictions import predictor_as_of


def score(settings: Settings, as_of: dt.date | None, output: Path | None, report: Report) -> str:
    """Predict for every customer with an order; writes a file and the prediction log, and returns lines for people.

    Raises:
        ModelError: there is no model.
        NotEnoughData: there is no customer.
        InvalidParameter: the output's ending is unknown.
    """
    if output is not None:
        check_output(output)
    model = load_model(settings)
    with open_store(settings.store, settings) as store:
        if warning := model.foreign_to(store.info):
            report(f"Warning: {warning}")
        when = store.as_of(as_of or settings.as_of)
        report("Reading the customers' histories")
        features = feature_rows(store, when)
        report("Predicting")
        predictions = predictor_as_of(model.predictor, when.day).predict(features)
        log_scores(settings, model, store.info.id, when.day, features, load_policy(settings.policy).segments)
        if output is not None:
            write_table(predictions, output)
        return _text(predictions, when.day, model.predictor.horizon_days, store.info.currency, output)


def _text(table: pa.Table, day: dt.date, horizon_days: int, currency: str, output: Path | None) -> str:
    def total(name: str) -> float:
        return float(pc.sum(table.column(name)).as_py())

    lines = [
        f"{table.num_rows:,} customers as of {day}, {horizon_days} days ahead:",
        f"expected purchases {total('expected_purchases'):,.0f}",
        f"expected revenue {total('expected_revenue_cents') / 100:,.2f} {currency}",
        f"expected revenue net of refunds {total('expected_net_revenue_cents') / 100:,.2f} {currency}",
        f"mean churn risk {total('churn_risk_score') / table.num_rows:.3f}",
    ]
    return "\n".join([*lines, f"Predictions written to {output}" if output else "`--output FILE` writes them all"])
