"""Health, metrics and logs of a running service."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.conftest import Shop
from tests.service.conftest import BENTOML_SERVE, Service, serving, serving_command

REVENUE = "/api/payment/analytics/customers/{user_id}/revenue"


def samples(service: Service) -> dict[tuple[str, ...], float]:
    text = service.client.get("/metrics").text
    return {
        (sample.name.removeprefix("customer_revenue_"), *(sample.labels[name] for name in sorted(sample.labels))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


@pytest.fixture
def own_shop(trained_shop: Shop, tmp_path: Path) -> Shop:
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    return Shop(folder, trained_shop.environment)


@pytest.mark.servers
def test_without_a_store_the_service_lives_and_is_not_ready(trained_shop: Shop, tmp_path: Path) -> None:
    with serving_command(BENTOML_SERVE, Shop(tmp_path, trained_shop.environment), ready="/livez") as running:
        assert running.client.get("/readyz").status_code == 503
        shutil.copytree(trained_shop.folder / "data", tmp_path / "data")
        time.sleep(1.5)
        assert running.client.get("/readyz").status_code == 200


FIRST_REQUESTS = """
import threading
from customer_revenue.service.prometheus_metrics import metrics

begin, made = threading.Barrier(16), []

def request():
    begin.wait()
    made.append(metrics())

threads = [threading.Thread(target=request) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(made) == 16 and len(set(made)) == 1, made
"""


@pytest.mark.process
def test_the_first_requests_may_come_all_at_once() -> None:
    """In a process of its own, since the metrics are made once in each."""
    done = subprocess.run([sys.executable, "-c", FIRST_REQUESTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.servers
def test_metrics_and_logs_tell_of_requests_and_not_of_people(own_shop: Shop) -> None:
    with serving(own_shop) as running:
        for _ in range(5):
            running.get("/customers/user_123/revenue")
        running.get("/customers/nobody/revenue")
        running.get("/search", q="john@example.com")
        running.client.get("/wp-login.php")
        named = running.client.get("/livez", headers={"X-Request-ID": "find-me"})
        assert named.headers["x-request-id"] == "find-me"
        found = samples(running)
        version = running.get("/customers/user_123/revenue").json()["meta"]["model_version"]
        time.sleep(1)  # the access log is written a few times a second
    seen = {key: value for key, value in found.items() if key[0] == "request_seconds_count"}
    assert seen["request_seconds_count", "GET", REVENUE, "200"] == 5
    assert seen["request_seconds_count", "GET", REVENUE, "404"] == 1
    assert seen["request_seconds_count", "GET", "other", "404"] == 1
    hits, misses = found["kept_answers_total", "hit"], found["kept_answers_total", "miss"]
    assert hits + misses == 7
    assert hits >= 5 - 2 * 2  # two workers, each of which may have started to keep answers late
    assert 1 <= found["predictions_total", version] <= 5
    assert found["model_refused",] == 0
    assert found["store_last_order",] < found["model_trained",] <= time.time()
    log = (own_shop.folder / "serve.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    (line,) = (line for line in lines if line.get("request_id") == "find-me")
    assert (line["route"], line["status"], line["level"]) == ("/livez", 200, "INFO")
    for personal in ("john", "John", "user_123", "nobody"):
        assert personal not in log
        assert personal not in str(found)
