"""A Bento holds all that it needs: it answers where neither the package nor the repository is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import Shop
from tests.requirements import missing, program
from tests.service.conftest import serving_command
from tests.service.slow_clients import LIVEZ_SECONDS, closed, holding, slowest_livez

from customer_revenue.settings import load_settings

REPOSITORY = Path(__file__).parents[2]
ASKING = Path(__file__).with_name("ask_a_container.py")
SLOW_CLIENTS = 2000


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


PACK = """
import sys
from pathlib import Path
from customer_revenue.service.bento_packaging import stage_bento, store_bundle
bundle, root, folder = map(Path, sys.argv[1:])
tag = store_bundle(bundle)
assert store_bundle(bundle) == tag
stage_bento(tag, root, folder)
print(tag)
"""


@dataclass(frozen=True)
class Built:
    """A Bento in a store of its own: its tag, that of its model, and the environment that has the store."""

    tag: str
    model: str
    environment: dict[str, str]


def build(shop: Shop, folder: Path) -> Built:
    """What ``make bento`` does, in a folder."""
    home = {"BENTOML_HOME": str(folder / "home"), "BENTOML_DO_NOT_TRACK": "True"}
    environment = {**shop.environment, **home}
    bundle = load_settings(models=shop.folder / "models").current_model
    command = [sys.executable, "-c", PACK, bundle, str(REPOSITORY), str(folder / "stage")]
    packed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    command = [sys.executable, "-m", "bentoml", "build", ".", "--output", "tag"]
    built = subprocess.run(command, cwd=folder / "stage", env=environment, capture_output=True, text=True, check=True)
    shutil.rmtree(folder / "stage")
    tag = built.stdout.strip().splitlines()[-1].removeprefix("__tag__:")
    return Built(tag, packed.stdout.strip().splitlines()[-1], environment)


@pytest.mark.servers
def test_a_bento_answers_on_its_own(trained_shop: Shop, foreign_python: Path, tmp_path: Path) -> None:
    built = build(trained_shop, tmp_path)
    version = trained_shop.show("user_123")["meta"]["model_version"]
    assert built.model == f"customer_revenue:{version}".lower()
    environment = {name: value for name, value in built.environment.items() if name != "PYTHONPATH"}
    environment["CUSTOMER_REVENUE_STORE"] = f"duckdb:///{trained_shop.folder}/data/orders.duckdb"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [str(foreign_python), "-m", "bentoml", "serve", built.tag]
    environment["CUSTOMER_REVENUE_HEADER_SECONDS"] = "3"
    with serving_command(command, Shop(elsewhere, environment)) as running:
        answer = running.get("/customers/user_123/revenue").json()
        document = running.client.get("/docs.json").json()
        with holding(running.client, "slow headers", SLOW_CLIENTS) as held:
            assert slowest_livez(running.client) < LIVEZ_SECONDS
            assert closed(held, 30) == SLOW_CLIENTS
    assert answer == trained_shop.show("user_123")
    (asked,) = (schema for name, schema in document["components"]["schemas"].items() if name.startswith("predict"))
    assert {"customer_ids", "period", "include_predictions", "as_of"} <= set(asked["properties"])


@pytest.mark.slow
def test_a_container_answers_from_outside_when_there_are_keys(trained_shop: Shop, tmp_path: Path) -> None:
    """There is no engine here: the start command of the image runs in the unpacked Bento, on a network of its own."""
    for needed in ("ip", "unshare"):
        if program(needed, ["usr/sbin", "sbin"]) is None:
            missing(needed, "apt-get install iproute2 util-linux")
    built = build(trained_shop, tmp_path)
    archive, bento, python = tmp_path / "it.bento", tmp_path / "bento", tmp_path / "empty" / "bin" / "python"
    command = [sys.executable, "-m", "bentoml", "export", built.tag, str(archive)]
    subprocess.run(command, env=built.environment, check=True, capture_output=True)
    with tarfile.open(archive) as packed:
        packed.extractall(bento, filter="data")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, python.parents[1]], check=True)
    requirements = bento / "env" / "python" / "requirements.txt"
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, "-r", requirements], check=True)
    shutil.copytree(trained_shop.folder / "data", tmp_path / "data")
    environment = {
        "PATH": f"{python.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(tmp_path),
        "BENTO_PATH": str(bento),
        "BENTOML_HOME": str(tmp_path / "container"),
        "BENTOML_CONTAINERIZED": "true",
        "BENTOML_DO_NOT_TRACK": "True",
        "CUSTOMER_REVENUE_STORE": f"duckdb:///{tmp_path}/data/orders.duckdb",
        "CUSTOMER_REVENUE_KEYS": str(tmp_path / "data" / "keys.json"),
        "CUSTOMER_REVENUE_WORKERS": "1",
    }
    (bento / "env" / "docker" / "entrypoint.sh").chmod(0o755)
    asking = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--net", str(python), str(ASKING)]
    with (tmp_path / "serve.log").open("w") as log:
        asked = subprocess.run(
            asking, cwd=bento, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, check=True, timeout=240
        )
    found = json.loads(asked.stdout)
    assert found["from the machine, without keys"] == [200, "gzip", "user_123"]
    assert found["from outside, without keys"][0] == 401
    assert found["from outside, with a key"] == [200, "gzip", "user_123"]
    assert found["from outside, without the key"][0] == 401
