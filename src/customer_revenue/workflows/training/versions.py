"""The list of trained versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from customer_revenue.errors import ModelError
from customer_revenue.modeling.manifest import read_manifest
from customer_revenue.tracking import CHAMPION
from customer_revenue.workflows.bodies import Row
from customer_revenue.workflows.evaluation.metric_text import shown_metrics, table_of
from customer_revenue.workflows.registry.bundles import current_version, read_gate
from customer_revenue.workflows.registry.champion import changes
from customer_revenue.workflows.registry.model_card import run_of

LISTED_METRICS = {
    "probability_log_loss": "log loss",
    "probability_ece": "calibration error",
    "purchases_rmse": "purchases RMSE",
    "revenue_rmse": "revenue RMSE",
    "revenue_gini": "revenue Gini",
}
LAST_CHANGES = 5


def listing(models: Path, experiment: str) -> str:
    """Versions, figures and the gate's verdict, the newest first; then the last changes of the champion.

    Read from the bundles, so that it needs no tracking server.

    Args:
        models: the folder of bundles.
        experiment: the name of the registered model.
    """
    rows = list(_rows(models))
    if not rows:
        return "No model has been trained yet; `customer-revenue train` makes one"
    columns = ["version", "MLflow", "alias", "gate", *LISTED_METRICS.values()]
    recent = [change.text() for change in changes(models)[-LAST_CHANGES:]]
    return "\n".join([table_of(f"Trained versions of {experiment}", columns, rows), "", *recent])


def version_rows(models: Path) -> list[Row]:
    """The versions as rows of a response, the newest first."""
    current = current_version(models)
    rows: list[Row] = []
    for folder, manifest in _versions(models):
        verdict = read_gate(folder)
        rows.append(
            {
                "version": folder.name,
                "champion": folder.name == current,
                "trained_until": manifest.get("window_last_day") or None,
                "gate": verdict.word if verdict else None,
                "refusals": list(verdict.refusals) if verdict else [],
                "promotable": verdict is not None
                and verdict.passed
                and verdict.champion == current
                and folder.name != current,
            }
        )
    return rows


def change_rows(models: Path) -> list[Row]:
    """The changes of the champion as rows of a response, the last one first."""
    return [{name: value for name, value in asdict(one).items() if name != "run_id"} for one in changes(models)[::-1]]


def _versions(models: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The folders of bundles and their manifests, the newest first."""
    folders = [path for path in models.iterdir() if not path.is_symlink()] if models.is_dir() else []
    for folder in sorted(folders, key=lambda path: path.name, reverse=True):
        try:
            yield folder, read_manifest(folder)
        except ModelError:
            continue  # a folder of something else


def _rows(models: Path) -> Iterator[list[str]]:
    current = current_version(models)
    for folder, manifest in _versions(models):
        metrics, gate, run = manifest.get("metrics", {}), read_gate(folder), run_of(folder) or {}
        shown = shown_metrics(manifest.get("currency", ""))
        yield [
            folder.name,
            run.get("registered_version") or "",
            CHAMPION if folder.name == current else "",
            gate.word if gate else "",
            *(shown[name][1](metrics[name]) if name in metrics else "" for name in LISTED_METRICS),
        ]
