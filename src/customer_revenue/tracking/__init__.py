"""MLflow runs and registry: the only package that imports mlflow."""

from customer_revenue.tracking.mlflow_registry import (
    end_interrupted,
    log_change,
    registered_as,
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
    prepare,
    registered_version,
    run_address,
    tracking_uri,
)

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "MODELS_SCHEME",
    "FoldRecord",
    "TrainingRecord",
    "end_interrupted",
    "log_backtest",
    "log_change",
    "log_monitoring",
    "log_training",
    "model_folder",
    "prepare",
    "registered_as",
    "registered_version",
    "run_address",
    "tracking_uri",
]
