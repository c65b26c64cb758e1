"""Where bundles are kept: one folder per version, and ``current``, a link to the champion."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_revenue import tracking
from customer_revenue.choices import Covariate
from customer_revenue.errors import BundleIncompatible, ModelError, ModelNotFound
from customer_revenue.modeling.manifest import MANIFEST, read_manifest
from customer_revenue.settings import RegistryOptions
from customer_revenue.workflows.registry.registered_models import bundle_of, named_version
from customer_revenue.workflows.registry.verdict import Verdict

if TYPE_CHECKING:
    from customer_revenue.modeling.predictor import Predictor
    from customer_revenue.orders.store import StoreInfo

CURRENT = "current"
GATE = "gate.json"
"""Written into the folder of a bundle once the gate has judged it."""

UNDER_WAY = "backtest_under_way"
"""In the manifest of a model that answers before its back-test is done."""

MONITORING_METRICS = Path("monitoring", "metrics.prom")
"""In the folder of models: what the last monitoring run wrote for Prometheus."""


@dataclass(frozen=True)
class LoadedModel:
    """A predictor and where it came from."""

    read: Callable[[], Predictor]
    """Reads the predictor, which is kept."""
    version: str
    identity: str
    folder: Path
    currency: str = ""
    """Of the orders that it was trained on; empty where the bundle does not say."""
    store_id: str = ""
    """Of the store that it was trained on; empty where the bundle does not say."""
    backtest_under_way: bool = False
    """Whether it answers while its training still back-tests it."""
    trained_until: str = ""
    """The last day that its training knew, ISO 8601; empty where the bundle does not say."""
    covariates: tuple[str, ...] = ()
    """The columns of first orders that it needs next to the features."""
    notice: str = ""
    """Why it answers instead of the one that is asked for; empty if it is that one."""

    def knew_later_than(self, day: dt.date) -> bool:
        """Whether its predictions as of a day are hindsight."""
        return self.trained_until > day.isoformat()

    @cached_property
    def predictor(self) -> Predictor:
        """The predictor; importing what predicts and reading the bundle take a second or two.

        Raises:
            BundleDamaged, BundleIncompatible: the bundle cannot be used.
        """
        return self.read()

    def foreign_to(self, info: StoreInfo) -> str:
        """A warning if it was trained on another store's customers; empty if not."""
        if self.store_id in ("", info.id):
            return ""
        return f"the model {self.version} was trained on another store than {info.url}; train one on it"

    def warning_for(self, info: StoreInfo) -> str:
        """What speaks against it on a store; empty if nothing does."""
        return "; ".join(filter(None, (self.notice, self.foreign_to(info))))


def model_identity(registry: RegistryOptions) -> str:
    """The identity of the model that would be loaded now; it changes when another one becomes champion.

    Raises:
        ModelNotFound: there is none.
    """
    wanted = registry.model
    if wanted.startswith(tracking.MODELS_SCHEME):
        return named_version(registry).identity
    folder = Path(wanted)
    if not folder.exists():
        raise ModelNotFound(f"no model at {folder}; `customer-revenue train` makes one")
    manifest = folder / MANIFEST
    written = manifest.stat().st_mtime_ns if manifest.is_file() else 0
    return f"{folder.resolve()} {written}"


def load_model(registry: RegistryOptions) -> LoadedModel:
    """The current model, with its predictor.

    Raises:
        ModelNotFound: nothing has been trained yet.
        BundleDamaged, BundleIncompatible: what is there cannot be used.
    """
    model = find_model(registry)
    assert model.predictor
    return model


def find_model(registry: RegistryOptions) -> LoadedModel:
    """The current model, whose predictor is not read before it is used.

    Raises:
        ModelNotFound: nothing has been trained yet.
        BundleDamaged, BundleIncompatible: the manifest cannot be used.
    """
    if registry.model.startswith(tracking.MODELS_SCHEME):
        named = named_version(registry)
        folder, identity, notice = bundle_of(registry, named), named.identity, named.notice
    else:
        identity = model_identity(registry)
        folder, notice = Path(registry.model).resolve(), ""
    manifest = read_manifest(folder)
    of_frame = bool(manifest.get("covariates_of_frame"))
    if unknown := [name for name in manifest.get("covariates", ()) if of_frame or name not in list(Covariate)]:
        raise BundleIncompatible(
            f"{folder} was trained with the covariates {', '.join(unknown)}, which are in no order; "
            "train again, or predict in Python with cr.CustomerModel.load"
        )
    if notice:
        notice = f"{notice}: answering with the bundle {manifest['version']}, the last good one here"
    return replace(_loaded(folder, manifest, identity, bool(manifest.get(UNDER_WAY))), notice=notice)


def model_known_by(models: Path, present: LoadedModel, day: dt.date) -> LoadedModel:
    """The newest model of the same store that passed the gate and was trained by a day; the present one without any.

    Args:
        models: the folder of bundles.
        present: answers where it knew nothing later, and where no other one can.
        day: as of which is predicted.
    """
    if not present.knew_later_than(day):
        return present
    return next(
        (
            model
            for model in passed_models(models)
            if model.trained_until and not model.knew_later_than(day) and model.store_id == present.store_id
        ),
        present,
    )


def passed_models(models: Path) -> list[LoadedModel]:
    """The models that passed the gate and whose manifest can be read, the newest first; predictors are not read."""
    found = []
    for path in models.glob(f"[!.]*/{GATE}"):
        folder, verdict = path.parent, read_gate(path.parent)
        if folder.is_symlink() or verdict is None or not verdict.passed:
            continue
        try:
            manifest = read_manifest(folder)
        except ModelError:
            continue
        found.append(_loaded(folder, manifest, str(folder), under_way=False))
    return sorted(found, key=lambda model: (model.trained_until, model.version), reverse=True)


def _loaded(folder: Path, manifest: Mapping[str, Any], identity: str, under_way: bool) -> LoadedModel:
    return LoadedModel(
        lambda: _read_predictor(folder),
        manifest["version"],
        identity,
        folder,
        *_origin(manifest),
        under_way,
        manifest.get("window_last_day", ""),
        tuple(manifest.get("covariates", ())),
    )


def _read_predictor(folder: Path) -> Predictor:
    from customer_revenue.modeling.bundle import load  # facts need none of the libraries that predict

    return load(folder)


def _origin(manifest: Mapping[str, str]) -> tuple[str, str]:
    return manifest.get("currency", ""), manifest.get("store_id", "")


def make_current(models: Path, version: str) -> None:
    """Make a saved version the current one."""
    point(models / CURRENT, version)


def point(link: Path, folder: str) -> None:
    """Let a link lead to a folder next to it, by one atomic rename."""
    draft = link.with_name(f".{link.name}-{uuid.uuid4().hex}")
    draft.symlink_to(folder, target_is_directory=True)
    draft.replace(link)


def current_version(models: Path) -> str | None:
    """The current version in a folder of bundles; ``None`` without one."""
    link = models / CURRENT
    return link.resolve().name if link.exists() else None


def write_gate(folder: Path, verdict: Verdict) -> None:
    """Write the gate's verdict into the folder of a bundle."""
    (folder / GATE).write_text(json.dumps(verdict.to_document(), indent=1), "utf-8")


def read_gate(folder: Path) -> Verdict | None:
    """The gate's verdict on a bundle; ``None`` where it has not been judged."""
    try:
        return Verdict.from_document(json.loads((folder / GATE).read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
