"""Models that MLflow names, such as ``models:/customer-revenue@champion``: asked in time, kept, answered without it.

A version that has been downloaded is kept in the folder of models, for all workers and for restarts. While MLflow is
away, a process goes on with the version that it was given last; one that starts takes the last that was kept, or the
champion on record.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from customer_revenue import tracking
from customer_revenue.errors import ModelError, ModelNotFound, TrackingUnavailable
from customer_revenue.modeling.manifest import read_manifest
from customer_revenue.settings import RegistryOptions

KEPT = "registered"
"""In the folder of models: the bundles of registered versions, and the version that each name stood for last."""
LAST = "last.json"
ASK_SECONDS = 10.0
DOWNLOAD_SECONDS = 120.0
REPEAT_SECONDS = 1.0
"""Interval between two questions for the version; after one that was not answered :data:`RETRY_SECONDS`."""
RETRY_SECONDS = 15.0


@dataclass(frozen=True)
class NamedVersion:
    """What a name stands for.

    Attributes:
        identity: changes when the name stands for another version.
        version: in MLflow's registry; empty where MLflow was not there to say.
        notice: why MLflow did not say it; empty if it did.
    """

    identity: str
    version: str
    notice: str = ""


class _Name:
    """The newest answer about one name, renewed in a thread, so that nobody waits for it but the first."""

    def __init__(self, registry: RegistryOptions) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._known: NamedVersion | None = None
        self._next = 0.0

    def version(self) -> NamedVersion:
        with self._lock:
            if self._known is None:
                self._ask()
            elif time.monotonic() >= self._next:
                self._next = time.monotonic() + RETRY_SECONDS
                threading.Thread(target=self._renew, name="registered model", daemon=True).start()
            assert self._known is not None
            return self._known

    def _renew(self) -> None:
        try:
            self._ask()
        except ModelError:  # the name is gone: the model in use stays, as after any refusal
            self._next = time.monotonic() + RETRY_SECONDS

    def _ask(self) -> None:
        uri = self._registry.model
        try:
            version = _told(self._registry)
            self._known = NamedVersion(f"{uri} {version}", version)
            self._next = time.monotonic() + REPEAT_SECONDS
        except TrackingUnavailable as error:
            self._next = time.monotonic() + RETRY_SECONDS
            if self._known is None:
                self._known = NamedVersion(f"{uri} without MLflow", "", error.message)


_names: dict[RegistryOptions, _Name] = {}


def named_version(registry: RegistryOptions) -> NamedVersion:
    """What the name of the model stands for now, or stood for when MLflow said it last.

    Raises:
        ModelNotFound: MLflow knows no such model.
    """
    return _names.setdefault(registry, _Name(registry)).version()


def bundle_of(registry: RegistryOptions, named: NamedVersion) -> Path:
    """The folder of the bundle of a named version.

    Raises:
        ModelNotFound: MLflow is away, and no bundle is here that could answer instead.
    """
    if not named.version:
        return _without_tracking(registry, named.notice)
    name = tracking.registered_name(registry.model)
    kept = registry.models / KEPT / f"{name}-{named.version}"
    try:
        folder = kept if kept.is_dir() else _download(registry, f"{tracking.MODELS_SCHEME}{name}/{named.version}", kept)
    except TrackingUnavailable as error:
        return _without_tracking(registry, error.message)
    with contextlib.suppress(OSError):  # of a folder that may only be read
        _note(registry, kept.name)
    return folder


def _told(registry: RegistryOptions) -> str:
    tracking.check_reachable(tracking.tracking_uri(registry))
    return tracking.within(ASK_SECONDS, tracking.registered_version, registry, registry.model)


def _download(registry: RegistryOptions, uri: str, target: Path) -> Path:
    """Keep a registered version at a folder; where nothing can be written there, it is used where MLflow put it."""
    found = tracking.within(DOWNLOAD_SECONDS, tracking.model_folder, registry, uri)
    draft = target.with_name(f".{uuid.uuid4().hex}")
    try:
        shutil.copytree(found, draft)
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
    return target if target.is_dir() else found  # another worker may have been faster


def _without_tracking(registry: RegistryOptions, why: str) -> Path:
    uri = registry.model
    candidates = [registry.models / KEPT / folder for folder in [_last(registry).get(uri)] if folder]
    if uri.endswith(f"{registry.experiment}@{tracking.CHAMPION}"):
        candidates.append((registry.models / "current").resolve())
    for folder in candidates:
        try:
            read_manifest(folder)
        except ModelError:
            continue
        return folder
    raise ModelNotFound(f"{why}, and no bundle of {uri} is in {registry.models}")


def _last(registry: RegistryOptions) -> dict[str, str]:
    try:
        found = json.loads((registry.models / KEPT / LAST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _note(registry: RegistryOptions, folder: str) -> None:
    before = _last(registry)
    if before.get(registry.model) == folder:
        return
    draft = registry.models / KEPT / f".{LAST}.{uuid.uuid4().hex}"
    draft.write_text(json.dumps({**before, registry.model: folder}, indent=1), "utf-8")
    draft.replace(registry.models / KEPT / LAST)
