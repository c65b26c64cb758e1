"""The registered model: its versions, which of them is champion, and who promoted it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from customer_revenue.errors import ModelNotFound
from customer_revenue.settings import RegistryOptions
from customer_revenue.tracking.mlflow_runs import CHALLENGER, CHAMPION, connect, tracking_run

BUNDLE_TAG = "bundle"


def registered_as(registry: RegistryOptions, bundle: str) -> str | None:
    """The registered version of a bundle, if it has one."""
    import mlflow

    connect(registry)
    quoted = bundle.replace("'", "")
    found = mlflow.MlflowClient().search_model_versions(
        f"name = '{registry.experiment}' and tag.{BUNDLE_TAG} = '{quoted}'"
    )
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
    import mlflow

    version = registered_as(registry, bundle)
    if version is None:
        raise ModelNotFound(f"MLflow has no registered version of the bundle {bundle}; train again")
    client = mlflow.MlflowClient()
    with tracking_run(registry, event) as run, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.set_registered_model_alias(registry.experiment, CHAMPION, version)
        if _aliased(client, registry, CHALLENGER) == version:
            client.delete_registered_model_alias(registry.experiment, CHALLENGER)
        for name, value in change.items():
            client.set_model_version_tag(registry.experiment, version, f"{event}_{name}", value)
        mlflow.set_tags({"event": event, "registered_version": version, **change})
        return run


def end_interrupted(registry: RegistryOptions, run_name: str) -> None:
    """Mark runs of this name that never ended as killed; the caller ensures that none is running."""
    import mlflow

    connect(registry)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(registry.experiment)
    assert experiment is not None, "connecting makes it"
    query = f"attributes.status = 'RUNNING' and run_name = '{run_name}'"
    for run in client.search_runs([experiment.experiment_id], query):
        client.set_terminated(run.info.run_id, "KILLED")


def _aliased(client: object, registry: RegistryOptions, alias: str) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(registry.experiment, alias).version)  # type: ignore[attr-defined]
    except MlflowException:
        return None
