"""A personal offer for each customer, without a discount where that would only cost money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from customer_revenue.actions.situations import Situations
from customer_revenue.actions.wording import money, percent
from customer_revenue.arrays import Floats
from customer_revenue.policy import Offer, Offers


def offers(situations: Situations, policy: Offers, ladder: Sequence[str], currency: str = "") -> list[dict[str, Any]]:
    """The offer of each customer with an order and a prediction.

    Args:
        situations: one customer or many.
        policy: offers and guard.
        ladder: names of the segments, highest first.
        currency: code written behind amounts in the reasons.

    Returns:
        One dictionary per customer, of their id and the fields of the response. A customer gets the offer of their
        segment; a customer of the lowest segment with one order gets that of first-time buyers. The gain is the
        expected net value of a purchase times the chance that it comes within 30 days only because of the offer; the
        cost is the discount on it times the chance that it comes at all. The discount is 0 for customers who are
        likely to buy within 30 days anyway, and where the cost exceeds the policy's share of the gain; ``reason`` says
        which.
    """
    chosen = [
        policy.first_time_buyer if segment == ladder[-1] and orders <= 1 else policy.segments[segment]
        for segment, orders in zip(situations.segment, situations.orders, strict=True)
    ]
    gain, cost = _gain_and_cost(situations, chosen)
    return [
        _row(situations, place, offer, policy, float(gain[place]), float(cost[place]), currency)
        for place, offer in enumerate(chosen)
    ]


def _gain_and_cost(situations: Situations, chosen: Sequence[Offer]) -> tuple[Floats, Floats]:
    uplift = np.array([offer.assumed_uplift for offer in chosen], np.float64)
    discount = np.array([offer.discount_percentage for offer in chosen], np.float64) / 100
    extra = uplift * situations.persuadable
    gain = situations.expected_purchase_cents * extra
    cost = situations.expected_purchase_cents * discount * (situations.soon + extra)
    return gain, cost


def _row(
    situations: Situations, place: int, offer: Offer, policy: Offers, gain: float, cost: float, currency: str
) -> dict[str, Any]:
    soon = float(situations.soon[place])
    words = {"soon": percent(soon), "gain": money(gain, currency), "cost": money(cost, currency)}
    withheld = ""
    if offer.discount_percentage and soon >= policy.likely_from:
        withheld = policy.reasons.likely
    elif offer.discount_percentage and cost > policy.most_cost_share * gain:
        withheld = policy.reasons.costly
    reason = (withheld or policy.reasons.given).format_map(words)
    return {
        "customer_id": situations.customer_id[place],
        "offer_type": policy.none.offer_type if withheld else offer.offer_type,
        "discount_percentage": 0 if withheld else offer.discount_percentage,
        "message": policy.none.message if withheld else offer.message.format(discount=offer.discount_percentage),
        "reason": reason,
        "expected_gain_cents": 0 if withheld else round(gain),
        "expected_cost_cents": 0 if withheld else round(cost),
    }
