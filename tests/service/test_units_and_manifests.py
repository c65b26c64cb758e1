"""Units of systemd, manifests for Kubernetes, alarms for Prometheus: each by its own tool and against the settings."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import yaml
from tests.requirements import missing, program
from typer.main import get_command

from customer_revenue.cli import app
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
INSTALLED = "/opt/customer-revenue/bin/customer-revenue"
OF_PROMETHEUS = {"up"}


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    units = [str(path) for path in sorted(folder.glob("customer-revenue*"))]
    command = [str(analyzer()), "verify", "--man=no", *units]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def analyzer() -> Path:
    found = program("systemd-analyze")
    if found is None:
        missing("systemd-analyze", "apt-get install systemd")
    return found


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is there in the place of the installed one."""
    stand_in = tmp_path / "customer-revenue"
    folder = tmp_path / "units"
    folder.mkdir()
    stand_in.write_text("#!/bin/sh\n")
    stand_in.chmod(0o755)
    for path in (DEPLOY / "systemd").iterdir():
        (folder / path.name).write_text(path.read_text().replace(INSTALLED, str(stand_in)))
    return folder


@pytest.mark.process
def test_systemd_takes_the_units(units: Path) -> None:
    done = verified(units)
    assert (done.returncode, done.stderr) == (0, "")
    service = units / "customer-revenue.service"
    service.write_text(service.read_text().replace("UMask=", "Umask="))
    assert "Unknown key" in verified(units).stderr


def test_units_run_commands_that_exist_and_write_for_their_user_alone() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group of Typer's
    for path in (DEPLOY / "systemd").glob("*.service"):
        text = path.read_text()
        (word,) = re.findall(rf"{INSTALLED} (\w+)", re.sub(r"^#.*", "", text, flags=re.M))
        assert word in commands
        assert "UMask=0077\n" in text
        assert "User=customer-revenue\n" in text
    for path in (DEPLOY / "systemd").glob("*.timer"):
        assert path.with_suffix(".service").exists()


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    kubectl = program("kubectl")
    if kubectl is None:
        missing("kubectl", "https://kubernetes.io/docs/tasks/tools")
    command = [str(kubectl), "kustomize", str(DEPLOY / "kubernetes")]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(made.stdout))


def containers(manifests: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each container with the specification of its pod."""
    specs = []
    for one in manifests:
        spec = one.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            specs.append(spec["template"]["spec"])
    return [(container, spec) for spec in specs for container in spec["containers"]]


@pytest.mark.process
def test_manifests_fit_together(manifests: list[dict[str, Any]]) -> None:
    there = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    found = containers(manifests)
    assert len(found) == 3
    for container, pod in found:
        assert all(("ConfigMap", source["configMapRef"]["name"]) in there for source in container["envFrom"])
        names = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == names
        claims = {v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v}
        assert all(("PersistentVolumeClaim", claim) in there for claim in claims)
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    (service,) = (one for one in manifests if one["kind"] == "Service")
    (deployment,) = (one for one in manifests if one["kind"] == "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"


@pytest.mark.process
def test_only_settings_that_exist_are_set_in_manifests(manifests: list[dict[str, Any]]) -> None:
    (config,) = (one["data"] for one in manifests if one["kind"] == "ConfigMap")
    names = {*config, *(entry["name"] for container, _ in containers(manifests) for entry in container.get("env", ()))}
    ours = {name.removeprefix("CUSTOMER_REVENUE_").lower() for name in names if name.startswith("CUSTOMER_REVENUE_")}
    assert {"store", "models", "forgotten"} <= ours <= Settings.model_fields.keys()


def test_every_alarm_is_about_a_metric_and_has_its_section_in_the_runbook() -> None:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text("utf-8"))["groups"]
    assert metrics()
    known = {name for family in prometheus_client.REGISTRY.collect() for name in names_of(family)} | OF_PROMETHEUS
    source = (ROOT / "src/customer_revenue/workflows/monitoring/monitor.py").read_text("utf-8")
    known |= {f"customer_revenue_monitor_{name}" for name in re.findall(r'gauge\("(\w+)"', source)}
    for rule in group["rules"]:
        used = set(re.findall(r"\b(customer_revenue_\w+|up)\b(?=[{)\[])", rule["expr"]))
        assert used, rule["alert"]
        assert used <= known, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.M)
    assert sections == [rule["alert"] for rule in group["rules"]]


def names_of(family: prometheus_client.Metric) -> set[str]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
    return {f"{family.name}{suffix}" for suffix in suffixes}
