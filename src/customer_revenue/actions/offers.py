"""A personal offer for each customer, without a discount where that would only cost money."""

from __future__ import annotations

from typing import Any

import numpy as np

from customer_revenue.actions.discounts import Discounts
from customer_revenue.actions.recommend import Choices, choose
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.wording import money, percent
from customer_revenue.policy import Policy


def offers(
    situations: Situations, policy: Policy, currency: str = "", choices: Choices | None = None
) -> list[dict[str, Any]]:
    """The offer of each customer with an order and a prediction.

    Args:
        situations: one customer or many.
        policy: offers and guard, and the actions that they belong to.
        currency: code written behind amounts in the reasons.
        choices: the actions of the same customers, if they are known already.

    Returns:
        One dictionary per customer, of their id and the fields of the response; gain and cost as in
        :class:`~customer_revenue.actions.discounts.Discounts`. The discount is 0 for customers who are likely to buy
        within 30 days anyway, who are to be left alone, and where it costs more than the policy's share of the gain;
        ``reason`` says which.
    """
    found = Discounts.of(situations, policy)
    chosen = choices or choose(situations, policy)
    alone = np.ones(len(situations), np.bool_)
    alone[chosen.customer[chosen.rule >= 0]] = False
    return [
        _row(situations, place, found, policy, currency, is_alone=bool(alone[place]))
        for place in range(len(situations))
    ]


def _row(
    situations: Situations, place: int, found: Discounts, policy: Policy, currency: str, *, is_alone: bool
) -> dict[str, Any]:
    rules, offer = policy.offers, found.catalogue[found.place[place]]
    gain, cost = float(found.gain_cents[place]), float(found.cost_cents[place])
    words = {
        "soon": percent(float(situations.soon[place])),
        "gain": money(gain, currency),
        "cost": money(cost, currency),
    }
    withheld = ""
    if offer.discount_percentage and found.likely[place]:
        withheld = rules.reasons.likely
    elif offer.discount_percentage and not found.pays[place]:
        withheld = rules.reasons.costly
    elif is_alone:
        withheld = rules.reasons.alone
    return {
        "customer_id": situations.customer_id[place],
        "offer_type": rules.none.offer_type if withheld else offer.offer_type,
        "discount_percentage": 0 if withheld else offer.discount_percentage,
        "message": rules.none.message if withheld else offer.message.format(discount=offer.discount_percentage),
        "reason": (withheld or rules.reasons.given).format_map(words),
        "expected_gain_cents": 0 if withheld else round(gain),
        "expected_cost_cents": 0 if withheld else round(cost),
    }
