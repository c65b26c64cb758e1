"""Runs of training, back-tests and monitoring in MLflow."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from customer_revenue.settings import RegistryOptions
from customer_revenue.tracking.mlflow_client import Tracker, active_run, tracker, tracking_uri
from customer_revenue.tracking.mlflow_datasets import EVALUATION, TRAINING, log_orders
from customer_revenue.tracking.mlflow_models import register
from customer_revenue.tracking.run_queue import QueuedRun, enqueue

if TYPE_CHECKING:
    import pyarrow as pa

TRAIN, BACKTEST, MONITOR = "train", "backtest", "monitor"

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a description."""

RUN_NOTES = {
    TRAIN: "A training: models fitted to all orders, and the mean figures of its back-test. Each fold is a run in it.",
    "fold": "One cut-off of a back-test: trained on the orders up to `cutoff`, compared with those after it.",
    BACKTEST: "A back-test by command or by `cr.backtest`; no model is kept.",
    MONITOR: "What monitoring found: feed, drift, and what was predicted next to what happened.",
}


@dataclass(frozen=True)
class FoldRecord:
    """One cut-off of a training's back-test: a run nested in that of the training."""

    name: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class TrainingRecord:
    """What a training run logs.

    Attributes:
        bundle: folder of the model bundle.
        parameters: settings and fitted values, by name.
        metrics: figures of the back-test, by name.
        tags: what the data was, and other text.
        figures: plots as PNG, by file name.
        documents: JSON documents, by file name.
        input_schema: of the feature rows, for the model's signature.
        output_schema: of the predictions; ``None`` where there can be none, and so no signature.
        folds: the cut-offs of the back-test.
        version_tags: tags of the registered version.
    """

    bundle: Path
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    input_schema: pa.Schema
    output_schema: pa.Schema | None
    figures: Mapping[str, bytes] = field(default_factory=dict)
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    folds: Sequence[FoldRecord] = ()
    version_tags: Mapping[str, str] = field(default_factory=dict)


def queue_training(registry: RegistryOptions, record: TrainingRecord, *, challenger: bool = True) -> None:
    """Keep a training run with its folds until it is sent.

    Args:
        registry: the folder of bundles.
        record: what is to be logged.
        challenger: whether the registered version is to be named so; an experiment's is not.
    """
    schemas = {"inputs.arrow": record.input_schema, "outputs.arrow": record.output_schema}
    document = {
        "bundle": record.bundle.name,
        "challenger": challenger,
        "parameters": _words(record.parameters),
        "metrics": dict(record.metrics),
        "tags": dict(record.tags),
        "documents": dict(record.documents),
        "folds": [{**asdict(fold), "parameters": _words(fold.parameters)} for fold in record.folds],
        "version_tags": dict(record.version_tags),
        "parent": active_run(registry),
    }
    files = {f"figures/{name}": content for name, content in record.figures.items()}
    files |= {f"schemas/{name}": _arrow_bytes(schema) for name, schema in schemas.items() if schema is not None}
    enqueue(registry.models, TRAIN, document, files)


def queue_backtest(
    registry: RegistryOptions,
    parameters: Mapping[str, object],
    metrics: Mapping[str, float],
    documents: Mapping[str, dict[str, Any]],
) -> None:
    """Keep a back-test until it is sent."""
    document = {"parameters": _words(parameters), "metrics": dict(metrics), "documents": dict(documents)}
    enqueue(registry.models, BACKTEST, document)


def queue_monitoring(
    registry: RegistryOptions, metrics: Mapping[str, float], tags: Mapping[str, str], html: str
) -> None:
    """Keep what monitoring found, with its page, until it is sent."""
    enqueue(registry.models, MONITOR, {"metrics": dict(metrics), "tags": dict(tags), "texts": {"report.html": html}})


def send(registry: RegistryOptions, run: QueuedRun) -> dict[str, str | None]:
    """Log a run that waited, and of a training register the model too.

    Returns:
        Where it is, see :func:`run_address`; of a training also ``registered_version``.
    """
    document, version = run.document, None
    with tracker(registry) as mlflow, mlflow.run(run.kind, document.get("parent")) as run_id:
        client = mlflow.client
        parameters = document.get("parameters") or {}
        mlflow.log(run_id, parameters, document.get("metrics"), {**document.get("tags", {}), NOTE: RUN_NOTES[run.kind]})
        log_orders(mlflow, run_id, parameters, TRAINING if run.kind == TRAIN else EVALUATION)
        for fold in document.get("folds", ()):
            with mlflow.run(fold["name"], run_id) as fold_id:
                mlflow.log(fold_id, fold["parameters"], fold["metrics"], {NOTE: RUN_NOTES["fold"]})
                log_orders(mlflow, fold_id, {**parameters, **fold["parameters"]}, EVALUATION)
        for name, found in document.get("documents", {}).items():
            client.log_dict(run_id, found, name)
        for name, text in document.get("texts", {}).items():
            client.log_text(run_id, text, name)
        with tempfile.TemporaryDirectory(prefix="customer-revenue-") as folder:
            for name, content in run.files("figures").items():
                (Path(folder) / name).write_bytes(content)
                client.log_artifact(run_id, str(Path(folder) / name))
        if run.kind == TRAIN:
            version = register(mlflow, registry, run, run_id)
        address = _address(mlflow, registry, run_id)
    return {**address, "registered_version": version} if version else address


def run_address(registry: RegistryOptions, run_id: str) -> dict[str, str | None]:
    """Where to see a run: its page in MLflow's interface, and the server, if there is one."""
    with tracker(registry) as mlflow:
        return _address(mlflow, registry, run_id)


def _address(mlflow: Tracker, registry: RegistryOptions, run_id: str) -> dict[str, str | None]:
    experiment = mlflow.client.get_run(run_id).info.experiment_id
    server = urlsplit(mlflow.uri)
    address = server._replace(netloc=server.netloc.rpartition("@")[2]).geturl().rstrip("/")
    return {
        "run_id": run_id,
        "registered_name": registry.experiment,
        "page": f"/#/experiments/{experiment}/runs/{run_id}",
        "server": address if server.scheme in ("http", "https") else None,
    }


def _words(parameters: Mapping[str, object]) -> dict[str, str]:
    """Parameters as MLflow stores them."""
    return {name: str(value)[:500] for name, value in parameters.items()}


def _arrow_bytes(schema: pa.Schema) -> bytes:
    import pyarrow.feather as feather

    target = io.BytesIO()
    feather.write_feather(schema.empty_table(), target)
    return target.getvalue()


def prepare(registry: RegistryOptions) -> None:
    """Import MLflow, and create its file if it has one; that takes seconds, which may pass during other work."""
    import mlflow.pyfunc  # noqa: F401

    if tracking_uri(registry).startswith("sqlite:"):
        # What fails here fails again, and is reported, when runs are sent.
        with contextlib.suppress(Exception), tracker(registry):
            pass
