"""Campaigns over HTTP: the same file as the command, written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, in_process

from customer_revenue.service.responses import campaigns as replies

BASE = "/api/payment/analytics/campaigns"
SPRING = {"name": "spring", "action": "win_back_campaign", "as_of": "2023-11-01", "hold_out": 0.3}


@pytest.fixture(scope="module")
def shop(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("campaigns") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    (folder / "data" / "campaigns.sqlite").unlink(missing_ok=True)  # of tests that ask the service
    return Shop(folder, trained_shop.environment)


@pytest.fixture(scope="module")
def campaigns(shop: Shop) -> Iterator[Service]:
    with in_process(shop) as service:
        assert service.client.get(BASE).json()["campaigns"] == []
        made = service.client.post(BASE, json={**SPRING, "rule": "net_revenue > 0"})
        assert made.status_code == 200, made.text
        replies.CampaignCreated.model_validate(made.json())
        yield service


def test_a_campaign_is_listed_at_once_and_known_to_the_command(campaigns: Service, shop: Shop) -> None:
    listed = campaigns.client.get(BASE).json()
    replies.Campaigns.model_validate(listed)
    assert [one["campaign"] for one in listed["campaigns"]] == ["spring"]
    assert "spring: win_back_campaign, 2023-11-01 to 2023-12-01, for net_revenue > 0" in shop.run("campaign", "list")


def test_both_lists_come_as_json_and_csv(campaigns: Service) -> None:
    arms = {}
    for arm in ("treated", "held_out"):
        answer = campaigns.client.get(f"{BASE}/spring/customers", params={"arm": arm}).json()
        replies.CampaignCustomers.model_validate(answer)
        sent = campaigns.client.get(f"{BASE}/spring/customers", params={"arm": arm, "file": "csv"})
        assert sent.headers["content-disposition"] == f'attachment; filename="spring-{arm}.csv"'
        assert [row["customer_id"] for row in csv.DictReader(io.StringIO(sent.text))] == answer["customer_ids"]
        arms[arm] = set(answer["customer_ids"])
    assert not arms["treated"] & arms["held_out"]
    assert len(arms["held_out"]) / sum(map(len, arms.values())) == pytest.approx(0.3, abs=0.01)


def test_the_report_is_that_of_the_command(campaigns: Service, shop: Shop) -> None:
    report = campaigns.client.get(f"{BASE}/spring/report").json()
    replies.CampaignResult.model_validate(report)
    assert report == json.loads(shop.run("campaign", "report", "spring"))


def test_a_name_is_used_once_and_nothing_is_left_of_a_refusal(campaigns: Service) -> None:
    again = campaigns.client.post(BASE, json={**SPRING, "as_of": "2023-06-01", "rule": "orders > 0"})
    assert (again.status_code, again.json()["error"]["code"]) == (422, "invalid_parameter")
    assert "already" in again.json()["error"]["message"]
    few = campaigns.client.post(BASE, json={**SPRING, "name": "again", "rule": "net_revenue > 0"}).json()
    assert "too few" in few["error"]["message"]
    assert any("other_campaign" in reason for reason in few["error"]["details"])
    assert [one["campaign"] for one in campaigns.client.get(BASE).json()["campaigns"]] == ["spring"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "a/b"}, "name"),
        ({"action": "dance"}, "personal_outreach"),
        ({"segments": ["rich"]}, "whale"),
        ({"rule": "__import__('os')"}, "rule:"),
        ({"hold_out": 0.95}, "0.9"),
        ({"days": 0}, "days"),
        ({"as_of": "soon"}, "2023-12-15"),
        ({"other": 1}, "other"),
    ],
)
def test_a_wrong_campaign_is_told(campaigns: Service, changed: dict[str, object], words: str) -> None:
    response = campaigns.client.post(BASE, json={**SPRING, "name": "wrong", **changed})
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "invalid_parameter"
    assert words in error["message"]


@pytest.mark.parametrize("path", ["/summer/report", "/summer/customers"])
def test_an_unknown_campaign_is_not_found(campaigns: Service, path: str) -> None:
    response = campaigns.client.get(BASE + path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "campaign_not_found")


def test_contacts_keep_customers_out(campaigns: Service) -> None:
    contacts = [{"customer_id": "user_123", "contacted_on": "2023-06-28", "channel": "email"}]
    answers = [campaigns.client.post(f"{BASE}/contacts", json={"contacts": contacts}).json() for _ in range(2)]
    assert [replies.ContactsRecorded.model_validate(one).new for one in answers] == [1, 0]
    wanted = {"name": "june", "action": "check_in", "as_of": "2023-06-30", "rule": "orders > 0", "hold_out": 0.5}
    made = campaigns.client.post(BASE, json=wanted).json()
    assert made["left_out"]["recent_contact"] == 1
    assert campaigns.client.post(f"{BASE}/contacts", json={"contacts": []}).status_code == 422


@pytest.mark.parametrize("day", [0, "2023-02-30", "yesterday", "0001-01-01", None, "2023-12-01T00:00:00"])
def test_a_wrong_day_of_a_contact_is_told_and_none_is_recorded(campaigns: Service, day: object) -> None:
    contacts = [{"customer_id": "new", "contacted_on": "2023-12-01"}, {"customer_id": "new", "contacted_on": day}]
    refused = campaigns.client.post(f"{BASE}/contacts", json={"contacts": contacts})
    assert refused.status_code == 422
    assert "contacts.1" in refused.json()["error"]["message"]
    again = campaigns.client.post(f"{BASE}/contacts", json={"contacts": contacts[:1]})
    assert again.json()["new"] == (1 if day == 0 else 0)


def test_what_is_learned_changes_decisions_and_is_taken_back(campaigns: Service, shop: Shop) -> None:
    found = campaigns.client.post(f"{BASE}/spring/learn")
    assert found.status_code == 200, found.text
    learned = replies.CampaignLearned.model_validate(found.json())
    assert (
        learned.effect
        == replies.CampaignResult.model_validate(campaigns.client.get(f"{BASE}/spring/report").json()).updated_effect
    )
    assert "spring" in (shop.folder / "data" / "learned-effects.toml").read_text()
    again = campaigns.client.post(f"{BASE}/spring/learn")
    assert (again.status_code, again.json()["error"]["code"]) == (422, "invalid_parameter")
    taken = campaigns.client.post(f"{BASE}/spring/unlearn").json()
    assert replies.CampaignUnlearned.model_validate(taken).action == "win_back_campaign"
    assert campaigns.client.post(f"{BASE}/spring/unlearn").status_code == 422


def test_a_campaign_that_is_removed_is_gone(campaigns: Service, shop: Shop) -> None:
    wanted = {"name": "gone", "action": "check_in", "as_of": "2023-03-30", "rule": "orders > 0", "hold_out": 0.5}
    assert campaigns.client.post(BASE, json=wanted).status_code == 200
    removed = campaigns.client.delete(f"{BASE}/gone")
    assert replies.CampaignRemoved.model_validate(removed.json()).removed == "gone"
    assert "gone" not in [one["campaign"] for one in campaigns.client.get(BASE).json()["campaigns"]]
    assert campaigns.client.delete(f"{BASE}/gone").status_code == 404
    assert campaigns.client.post(f"{BASE}/gone/learn").status_code == 404
