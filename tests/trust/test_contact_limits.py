"""Consent, contacts and campaigns are respected by every answer about a customer, at once and without a restart."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, in_process

from customer_revenue.policy import load_policy
from customer_revenue.settings import load_settings
from customer_revenue.workflows.campaigns import audience
from customer_revenue.workflows.campaigns.campaign_file import Campaign, CampaignFile, Member
from customer_revenue.workflows.campaigns.contact_limits import ContactLimits
from customer_revenue.workflows.campaigns.contact_log import Contact
from customer_revenue.workflows.customers.advice import Advisor
from customer_revenue.workflows.customers.answers import Answers

DAY = dt.date(2023, 12, 15)


@pytest.fixture
def shop(trained_shop: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(trained_shop.folder, tmp_path / "shop", symlinks=True)
    (tmp_path / "shop" / "data" / "campaigns.sqlite").unlink(missing_ok=True)
    return Shop(tmp_path / "shop", trained_shop.environment)


def opened(shop: Shop) -> Answers:
    folder = shop.folder
    return Answers.open(
        load_settings(
            store=f"duckdb:///{folder}/data/orders.duckdb",
            models=folder / "models",
            campaigns=folder / "data" / "campaigns.sqlite",
        )
    )


@pytest.fixture
def answers(shop: Shop) -> Iterator[Answers]:
    found = opened(shop)
    yield found
    found.close()


def file_of(shop: Shop) -> CampaignFile:
    return CampaignFile(shop.folder / "data" / "campaigns.sqlite")


def first_with_an_action(answers: Answers) -> str:
    return str(answers.base().action_rows(1, 0)["customer_id"][0].as_py())


def check_left_alone(answers: Answers, customer: str, reason: str) -> None:
    """Every answer about the customer says that nothing is to be done, and why."""
    body: Any = answers.customer(customer)
    batch: Any = answers.batch([customer])["customers"]
    assert batch[0]["predictions"] == body["predictions"]
    (action,), offer = body["predictions"]["actions"], body["predictions"]["offer"]
    assert (action["code"], action["contact_on"], action["channel"]) == ("leave_alone", None, None)
    assert action["reason"] == reason
    assert body["predictions"]["recommended_actions"] == ["Nothing to do now"]
    assert (offer["discount_percentage"], offer["expected_gain_cents"], offer["expected_cost_cents"]) == (0, 0, 0)
    assert answers.advice(customer, Advisor.actions)["actions"] == [action]
    assert answers.advice(customer, Advisor.offer)["offer"] == offer
    retention: Any = answers.advice(customer, Advisor.retention)["retention"]
    assert retention["strategy"] == "Nothing to do now"
    assert customer not in answers.base().action_rows(10**6, 0)["customer_id"].to_pylist()


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_contact_is_respected_until_the_quiet_days_are_over(shop: Shop, answers: Answers, in_memory: bool) -> None:
    if in_memory:
        answers.refresh_snapshot()
    customer = first_with_an_action(answers)
    before: Any = answers.customer(customer)["predictions"]
    assert before["actions"][0]["code"] != "leave_alone"
    file_of(shop).add_contacts([Contact(customer, DAY - dt.timedelta(days=6))])
    check_left_alone(answers, customer, "Contacted within the last 7 days")
    after: Any = answers.customer(customer)["predictions"]
    assert after["actions"][0]["changes_if"] == "After 2023-12-15 a contact is possible again"
    assert {**after, **dict.fromkeys(("actions", "offer", "recommended_actions"))} == {
        **before,
        **dict.fromkeys(("actions", "offer", "recommended_actions")),
    }
    file_of(shop).forget_customer(customer)
    file_of(shop).add_contacts([Contact(customer, DAY - dt.timedelta(days=7))])
    again: Any = answers.customer(customer)["predictions"]
    assert again["actions"] == before["actions"]


def test_a_customer_is_not_contacted_more_often_than_is_allowed(shop: Shop, answers: Answers) -> None:
    customer = first_with_an_action(answers)
    days = [DAY - dt.timedelta(days=age) for age in (29, 22, 15, 8)]
    file_of(shop).add_contacts([Contact(customer, day) for day in days[1:]])
    still: Any = answers.customer(customer)["predictions"]
    assert still["actions"][0]["code"] != "leave_alone"
    file_of(shop).add_contacts([Contact(customer, days[0])])
    check_left_alone(answers, customer, "Contacted 4 times within 30 days, as often as is allowed")


@pytest.mark.parametrize("treated", [True, False])
def test_who_is_in_a_campaign_is_left_to_it(shop: Shop, answers: Answers, treated: bool) -> None:
    customer = first_with_an_action(answers)
    campaign = Campaign("winter", "check_in", DAY - dt.timedelta(days=20), 30, 0.5, 1, 0.0, 0.4, "a list")
    file_of(shop).add(campaign, [Member(customer, treated, "whale", 0.1, 0.1, 1.0)])
    check_left_alone(answers, customer, "Takes part in the campaign winter until 2023-12-25")
    earlier: Any = answers.customer(customer, as_of="2023-11-01")["predictions"]
    assert "winter" not in earlier["actions"][0]["reason"]


@pytest.mark.parametrize("in_memory", [False, True])
def test_nobody_is_contacted_without_consent(shop: Shop, in_memory: bool) -> None:
    answers = opened(shop)
    customer = first_with_an_action(answers)
    answers.close()
    order = "order_id,user_id,created_at,total,status,accepts_marketing\n"
    (shop.folder / "consent.csv").write_text(f"{order}c1,{customer},2023-01-01T10:00:00Z,0,paid,no\n")
    shop.run("import", "consent.csv", "--as-of", "2023-12-15")
    answers = opened(shop)
    if in_memory:
        answers.refresh_snapshot()
    check_left_alone(answers, customer, "Does not accept marketing")
    base = answers.base()
    chosen = audience.choose(base, audience.Audience(customer_ids=[customer]), 0, file_of(shop))
    assert (len(chosen.places), chosen.left_out["no_consent"]) == (0, 1)
    answers.close()


def test_a_running_service_respects_a_contact_that_is_posted(shop: Shop) -> None:
    with in_process(shop) as service:
        listed = service.get("/actions").json()["actions"]
        customer = listed[0]["customer_id"]
        assert action_of(service, customer)["code"] != "leave_alone"
        sent = {"contacts": [{"customer_id": customer, "contacted_on": "2023-12-14", "channel": "email"}]}
        assert service.client.post("/api/payment/analytics/campaigns/contacts", json=sent).status_code == 200
        assert action_of(service, customer)["reason"] == "Contacted within the last 7 days"
        remaining = [row["customer_id"] for row in service.get("/actions").json()["actions"]]
        assert customer not in remaining
        assert remaining[0] == listed[1]["customer_id"]


def action_of(service: Service, customer: str) -> dict[str, Any]:
    found: dict[str, Any] = service.get(f"/customers/{customer}/revenue").json()["predictions"]["actions"][0]
    return found


def test_a_file_that_cannot_be_read_keeps_no_answer_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "campaigns.sqlite"
    limits = ContactLimits(path, load_policy().decisions)
    assert limits.barred(DAY) == {}
    path.write_text("not a database")
    assert limits.barred(DAY) == {}
    assert "the contact log is not respected" in caplog.text
