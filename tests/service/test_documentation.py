"""What docs/service.md shows works against a running service."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import Shop
from tests.requirements import missing, program
from tests.service.conftest import Service

PAGE = Path(__file__).parents[2] / "docs" / "service.md"
CUSTOMER = "user_123"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_command_is_answered(served: Service) -> None:
    if program("curl") is None:
        missing("curl", "apt-get install curl")
    names, *commands = blocks("sh")
    names = names.replace("http://127.0.0.1:3000", str(served.client.base_url).rstrip("/"))
    names = re.sub(r"^CUSTOMER=\S+", f"CUSTOMER={CUSTOMER}", names, flags=re.MULTILINE)
    asked = "\n".join([*commands, ""]).count("curl ")
    assert asked > 8
    counted = 'curl() { command curl --fail-with-body "$@" && echo; echo "exit $?" >&2; }'
    script = "\n".join([names, counted, *commands])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.split("\n")[:-1] == ["exit 0"] * asked, done.stdout + done.stderr
    assert done.stdout.count('"success":true') == 7
    assert "304" in done.stdout.splitlines()


ASK_THE_MOUNTED = f"""
from fastapi.testclient import TestClient

with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as client:
    print(client.get("/revenue/api/payment/analytics/customers/{CUSTOMER}/revenue").json()["customer_id"])
"""


def test_the_python_examples_run(served: Service, trained_shop: Shop) -> None:
    given = f"URL, CUSTOMER, HEADERS = {str(served.client.base_url)!r}, {CUSTOMER!r}, {{}}\n"
    *examples, mounted = blocks("python")
    said = [
        subprocess.run(
            [sys.executable, "-c", given + block],
            capture_output=True,
            text=True,
            check=True,
            cwd=trained_shop.folder,
            env=trained_shop.environment,
        ).stdout
        for block in (*examples, mounted + ASK_THE_MOUNTED)
    ]
    assert said[0].startswith("high_value 1225.0 USD\n")
    assert said[1:] == ["['nobody']\n", "high_value\n", "user_123\n"]


def test_the_errors_are_those_of_the_document(served: Service) -> None:
    page = PAGE.read_text(encoding="utf-8")
    document = served.client.get("/api/openapi.json").json()
    statuses = {
        status
        for path in document["paths"].values()
        for operation in path.values()
        for status in operation["responses"]
        if status.startswith(("4", "5"))
    }
    assert statuses == set(re.findall(r"^\| (\d{3}) \|", page, re.MULTILINE)) - {"405"}
