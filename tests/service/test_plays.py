"""What the page plans from: plays, changes, alarms and the one list of customers."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, in_process

DAY = "2023-11-01"


@pytest.fixture(scope="module")
def planned(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("plays") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    (folder / "data" / "campaigns.sqlite").unlink(missing_ok=True)
    with in_process(Shop(folder, trained_shop.environment)) as service:
        yield service


def test_plays_add_up_to_the_decisions(planned: Service) -> None:
    answer = planned.get("/dashboard/plays").json()
    plays, total = answer["plays"], answer["total"]
    listed = planned.get("/actions", limit="1000").json()["actions"]
    for play in plays:
        own = [row for row in listed if row["code"] == play["code"]]
        assert play["customers"] == len(own)
        assert play["profit_cents"] == pytest.approx(sum(row["expected_value_cents"] for row in own), abs=len(own))
        assert sum(play["segments"].values()) == play["customers"]
        assert play["profit_low_cents"] < play["profit_cents"] < play["profit_high_cents"]
    assert total["customers"] == len(listed)
    assert answer["customers_considered"] == total["customers"] + answer["customers_left_alone"]
    assert [play["profit_cents"] for play in plays] == sorted((play["profit_cents"] for play in plays), reverse=True)


def test_the_range_of_the_total_adds_what_rests_on_one_effect(planned: Service) -> None:
    answer = planned.get("/dashboard/plays").json()
    by_effect: dict[str, float] = {}
    for play in answer["plays"]:
        by_effect[play["effect"]] = by_effect.get(play["effect"], 0) + play["profit_high_cents"] - play["profit_cents"]
    together = sum(width**2 for width in by_effect.values()) ** 0.5
    total = answer["total"]
    assert total["profit_high_cents"] - total["profit_cents"] == pytest.approx(together, abs=1)
    assert max(by_effect.values()) <= together + 1 <= sum(by_effect.values()) + 2


def test_one_play_shows_whom_and_what_a_hold_out_finds(planned: Service) -> None:
    first = planned.get("/dashboard/plays").json()["plays"][0]
    answer = planned.get(f"/dashboard/plays/{first['code']}").json()
    assert answer["play"] == first
    assert {row["code"] for row in answer["preview"]} == {first["code"]}
    values = [row["expected_value_cents"] for row in answer["preview"]]
    assert values == sorted(values, reverse=True)
    found = [one["detectable_points"] for one in answer["hold_outs"]]
    assert found == sorted(found, reverse=True), "half held out finds the smallest differences"
    for one in answer["hold_outs"]:
        assert one["treated"] + one["held_out"] == first["customers"]
    assert planned.get("/dashboard/plays/dance").status_code == 404


def test_who_is_in_a_campaign_is_left_out_of_the_plays(planned: Service) -> None:
    before = {play["code"]: play for play in planned.get("/dashboard/plays", as_of=DAY).json()["plays"]}
    code = max(before, key=lambda name: before[name]["customers"])
    made = planned.client.post(
        "/api/payment/analytics/campaigns", json={"name": "autumn", "action": code, "as_of": DAY, "hold_out": 0.2}
    )
    assert made.status_code == 200, made.text
    after = {play["code"]: play for play in planned.get("/dashboard/plays", as_of=DAY).json()["plays"]}[code]
    assert after["customers"] == 0
    assert sum(after["left_out"].values()) == before[code]["customers"]
    assert (after["profit_cents"], after["customers_needed"]) == (0, None)


def test_changes_are_those_of_the_days_and_of_as_many_before(planned: Service) -> None:
    answer = planned.get("/dashboard/changes", since="2023-11-15").json()
    assert (answer["days"], answer["first_day"], answer["last_day"]) == (30, "2023-11-16", "2023-12-15")
    months = planned.get("/dashboard/changes", since="2022-12-15").json()
    assert months["before"] is None
    assert months["now"]["net_revenue_cents"] == months["now"]["revenue_cents"] - months["now"]["refunds_cents"]
    earlier = planned.get("/dashboard/changes", since="2023-10-16", as_of="2023-11-15").json()
    for name in ("orders", "revenue_cents", "new_customers"):
        assert answer["before"][name] == earlier["now"][name], name
    assert planned.get("/dashboard/changes", since="2024-01-01").status_code == 422


def test_alarms_name_every_check_of_the_feed(planned: Service) -> None:
    answer = planned.get("/dashboard/alarms").json()
    assert {"day_missing", "amounts_changed"} <= {one["name"] for one in answer["feed"]}
    assert answer["model"] == {"problem": None, "warning": None}


def test_conditions_narrow_the_one_list(planned: Service) -> None:
    def listed(**conditions: str) -> list[dict[str, object]]:
        answer = planned.get("/dashboard/customers", limit="1000", **conditions)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["customers"]) == answer.json()["total"]
        return list(answer.json()["customers"])

    everybody = listed()
    cases = {
        "status": ("lost", lambda row: row["customer_status"] == "lost"),
        "stage": ("churned", lambda row: row["lifecycle_stage"] == "churned"),
        "decision": ("leave_alone", lambda row: row["decision"] == "leave_alone"),
        "first_month": ("2023-03", lambda row: str(row["first_purchase_date"]).startswith("2023-03")),
        "net_from": ("50000", lambda row: row["net_revenue_cents"] >= 50_000),
        "risk_from": ("0.8", lambda row: row["churn_risk_score"] >= 0.8),
        "silent_from": ("100", lambda row: row["days_since_purchase"] >= 100),
        "search": ("C27", lambda row: "c27" in row["customer_id"].lower()),
    }
    for name, (value, holds) in cases.items():
        found = listed(**{name: value})
        assert 0 < len(found) < len(everybody), name
        assert {row["customer_id"] for row in found} == {row["customer_id"] for row in everybody if holds(row)}, name
    cells = planned.get("/dashboard/overview", part="charts").json()["rfm"]["cells"]
    cell = max(cells, key=lambda one: one["customers"])
    scores = {"recency": str(cell["recency_score"]), "frequency": str(cell["frequency_score"])}
    assert len(listed(**scores)) == cell["customers"]


def test_a_file_has_every_customer_of_the_list(planned: Service) -> None:
    asked = {"decision": "leave_alone", "sort": "net_revenue_cents"}
    total = planned.get("/dashboard/customers", limit="1", **asked).json()["total"]
    text = planned.get("/dashboard/customers", format="csv", **asked).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == total
    assert {row["decision"] for row in rows} == {"leave_alone"}
