"""All that is said about a customer follows from one decision: all customers of a shop are asked all questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from tests.conftest import Shop

from customer_revenue.choices import ForecastUnit
from customer_revenue.settings import load_settings
from customer_revenue.workflows.customers.advice import Advisor
from customer_revenue.workflows.customers.answers import Answers

DISCOUNT = re.compile(r"(?<!no )(?<!without )\b(?:discount|exclusive offer|promotion)|% off", re.IGNORECASE)
BELIEVED = """
[effects.discount]
conversion_points = 30
conversion_spread = 3
basis = "measured"
"""


@pytest.fixture(scope="module", params=["", BELIEVED], ids=["packaged", "discounts_measured"])
def answers(
    request: pytest.FixtureRequest, trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Answers]:
    policy = tmp_path_factory.mktemp("policy") / "policy.toml"
    policy.write_text(request.param)
    folder = trained_shop.folder
    settings = load_settings(
        store=f"duckdb:///{folder}/data/orders.duckdb",
        models=folder / "models",
        policy=policy,
        keys=folder / "keys.json",
    )
    opened = Answers.open(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def customers(answers: Answers) -> list[dict[str, Any]]:
    ids = answers.base().store.fetch(answers.base().customers.select("customer_id"))["customer_id"].to_pylist()
    return cast("list[dict[str, Any]]", answers.batch(ids)["customers"])


def test_actions_and_offer_of_every_customer_agree(customers: list[dict[str, Any]]) -> None:
    given = 0
    for customer in customers:
        predictions = customer["predictions"]
        (action,), offer = predictions["actions"], predictions["offer"]
        first, *parts = predictions["recommended_actions"]
        assert first == action["text"]
        acts = action["code"] != "leave_alone"
        product = [f"About {action['product_name']}"] if action["product_id"] else []
        assert parts == ([*product, f"By {action['channel']} on {action['contact_on']}"] if acts else [])
        assert (action["product_id"] is None) == (action["product_name"] is None)
        assert action["discount_percentage"] == offer["discount_percentage"]
        assert (action["expected_value_cents"], action["basis"]) == (
            offer["expected_profit_cents"],
            offer["profit_basis"],
        )
        assert bool(DISCOUNT.search(action["text"])) == (offer["discount_percentage"] > 0)
        assert bool(DISCOUNT.search(offer["message"])) == (offer["discount_percentage"] > 0)
        assert offer["expected_profit_low_cents"] <= offer["expected_profit_cents"]
        if action["code"] == "leave_alone":
            assert offer["expected_gain_cents"] == offer["expected_cost_cents"] == 0
        if offer["discount_percentage"]:
            given += 1
            assert predictions["next_purchase_probability"] < 0.6
            assert "Welcome" not in offer["message"] or customer["lifecycle_stage"] in ("new", "active")
    assert given < len(customers)


def test_no_more_is_promised_than_the_policy_allows(answers: Answers, customers: list[dict[str, Any]]) -> None:
    offers = [customer["predictions"]["offer"] for customer in customers]
    unmeasured = sum(offer["expected_gain_cents"] for offer in offers if offer["profit_basis"] != "measured")
    month = sum(customer["predictions"]["expected_revenue_cents"] * 30 / 365 for customer in customers)
    assert 0 < unmeasured <= 0.05 * month
    scales = {customer["predictions"]["actions"][0]["effect_scale"] for customer in customers}
    assert scales == {round(answers.base().decisions.terms.scale, 4)}


def test_advice_and_lists_are_the_same_decision(answers: Answers, customers: list[dict[str, Any]]) -> None:
    listed = {row["customer_id"]: row for row in answers.base().action_rows(10**6, 0).to_pylist()}
    acted = {row["customer_id"] for row in customers if row["predictions"]["actions"][0]["code"] != "leave_alone"}
    assert set(listed) == acted
    for customer in customers[::25]:
        predictions = customer["predictions"]
        (action,) = predictions["actions"]
        name = customer["customer_id"]
        assert answers.advice(name, Advisor.actions)["actions"] == [action]
        assert answers.advice(name, Advisor.offer)["offer"] == predictions["offer"]
        advice = cast("dict[str, Any]", answers.advice(name, Advisor.retention)["retention"])
        strategy = advice["strategy"]
        assert (strategy == action["text"]) or action["code"] != "leave_alone"
        assert not re.search("offer|discount", strategy) or predictions["offer"]["discount_percentage"]
        if name in listed:
            assert {key: listed[name][key] for key in action} == action


def test_known_costs_count_where_other_lines_have_none(trained_shop: Shop, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[margin.by_product]\npremium_plan = 95\n")
    folder = trained_shop.folder
    settings = load_settings(store=f"duckdb:///{folder}/data/orders.duckdb", models=folder / "models", policy=policy)
    with closing(Answers.open(settings)) as answers:
        base = answers.base()
        rate, terms = base.reports.margin, base.decisions.terms
        predicted = cast("dict[str, Any]", answers.customer("user_123")["predictions"])
        own = answers.advice("user_123", lambda advisor, situation: advisor.forecast(situation, 3))
        forecasts = [own, base.forecast(3, ForecastUnit.MONTH)]
    assert rate.basis == "partly_assumed"
    assert rate.percent > 40
    assert (terms.margin, terms.margin_basis) == (rate.share, rate.basis)
    for body in (predicted, *forecasts):
        assert (body["margin_percent"], body["margin_basis"]) == (rate.percent, rate.basis)
