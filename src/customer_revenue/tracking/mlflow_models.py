"""The bundle as a model of MLflow: logged, registered, and found again."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from customer_revenue.errors import ModelNotFound
from customer_revenue.settings import RegistryOptions
from customer_revenue.tracking.mlflow_client import Tracker, tracker
from customer_revenue.tracking.run_queue import QueuedRun

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

TAKEN_ORDER_COLUMNS = ("order_date", "amount_cents", "order_id")
"""Of a log of orders, in addition to ``customer_id``."""

MODEL_DESCRIPTION = "Purchases, revenue, lifetime value, next purchase and churn risk of each customer."


def register(mlflow: Tracker, registry: RegistryOptions, run: QueuedRun, run_id: str) -> str:
    """Log the bundle of a training as the run's model, and register it; the version."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.pyfunc import save_model

    document, client = run.document, mlflow.client
    model = client.create_logged_model(mlflow.experiment_id, name="model", source_run_id=run_id, model_type="pyfunc")
    with tempfile.TemporaryDirectory(prefix="customer-revenue-") as folder:
        path = Path(folder) / "model"
        save_model(
            str(path),
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={BUNDLE: str(registry.models / document["bundle"])},
            code_paths=[str(Path(__file__).parents[1])],
            pip_requirements=_requirements(),
            **_signature(run.files("examples")),
        )
        client.log_model_artifacts(model.model_id, str(path))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    _ensure_registered(mlflow, registry.experiment)
    found = client.create_model_version(
        registry.experiment,
        model.artifact_location,
        run_id,
        tags=document["version_tags"],
        description=f"{document['bundle']}. {MODEL_DESCRIPTION}",
        model_id=model.model_id,
    )
    if document["challenger"]:
        client.set_registered_model_alias(registry.experiment, CHALLENGER, found.version)
    return str(found.version)


def _ensure_registered(mlflow: Tracker, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        mlflow.client.create_registered_model(name, description=MODEL_DESCRIPTION)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def model_folder(registry: RegistryOptions, uri: str) -> Path:
    """The bundle of a registered model, such as ``models:/customer-revenue@champion``, as a local folder.

    Raises:
        ModelNotFound: the registry has no such model.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    with tracker(registry) as mlflow:
        try:
            # By name MLflow would ask the registry that its global state names.
            source = mlflow.client.get_model_version_download_uri(registered_name(uri), _version(mlflow, uri))
            found = download_artifacts(source, tracking_uri=mlflow.uri)
            artifacts = Model.load(found).flavors["python_function"]["artifacts"]
            return Path(found) / str(artifacts[BUNDLE]["path"])
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
    from mlflow.exceptions import MlflowException

    with tracker(registry) as mlflow:
        try:
            return _version(mlflow, uri)
        except MlflowException as error:
            if error.error_code not in UNKNOWN_NAMES:
                raise
            raise ModelNotFound(f"MLflow has no model {uri}: {error.message}") from None


def _version(mlflow: Tracker, uri: str) -> str:
    name, at, alias = uri.removeprefix(MODELS_SCHEME).partition("@")
    return str(mlflow.client.get_model_version_by_alias(name, alias).version) if at else name.rpartition("/")[2]


def _signature(examples: Mapping[str, bytes]) -> dict[str, Any]:
    """The signature: columns of features or of orders, whose numbers may be whole or not, and parameters.

    No column is required by MLflow, since it knows no choice between two sets; the model says what it lacks.
    """
    import pyarrow.feather as feather
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    if len(examples) < 2:  # inputs and outputs
        return {}
    inputs, outputs = (
        feather.read_table(io.BytesIO(examples[name])).to_pandas() for name in ("inputs.arrow", "outputs.arrow")
    )
    found = infer_signature(inputs, outputs)
    kinds: dict[str, object] = {spec.name: spec.type for spec in found.inputs.inputs}
    kinds |= dict.fromkeys(TAKEN_ORDER_COLUMNS)
    anything = AnyType()  # type: ignore[no-untyped-call]
    columns: list[Any] = [
        ColSpec(kind if kind == DataType.string else anything, name, required=False) for name, kind in kinds.items()
    ]
    params = [ParamSpec("horizon_days", DataType.long, 0), ParamSpec("as_of", DataType.string, "")]
    signature = ModelSignature(Schema(columns), found.outputs, ParamSchema(params))
    return {"input_example": inputs, "signature": signature}


def _requirements() -> list[str]:
    return [f"{name}=={version(name)}" for name in REQUIRED_PACKAGES]
