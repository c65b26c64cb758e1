"""The list of trained versions."""

from __future__ import annotations

from customer_revenue import tracking
from customer_revenue.settings import RegistryOptions
from customer_revenue.workflows.evaluation.metric_tables import ROWS, table_of
from customer_revenue.workflows.registry.bundles import current_version
from customer_revenue.workflows.registry.champion import changes

LISTED_METRICS = {
    "probability_log_loss": "log loss",
    "probability_ece": "calibration error",
    "purchases_rmse": "purchases RMSE",
    "revenue_rmse": "revenue RMSE",
    "revenue_gini": "revenue Gini",
}
LAST_CHANGES = 5


def listing(registry: RegistryOptions) -> str:
    """Versions, figures, the gate's verdict and aliases, the newest first; then the last changes of the champion."""
    found = tracking.registered_models(registry)
    if not found:
        return "No model is registered yet; `customer-revenue train` makes one"
    current = current_version(registry.models)
    rows = []
    for model in found:
        answers = ["answers"] if model.bundle == current else []
        figures = [ROWS[name][1](model.metrics[name]) if name in model.metrics else "" for name in LISTED_METRICS]
        gate = model.tags.get("gate", "")
        rows.append([model.bundle, model.registered_version, ", ".join([*model.aliases, *answers]), gate, *figures])
    columns = ["version", "MLflow", "alias", "gate", *LISTED_METRICS.values()]
    recent = [change.text() for change in changes(registry.models)[-LAST_CHANGES:]]
    return "\n".join([table_of(f"Trained versions of {registry.experiment}", columns, rows), "", *recent])
