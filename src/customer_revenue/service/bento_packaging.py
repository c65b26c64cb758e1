"""Stage the package and the current bundle, and build a Bento of them; ``make bento`` runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from customer_revenue.errors import CustomerRevenueError, ModelNotFound
from customer_revenue.settings import load_settings

STAGE = Path("build/bento")
EXTRAS = ("--extra", "mysql", "--extra", "postgres")


def stage_bento(bundle: Path, root: Path, folder: Path) -> None:
    """Copy the contents of a Bento to a folder: the package, the model bundle, the pinned requirements.

    Raises:
        ModelNotFound: there is no bundle to pack.
    """
    if not bundle.is_dir():
        raise ModelNotFound(f"no model at {bundle} to pack; train one with `customer-revenue train`")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    package = root / "src" / "customer_revenue"
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(bundle.resolve(), folder / "models" / "current")
    for name in ("bentofile.yaml", "README.md"):
        shutil.copy(root / name, folder / name)
    (folder / "requirements.txt").write_text(runtime_requirements(root), "utf-8")


def runtime_requirements(root: Path) -> str:
    """The locked requirements without development tools, with the clients of the database servers.

    Spark is left out: it is large, needs Java and is too slow for a service.
    """
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--no-annotate", "--no-header", *EXTRAS, "--constraints", "requirements.lock", "pyproject.toml"]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout  # noqa: S603  # ours


def main() -> None:
    """Stage and build a Bento in ``build/bento``."""
    try:
        stage_bento(Path(load_settings().current_model), Path.cwd(), STAGE)
    except CustomerRevenueError as error:
        sys.exit(f"error: {error.message}")
    environment = {**os.environ, "BENTOML_DO_NOT_TRACK": "True"}
    os.chdir(STAGE)
    os.execve(sys.executable, [sys.executable, "-m", "bentoml", "build", "."], environment)  # noqa: S606  # no shell


if __name__ == "__main__":
    main()
