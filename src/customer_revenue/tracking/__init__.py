"""MLflow runs and registry: the only package that imports mlflow."""

from customer_revenue.tracking.deadlines import check_reachable, within
from customer_revenue.tracking.mlflow_client import tracking_uri
from customer_revenue.tracking.mlflow_models import (
    CHALLENGER,
    CHAMPION,
    MODELS_SCHEME,
    model_folder,
    registered_name,
    registered_version,
)
from customer_revenue.tracking.mlflow_registry import (
    end_interrupted,
    log_change,
    registered_as,
)
from customer_revenue.tracking.mlflow_runs import (
    TRAIN,
    FoldRecord,
    TrainingRecord,
    prepare,
    queue_backtest,
    queue_monitoring,
    queue_training,
    run_address,
    send,
)
from customer_revenue.tracking.run_queue import QueuedRun, queued

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "MODELS_SCHEME",
    "TRAIN",
    "FoldRecord",
    "QueuedRun",
    "TrainingRecord",
    "check_reachable",
    "end_interrupted",
    "log_change",
    "model_folder",
    "prepare",
    "queue_backtest",
    "queue_monitoring",
    "queue_training",
    "queued",
    "registered_as",
    "registered_name",
    "registered_version",
    "run_address",
    "send",
    "tracking_uri",
    "within",
]
