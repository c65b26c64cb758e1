"""A Bento holds all that it needs: it answers where neither the package nor the repository is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests.conftest import Shop
from tests.service.conftest import serving_command

from customer_revenue.service.bento_packaging import stage_bento
from customer_revenue.settings import load_settings

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def foreign_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the dependencies and not this package."""
    folder = tmp_path_factory.mktemp("foreign")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(where, check=True, capture_output=True, text=True, env=clean).stdout.strip()
    # A .pth file below a folder that another .pth names is not read, so the editable package stays behind.
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    package = [str(python), "-c", "import customer_revenue"]
    assert subprocess.run(package, capture_output=True, check=False, cwd="/", env=clean).returncode != 0
    return python


@pytest.mark.servers
def test_a_bento_answers_on_its_own(trained_shop: Shop, foreign_python: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stage_bento"
    settings = load_settings(models=trained_shop.folder / "models")
    stage_bento(Path(settings.current_model), REPOSITORY, folder)
    home = {"BENTOML_HOME": str(tmp_path / "home"), "BENTOML_DO_NOT_TRACK": "True"}
    environment = {k: v for k, v in trained_shop.environment.items() if k != "PYTHONPATH"} | home
    build = [str(foreign_python), "-m", "bentoml", "build", ".", "--output", "tag"]
    built = subprocess.run(build, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    tag = built.stdout.strip().splitlines()[-1].removeprefix("__tag__:")
    shutil.rmtree(folder)
    environment["CUSTOMER_REVENUE_STORE"] = f"duckdb:///{trained_shop.folder}/data/orders.duckdb"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [str(foreign_python), "-m", "bentoml", "serve", tag]
    with serving_command(command, Shop(elsewhere, environment)) as running:
        answer = running.get("/customers/user_123/revenue").json()
    assert answer == trained_shop.show("user_123")
