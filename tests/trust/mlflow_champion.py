"""What MLflow itself says of the champion."""

from __future__ import annotations

import mlflow
from mlflow.entities.model_registry import ModelVersion

from customer_revenue import tracking
from customer_revenue.settings import Settings


def champion_in_mlflow(settings: Settings) -> ModelVersion:
    """The registered version that has the alias of the champion."""
    client = mlflow.MlflowClient(tracking_uri=tracking.tracking_uri(settings.registry))
    return client.get_model_version_by_alias(settings.registry.experiment, tracking.CHAMPION)
