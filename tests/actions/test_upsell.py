"""The predictive distribution behind the predictions, and the opportunities that follow from it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import gamma

from customer_revenue.actions.predictive_revenue import Predictive
from customer_revenue.actions.upsell import upsell
from customer_revenue.policy import Policy

FACTS = {"total_orders": 8, "net_revenue_cents": 80_000, "customer_segment": "medium_value"}
PAIR = {
    "product_id": "mug",
    "product_name": "Mug",
    "next_product_id": "plate",
    "next_product_name": "Plate",
    "support": 40,
    "confidence": 0.25,
    "lift": 3.0,
    "avg_revenue_cents": 1_500,
    "avg_days": 45,
}
TODAY = dt.date(2023, 12, 15)
BOUGHT = {"mug": dt.date(2023, 12, 1), "cup": dt.date(2023, 3, 1)}


def predictions(p: float = 0.9, mean: float = 40_000.0, shape: float = 2.0, mass: float = 0.8) -> pa.Table:
    """One customer, as the models predict: revenue given a purchase is gamma."""
    upper = max((1 + mass) / 2 - (1 - p), 0.0) / p
    high = float(gamma.ppf(upper, shape) * mean / shape)
    return pa.table(
        {
            "purchase_probability": [p],
            "expected_revenue_cents": [p * mean],
            "revenue_high_cents": [high],
            "interval_mass": [mass],
        }
    )


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0, 9.0])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_the_distribution_is_read_back(p: float, shape: float) -> None:
    found = Predictive.of(predictions(p, 40_000.0, shape))
    draws = np.array([10_000.0, 40_000.0, 90_000.0])
    expected = 1 - p + p * gamma.cdf(draws, shape, scale=40_000 / shape)
    seen = [float(found.at_most(np.array([x]))[0]) for x in draws]
    assert seen == pytest.approx(list(expected), abs=0.03)
    assert float(found.expected_cents[0]) == pytest.approx(p * 40_000)


def test_quantile_is_the_inverse() -> None:
    found = Predictive.of(predictions())
    for chance in (0.2, 0.5, 0.9):
        assert float(found.at_most(found.quantile(chance))[0]) == pytest.approx(chance)
    assert float(found.quantile(0.05)[0]) == 0.0


def test_nothing_expected_is_certainly_nothing() -> None:
    found = Predictive.of(predictions(p=1e-9, mean=0.0))
    assert float(found.at_most(np.array([0.0]))[0]) == pytest.approx(1.0)
    assert float(found.at_most(np.array([-1.0]))[0]) == 0.0


def test_upgrade_says_what_is_missing_and_how_likely_it_comes(policy: Policy) -> None:
    table = predictions()
    (row,) = upsell(FACTS, table, {}, pa.Table.from_pylist([], _pair_schema()), TODAY, policy)
    assert (row["type"], row["next_segment"], row["missing_revenue_cents"]) == ("premium_upgrade", "high_value", 20_000)
    expected = 0.9 * gamma.sf(19_999, 2.0, scale=20_000)
    assert row["probability"] == pytest.approx(expected, abs=0.02)
    draws = np.random.default_rng(1).gamma(2.0, 20_000, 400_000)
    assert row["potential_revenue_cents"] == pytest.approx(draws[draws >= 20_000].mean(), rel=0.05)
    assert row["reason"] == "8 orders as medium value; 200.00 more make a high value customer"


def test_more_revenue_never_makes_the_next_segment_less_likely(policy: Policy) -> None:
    def chance(total_revenue_cents: int) -> Any:
        facts = FACTS | {"net_revenue_cents": total_revenue_cents}
        rows = upsell(facts, predictions(), {}, pa.Table.from_pylist([], _pair_schema()), TODAY, policy)
        return rows[0]["probability"] if rows else 0.0

    chances = [chance(cents) for cents in range(10_000, 100_000, 5_000)]
    assert chances == sorted(chances)
    assert chances[0] < chances[-1]
    assert chance(1_000_000) == 0.0


def test_products_are_named_with_their_reason(policy: Policy) -> None:
    pairs = pa.Table.from_pylist(
        [
            PAIR,
            PAIR | {"product_id": "cup", "confidence": 0.20},
            PAIR | {"next_product_id": "spoon", "avg_revenue_cents": 90_000},
            PAIR | {"next_product_id": "rare", "support": 3},
            PAIR | {"next_product_id": "anyone's", "lift": 1.0},
            PAIR | {"next_product_id": "cup"},
        ],
        _pair_schema(),
    )
    upgrade, spoon, plate = upsell(FACTS, predictions(), BOUGHT, pairs, TODAY, policy)
    assert int(str(upgrade["potential_revenue_cents"])) > int(str(upgrade["missing_revenue_cents"]))
    assert (spoon["product_id"], plate["product_id"]) == ("spoon", "plate")
    assert plate["probability"] == pytest.approx(0.25 * 0.9)
    assert plate["reason"] == (
        "40 similar customers of Mug (25 %) went on to buy Plate, 3.0 times as many as by chance"
    )


def test_a_product_is_due_as_long_after_the_other_as_for_similar_customers(policy: Policy) -> None:
    pairs = pa.Table.from_pylist([PAIR], _pair_schema())
    for bought, expected in (
        (dt.date(2023, 12, 1), "2024-01-15"),
        (dt.date(2023, 3, 1), "2023-12-16"),
        (None, None),
    ):
        _, plate = upsell(FACTS, predictions(), {"mug": bought}, pairs, TODAY, policy)
        assert plate["expected_on"] == expected


@pytest.mark.parametrize("change", [{"total_orders": 2}, {"net_revenue_cents": 10_001}])
def test_no_opportunity_without_orders_or_chance(policy: Policy, change: dict[str, Any]) -> None:
    pairs = pa.Table.from_pylist([], _pair_schema())
    assert upsell(FACTS | change, predictions(mean=3_000.0), {}, pairs, TODAY, policy) == []


def _pair_schema() -> pa.Schema:
    return pa.Table.from_pylist([PAIR]).schema
