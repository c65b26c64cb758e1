"""Runs of training, back-tests and monitoring in MLflow."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from customer_revenue.errors import ModelNotFound
from customer_revenue.settings import RegistryOptions
from customer_revenue.tracking.deadlines import shorten_requests
from customer_revenue.tracking.run_queue import QueuedRun, enqueue

if TYPE_CHECKING:
    import pyarrow as pa

CHAMPION = "champion"
CHALLENGER = "challenger"
MODELS_SCHEME = "models:/"
BUNDLE = "bundle"
UNKNOWN_NAMES = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"})
"""Codes of MLflow's answer that there is no such model."""

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
        figures: plots as PNG, by file name.
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
    figures: Mapping[str, bytes] = field(default_factory=dict)
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    folds: Sequence[FoldRecord] = ()
    version_tags: Mapping[str, str] = field(default_factory=dict)


def tracking_uri(registry: RegistryOptions) -> str:
    """The tracking server: the setting, ``MLFLOW_TRACKING_URI``, or a SQLite file in the folder of models."""
    default = f"sqlite:///{registry.models.absolute() / 'mlflow.db'}"
    return registry.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default


TRAIN, BACKTEST, MONITOR = "train", "backtest", "monitor"


def queue_training(registry: RegistryOptions, record: TrainingRecord, *, challenger: bool = True) -> None:
    """Keep a training run with its folds until it is sent.

    Args:
        registry: the folder of bundles.
        record: what is to be logged.
        challenger: whether the registered version is to be named so; an experiment's is not.
    """
    examples = {"inputs.arrow": record.input_example, "outputs.arrow": record.output_example}
    document = {
        "bundle": record.bundle.name,
        "challenger": challenger,
        "parameters": _words(record.parameters),
        "metrics": dict(record.metrics),
        "tags": dict(record.tags),
        "documents": dict(record.documents),
        "folds": [{**asdict(fold), "parameters": _words(fold.parameters)} for fold in record.folds],
        "version_tags": dict(record.version_tags),
    }
    files = {f"figures/{name}": content for name, content in record.figures.items()}
    files |= {f"examples/{name}": _arrow_bytes(table) for name, table in examples.items() if table is not None}
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
    import mlflow

    document = run.document
    with tracking_run(registry, run.kind) as run_id:
        mlflow.log_params(document.get("parameters", {}))
        mlflow.log_metrics(document.get("metrics", {}))
        mlflow.set_tags(document.get("tags", {}))
        for fold in document.get("folds", ()):
            with mlflow.start_run(run_name=fold["name"], nested=True):
                mlflow.log_params(fold["parameters"])
                mlflow.log_metrics(fold["metrics"])
        for name, found in document.get("documents", {}).items():
            mlflow.log_dict(found, name)
        for name, text in document.get("texts", {}).items():
            mlflow.log_text(text, name)
        with tempfile.TemporaryDirectory(prefix="customer-revenue-") as folder:
            for name, content in run.files("figures").items():
                (Path(folder) / name).write_bytes(content)
                mlflow.log_artifact(str(Path(folder) / name))
        version = _register(registry, run) if run.kind == TRAIN else None
    address = run_address(registry, run_id)
    return {**address, "registered_version": version} if version else address


def _register(registry: RegistryOptions, run: QueuedRun) -> str:
    """Log the bundle of a training as the run's model, and register it; the version."""
    import mlflow

    document = run.document
    model = mlflow.pyfunc.log_model(
        name="model",
        python_model=str(Path(__file__).with_name("pyfunc.py")),
        artifacts={BUNDLE: str(registry.models / document["bundle"])},
        code_paths=[str(Path(__file__).parents[1])],
        pip_requirements=_requirements(),
        **_signature(run.files("examples")),
    )
    version = mlflow.register_model(model.model_uri, registry.experiment, tags=document["version_tags"])
    if document["challenger"]:
        mlflow.MlflowClient().set_registered_model_alias(registry.experiment, CHALLENGER, version.version)
    return str(version.version)


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
        if error.error_code not in UNKNOWN_NAMES:
            raise
        raise ModelNotFound(f"MLflow has no model {uri}: {error.message}") from None


def registered_name(uri: str) -> str:
    """The name of the registered model in a URI such as ``models:/NAME@ALIAS`` or ``models:/NAME/3``."""
    rest = uri.removeprefix(MODELS_SCHEME)
    return rest.partition("@")[0] if "@" in rest else rest.rpartition("/")[0]


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
        if error.error_code not in UNKNOWN_NAMES:
            raise
        raise ModelNotFound(f"MLflow has no model {uri}: {error.message}") from None


def _words(parameters: Mapping[str, object]) -> dict[str, str]:
    """Parameters as MLflow stores them."""
    return {name: str(value)[:500] for name, value in parameters.items()}


def _signature(examples: Mapping[str, bytes]) -> dict[str, Any]:
    import pyarrow.feather as feather
    from mlflow.models import infer_signature

    if len(examples) < 2:  # inputs and outputs
        return {}
    inputs, outputs = (
        feather.read_table(io.BytesIO(examples[name])).to_pandas() for name in ("inputs.arrow", "outputs.arrow")
    )
    return {"input_example": inputs, "signature": infer_signature(inputs, outputs)}


def _arrow_bytes(table: pa.Table) -> bytes:
    import pyarrow.feather as feather

    target = io.BytesIO()
    feather.write_feather(table, target)
    return target.getvalue()


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
        with contextlib.suppress(Exception):  # what fails here fails again, and is told, when runs are sent
            connect(registry)


def connect(registry: RegistryOptions) -> None:
    """Point MLflow at the tracking server and the experiment, which is created if it does not exist."""
    import mlflow

    shorten_requests()
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
