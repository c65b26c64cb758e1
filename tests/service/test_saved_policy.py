"""Settings are saved over HTTP as people would write them, refused as a wrong file is, and taken back."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.conftest import Shop

from customer_revenue.choices import Scope
from customer_revenue.errors import SettingsNotSaved
from customer_revenue.keys import KeyFile
from customer_revenue.policy import load_policy
from customer_revenue.policy.load import USUAL_FILE
from customer_revenue.service.app import create_app
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.campaigns.what_if import Trial
from customer_revenue.workflows.policy_file import SavedPolicy

pytestmark = pytest.mark.process

ANALYTICS = "/api/payment/analytics"
POLICY = f"{ANALYTICS}/policy"
OURS = "# ours\n[margin]\nassumed_percent = 40  # guessed\n"


@pytest.fixture
def settings(trained_shop: Shop, tmp_path: Path) -> Settings:
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    (folder / "policy.toml").write_text(OURS)
    return load_settings(
        store=f"duckdb:///{folder}/data/orders.duckdb",
        models=folder / "models",
        keys=tmp_path / "keys.json",
        campaigns=tmp_path / "campaigns.sqlite",
        policy=folder / "policy.toml",
        learned_effects=tmp_path / "learned.toml",
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """Of the key ``kim``, which may read and administer."""
    secret = KeyFile(settings.keys).add("kim", frozenset({Scope.READ, Scope.ADMIN}))
    with TestClient(create_app(settings), base_url="http://localhost", headers={"X-API-Key": secret}) as asking:
        yield asking


def policy_of(settings: Settings) -> Path:
    assert settings.policy is not None
    return settings.policy


def test_what_was_tried_is_saved_and_is_what_decisions_then_rest_on(client: TestClient, settings: Settings) -> None:
    tried: dict[str, str | int] = {
        "margin_percent": 20,
        "basis": "total",
        "discount": "whale:25",
        "threshold": "high_value:90000",
    }
    contacts: dict[str, str | int] = {
        "quiet_days": 3,
        "quiet_days_after_contact": 9,
        "most_contacts": 2,
        "most_contacts_days": 40,
    }
    asked = client.get(f"{ANALYTICS}/dashboard/settings", params=tried | contacts).json()
    assert asked["then"]["total"] != asked["now"]["total"]
    body = {"margin_percent": 20, "basis": "total", "discounts": {"whale": 25}, "thresholds": {"high_value": 90000}}
    saved = client.post(POLICY, json=body | contacts)
    assert saved.status_code == 200, saved.text
    text = policy_of(settings).read_text()
    assert text.startswith("# ours\n[margin]\nassumed_percent = 20  # guessed\n")
    policy = load_policy(settings.policy)
    assert (policy.margin.assumed_percent, policy.segments.basis) == (20, "total")
    assert policy.offers.segments["whale"].discount_percentage == 25
    assert policy.segments.active[1].from_total_revenue_cents == 90000
    assert {name: getattr(policy.decisions, name) for name in contacts} == contacts
    assert {one["name"] for one in saved.json()["changed"]} >= {"margin.assumed_percent", "decisions.quiet_days"}
    with TestClient(create_app(settings), base_url="http://localhost", headers=dict(client.headers)) as anew:
        now = anew.get(f"{ANALYTICS}/dashboard/settings").json()
    assert now["now"] == asked["then"]
    assert {name: now[name] for name in contacts} == contacts


def test_the_file_before_is_kept_and_comes_back(client: TestClient, settings: Settings) -> None:
    path = policy_of(settings)
    path.chmod(0o640)
    first = client.post(POLICY, json={"margin_percent": 30}).json()
    second = client.post(POLICY, json={"margin_percent": 35}).json()
    assert path.with_name(first["kept"]).read_text() == OURS
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    state = client.get(POLICY).json()
    assert [one["file"] for one in state["kept"]] == [second["kept"], first["kept"]]
    assert state["can_be_saved"]
    assert client.post(f"{POLICY}/undo").json()["kept"] == second["kept"]
    assert load_policy(path).margin.assumed_percent == 30
    assert client.post(f"{POLICY}/undo").json()["kept"] == first["kept"]
    assert path.read_text() == OURS
    again = client.post(f"{POLICY}/undo")
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "settings_not_saved"
    undone = [one.read_text() for one in path.parent.glob("policy.toml.*.undone")]
    assert len(undone) == 2, "what was taken back is not lost"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"margin_percent": 101},
        {"margin_percent": "20"},
        {"basis": "gross"},
        {"discounts": {"nobody": 5}},
        {"discounts": {"low_value": 90}},
        {"thresholds": {"whale": 1}},
        {"most_contacts": 0},
        {"other": 1},
    ],
)
def test_what_would_break_the_policy_is_refused_and_nothing_is_written(
    client: TestClient, settings: Settings, body: dict[str, object]
) -> None:
    refused = client.post(POLICY, json=body)
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "invalid_parameter"
    assert policy_of(settings).read_text() == OURS
    assert client.get(POLICY).json()["kept"] == []


def test_a_file_that_only_people_can_change_is_left_alone(client: TestClient, settings: Settings) -> None:
    policy_of(settings).write_text("margin = { assumed_percent = 40 }\n")
    refused = client.post(POLICY, json={"margin_percent": 30})
    assert refused.status_code == 409
    assert "only people can change" in refused.json()["error"]["message"]
    assert policy_of(settings).read_text() == "margin = { assumed_percent = 40 }\n"


def test_where_the_file_cannot_be_written_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = SavedPolicy(None, tmp_path / "learned.toml")
    assert nowhere.state()["why_not"] == "no policy file is named in the setting policy"
    (tmp_path / "policy.toml").write_text(OURS)
    (tmp_path / "link.toml").symlink_to(tmp_path / "policy.toml")
    linked = SavedPolicy(tmp_path / "link.toml", tmp_path / "learned.toml")
    assert linked.state()["can_be_saved"] is False
    mounted = SavedPolicy(tmp_path / "policy.toml", tmp_path / "learned.toml")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    for refusing in (nowhere, linked, mounted):
        with pytest.raises(SettingsNotSaved):
            refusing.save(Trial(30))
        with pytest.raises(SettingsNotSaved):
            refusing.take_back()
    assert "read-only" in str(mounted.state()["why_not"])
    assert (tmp_path / "policy.toml").read_text() == OURS


def test_a_disk_that_refuses_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(OURS)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SettingsNotSaved, match="No space left"):
        SavedPolicy(path, tmp_path / "learned.toml").save(Trial(30))
    assert path.read_text() == OURS
    assert not list(tmp_path.glob(".policy.toml.????????????????????????????????"))


def test_the_usual_file_is_made_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings().policy == USUAL_FILE
    assert load_policy(USUAL_FILE) == load_policy()
    saved = SavedPolicy(USUAL_FILE, tmp_path / "learned.toml")
    saved.save(Trial(30))
    assert load_policy(USUAL_FILE).margin.assumed_percent == 30
    saved.take_back()
    assert load_policy(USUAL_FILE) == load_policy()


def test_keys_are_made_once_shown_and_revoked(client: TestClient, settings: Settings) -> None:
    made = client.post(f"{ANALYTICS}/keys", json={"name": "reports", "scopes": ["read"], "days": 5})
    assert made.headers["cache-control"] == "no-store"
    secret = made.json()["key"]
    found = KeyFile(settings.keys).match(secret)
    assert found is not None
    assert (found.name, set(found.scopes)) == ("reports", {Scope.READ})
    assert found.expires_at is not None
    listed = client.get(f"{ANALYTICS}/keys")
    assert [one["name"] for one in listed.json()["keys"]] == ["kim", "reports"]
    assert secret not in listed.text
    own = {"X-API-Key": secret}
    assert client.get(f"{ANALYTICS}/widget", headers=own).status_code == 200
    assert client.post(f"{ANALYTICS}/keys", json={"name": "b", "scopes": ["read"]}, headers=own).status_code == 403
    assert client.delete(f"{ANALYTICS}/keys/kim", headers=own).status_code == 403
    assert client.post(f"{ANALYTICS}/keys", json={"name": "reports", "scopes": ["read"]}).status_code == 422
    assert client.post(f"{ANALYTICS}/keys", json={"name": "Bad Name", "scopes": ["read"]}).status_code == 422
    assert client.post(f"{ANALYTICS}/keys", json={"name": "c", "scopes": []}).status_code == 422
    assert client.delete(f"{ANALYTICS}/keys/kim").status_code == 422, "nobody locks themselves out"
    assert client.delete(f"{ANALYTICS}/keys/reports").json() == {"success": True, "revoked": "reports"}
    assert client.get(f"{ANALYTICS}/widget", headers=own).status_code == 401
    assert client.delete(f"{ANALYTICS}/keys/reports").status_code == 422
