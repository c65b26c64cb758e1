"""MLflow runs and registry: the only room that imports mlflow."""

from customer_revenue.tracking.runs import (
    MODELS_SCHEME,
    FoldRecord,
    TrainingRecord,
    log_backtest,
    log_training,
    model_folder,
    registered_version,
    run_address,
    tracking_uri,
)

__all__ = [
    "MODELS_SCHEME",
    "FoldRecord",
    "TrainingRecord",
    "log_backtest",
    "log_training",
    "model_folder",
    "registered_version",
    "run_address",
    "tracking_uri",
]
