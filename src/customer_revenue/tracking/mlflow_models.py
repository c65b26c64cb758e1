"""The bundle as a model of MLflow: logged, registered, and found again."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from customer_revenue.errors import ModelNotFound
from customer_revenue.settings import RegistryOptions
from customer_revenue.tracking.mlflow_client import Tracker, tracker
from customer_revenue.tracking.mlflow_contract import example_orders, requirements, signature
from customer_revenue.tracking.run_queue import QueuedRun

CHAMPION = "champion"
CHALLENGER = "challenger"
MODELS_SCHEME = "models:/"
BUNDLE = "bundle"
UNKNOWN_NAMES = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"})
"""Codes of MLflow's answer that there is no such model."""

MODEL_DESCRIPTION = """Purchases, revenue, lifetime value, next purchase and churn risk of each customer.

Takes orders (`customer_id`, `order_date`, `amount_cents`, perhaps `order_id`) or the columns of `Orders.features`. The
params `horizon_days` and `as_of` say how far ahead and from which day. The alias `champion` is the version in use;
`challenger` is the newest one that training made and the gate has not let in."""

MODEL_TAGS = {"project": "customer-revenue", "task": "customer lifetime value"}

DESCRIBED_METRICS = ("purchases_mae", "revenue_gini", "probability_log_loss", "probability_ece")
"""Figures of the back-test that a version's description shows."""


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
            pip_requirements=requirements(),
            **_described(run),
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
        description=_description(document),
        model_id=model.model_id,
    )
    if document["challenger"]:
        client.set_registered_model_alias(registry.experiment, CHALLENGER, found.version)
    return str(found.version)


def _described(run: QueuedRun) -> dict[str, Any]:
    """The signature and the input example, of a model that can predict."""
    found = signature(run.files("schemas"))
    if found is None:
        return {}
    last_day = dt.date.fromisoformat(run.document["parameters"]["window_last_day"])
    return {"signature": found, "input_example": example_orders(last_day)}


def _description(document: Mapping[str, Any]) -> str:
    """What a version is, in Markdown: what it was trained on, what it predicts by, and how good that was."""
    parameters, tags, metrics = document["parameters"], document["tags"], document["metrics"]
    first_day, last_day = (parameters.get(f"window_{name}_day", "no day") for name in ("first", "last"))
    learned = f"orders of {first_day} to {last_day} of {parameters.get('customers', 0)} customers"
    lines = [
        f"Bundle `{document['bundle']}`, trained on the {learned}.",
        f"Predictions: {tags.get('tier', 'none')}. {tags.get('tier_reason', '')}".strip(),
        f"Gate: {tags.get('gate', 'not asked')}. Variant: {tags.get('variant', 'usual')}.",
    ]
    shown = [f"{name} {metrics[name]:.4g}" for name in DESCRIBED_METRICS if name in metrics]
    return "\n\n".join([*lines, *([f"Back-test: {', '.join(shown)}."] if shown else [])])


def _ensure_registered(mlflow: Tracker, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        mlflow.client.create_registered_model(name, tags=MODEL_TAGS, description=MODEL_DESCRIPTION)
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
