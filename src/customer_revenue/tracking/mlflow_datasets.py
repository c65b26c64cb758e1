"""The orders that a run learned from or was tested on, as a dataset of MLflow: what they are, and no data of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from customer_revenue.tracking.mlflow_client import Tracker

TRAINING, EVALUATION = "training", "evaluation"
CONTEXT = "mlflow.data.context"
MAX_DIGEST = 36
"""Characters that MLflow keeps of a digest, by which it distinguishes data sets of one name apart."""
PROFILE = ("window_first_day", "window_last_day", "cutoff", "customers", "currency", "timezone", "store_id")


def log_orders(mlflow: Tracker, run_id: str, parameters: Mapping[str, Any], context: str) -> None:
    """Log the orders as the run's input, if its parameters say which they were.

    Args:
        mlflow: the tracking server.
        run_id: of the run.
        parameters: of the run: ``data_fingerprint`` is the digest, ``store`` the source.
        context: :data:`TRAINING` or :data:`EVALUATION`.
    """
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import Dataset, DatasetInput, InputTag

    if not parameters.get("data_fingerprint"):
        return
    source = CodeDatasetSource(tags={"store": str(parameters.get("store", ""))})

    class Orders(MetaDataset):
        """What is known of the orders: they stay in the store."""

        @property
        def profile(self) -> str:
            return json.dumps({name: str(parameters[name]) for name in PROFILE if name in parameters})

    orders = Orders(source, "orders", _digest(parameters))
    dataset = Dataset(**orders.to_dict(), profile=orders.profile)
    mlflow.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag(CONTEXT, context)])])


def _digest(parameters: Mapping[str, Any]) -> str:
    """The fingerprint of the store; of a fold, which knew the orders up to its cut-off, with that."""
    until = f"-{parameters['cutoff']}" if "cutoff" in parameters else ""
    return f"{str(parameters['data_fingerprint'])[: MAX_DIGEST - len(until)]}{until}"
