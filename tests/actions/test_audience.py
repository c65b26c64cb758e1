"""Audiences by rule, and who of them is left out."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from customer_revenue.actions.audience_rule import MAX_RULE_LENGTH, AudienceRule
from customer_revenue.arrays import Floats, Texts
from customer_revenue.errors import InvalidParameter
from customer_revenue.workflows.campaigns.audience import Audience
from customer_revenue.workflows.campaigns.campaign_file import Campaign, CampaignFile, Member
from customer_revenue.workflows.campaigns.contact_log import Contact

WORDS = {"segment": ["whale", "low_value"], "rfm_group": ["Champions", "At Risk"]}
COLUMNS: dict[str, Floats | Texts] = {
    "net_revenue": np.array([10.0, 200.0, 3000.0]),
    "churn_risk": np.array([0.9, 0.5, 0.1]),
    "segment": np.array(["low_value", "low_value", "whale"], np.object_),
    "rfm_group": np.array(["At Risk", "Champions", "Champions"], np.object_),
}
DAY = dt.date(2024, 5, 31)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("net_revenue >= 200", [False, True, True]),
        ("200 <= net_revenue", [False, True, True]),
        ("10 < net_revenue < 3000", [False, True, False]),
        ("net_revenue > -1 and not churn_risk > .5", [False, True, True]),
        ("churn_risk > 0.8 or segment == whale", [True, False, True]),
        ('rfm_group in ("At Risk", "Champions")', [True, True, True]),
        ('rfm_group not in ("At Risk")', [False, True, True]),
        ('"whale" != segment', [True, True, False]),
        (" churn_risk == 0.5 ", [False, True, False]),
    ],
)
def test_rules_choose(rule: str, expected: list[bool]) -> None:
    assert AudienceRule.parse(rule, WORDS).condition(COLUMNS).tolist() == expected


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "net_revenue",
        "net_revenue >",
        "net_revenue > 'x'",
        "net_revenue > True",
        "net_revenue > churn_risk",
        "net_revenue in (1, 2)",
        "segment < whale",
        "segment == 'wahle'",
        "__import__('os').system('true') == 1",
        "net_revenue.real > 1",
        "net_revenue + 1 > 1",
        "[x for x in (1,)] == 1",
        "1 < 2",
        "net_revenue > 1; churn_risk > 1",
        "1 = 1 or net_revenue > 0 -- ",
        "not " * 120 + "x",
        "(" * 240 + ")" * 240,
        "net_revenue > 1\x00",
        "net_revenue > 1".ljust(MAX_RULE_LENGTH + 1) + "0",
    ],
)
def test_everything_else_is_refused_in_one_line(rule: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^rule: ") as caught:
        AudienceRule.parse(rule, WORDS)
    assert "\n" not in caught.value.message


def campaign(name: str, started_on: dt.date = DAY, days: int = 30) -> Campaign:
    return Campaign(name, "check_in", started_on, days, 0.5, 0, 0.0, 0.3, "everybody")


def member(customer: str, *, treated: bool = True) -> Member:
    return Member(customer, treated, "whale", 0.5, 0.2, 100.0)


@pytest.fixture
def file(tmp_path: Path) -> CampaignFile:
    return CampaignFile(tmp_path / "data" / "campaigns.sqlite")


def test_contacts_are_of_the_log_and_of_campaigns(file: CampaignFile) -> None:
    assert file.contact_days(DAY, 30) == {}
    seen = [Contact("a", DAY), Contact("a", DAY, "email"), Contact("a", dt.date(2024, 5, 1)), Contact("b", DAY)]
    assert file.add_contacts(seen) == 4
    assert file.add_contacts(seen) == 0
    file.add(campaign("spring", dt.date(2024, 5, 20)), [member("b"), member("c", treated=False)])
    days = file.contact_days(DAY, 20)
    assert {one: sorted(found) for one, found in days.items()} == {"a": [DAY], "b": [dt.date(2024, 5, 20), DAY]}
    assert "a" not in file.contact_days(dt.date(2024, 5, 30), 20), "what came later is not known yet"


def test_a_customer_joins_one_running_campaign_whoever_is_faster(file: CampaignFile) -> None:
    file.add(campaign("first"), [member("a")])
    with pytest.raises(InvalidParameter, match="another campaign"):
        file.add(campaign("second"), [member("b"), member("a", treated=False)])
    assert [one.name for one in file.campaigns()] == ["first"]
    assert file.members("second") == []
    file.add(campaign("later", dt.date(2024, 7, 1)), [member("a")])


@pytest.mark.parametrize("name", ["", "a/b", "-x", "x" * 64, "a\n"])
def test_names_are_plain(file: CampaignFile, name: str) -> None:
    with pytest.raises(InvalidParameter, match="letters"):
        file.add(campaign(name), [])


def test_the_forgotten_are_in_no_contact_log(file: CampaignFile) -> None:
    file.add_contacts([Contact("a", DAY), Contact("b", DAY)])
    assert file.forget_customer("a") == (0, 1)
    assert set(file.contact_days(DAY, 5)) == {"b"}


def test_files_from_before_audiences_were_kept_are_read(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.sqlite"
    with sqlite3.connect(path) as old:
        old.execute(
            "CREATE TABLE campaigns (name TEXT PRIMARY KEY, action TEXT NOT NULL, started_on TEXT NOT NULL,"
            " days INTEGER NOT NULL, hold_out REAL NOT NULL, cost_cents INTEGER NOT NULL, discount REAL NOT NULL,"
            " margin REAL NOT NULL) STRICT"
        )
        old.execute("INSERT INTO campaigns VALUES ('old', 'check_in', '2024-05-01', 30, 0.2, 0, 0, 0.3)")
    old.close()
    file = CampaignFile(path)
    assert (file.campaign("old").audience, file.campaign("old").margin) == ("", 0.3)
    file.add(campaign("new"), [member("a")])
    assert file.campaign("new").audience == "everybody"


def test_an_audience_is_told_in_words() -> None:
    assert Audience().described("check_in") == "decision check_in"
    audience = Audience(("whale", "vip"), ["a"], "orders > 1")
    assert audience.described("check_in") == "segment whale or vip, and a list of 1 customers, and orders > 1"
