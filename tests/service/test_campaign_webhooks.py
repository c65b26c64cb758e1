"""A campaign's list goes to an address of the settings, and to no other; those held out are never in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.commands.test_digest import LOOPBACK, NAME, hook, looked_up, trusting
from tests.conftest import Shop

from customer_revenue.service.app import create_app
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.campaigns import send_campaign

__all__ = ["looked_up", "trusting"]

pytestmark = pytest.mark.process

CAMPAIGNS = "/api/payment/analytics/campaigns"
SPRING = {"name": "spring", "action": "win_back_campaign", "as_of": "2023-11-01", "rule": "net_revenue > 0"}


def settings_of(shop: Shop, folder: Path, *webhooks: str) -> Settings:
    shutil.copytree(shop.folder, folder / "shop", symlinks=True)
    return load_settings(
        store=f"duckdb:///{folder}/shop/data/orders.duckdb",
        models=folder / "shop" / "models",
        keys=folder / "keys.json",
        campaigns=folder / "campaigns.sqlite",
        webhooks=webhooks,
        webhook_networks=LOOPBACK,
    )


def client_of(settings: Settings) -> TestClient:
    return TestClient(create_app(settings), base_url="http://localhost", client=("127.0.0.1", 50_000))


@pytest.mark.usefixtures("looked_up", "trusting")
def test_those_to_be_contacted_are_sent_in_parts_and_nobody_held_out(
    trained_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_campaign, "CUSTOMERS_AT_ONCE", 100)
    with hook(tmp_path) as (port, got):
        settings = settings_of(trained_shop, tmp_path, "https://other.test/", f"https://{NAME}:{port}/secret")
        with client_of(settings) as client:
            assert client.post(CAMPAIGNS, json=SPRING).status_code == 200
            listed = client.get(f"{CAMPAIGNS}/webhooks")
            hosts = [(one["webhook"], one["host"]) for one in listed.json()["webhooks"]]
            assert hosts == [(1, "other.test"), (2, NAME)]
            assert "secret" not in listed.text
            treated = client.get(f"{CAMPAIGNS}/spring/customers").json()["customer_ids"]
            sent = client.post(f"{CAMPAIGNS}/spring/send", json={"webhook": 2}).json()
    messages = [json.loads(body) for body in got]
    assert [one for message in messages for one in message["customer_ids"]] == treated
    assert (sent["customers"], sent["messages"], sent["host"]) == (len(treated), len(messages), NAME)
    assert len(messages) > 1
    assert messages[0]["text"] == f"Campaign spring: 100 customers to contact, part 1 of {len(messages)}"
    assert messages[0]["action"] == "win_back_campaign"


@pytest.mark.usefixtures("looked_up", "trusting")
def test_a_webhook_that_refuses_and_one_that_is_not_listed(trained_shop: Shop, tmp_path: Path) -> None:
    with (
        hook(tmp_path, 404) as (port, got),
        client_of(settings_of(trained_shop, tmp_path, f"https://{NAME}:{port}/secret")) as client,
    ):
        client.post(CAMPAIGNS, json=SPRING)
        failed = client.post(f"{CAMPAIGNS}/spring/send", json={"webhook": 1})
        assert failed.status_code == 502
        assert failed.json()["error"]["code"] == "webhook_failed"
        assert "secret" not in failed.text
        assert len(got) == 1
        for body in ({"webhook": 2}, {"webhook": 0}, {"webhook": "https://elsewhere.test/"}, {}):
            assert client.post(f"{CAMPAIGNS}/spring/send", json=body).status_code == 422
        assert client.post(f"{CAMPAIGNS}/winter/send", json={"webhook": 1}).status_code == 404
    assert len(got) == 1
