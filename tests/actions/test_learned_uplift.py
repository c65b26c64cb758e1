"""Learned uplift: used where choosing by it surely earns more than every simple rule, refused where it does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.simulated_campaigns import EFFECTS, simulated_campaign

import customer_revenue as cr
from customer_revenue.actions.decide import decide, promise_scale
from customer_revenue.actions.learned_uplift import CrossFitted, fit_uplift, flat_trees, uplift_of
from customer_revenue.actions.situations import Situations
from customer_revenue.errors import InvalidPolicy
from customer_revenue.policy import (
    LearnedEffect,
    UpliftTrees,
    believed_of,
    load_policy,
    read_learned,
    with_learned,
    written_learned,
)
from customer_revenue.workflows.campaigns.campaign_file import Campaign, CampaignFile
from customer_revenue.workflows.campaigns.campaign_report import campaign_report, uplift_to_learn
from customer_revenue.workflows.campaigns.campaign_uplift import uplift_features, uplift_report, uplift_trees
from customer_revenue.workflows.campaigns.learn_effect import learn_effect

if TYPE_CHECKING:
    from tests.actions.conftest import Tables

DAY = dt.date(2024, 3, 31)
LAPSED: dict[str, Any] = {
    "days_since_purchase": 100,
    "lifecycle_stage": "at_risk",
    "customer_segment": "medium_value",
    "next_purchase_probability": 0.04,
    "expected_purchases": 1.0,
    "expected_net_revenue_cents": 20_000.0,
}
# Of those with a chance to buy up to 1/2 and a persuadable share up to .6 it loses 5 dollars, of others it brings 2.
TREES = UpliftTrees(
    roots=(0, 3),
    column=(1, -1, -1, -1),
    threshold=(0.6, 0.0, 0.0, 0.0),
    left=(1, -1, -1, -1),
    right=(2, -1, -1, -1),
    value=(0.0, -600.0, 100.0, 100.0),
)


def report_of(effect: str, customers: int, seed: int = 1) -> dict[str, Any]:
    return cast("dict[str, Any]", uplift_report(*simulated_campaign(EFFECTS[effect], customers, seed)))


def test_an_effect_on_some_is_found_and_used() -> None:
    report = report_of("half are moved, others put off", 12_000)
    figures = report["figures"]
    assert report["used"]
    assert report["verdict"].startswith("used: choosing by the learned effect earns +")
    assert 35 < figures["contacted_percent"] < 75
    assert all(advantage["low"] > 0 for advantage in figures["advantage_cents"].values())
    assert figures["qini_cents"]["low"] > 0
    assert figures["value_cents"]["nobody"] == {"mean": 0, "low": 0, "high": 0}
    learned, best = (figures["value_cents"][rule]["mean"] for rule in ("learned", figures["best_simple_rule"]))
    assert figures["advantage_cents"][figures["best_simple_rule"]]["mean"] == pytest.approx(learned - best, abs=1e-3)


@pytest.mark.parametrize("effect", ["no effect", "much for all"])
def test_an_effect_that_is_the_same_for_all_is_refused(effect: str) -> None:
    report = report_of(effect, 6_000)
    assert not report["used"]
    assert report["verdict"].startswith("not used: ")
    assert report["verdict"].endswith("which is not better beyond chance")
    assert any(advantage["low"] <= 0 for advantage in report["figures"]["advantage_cents"].values())


def test_a_small_campaign_learns_nothing_and_says_so() -> None:
    report = report_of("half are moved, others put off", 1_500)
    assert report["figures"] is None
    assert not report["used"]
    assert "1,000 are needed to learn" in report["verdict"]


def test_the_value_is_what_the_choice_would_have_earned() -> None:
    """Scores have the truth as their mean, whoever is chosen."""
    members, profit = simulated_campaign(EFFECTS["much for all"], 5_000, 1)
    found = CrossFitted.of(uplift_features(members), profit, np.array([member.treated for member in members]), 1)
    everybody = found.value(np.ones(5_000, np.bool_))
    assert everybody.low < 0.1 * 0.4 * np.exp(8.5 + 0.125) - 60 < everybody.high
    half = np.arange(5_000) % 2 == 0
    assert found.value(half).mean + found.value(~half).mean == pytest.approx(everybody.mean)
    assert found.value(half, half).mean == 0
    assert found.qini.mean == pytest.approx(found.auuc.mean - everybody.mean / 2)


def test_trees_as_numbers_are_the_model() -> None:
    members, profit = simulated_campaign(EFFECTS["half are moved, others put off"], 5_000, 2)
    features, treated = uplift_features(members), np.array([member.treated for member in members])
    model = fit_uplift(features, profit, treated, np.random.default_rng(1), float(treated.mean()))
    assert uplift_of(flat_trees(model), features) == pytest.approx(np.asarray(model.predict(features)), abs=0.01)
    own = uplift_of(uplift_trees(members, profit), np.array([[0.1, 0.9, 500.0], [0.1, 0.4, 500.0]]))
    assert own[0] > 0 > own[1]


def record(uplift: UpliftTrees | None) -> LearnedEffect:
    return LearnedEffect(
        campaign="march",
        action="retention_campaign",
        measured_points=2.0,
        measured_spread=0.1,
        started_on=dt.date(2024, 3, 1),
        measured_on=DAY,
        learned_on=DAY,
        uplift=uplift,
    )


def test_what_was_learned_is_kept_and_read(tmp_path: Path) -> None:
    path = tmp_path / "learned.toml"
    records = [record(TREES), record(None).model_copy(update={"campaign": "april"})]
    path.write_text(written_learned(records), "utf-8")
    assert read_learned(path) == records
    path.write_text(written_learned(records).replace("left = (1,", "left = (0,").replace("left = [1,", "left = [0,"))
    with pytest.raises(InvalidPolicy, match="a next node has to come later"):
        read_learned(path)


def test_decisions_follow_what_was_learned(customers_of: Callable[..., Tables]) -> None:
    customers = ({**LAPSED, "probability_alive": 0.9}, {**LAPSED, "probability_alive": 0.55})
    situations = Situations.of(*customers_of(*customers))
    assert (situations.persuadable > 0.6).tolist() == [True, False]
    alike, learned = (with_learned(load_policy(), [record(trees)]) for trees in (None, TREES))
    assert decide(situations, alike).acts.all()
    found = decide(situations, learned)
    codes = [rule.code for rule in learned.actions.rules]
    assert found.profit_cents[0] == pytest.approx(200.0)
    assert codes[found.rule[0]] == "retention_campaign"
    assert found.rule[1] < 0 or codes[found.rule[1]] != "retention_campaign"
    assert promise_scale(situations, learned) == 1.0


@pytest.mark.parametrize(("effect", "used"), [("half are moved, others put off", True), ("much for all", False)])
def test_a_finished_campaign_is_learned_with_its_trees_only_where_they_earn_more(
    tmp_path: Path, effect: str, used: bool
) -> None:
    members, profit = simulated_campaign(EFFECTS[effect], 12_000, 1)
    campaign = Campaign("march", "retention_campaign", dt.date(2024, 3, 1), 30, 0.3, 60, 0.0, 0.4)
    cost = np.array([60.0 * member.treated for member in members])
    bought = [(member, cents) for member, cents in zip(members, (profit + cost) / 0.4, strict=True) if cents > 1]
    orders = pa.table(
        {
            "order_id": [f"o{place}" for place in range(len(bought))],
            "user_id": [member.customer_id for member, _ in bought],
            "created_at": ["2024-03-10"] * len(bought),
            "total": [f"{cents / 100:.2f}" for _, cents in bought],
            "status": ["paid"] * len(bought),
        }
    )
    file, learned = CampaignFile(tmp_path / "campaigns.sqlite"), tmp_path / "learned.toml"
    file.add(campaign, members)
    with cr.load_orders(orders.to_pandas(), as_of="2024-04-15") as shop:
        store, policy = shop.store, load_policy()
        running = campaign_report(store, policy, file, "march", store.as_of(dt.date(2024, 3, 20)))
        assert running["learned_uplift"] is None
        assert uplift_to_learn(store, policy, file, running) is None
        report = campaign_report(store, policy, file, "march", store.as_of(None))
        assert cast("dict[str, Any]", report["learned_uplift"])["used"] is used
        record = learn_effect(learned, campaign, report, uplift_to_learn(store, policy, file, report))
    assert (record.uplift is not None) is used
    after = load_policy(None, learned)
    (rule,) = (rule for rule in after.actions.rules if rule.code == record.action)
    assert believed_of(rule, after).uplift == record.uplift
    if record.uplift is not None:
        own = uplift_of(record.uplift, uplift_features(members))
        moved = np.array([member.persuadable > 2 / 3 for member in members])
        assert own[moved].mean() > 100 > 0 > own[~moved].mean()
