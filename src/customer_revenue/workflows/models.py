"""Where bundles live: a folder for each version, and ``current``, a link to the one that answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from customer_revenue import tracking
from customer_revenue.errors import ModelNotFound
from customer_revenue.modeling import bundle
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.settings import Settings

CURRENT = "current"


@dataclass(frozen=True)
class LoadedModel:
    """A predictor and where it came from."""

    predictor: Predictor
    version: str
    identity: str
    folder: Path
    currency: str = ""
    """Of the orders that it was trained on; empty where the bundle does not say."""


def model_identity(settings: Settings) -> str:
    """What names the model that would be loaded now; it changes when another one is made current.

    Raises:
        ModelNotFound: there is none.
    """
    wanted = settings.current_model
    if wanted.startswith(tracking.MODELS_SCHEME):
        return f"{wanted} {tracking.registered_version(settings, wanted)}"
    folder = Path(wanted)
    if not folder.exists():
        raise ModelNotFound(f"no model at {folder}; `customer-revenue train` makes one")
    manifest = folder / bundle.MANIFEST
    written = manifest.stat().st_mtime_ns if manifest.is_file() else 0
    return f"{folder.resolve()} {written}"


def load_model(settings: Settings) -> LoadedModel:
    """The current model.

    Raises:
        ModelNotFound: nothing has been trained yet.
        BundleDamaged, BundleIncompatible: what is there cannot be used.
    """
    identity = model_identity(settings)
    wanted = settings.current_model
    registered = wanted.startswith(tracking.MODELS_SCHEME)
    folder = tracking.model_folder(settings, wanted) if registered else Path(wanted).resolve()
    predictor, manifest = bundle.load(folder), bundle.read_manifest(folder)
    return LoadedModel(predictor, manifest["version"], identity, folder, manifest.get("currency", ""))


def make_current(models: Path, version: str) -> None:
    """Let a saved version answer from now on, by one atomic rename of the link."""
    link = models / f".{CURRENT}-{uuid.uuid4().hex}"
    link.symlink_to(version, target_is_directory=True)
    link.replace(models / CURRENT)
