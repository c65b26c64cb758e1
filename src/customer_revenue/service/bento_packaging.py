"""Stage the package and the current bundle, and build a Bento of them; ``make bento`` runs it."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import bentoml
from bentoml.exceptions import NotFound

from customer_revenue.errors import CustomerRevenueError, ModelNotFound
from customer_revenue.modeling.manifest import MANIFEST, read_manifest
from customer_revenue.service.bento_names import BUNDLE_ALIAS
from customer_revenue.settings import load_settings

STAGE = Path("build/bento")
EXTRAS = ("--extra", "mysql", "--extra", "postgres")
STORED_MODEL = "customer_revenue"
"""The name of bundles in BentoML's model store; the tag's version is the bundle's."""


def store_bundle(bundle: Path) -> str:
    """Put a bundle into BentoML's model store, unless it is there; its tag.

    Raises:
        ModelNotFound: there is no bundle.
        BundleDamaged, BundleIncompatible: its manifest cannot be read.
    """
    if not bundle.is_dir():
        raise ModelNotFound(f"no model at {bundle} to pack; train one with `customer-revenue train`")
    manifest = read_manifest(bundle)
    version = str(manifest["version"])
    tag = f"{STORED_MODEL}:{version.lower()}"
    try:
        stored = bentoml.models.get(tag)
        if filecmp.cmp(bundle / MANIFEST, stored.path_of(MANIFEST), shallow=False):
            return str(stored.tag)
        bentoml.models.delete(tag)  # the manifest of a version changes once, when its back-test is done
    except NotFound:
        pass
    labels = {"project": "customer-revenue", "version": version}
    metadata = {"trained_until": manifest.get("window_last_day", ""), "currency": manifest.get("currency", "")}
    with bentoml.models.create(tag, labels=labels, metadata=metadata) as model:
        shutil.copytree(bundle.resolve(), model.path, dirs_exist_ok=True)
    return str(model.tag)


def stage_bento(tag: str, root: Path, folder: Path) -> None:
    """Copy the contents of a Bento to a folder: the package, the pinned requirements, and which model belongs to it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    package = root / "src" / "customer_revenue"
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "README.md", folder)
    models = f"models:\n  - tag: {tag}\n    alias: {BUNDLE_ALIAS}\n"
    (folder / "bentofile.yaml").write_text((root / "bentofile.yaml").read_text("utf-8") + models, "utf-8")
    (folder / "requirements.txt").write_text(runtime_requirements(root), "utf-8")


def runtime_requirements(root: Path) -> str:
    """The locked requirements without development tools, with the clients of the database servers.

    Spark is left out: it is large, needs Java and is too slow for a service.
    """
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--no-annotate", "--no-header", *EXTRAS, "--constraints", "requirements.lock", "pyproject.toml"]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout  # noqa: S603  # ours


def main() -> None:
    """Store the current bundle, and stage and build a Bento in ``build/bento``."""
    try:
        stage_bento(store_bundle(Path(load_settings().current_model)), Path.cwd(), STAGE)
    except CustomerRevenueError as error:
        sys.exit(f"error: {error.message}")
    environment = {**os.environ, "BENTOML_DO_NOT_TRACK": "True"}
    os.chdir(STAGE)
    os.execve(sys.executable, [sys.executable, "-m", "bentoml", "build", "."], environment)  # noqa: S606  # no shell


if __name__ == "__main__":
    main()
