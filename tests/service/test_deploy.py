"""The compose file: what can be told of it without a container engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_revenue.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


def test_the_services_wait_for_what_there_is(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for needed in service.get("depends_on", {}):
            assert needed in services, (name, needed)
            waits = service["depends_on"][needed]["condition"]
            assert waits == "service_completed_successfully" or "healthcheck" in services[needed]
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"]


def test_only_settings_that_exist_are_set(compose: dict[str, Any]) -> None:
    for service in ("service", "tools"):
        names = {name for name in compose["services"][service]["environment"] if name.startswith("CUSTOMER_REVENUE_")}
        assert {name.removeprefix("CUSTOMER_REVENUE_").lower() for name in names} <= Settings.model_fields.keys()


def test_the_tracking_server_is_of_the_clients_version(compose: dict[str, Any]) -> None:
    server, client = compose["services"]["mlflow"], compose["services"]["service"]
    assert server["image"] == client["image"]
    assert server["entrypoint"] == ["python", "-m", "mlflow"]


@pytest.mark.process  # MLflow looks for other programs
@pytest.mark.filterwarnings("ignore")
def test_the_tracking_server_takes_the_options_it_is_given(
    compose: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow.cli import cli

    command = compose["services"]["mlflow"]["command"]
    assert cli.main([*command, "--help"], standalone_mode=False) == 0
    assert "Usage" in capsys.readouterr().out


def test_no_port_is_open_to_other_machines(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_secret_is_in_the_example(compose: dict[str, Any]) -> None:
    example = (DEPLOY / "example.env").read_text("utf-8")
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    for name in ("POSTGRES_PASSWORD", "FORGET_KEY"):
        assert f"${{{name}:?" in text
        assert f"{name}=\n" in example
