"""Promote and roll back over HTTP: the same record as the commands', in a second, whether MLflow answers or not."""

from __future__ import annotations

import errno
import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.conftest import Shop

from customer_revenue.choices import Scope
from customer_revenue.keys import KeyFile
from customer_revenue.service.app import Application, create_app
from customer_revenue.service.responses import version_list as replies
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.registry import champion
from customer_revenue.workflows.registry.bundles import current_version, write_gate
from customer_revenue.workflows.registry.champion import changes
from customer_revenue.workflows.registry.verdict import Check, Verdict

pytestmark = pytest.mark.process

MODELS = "/api/payment/analytics/models"
LOCAL_ACT_SECONDS = 2.0


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that accepts and never answers, as MLflow may."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def settings(trained_shop: Shop, tmp_path: Path, silent_server: str) -> Settings:
    """A copy of the trained shop whose champion has a twin that passed the gate, and keys."""
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    settings = load_settings(
        store=f"duckdb:///{folder}/data/orders.duckdb",
        models=folder / "models",
        keys=tmp_path / "keys.json",
        tracking_uri=silent_server,
    )
    champion = current_version(settings.models)
    assert champion is not None
    shutil.copytree(settings.models / champion, settings.models / "twin")
    manifest = json.loads((settings.models / "twin" / "manifest.json").read_text())
    (settings.models / "twin" / "manifest.json").write_text(json.dumps({**manifest, "version": "twin"}))
    write_gate(settings.models / "twin", Verdict((), champion, ()))
    return settings


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Of the key ``kim``, which may read and administer."""
    monkeypatch.setattr("customer_revenue.workflows.registry.delivery_child.DELIVERY_SECONDS", 0.1)
    secret = KeyFile(settings.keys).add("kim", frozenset({Scope.READ, Scope.ADMIN}))
    app = create_app(settings)
    with TestClient(app, base_url="http://localhost", headers={"X-API-Key": secret}) as asking:
        yield asking


def test_a_promotion_and_a_rollback_are_acts_of_a_second(client: TestClient, settings: Settings) -> None:
    before = current_version(settings.models)
    listed = replies.VersionList.model_validate(client.get(MODELS).json())
    assert {one.version: (one.champion, one.promotable) for one in listed.versions} == {
        before: (True, False),
        "twin": (False, True),
    }
    began = time.monotonic()
    promoted = client.post(f"{MODELS}/promote", json={"version": "twin", "why": "spring"})
    answer = replies.ChampionAnswer.model_validate(promoted.json())
    assert (answer.champion, answer.change and answer.change.by) == ("twin", "kim")
    assert current_version(settings.models) == "twin"
    back = client.post(f"{MODELS}/rollback", json={"why": "too many discounts"})
    assert time.monotonic() - began < LOCAL_ACT_SECONDS
    assert back.json()["change"]["event"] == "rollback"
    assert current_version(settings.models) == before
    kept = [(one.event, one.version, one.by, one.why) for one in changes(settings.models)[-2:]]
    assert kept == [("promote", "twin", "kim", "spring"), ("rollback", before, "kim", "too many discounts")]
    assert [one["event"] for one in client.get(MODELS).json()["changes"]][:2] == ["rollback", "promote"]
    again = client.post(f"{MODELS}/rollback", json={"why": "again"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "no_earlier_champion")


def test_the_worker_answers_with_what_was_promoted(client: TestClient) -> None:
    client.post(f"{MODELS}/promote", json={"version": "twin"})
    app = client.app
    assert isinstance(app, Application)
    give_up = time.monotonic() + 30
    while app.serving_state.current().model_version != "twin" and time.monotonic() < give_up:
        time.sleep(0.2)
    assert client.get("/api/payment/analytics/widget").json()["meta"]["model_version"] == "twin"


def test_the_gate_is_asked_and_force_needs_a_reason(client: TestClient, settings: Settings) -> None:
    no = Check("calibration", passed=False, text="calibration error 0.4, at most 0.1")
    write_gate(settings.models / "twin", Verdict((no,), current_version(settings.models), ()))
    refused = client.post(f"{MODELS}/promote", json={"version": "twin"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "gate_refused")
    assert refused.json()["error"]["details"] == [no.text]
    unexplained = client.post(f"{MODELS}/promote", json={"version": "twin", "force": True})
    assert (unexplained.status_code, unexplained.json()["error"]["code"]) == (422, "invalid_parameter")
    assert current_version(settings.models) != "twin"
    forced = client.post(f"{MODELS}/promote", json={"version": "twin", "force": True, "why": "the other one is broken"})
    assert forced.json()["champion"] == "twin"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("promote", {"version": "../../etc"}),
        ("promote", {"version": "nothing"}),
        ("promote", {"version": "current"}),
        ("promote", {"other": 1}),
        ("promote", {"why": "a\nb"}),
        ("rollback", {}),
        ("rollback", {"why": ""}),
    ],
)
def test_what_is_unknown_changes_nothing(client: TestClient, settings: Settings, path: str, body: object) -> None:
    before = current_version(settings.models)
    answer = client.post(f"{MODELS}/{path}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_parameter")
    assert current_version(settings.models) == before
    assert client.get(f"{MODELS}/{path}").status_code in (404, 405)


@pytest.mark.parametrize("scopes", [{Scope.READ}, {Scope.READ, Scope.BATCH, Scope.ACT, Scope.METRICS}])
def test_only_admin_may(client: TestClient, settings: Settings, scopes: frozenset[Scope]) -> None:
    header = {"X-API-Key": KeyFile(settings.keys).add("other", frozenset(scopes))}
    for path in ("promote", "rollback"):
        answer = client.post(f"{MODELS}/{path}", json={"why": "no"}, headers=header)
        assert (answer.status_code, answer.json()["error"]["message"]) == (403, "the key other has no admin scope")
    assert client.get(MODELS, headers=header).status_code == 200


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current_version(settings.models)

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(settings.models))

    monkeypatch.setattr(champion, "_write", refuse)
    answer = client.post(f"{MODELS}/promote", json={"version": "twin", "why": "better"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_unavailable")
    assert "cannot be written" in answer.json()["error"]["message"]
    assert current_version(settings.models) == before
