"""A promotion that makes predictions absurd, or answers fail, is taken back by the service itself, which says so."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.conftest import Shop

from customer_revenue.service import promotion_watch
from customer_revenue.service.app import Application, create_app
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.registry.bundles import current_version, write_gate
from customer_revenue.workflows.registry.champion import BY_ITSELF, changes, promote
from customer_revenue.workflows.registry.verdict import Verdict

pytestmark = pytest.mark.slow

REVENUE = "/api/payment/analytics/customers/user_123/revenue"


@pytest.fixture
def settings(trained_shop: Shop, tmp_path: Path) -> Settings:
    """A copy of the trained shop."""
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    files = {"keys": folder / "keys.json", "campaigns": folder / "campaigns.sqlite", "snapshots": folder / "snapshots"}
    return load_settings(store=f"duckdb:///{folder}/data/orders.duckdb", models=folder / "models", **files)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    local = ("127.0.0.1", 50_000)
    app = create_app(settings)
    with TestClient(app, base_url="http://localhost", client=local, raise_server_exceptions=False) as asking:
        yield asking


def twin(settings: Settings, change: Callable[[Any], None], name: str = "twin") -> str:
    """A copy of the champion that is changed, has right checksums and passed the gate."""
    champion = current_version(settings.models)
    assert champion is not None
    folder = settings.models / name
    shutil.copytree(settings.models / champion, folder)
    state = json.loads((folder / "predictor.json").read_text())
    change(state)
    (folder / "predictor.json").write_text(json.dumps(state))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["version"] = name
    manifest["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["sha256"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write_gate(folder, Verdict((), champion, ()))
    return name


def nothing(_state: Any) -> None:
    """The same model."""


def thousandfold(state: Any) -> None:
    """Spend in thousandths of a cent, as when a column was read with the wrong scale."""
    spend = state["base"]["spend"]
    spend["v"] *= 1000


def wait_until(done: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not done():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def answering(client: TestClient) -> str | None:
    app = client.app
    assert isinstance(app, Application)
    return app.serving_state.current().model_version


def test_absurd_predictions_are_never_given(
    client: TestClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before = current_version(settings.models)
    expected = client.get(REVENUE).json()["predictions"]
    assert client.get("/readyz").json()["reverted"] is None
    promote(settings.registry, twin(settings, thousandfold))
    wait_until(lambda: changes(settings.models)[-1].by == BY_ITSELF)
    assert current_version(settings.models) == before
    change = changes(settings.models)[-1]
    assert (change.event, change.version, change.before) == ("rollback", before, "twin")
    assert "of all customers together is" in change.why
    assert client.get(REVENUE).json()["predictions"] == expected
    assert answering(client) == before
    assert change.why in client.get("/readyz").json()["reverted"]
    assert re.search(r"^customer_revenue_models_reverted_total [1-9]", client.get("/metrics").text, re.MULTILINE)
    assert "the promotion of twin is taken back" in caplog.text


def test_failing_answers_are_held_against_a_promotion(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current_version(settings.models)
    for _ in range(20):
        assert client.get(REVENUE).status_code == 200
    promote(settings.registry, twin(settings, nothing))
    wait_until(lambda: answering(client) == "twin")
    response = Answers.response

    def failing(self: Answers, *arguments: Any, **named: Any) -> Any:
        if self.model_version == "twin":
            raise KeyError("what only this model lacks")
        return response(self, *arguments, **named)

    monkeypatch.setattr(Answers, "response", failing)
    for n in range(promotion_watch.LEAST_ERRORS):
        assert client.get(REVENUE, params={"days": n + 1}).status_code == 500
    wait_until(lambda: current_version(settings.models) == before)
    assert "10 of 10 answers failed after it" in changes(settings.models)[-1].why
    wait_until(lambda: answering(client) == before)
    assert client.get(REVENUE, params={"days": 3}).status_code == 200


def test_a_good_promotion_stays_and_so_does_one_beside_errors_of_before(client: TestClient, settings: Settings) -> None:
    app = client.app
    assert isinstance(app, Application)
    watch = app.serving_state.watch
    for _ in range(10):
        watch.note(500)
    promote(settings.registry, twin(settings, nothing))
    wait_until(lambda: answering(client) == "twin")
    for _ in range(20):
        watch.note(500)
    watch.check()
    assert current_version(settings.models) == "twin"
    assert client.get("/readyz").json()["reverted"] is None
