"""The bundle as an MLflow model, defined by this file rather than by a pickle.

MLflow runs this file to load the model: orders or feature rows in, predictions out.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

import customer_revenue as cr
from customer_revenue.modeling.bundle import load


class CustomerRevenueModel(PythonModel):
    """Predictions for orders or feature rows, as :meth:`customer_revenue.CustomerModel.predict` gives them."""

    def load_context(self, context: Any) -> None:
        """Read the bundle among the model's artifacts."""
        self.predictor = load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predictions, one per customer.

        Args:
            context: MLflow's.
            model_input: orders with ``customer_id``, ``order_date``, ``amount_cents`` and perhaps ``order_id``, or the
                columns of ``Orders.features``.
            params: ``horizon_days``, by default the model's, and ``as_of``, the day to predict from: by default that of
                the last order, or for features that of the model.
        """
        chosen = params or {}
        horizon_days, day = chosen.get("horizon_days") or None, chosen.get("as_of")
        as_of = dt.date.fromisoformat(day) if day else None
        if "order_date" in model_input and model_input["order_date"].notna().any():
            return self._of_orders(model_input.dropna(axis="columns", how="all"), as_of, horizon_days)
        predictor = self.predictor.as_of(as_of) if as_of else self.predictor
        features = pa.Table.from_pandas(model_input, preserve_index=False)
        return _frame(predictor.predict(features, horizon_days))

    def _of_orders(self, log: pd.DataFrame, as_of: dt.date | None, horizon_days: int | None) -> pd.DataFrame:
        order = "order_id" if "order_id" in log else None
        with cr.load_orders(log, customer="customer_id", date="order_date", order=order) as orders:
            day = as_of or orders.info.last_day
            assert day is not None, "there are orders"
            rows = orders.arrow.features(day, self.predictor.covariates)
            return _frame(self.predictor.as_of(day).predict(rows, horizon_days))


def _frame(predictions: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = predictions.to_pandas()
    return frame


set_model(CustomerRevenueModel())
