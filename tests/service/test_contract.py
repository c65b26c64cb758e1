"""The OpenAPI document: complete in itself, and true of the running service."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from tests.conftest import Shop
from tests.service.conftest import Service, serving

from customer_revenue.service.app import ROUTERS, create_app
from customer_revenue.service.openapi import example, operation_id
from customer_revenue.settings import load_settings

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
"""Not among them: that every text that the schema allows is accepted, since it cannot name the store's own segments."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(load_settings()).api.openapi()


ANSWERS = {
    operation_id(route): route.response_model
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
}
"""The response of each operation."""


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    assert {operation["operationId"] for operation in operations(document)} == set(ANSWERS)
    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert all(parameter["description"] for parameter in operation.get("parameters", ()))


def test_every_field_is_described(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert "enum" in schema or schema["description"], name
        for field, what in schema.get("properties", {}).items():
            assert what.get("description"), f"{name}.{field}"


def test_every_answer_and_error_has_an_example(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for status, response in operation["responses"].items():
            assert response["description"]
            if status != "304":
                content = response["content"]["application/json"]
                assert content.get("example") or content["examples"], (operation["operationId"], status)
        assert {"200", "401", "422", "429", "503"} <= set(operation["responses"])


@pytest.mark.parametrize("name", ANSWERS)
def test_examples_are_as_described(name: str) -> None:
    ANSWERS[name].model_validate(example(name))


@pytest.fixture
def changeable(trained_shop: Shop, tmp_path: Path) -> Iterator[Service]:
    """A shop whose campaigns, champion and policy may be changed."""
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    with serving(Shop(folder, trained_shop.environment)) as running:
        yield running


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_the_running_service_is_as_documented(changeable: Service, tmp_path: Path) -> None:
    api = f"{str(changeable.client.base_url).rstrip('/')}/api"
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{api}/openapi.json", "--url", api]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"]
    command += ["--max-examples", "5", "--max-time", "120", "--seed", "1", "--no-color", "--continue-on-failure"]
    command += ["--exclude-operation-id", "keys_add"]  # once there is a key, everything else is 401
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-20_000:]
    assert f"Tested: {len(ANSWERS) - 1}" in done.stdout
