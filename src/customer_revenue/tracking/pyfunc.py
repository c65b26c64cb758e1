"""The bundle as an MLflow model, defined by this file rather than by a pickle.

MLflow runs this file to load the model: feature rows in, predictions out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from customer_revenue.modeling.bundle import load


class CustomerRevenueModel(PythonModel):
    """Predictions for feature rows, as :meth:`customer_revenue.modeling.predictor.Predictor.predict` gives them."""

    def load_context(self, context: Any) -> None:
        """Read the bundle among the model's artifacts."""
        self.predictor = load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predictions from feature rows, one per customer."""
        features = pa.Table.from_pandas(model_input, preserve_index=False)
        predictions: pd.DataFrame = self.predictor.predict(features).to_pandas()
        return predictions


set_model(CustomerRevenueModel())
