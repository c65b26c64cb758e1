"""The registered model: its versions, which of them is champion, and who promoted it."""

from __future__ import annotations

from collections.abc import Mapping

from customer_revenue.errors import ModelNotFound
from customer_revenue.settings import RegistryOptions
from customer_revenue.tracking.mlflow_client import Tracker, tracker
from customer_revenue.tracking.mlflow_models import CHALLENGER, CHAMPION

BUNDLE_TAG = "bundle"


def registered_as(registry: RegistryOptions, bundle: str) -> str | None:
    """The registered version of a bundle, if it has one."""
    with tracker(registry) as mlflow:
        return _registered_as(mlflow, registry, bundle)


def _registered_as(mlflow: Tracker, registry: RegistryOptions, bundle: str) -> str | None:
    quoted = bundle.replace("'", "")
    query = f"name = '{registry.experiment}' and tag.{BUNDLE_TAG} = '{quoted}'"
    found = mlflow.client.search_model_versions(query)
    return str(found[0].version) if found else None


def log_change(registry: RegistryOptions, event: str, change: Mapping[str, str], bundle: str) -> str:
    """Make a bundle's registered version champion, and record the change as a run of its own.

    Args:
        registry: the tracking server.
        event: ``promote`` or ``rollback``.
        change: who, when and why, as tags.
        bundle: version of the bundle.

    Returns:
        The run's id.

    Raises:
        ModelNotFound: no version of the registered model is of this bundle.
    """
    with tracker(registry) as mlflow:
        version = _registered_as(mlflow, registry, bundle)
        if version is None:
            raise ModelNotFound(f"MLflow has no registered version of the bundle {bundle}; train again")
        client = mlflow.client
        with mlflow.run(event) as run_id:
            client.set_registered_model_alias(registry.experiment, CHAMPION, version)
            if _aliased(mlflow, registry, CHALLENGER) == version:
                client.delete_registered_model_alias(registry.experiment, CHALLENGER)
            for name, value in change.items():
                client.set_model_version_tag(registry.experiment, version, f"{event}_{name}", value)
            mlflow.log(run_id, tags={"event": event, "registered_version": version, **change})
        return run_id


def end_interrupted(registry: RegistryOptions, run_name: str) -> None:
    """Mark runs of this name that never ended as killed; the caller ensures that none is running."""
    query = f"attributes.status = 'RUNNING' and run_name = '{run_name}'"
    with tracker(registry) as mlflow:
        for run in mlflow.client.search_runs([mlflow.experiment_id], query):
            mlflow.client.set_terminated(run.info.run_id, "KILLED")


def _aliased(mlflow: Tracker, registry: RegistryOptions, alias: str) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return str(mlflow.client.get_model_version_by_alias(registry.experiment, alias).version)
    except MlflowException:
        return None
