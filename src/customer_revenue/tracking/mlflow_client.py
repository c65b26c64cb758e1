"""A client of the tracking server with explicit ids: what a user has set in MLflow, or its loggers, stays as it is."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_revenue.settings import RegistryOptions
from customer_revenue.tracking.deadlines import shorten_requests

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "mlflow.parentRunId"
EXPERIMENT_TAGS = {
    "project": "customer-revenue",
    "mlflow.note.content": "Trainings, back-tests and monitoring of customer-revenue. Compare runs of one "
    "data_fingerprint, window_last_day and option_folds; the tag variant says what each changed.",
}
NOISY = ("mlflow", "alembic")

_lock = threading.Lock()
_levels: list[dict[str, int]] = []
"""The levels of the loggers before each block that is quiet now; the first are the user's."""


@dataclass(frozen=True)
class Tracker:
    """The tracking server and the experiment on it."""

    client: MlflowClient
    experiment_id: str
    uri: str
    registry_uri: str

    @contextmanager
    def run(self, name: str, parent: str | None = None) -> Iterator[str]:
        """A run of the experiment, by its id; it fails if the block does."""
        tags = {PARENT: parent} if parent else {}
        run_id = self.client.create_run(self.experiment_id, tags=tags, run_name=name).info.run_id
        status = "FAILED"
        try:
            yield run_id
            status = "FINISHED"
        finally:
            self.client.set_terminated(run_id, status)

    def log(
        self,
        run_id: str,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log values of a run: one request for every hundred."""
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        values: dict[str, list[Any]] = {
            "params": [Param(name, str(value)) for name, value in (parameters or {}).items()],
            "metrics": [Metric(name, float(value), now, 0) for name, value in (metrics or {}).items()],
            "tags": [RunTag(name, str(value)) for name, value in (tags or {}).items()],
        }
        for kind, found in values.items():
            for start in range(0, len(found), MAX_VALUES):
                some: Any = {kind: found[start : start + MAX_VALUES]}
                self.client.log_batch(run_id, **some)


MAX_VALUES = 100
"""As many parameters or tags as MLflow takes at once."""


def tracking_uri(registry: RegistryOptions) -> str:
    """The tracking server: the setting, ``MLFLOW_TRACKING_URI``, or a SQLite file in the folder of models."""
    default = f"sqlite:///{registry.models.absolute() / 'mlflow.db'}"
    return registry.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default


@contextmanager
def tracker(registry: RegistryOptions) -> Iterator[Tracker]:
    """The tracking server with the experiment, which is created if it does not exist; MLflow keeps quiet meanwhile."""
    import mlflow

    shorten_requests()
    registry.models.mkdir(parents=True, exist_ok=True)
    uri = tracking_uri(registry)
    registry_uri = os.environ.get("MLFLOW_REGISTRY_URI") or uri
    with quiet():
        client = mlflow.MlflowClient(uri, registry_uri)
        experiment = client.get_experiment_by_name(registry.experiment)
        if experiment is None:
            local = (registry.models / "mlflow-artifacts").absolute().as_uri() if uri.startswith("sqlite:") else None
            experiment_id = client.create_experiment(registry.experiment, local, EXPERIMENT_TAGS)
        else:
            experiment_id = experiment.experiment_id
        yield Tracker(client, str(experiment_id), uri, registry_uri)


@contextmanager
def quiet() -> Iterator[None]:
    """Without MLflow's own messages and warnings, on which no user of this package could act."""
    with _lock:
        _levels.append({name: logging.getLogger(name).level for name in NOISY})
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        with _lock:
            before = _levels[0]
            _levels.pop()
            if not _levels:
                for name, level in before.items():
                    logging.getLogger(name).setLevel(level)


def active_run(registry: RegistryOptions) -> str | None:
    """The run that the caller has open in MLflow on the same tracking server, in which theirs is nested; else None."""
    mlflow = sys.modules.get("mlflow")
    run = mlflow.active_run() if mlflow is not None and hasattr(mlflow, "active_run") else None
    if mlflow is None or run is None or mlflow.get_tracking_uri() != tracking_uri(registry):
        return None
    return str(run.info.run_id)
