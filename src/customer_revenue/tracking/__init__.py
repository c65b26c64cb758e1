"""MLflow runs and registry: the only package that imports mlflow."""

from customer_revenue.tracking.mlflow_registry import (
    RegisteredModel,
    end_interrupted,
    log_change,
    registered_as,
    registered_models,
)
from customer_revenue.tracking.mlflow_runs import (
    CHALLENGER,
    CHAMPION,
    MODELS_SCHEME,
    FoldRecord,
    TrainingRecord,
    log_backtest,
    log_monitoring,
    log_training,
    model_folder,
    registered_version,
    run_address,
    tracking_uri,
)

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "MODELS_SCHEME",
    "FoldRecord",
    "RegisteredModel",
    "TrainingRecord",
    "end_interrupted",
    "log_backtest",
    "log_change",
    "log_monitoring",
    "log_training",
    "model_folder",
    "registered_as",
    "registered_models",
    "registered_version",
    "run_address",
    "tracking_uri",
]
