"""The manifest of a bundle, which says what the bundle is without any of the libraries that predict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from customer_revenue.errors import BundleDamaged, BundleIncompatible, ModelNotFound

BUNDLE_SCHEMA_VERSION = 3
KIND = "customer-revenue bundle"
MANIFEST = "manifest.json"


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """The manifest of a bundle.

    Raises:
        ModelNotFound: there is no such folder.
        BundleIncompatible: not a bundle of customer-revenue, or one of another schema.
        BundleDamaged: the manifest cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelNotFound(f"there is no model bundle at {folder}; train one first")
    if not (folder / MANIFEST).is_file():
        raise BundleIncompatible(f"{folder} is no model bundle: it has no {MANIFEST}")
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except ValueError:
        raise BundleDamaged(f"{folder / MANIFEST} is not readable JSON; train again or restore it") from None
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise BundleIncompatible(f"{folder} is no bundle of customer-revenue")
    if manifest.get("schema_version") != BUNDLE_SCHEMA_VERSION:
        raise BundleIncompatible(
            f"{folder} has bundle schema {manifest.get('schema_version')}, this package reads {BUNDLE_SCHEMA_VERSION}; "
            "train again or use the package version that wrote it"
        )
    return manifest
