"""Runs of training, back-tests and monitoring in MLflow."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from customer_revenue.errors import ModelNotFound
from customer_revenue.settings import RegistryOptions

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

CHAMPION = "champion"
CHALLENGER = "challenger"
MODELS_SCHEME = "models:/"
BUNDLE = "bundle"

REQUIRED_PACKAGES = (
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "lifetimes",
    "ibis-framework",
    "mlflow",
)


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
        figures: plots, by file name.
        documents: JSON documents, by file name.
        input_example: a few feature rows, which also give the model's signature.
        output_example: the predictions for them; ``None`` where there can be none, and so no signature.
        folds: the cut-offs of the back-test.
        version_tags: tags of the registered version.
    """

    bundle: Path
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    input_example: pa.Table
    output_example: pa.Table | None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    folds: Sequence[FoldRecord] = ()
    version_tags: Mapping[str, str] = field(default_factory=dict)


def tracking_uri(registry: RegistryOptions) -> str:
    """The tracking server: the setting, ``MLFLOW_TRACKING_URI``, or a SQLite file in the folder of models."""
    default = f"sqlite:///{registry.models.absolute() / 'mlflow.db'}"
    return registry.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default


def log_training(registry: RegistryOptions, record: TrainingRecord, *, challenger: bool = True) -> tuple[str, str]:
    """Log a training run with its folds, register its model and, unless it is an experiment's, name it challenger.

    Returns:
        The run's id and the registered model's version.
    """
    import mlflow

    with tracking_run(registry, "train") as run:
        mlflow.log_params(_words(record.parameters))
        mlflow.log_metrics(dict(record.metrics))
        mlflow.set_tags(dict(record.tags))
        for fold in record.folds:
            with mlflow.start_run(run_name=fold.name, nested=True):
                mlflow.log_params(_words(fold.parameters))
                mlflow.log_metrics(dict(fold.metrics))
        for name, figure in record.figures.items():
            mlflow.log_figure(figure, name)
        for name, document in record.documents.items():
            mlflow.log_dict(document, name)
        model = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={BUNDLE: str(record.bundle)},
            code_paths=[str(Path(__file__).parents[1])],
            pip_requirements=_requirements(),
            **_signature(record),
        )
        version = mlflow.register_model(model.model_uri, registry.experiment, tags=dict(record.version_tags))
        if challenger:
            mlflow.MlflowClient().set_registered_model_alias(registry.experiment, CHALLENGER, version.version)
        return run, str(version.version)


def log_backtest(
    registry: RegistryOptions,
    parameters: Mapping[str, object],
    metrics: Mapping[str, float],
    documents: Mapping[str, dict[str, Any]],
) -> str:
    """Log a back-test; returns the run's id."""
    import mlflow

    with tracking_run(registry, "backtest") as run:
        mlflow.log_params(_words(parameters))
        mlflow.log_metrics(dict(metrics))
        for name, document in documents.items():
            mlflow.log_dict(document, name)
        return run


def log_monitoring(registry: RegistryOptions, metrics: Mapping[str, float], tags: Mapping[str, str], html: str) -> str:
    """Log what monitoring found, with its page; returns the run's id."""
    import mlflow

    with tracking_run(registry, "monitor") as run:
        mlflow.log_metrics(dict(metrics))
        mlflow.set_tags(dict(tags))
        mlflow.log_text(html, "report.html")
        return run


def run_address(registry: RegistryOptions, run_id: str) -> dict[str, str | None]:
    """Where to see a run: its page in MLflow's interface, and the server, if there is one."""
    import mlflow

    connect(registry)
    experiment = mlflow.get_run(run_id).info.experiment_id
    server = urlsplit(tracking_uri(registry))
    address = server._replace(netloc=server.netloc.rpartition("@")[2]).geturl().rstrip("/")
    return {
        "run_id": run_id,
        "registered_name": registry.experiment,
        "page": f"/#/experiments/{experiment}/runs/{run_id}",
        "server": address if server.scheme in ("http", "https") else None,
    }


def model_folder(registry: RegistryOptions, uri: str) -> Path:
    """The bundle of a registered model, such as ``models:/customer-revenue@champion``, as a local folder.

    Raises:
        ModelNotFound: the registry has no such model.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    connect(registry)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
        artifacts = mlflow.models.Model.load(str(folder)).flavors["python_function"]["artifacts"]
        return folder / str(artifacts[BUNDLE]["path"])
    except MlflowException as error:
        raise ModelNotFound(f"MLflow has no model {uri}: {error.message}") from None


def registered_version(registry: RegistryOptions, uri: str) -> str:
    """The version that a URI such as ``models:/NAME@ALIAS`` or ``models:/NAME/3`` names now.

    Raises:
        ModelNotFound: the registry has no such model.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    connect(registry)
    name, at, alias = uri.removeprefix(MODELS_SCHEME).partition("@")
    if not at:
        return name.rpartition("/")[2]
    try:
        return str(mlflow.MlflowClient().get_model_version_by_alias(name, alias).version)
    except MlflowException as error:
        raise ModelNotFound(f"MLflow has no model {uri}: {error.message}") from None


def _words(parameters: Mapping[str, object]) -> dict[str, str]:
    """Parameters as MLflow stores them."""
    return {name: str(value)[:500] for name, value in parameters.items()}


def _signature(record: TrainingRecord) -> dict[str, Any]:
    from mlflow.models import infer_signature

    if record.output_example is None:
        return {}
    inputs = record.input_example.to_pandas()
    return {"input_example": inputs, "signature": infer_signature(inputs, record.output_example.to_pandas())}


@contextmanager
def tracking_run(registry: RegistryOptions, name: str) -> Iterator[str]:
    """A run of the experiment, by its id."""
    import mlflow

    connect(registry)
    with warnings.catch_warnings():
        # MLflow's own; nothing that a user of this package could act on.
        warnings.simplefilter("ignore")
        with mlflow.start_run(run_name=name) as run:
            yield run.info.run_id


def prepare(registry: RegistryOptions) -> None:
    """Import MLflow, and create its file if it has one; that takes seconds, which may pass during other work."""
    import mlflow.pyfunc  # noqa: F401

    if tracking_uri(registry).startswith("sqlite:"):
        connect(registry)


def connect(registry: RegistryOptions) -> None:
    """Point MLflow at the tracking server and the experiment, which is created if it does not exist."""
    import mlflow

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    registry.models.mkdir(parents=True, exist_ok=True)
    uri = tracking_uri(registry)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    if client.get_experiment_by_name(registry.experiment) is None:
        local = (registry.models / "mlflow-artifacts").absolute().as_uri() if uri.startswith("sqlite:") else None
        client.create_experiment(registry.experiment, artifact_location=local)
    mlflow.set_experiment(registry.experiment)


def _requirements() -> list[str]:
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in REQUIRED_PACKAGES]
