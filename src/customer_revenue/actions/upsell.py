"""Upsell opportunities: the chance to reach the next segment, and the products that would bring a customer there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from customer_revenue.actions.predictive_revenue import Predictive
from customer_revenue.actions.wording import counted, money, percent
from customer_revenue.currencies import in_units
from customer_revenue.policy import Policy

PREMIUM_UPGRADE = "premium_upgrade"
CROSS_SELL = "cross_sell"


def upsell(
    facts: Mapping[str, Any],
    predictions: pa.Table,
    owned: Mapping[str, dt.date | None],
    pairs: pa.Table,
    today: dt.date,
    policy: Policy,
    currency: str = "",
) -> list[dict[str, object]]:
    """The opportunities with one customer, the segment's first, then products by expected revenue.

    Args:
        facts: the customer's row of the all-time summary.
        predictions: the customer's row of the predictions.
        owned: the products that the customer has bought by their ids, with the first day; null where it is not known.
        pairs: products bought after one another, by customers of the same segment: ``product_id``,
            ``product_name``, ``next_product_id``, ``next_product_name``, ``support``, ``confidence``, ``lift``,
            ``avg_revenue_cents``, ``avg_days``.
        today: the as-of day.
        policy: segments and thresholds.
        currency: code written behind amounts in the reasons.

    Returns:
        Dictionaries with ``type``, ``potential_revenue`` (whole currency units, as specified),
        ``potential_revenue_cents``, ``probability`` and ``reason``. ``premium_upgrade``: the chance that revenue
        within the predictions' horizon lifts the customer into ``next_segment``, for which
        ``missing_revenue_cents`` are missing; its potential is what those who get there are expected to spend
        within the horizon. ``cross_sell``: one for each product, with its support, confidence and lift; its
        probability is the share of similar customers who bought it later, times the chance of a purchase, and
        ``expected_on`` the day as long after the other product as theirs was on the mean, from tomorrow on.
    """
    if facts["total_orders"] < policy.upsell.orders_from or predictions.num_rows == 0:
        return []
    predictive = Predictive.of(predictions)
    products = _products(owned, pairs, today, policy, float(predictive.probability[0]), currency)
    upgrade = _upgrade(facts, predictive, policy, currency)
    return [upgrade, *products] if upgrade else products


def _upgrade(
    facts: Mapping[str, Any], predictive: Predictive, policy: Policy, currency: str
) -> dict[str, object] | None:
    total = int(facts["net_revenue_cents" if policy.segments.is_net else "total_revenue_cents"])
    above = [rung for rung in policy.segments.active if rung.from_total_revenue_cents > total]
    if not above:
        return None
    name, missing = above[-1].name, above[-1].from_total_revenue_cents - total
    probability = round(float(1 - predictive.at_most(np.array([missing - 1.0]))[0]), 6)
    if probability < policy.upsell.least_probability:
        return None
    potential = round(float(predictive.mean_above(np.array([float(missing)]))[0]))
    words = {
        "orders": counted(int(facts["total_orders"]), "order"),
        "segment": str(facts["customer_segment"]).replace("_", " "),
        "next_segment": name.replace("_", " "),
        "missing": money(missing, currency),
    }
    return {
        "type": PREMIUM_UPGRADE,
        "potential_revenue": in_units(potential, currency),
        "potential_revenue_cents": potential,
        "probability": probability,
        "next_segment": name,
        "missing_revenue_cents": missing,
        "reason": policy.upsell.upgrade_reason.format_map(words),
    }


def _products(
    owned: Mapping[str, dt.date | None],
    pairs: pa.Table,
    today: dt.date,
    policy: Policy,
    purchase: float,
    currency: str,
) -> list[dict[str, object]]:
    limits = policy.upsell
    best: dict[str, dict[str, Any]] = {}
    for row in pairs.to_pylist():
        fits = row["product_id"] in owned and row["next_product_id"] not in owned
        if fits and row["support"] >= limits.least_support and row["lift"] >= limits.least_lift:
            known = best.get(row["next_product_id"])
            if known is None or (row["confidence"], row["product_id"]) > (known["confidence"], known["product_id"]):
                best[row["next_product_id"]] = row
    ranked = sorted(
        best.values(), key=lambda row: (-row["confidence"] * row["avg_revenue_cents"], row["next_product_id"])
    )
    return [
        _cross_sell(row, owned[row["product_id"]], today, purchase, limits.cross_sell_reason, currency)
        for row in ranked[: limits.most_products]
    ]


def _cross_sell(
    row: Mapping[str, Any], bought_on: dt.date | None, today: dt.date, purchase: float, reason: str, currency: str
) -> dict[str, object]:
    name = row["next_product_name"] or row["next_product_id"]
    because_of = row["product_name"] or row["product_id"]
    expected_on = None
    if bought_on is not None:
        expected_on = max(bought_on + dt.timedelta(days=row["avg_days"]), today + dt.timedelta(days=1)).isoformat()
    words = {
        "product": name,
        "because_of": because_of,
        "customers": f"{row['support']:,}",
        "share": percent(row["confidence"]),
        "times": f"{row['lift']:.1f}",
    }
    return {
        "type": CROSS_SELL,
        "potential_revenue": in_units(row["avg_revenue_cents"], currency),
        "potential_revenue_cents": row["avg_revenue_cents"],
        "probability": round(row["confidence"] * purchase, 6),
        "product_id": row["next_product_id"],
        "product_name": name,
        "because_of_product_id": row["product_id"],
        "because_of_product_name": because_of,
        "support": row["support"],
        "confidence": round(row["confidence"], 6),
        "lift": round(row["lift"], 4),
        "expected_on": expected_on,
        "reason": reason.format_map(words),
    }
