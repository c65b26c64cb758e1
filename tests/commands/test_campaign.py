"""A campaign from its list to its result, and a person who is forgotten."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.conftest import Shop

from customer_revenue.errors import InvalidParameter
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile

BEGIN = "2023-11-01"


@pytest.fixture(scope="module")
def shop(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("campaign") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    (folder / "data" / "campaigns.sqlite").unlink(missing_ok=True)  # of tests that ask the service
    copied = Shop(folder, trained_shop.environment)
    segments = ("--segment", "low_value", "--segment", "medium_value", "--segment", "high_value")
    text = copied.run(
        *("campaign", "create", "spring", "--action", "win_back_campaign", *segments, "--as-of", BEGIN),
        *("--hold-out", "0.3", "--treated", "treated.csv", "--held-out", "held_out.csv"),
    )
    assert "with a chance of 80 %" in text
    return copied


def ids_in(path: Path) -> set[str]:
    return {line.strip('"') for line in path.read_text().splitlines()[1:]}


def test_lists_part_the_audience_and_nobody_is_in_two_campaigns(shop: Shop) -> None:
    treated, control = ids_in(shop.folder / "treated.csv"), ids_in(shop.folder / "held_out.csv")
    assert not treated & control
    assert len(control) / (len(treated) + len(control)) == pytest.approx(0.3, abs=0.02)
    refused = shop.run(
        *("campaign", "create", "again", "--action", "check_in", "--segment", "low_value", "--as-of", "2023-11-05"),
        status=2,
    )
    assert "too few" in refused


def test_the_report_has_intervals_and_the_action_s_new_effect(shop: Shop) -> None:
    report = json.loads(shop.run("campaign", "report", "spring"))
    assert (report["until"], report["interval"]) == ("2023-12-01", "at the fixed date")
    for name in ("buyers_points", "orders", "revenue_cents", "profit_cents"):
        assert report[name]["low"] <= report[name]["per_customer"] <= report[name]["high"]
    assert report["warnings"] == []
    effect = report["updated_effect"]
    assert effect["conversion_spread"] < 0.3
    assert min(0.5, effect["measured_points"]) <= effect["conversion_points"] <= max(0.5, effect["measured_points"])
    early = json.loads(shop.run("campaign", "report", "spring", "--as-of", "2023-11-20"))
    assert early["interval"].startswith("sequential")
    assert early["updated_effect"] is None


def test_a_result_is_learned_and_taken_back(shop: Shop) -> None:
    effect = json.loads(shop.run("campaign", "report", "spring"))["updated_effect"]
    told = shop.run("campaign", "learn", "spring")
    assert f"now {effect['conversion_points']:.2f} ± {effect['conversion_spread']:.2f}" in told
    assert json.loads(shop.run("campaign", "report", "spring"))["updated_effect"] == effect, "joined twice"
    assert "learned already" in shop.run("campaign", "learn", "spring", status=2)
    file = shop.folder / "data" / "learned-effects.toml"
    measured = file.read_text().replace(f"measured_spread = {effect['measured_spread']}", "measured_spread = 0.01")
    file.write_text(measured.replace(f"measured_points = {effect['measured_points']}", "measured_points = 30"))
    shop.run("actions", "--output", "actions.csv")
    assert ",measured," in (shop.folder / "actions.csv").read_text().replace('"', "")
    assert "win_back_campaign" in shop.run("campaign", "unlearn", "spring")
    shop.run("actions", "--output", "actions.csv")
    assert ",measured," not in (shop.folder / "actions.csv").read_text().replace('"', "")


def test_a_rule_chooses_and_recent_contacts_are_left_out(shop: Shop) -> None:
    rule = ("--rule", "net_revenue > 0 and days_since_order >= 30", "--as-of", "2023-09-01")
    create = ("campaign", "create", "autumn", "--action", "check_in", *rule, "--treated", "autumn.csv")
    assert "orders" in shop.run(*create[:5], "--rule", "weather == 1", status=2)
    rows = [f"{customer},{day},email" for customer, day in (("user_123", "2023-08-30"), ("nobody", "2023-08-30"))]
    (shop.folder / "contacts.csv").write_text("\n".join(["customer_id,contacted_on,channel", *rows]))
    assert "2 contacts, 2 of them new" in shop.run("campaign", "contacts", "contacts.csv")
    assert "2 contacts, 0 of them new" in shop.run("campaign", "contacts", "contacts.csv")
    assert "1 contacted a few days ago" in shop.run(*create)
    assert "user_123" not in ids_in(shop.folder / "autumn.csv")
    assert "net_revenue > 0" in shop.run("campaign", "list")
    (shop.folder / "contacts.csv").write_text("customer_id,contacted_on\nx,yesterday\n")
    assert "line 2: contacted_on must be a date" in shop.run("campaign", "contacts", "contacts.csv", status=2)
    shop.run("campaign", "remove", "autumn")


def test_names_are_told_and_kept_apart(shop: Shop) -> None:
    assert "spring: win_back_campaign, 2023-11-01 to 2023-12-01, for segment low_value or" in shop.run(
        "campaign", "list"
    )
    assert "not one of spring" in shop.run("campaign", "report", "summer", status=2)
    assert "one of personal_outreach" in shop.run("campaign", "create", "x", "--action", "dance", status=2)


def test_a_forgotten_customer_is_in_no_campaign(shop: Shop) -> None:
    file = CampaignFile(shop.folder / "data" / "campaigns.sqlite")
    customer = file.members("spring")[0].customer_id
    assert file.forget_customer(customer) == (1, 0)
    assert customer not in {member.customer_id for member in file.members("spring")}
    assert file.forget_customer(customer) == (0, 0)
    with pytest.raises(InvalidParameter, match="already"):
        file.add(file.campaign("spring"), [])
