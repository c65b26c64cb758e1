"""What to do: on the command line; over HTTP the answers are the same."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SIMULATED_CUSTOMERS, Shop


def advice(shop: Shop, about: str, *options: str, user_id: str = "user_123") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(shop.run("advise", user_id, "--about", about, *options))
    return answer


def test_actions_stand_in_the_complete_answer_too(trained_shop: Shop) -> None:
    answer = advice(trained_shop, "actions")
    predictions = trained_shop.show("user_123")["predictions"]
    assert answer["actions"] == predictions["actions"]
    assert answer["recommended_actions"] == predictions["recommended_actions"]
    assert answer["actions"] == predictions["actions"]
    assert answer["recommended_actions"][0] == answer["actions"][0]["text"]
    assert {"code", "text", "reason", "priority", "expected_value_cents"} <= set(answer["actions"][0])


def test_an_offer_has_the_specified_fields(trained_shop: Shop) -> None:
    offer = advice(trained_shop, "offer")["offer"]
    assert list(offer)[:3] == ["offer_type", "discount_percentage", "message"]
    assert offer == trained_shop.show("user_123")["predictions"]["offer"]


def test_retention_is_keyed_by_segment_and_situation(trained_shop: Shop) -> None:
    found = advice(trained_shop, "retention")["retention"]
    assert found["strategy_key"] == "high_value_active"
    assert found["treatment"] == "Priority support, exclusive offers"
    assert found["focus"] == "Engagement and upselling"


def test_upsell_names_the_next_segment(trained_shop: Shop) -> None:
    for row in advice(trained_shop, "upsell")["opportunities"]:
        assert {"type", "potential_revenue", "probability"} <= row.keys()
        assert 0 <= row["probability"] <= 1


@pytest.mark.parametrize("months", [1, 12])
def test_a_forecast_comes_month_by_month(trained_shop: Shop, months: int) -> None:
    answer = advice(trained_shop, "forecast", "--months", str(months))
    assert len(answer["path"]) == months
    assert {"predicted_monthly_revenue", "predicted_annual_revenue", "confidence_score", "factors"} <= answer.keys()
    assert set(answer["factors"]) == {"purchase_frequency", "trend", "seasonality"}
    rows = answer["path"]
    assert all(row["revenue_low_cents"] <= row["revenue_high_cents"] for row in rows)


def test_the_base_forecast_is_the_sum_of_the_customers(trained_shop: Shop, tmp_path: Path) -> None:
    total = json.loads(trained_shop.run("forecast", "--months", "3"))
    assert len(total["path"]) == 3
    one = advice(trained_shop, "forecast", "--months", "3")
    assert one["path"][0]["expected_revenue_cents"] < total["path"][0]["expected_revenue_cents"]


def test_the_most_valuable_actions_make_a_file(trained_shop: Shop, tmp_path: Path) -> None:
    trained_shop.run("actions", "--limit", "20", "--output", str(tmp_path / "actions.csv"))
    with (tmp_path / "actions.csv").open() as file:
        rows = list(csv.DictReader(file))
    values = [int(row["expected_value_cents"]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert 0 < len(rows) <= 20
    assert {"customer_id", "customer_name", "customer_email", "code", "reason"} <= rows[0].keys()
    assert len({row["customer_id"] for row in rows}) <= SIMULATED_CUSTOMERS + 1


def test_a_wrong_word_is_told_the_right_ones(trained_shop: Shop) -> None:
    assert "retention" in trained_shop.run("advise", "user_123", "--about", "weather", status=2)


class TestPolicy:
    """The marketer's own file."""

    def test_a_text_is_the_marketers_own(self, trained_shop: Shop, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text('[lifecycle.focus]\nactive = "Say thank you"\n')
        shop = Shop(trained_shop.folder, {**trained_shop.environment, "CUSTOMER_REVENUE_POLICY": str(policy)})
        assert advice(shop, "retention")["retention"]["focus"] == "Say thank you"

    def test_a_broken_rule_is_named_by_line(self, trained_shop: Shop, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text("[activity]\nhighly_active_up_to_days = 30\nactiv_up_to_days = 60\n")
        shop = Shop(trained_shop.folder, {**trained_shop.environment, "CUSTOMER_REVENUE_POLICY": str(policy)})
        text = shop.run("show", "user_123", status=2)
        assert "line 3" in text
        assert "activ_up_to_days" in text
