"""A trained predictor as a folder of text: JSON parameters, LightGBM's text format, and a manifest.

Nothing is ever unpickled. A bundle is written to a draft folder and renamed, so that a reader sees all of it
or nothing; each file's checksum is in the manifest, and what was altered or truncated is refused by name.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from customer_revenue.errors import BundleDamaged, BundleIncompatible
from customer_revenue.modeling.baselines import FEATURE_NAMES
from customer_revenue.modeling.design_matrix import INPUT_COLUMNS
from customer_revenue.modeling.manifest import BUNDLE_SCHEMA_VERSION, KIND, MANIFEST, read_manifest
from customer_revenue.modeling.predictor import Predictor

STATE = "predictor.json"
PACKAGES = ("customer-revenue", "lightgbm", "numpy", "scipy", "scikit-learn", "lifetimes")


def save(predictor: Predictor, folder: Path | str, manifest_extra: Mapping[str, Any] | None = None) -> Path:
    """Write a predictor as a bundle, in the place of whatever bundle is there.

    Args:
        predictor: fitted.
        folder: where the bundle is written; its parents are created.
        manifest_extra: JSON-able facts for the manifest, such as the training window and metrics.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    texts = {f"{name}.txt": text for name, text in predictor.to_texts().items()}
    texts[STATE] = json.dumps(predictor.to_state(), indent=1, sort_keys=True)
    manifest = {
        **(manifest_extra or {}),
        "kind": KIND,
        "schema_version": BUNDLE_SCHEMA_VERSION,
        "as_of_day": predictor.as_of_day.isoformat(),
        "horizon_days": predictor.horizon_days,
        "tier": str(predictor.tier_),
        "tier_reason": predictor.tier_reason_,
        "features": list(INPUT_COLUMNS),
        "model_features": list(FEATURE_NAMES),
        "covariates": list(predictor.covariates),
        "packages": {name: version(name) for name in PACKAGES},
        "sha256": {name: _checksum(text.encode()) for name, text in texts.items()},
    }
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    draft.mkdir()
    try:
        for name, text in {**texts, MANIFEST: json.dumps(manifest, indent=1, sort_keys=True, default=str)}.items():
            (draft / name).write_bytes(text.encode())
    except OSError:  # such as a full disk, on which half a bundle only takes space
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _put_in_place(draft, folder)
    return folder


def _put_in_place(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.rename(folder)
        return
    old = folder.with_name(f"{draft.name}.old")
    folder.rename(old)
    draft.rename(folder)
    shutil.rmtree(old)


def load(folder: Path | str) -> Predictor:
    """The predictor in a bundle, after every checksum has been checked.

    Raises:
        ModelNotFound, BundleIncompatible: see :func:`read_manifest`.
        BundleDamaged: a file is missing, truncated or altered.
    """
    folder = Path(folder)
    texts = checked_texts(folder)
    try:
        state = json.loads(texts.pop(STATE))
        return Predictor.from_state(state, {name.removesuffix(".txt"): text for name, text in texts.items()})
    except (KeyError, TypeError, ValueError) as error:
        raise BundleDamaged(f"the parameters in {folder} do not make a predictor: {error}") from error


def checked_texts(folder: Path) -> dict[str, str]:
    """The files of a bundle, by name, after every checksum has been checked; nothing reads what they say.

    Raises:
        ModelNotFound, BundleIncompatible, BundleDamaged: see :func:`load`.
    """
    manifest = read_manifest(folder)
    if [manifest.get("features"), manifest.get("model_features")] != [list(INPUT_COLUMNS), list(FEATURE_NAMES)]:
        raise BundleIncompatible(f"{folder} was trained on other features than this package makes; train again")
    checksums = manifest.get("sha256")
    if not isinstance(checksums, dict) or STATE not in checksums:
        raise BundleDamaged(f"the manifest of {folder} lists no checksums")
    return {name: _checked(folder, name, checksum) for name, checksum in checksums.items()}


def _checked(folder: Path, name: str, checksum: str) -> str:
    path = folder / name
    if path.parent != folder or not path.is_file():
        raise BundleDamaged(f"{path} is missing from the bundle")
    content = path.read_bytes()
    if _checksum(content) != checksum:
        raise BundleDamaged(f"{path} is not what the manifest says: truncated or altered")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise BundleDamaged(f"{path} is no text") from None


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
