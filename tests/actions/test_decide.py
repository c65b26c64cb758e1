"""Decisions: the arithmetic of their profit, what they never pay for, and how much they may promise together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import norm

from customer_revenue.actions.decide import Decisions, decide, promise_scale
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.terms import Terms
from customer_revenue.policy import Effect, Policy

if TYPE_CHECKING:
    from tests.actions.conftest import Tables

CustomersOf = Callable[..., "Tables"]
LAPSED: dict[str, Any] = {
    "days_since_purchase": 100,
    "lifecycle_stage": "at_risk",
    "customer_segment": "medium_value",
    "next_purchase_probability": 0.04,
    "probability_alive": 0.8,
    "expected_purchases": 1.0,
    "expected_net_revenue_cents": 20_000.0,
}
CONTACT_CENTS = 1


def decided(tables: Tables, policy: Policy, scale: float = 1.0) -> Decisions:
    return decide(Situations.of(*tables), policy, Terms(scale=scale))


def code(decisions: Decisions, policy: Policy, place: int = 0) -> str:
    rule = int(decisions.rule[place])
    return policy.actions.rules[rule].code if rule >= 0 else "leave_alone"


def believing(policy: Policy, name: str, **changes: object) -> Policy:
    """The policy with another effect of a name."""
    effects = {**policy.effects, name: policy.effects[name].model_copy(update=changes)}
    return policy.model_copy(update={"effects": effects})


def test_profit_is_margin_of_the_gain_less_the_cost_with_its_interval(
    customers_of: CustomersOf, policy: Policy
) -> None:
    found = decided(customers_of(LAPSED), policy)
    won, anyway = 20_000 * (0.8 - 0.04) / 100, 20_000 * 30 / 365
    assert code(found, policy) == "retention_campaign"
    assert found.gain_cents[0] == pytest.approx(0.5 * won)
    assert found.profit_cents[0] == pytest.approx(0.4 * 0.5 * won - CONTACT_CENTS)
    spread = 0.4 * np.hypot(0.3 * won, 0.005 * anyway)
    assert found.low_cents[0] == pytest.approx(found.profit_cents[0] + norm.ppf(0.1) * spread)
    assert found.high_cents[0] == pytest.approx(found.profit_cents[0] + norm.ppf(0.9) * spread)
    assert found.chance[0] == pytest.approx(norm.cdf(found.profit_cents[0] / spread))
    assert found.needed_points[0] == pytest.approx(CONTACT_CENTS / (0.4 * won))


def test_a_discount_is_paid_on_what_comes_anyway(customers_of: CustomersOf, policy: Policy) -> None:
    strong = believing(policy, "discount", conversion_points=20.0, conversion_spread=1.0)
    found = decided(customers_of(LAPSED), strong)
    gain, anyway = 20 * 20_000 * 0.76 / 100, 20_000 * 30 / 365
    assert code(found, strong) == "win_back_discount"
    assert found.cost_cents[0] == pytest.approx(0.15 * (gain + anyway) + CONTACT_CENTS)
    assert found.profit_cents[0] == pytest.approx(0.4 * gain - found.cost_cents[0])


def test_what_would_come_anyway_is_never_paid_for(customers_of: CustomersOf, policy: Policy) -> None:
    strong = believing(policy, "discount", conversion_points=20.0, conversion_spread=1.0)
    chances = np.linspace(0.01, 0.99, 99)
    tables = customers_of(
        *(
            LAPSED | {"customer_id": f"u{n}", "next_purchase_probability": p, "probability_alive": 1.0}
            for n, p in enumerate(chances)
        )
    )
    given = decided(tables, strong).offer >= 0
    assert given[0]
    assert not given[-1]
    assert (np.diff(given.astype(int)) <= 0).all(), "a likelier customer gets no discount that a less likely one lacks"
    assert not given[chances >= strong.offers.likely_from].any()


@pytest.mark.parametrize(
    "change",
    [
        {"next_purchase_probability": 0.799},
        {"probability_alive": 0.04},
        {"expected_net_revenue_cents": 100.0},
        {"expected_net_revenue_cents": 0.0},
        {"days_since_purchase": 3},
    ],
)
def test_nothing_is_done_where_a_profit_is_not_likely(
    customers_of: CustomersOf, policy: Policy, change: dict[str, Any]
) -> None:
    found = decided(customers_of(LAPSED | change), policy)
    assert code(found, policy) == "leave_alone"
    assert not found.acts[0]


def test_an_action_that_is_not_likely_to_pay_is_left_even_if_it_pays_on_average(
    customers_of: CustomersOf, policy: Policy
) -> None:
    unsure = believing(policy, "message", conversion_spread=2.0)
    found = decided(customers_of(LAPSED), unsure)
    assert found.profit_cents[0] > 0
    assert found.chance[0] < unsure.decisions.least_chance
    assert code(found, unsure) == "leave_alone"


def test_all_together_promise_no_more_than_allowed_until_it_is_measured(
    customers_of: CustomersOf, policy: Policy
) -> None:
    bold = believing(policy, "message", conversion_points=8.0, conversion_spread=2.0)
    rows = (LAPSED | {"customer_id": f"u{n}", "next_purchase_probability": 0.004 * n} for n in range(100))
    situations = Situations.of(*customers_of(*rows))
    scale = promise_scale(situations, bold)
    assert 0 < scale < 1
    found = decide(situations, bold, Terms(scale=scale))
    share = found.gain_cents[found.acts].sum() / situations.month_revenue_cents.sum()
    assert 0.045 < share <= 0.05
    assert promise_scale(situations, policy) > scale
    assert promise_scale(situations, believing(bold, "message", basis="measured")) == 1.0


def test_one_customer_is_decided_as_among_many(customers_of: CustomersOf, policy: Policy) -> None:
    changes = [
        LAPSED | {"customer_id": f"u{n}", "next_purchase_probability": p} for n, p in enumerate((0.01, 0.1, 0.5))
    ]
    many = decided(customers_of(*changes), policy, 0.7)
    for place, change in enumerate(changes):
        one = decided(customers_of(change), policy, 0.7)
        assert one.rule[0] == many.rule[place]
        assert one.profit_cents[0] == pytest.approx(many.at(slice(place, place + 1)).profit_cents[0])


def test_an_old_files_uplift_stands_for_its_effect(customers_of: CustomersOf, policy: Policy) -> None:
    rules = [rule.model_copy(update={"uplift": 0.1, "worth": "at_risk"}) for rule in policy.actions.rules]
    old = policy.model_copy(update={"actions": policy.actions.model_copy(update={"rules": tuple(rules)})})
    found = decided(customers_of(LAPSED), old)
    assert found.gain_cents[0] == pytest.approx(10 * 20_000 * 0.76 / 100)
    assert Effect.of_uplift(0.1).basis == "assumed"
