"""What campaigns measured, joined with what the policy believes, and taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from customer_revenue.actions.decide import promise_scale
from customer_revenue.actions.recommend import recommend
from customer_revenue.actions.situations import Situations
from customer_revenue.errors import InvalidParameter, InvalidPolicy
from customer_revenue.policy import Effect, LearnedEffect, joined, load_policy, read_learned, written_learned
from customer_revenue.workflows.campaigns.campaign_file import Campaign
from customer_revenue.workflows.campaigns.learn_effect import learn_effect, unlearn_effect

if TYPE_CHECKING:
    from tests.actions.conftest import Tables

BEGIN, END = dt.date(2024, 3, 1), dt.date(2024, 3, 31)
BELIEVED = Effect(conversion_points=0.5, conversion_spread=0.3, basis="published", source="elsewhere")
LAPSED: dict[str, Any] = {
    "days_since_purchase": 100,
    "lifecycle_stage": "at_risk",
    "customer_segment": "medium_value",
    "next_purchase_probability": 0.04,
    "probability_alive": 0.8,
    "expected_purchases": 1.0,
    "expected_net_revenue_cents": 20_000.0,
}


def record(points: float = 2.0, spread: float = 0.1, campaign: str = "march") -> LearnedEffect:
    return LearnedEffect(
        campaign=campaign,
        action="retention_campaign",
        measured_points=points,
        measured_spread=spread,
        started_on=BEGIN,
        measured_on=END,
        learned_on=END,
    )


def campaign(name: str = "march") -> Campaign:
    return Campaign(name, "retention_campaign", BEGIN, 30, 0.5, 1, 0.0, 0.4)


def report(points: float = 2.0, spread: float = 0.1, warnings: list[str] | None = None) -> dict[str, object]:
    return {
        "updated_effect": {"measured_points": points, "measured_spread": spread},
        "warnings": warnings or [],
    }


def test_both_are_weighed_by_their_precision() -> None:
    found = joined(BELIEVED, [record(2.0, 0.1)])
    weight = 0.1**-2 / (0.1**-2 + 0.3**-2)
    assert found.conversion_points == pytest.approx(weight * 2 + (1 - weight) * 0.5)
    assert found.conversion_spread == pytest.approx((0.1**-2 + 0.3**-2) ** -0.5)
    assert (found.basis, found.measured_on) == ("measured", END)
    assert found.source == "Campaign march (2024-03-01 to 2024-03-31)"


def test_a_small_campaign_moves_little_and_is_not_called_measured() -> None:
    found = joined(BELIEVED, [record(20.0, 5.0)])
    assert found.conversion_points == pytest.approx(0.57, abs=0.005)
    assert (found.basis, found.measured_on) == ("published", None)
    assert found.source.startswith("elsewhere; campaign march")


def test_the_order_of_campaigns_does_not_matter() -> None:
    one, other = record(2.0, 0.2), record(-1.0, 0.4, "april")
    both = joined(BELIEVED, [one, other])
    again = joined(joined(BELIEVED, [other]), [one])
    assert both.conversion_points == pytest.approx(again.conversion_points)
    assert both.conversion_spread == pytest.approx(again.conversion_spread)


def test_decisions_say_measured_here_and_nothing_else_changes(
    customers_of: Callable[..., Tables], tmp_path: Path
) -> None:
    path = tmp_path / "data" / "learned.toml"
    before = load_policy(None, path)
    learn_effect(path, campaign(), report())
    after, situations = load_policy(None, path), Situations.of(*customers_of(LAPSED))
    (old,), (new,) = recommend(situations, before), recommend(situations, after)
    assert (old["code"], old["basis"]) == ("retention_campaign", "published")
    assert (new["code"], new["basis"]) == ("retention_campaign", "measured")
    assert new["changes_if"].endswith("is measured here")
    assert new["expected_value_cents"] > 3 * old["expected_value_cents"]
    assert promise_scale(situations, after) == 1.0
    others = [rule.code for rule in before.actions.rules if rule.code != "retention_campaign"]
    assert [rule.effect for rule in before.actions.rules if rule.code in others] == [
        rule.effect for rule in after.actions.rules if rule.code in others
    ]
    assert load_policy(None, path, without="march") == before
    unlearn_effect(path, "march")
    assert load_policy(None, path) == before


def test_records_are_kept_with_their_days_and_once(tmp_path: Path) -> None:
    path = tmp_path / "learned.toml"
    learned = learn_effect(path, campaign(), report(-1.5, 0.25))
    assert read_learned(path) == [learned]
    assert (learned.started_on, learned.measured_on) == (BEGIN, END)
    assert "measured_points = -1.5\n" in path.read_text()
    with pytest.raises(InvalidParameter, match="already"):
        learn_effect(path, campaign(), report())
    learn_effect(path, campaign("april"), report())
    assert [one.campaign for one in read_learned(path)] == ["march", "april"]
    unlearn_effect(path, "march")
    assert [one.campaign for one in read_learned(path)] == ["april"]
    with pytest.raises(InvalidParameter, match="learned: april"):
        unlearn_effect(path, "march")


def test_nothing_is_learned_before_the_end_or_from_a_split_that_is_not_random(tmp_path: Path) -> None:
    path = tmp_path / "learned.toml"
    with pytest.raises(InvalidParameter, match="no result before 2024-03-31"):
        learn_effect(path, campaign(), {"updated_effect": None, "warnings": []})
    with pytest.raises(InvalidParameter, match="not a random split"):
        learn_effect(path, campaign(), report(warnings=["not a random split"]))
    assert not path.exists()


def test_texts_are_written_as_they_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "learned.toml"
    odd = record().model_copy(update={"action": 'so "called"\\ \n ä'})
    path.write_text(written_learned([odd, record()]), "utf-8")
    assert read_learned(path) == [odd, record()]


@pytest.mark.parametrize(
    "text",
    ["[[learned]]\ncampaign = 'a'\n", "[[learned", "[effects]\n", written_learned([record()]) + "other = 1\n"],
)
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "learned.toml"
    path.write_text(text)
    with pytest.raises(InvalidPolicy, match=r"learned\.toml"):
        load_policy(None, path)
