"""A personal offer for each customer: the part of their decision that the specification calls an offer."""

from __future__ import annotations

from typing import Any

from customer_revenue.actions.decide import Decisions, decide
from customer_revenue.actions.discounts import Discounts
from customer_revenue.actions.recommend import basis_of
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.wording import money, percent
from customer_revenue.policy import Policy


def offers(
    situations: Situations, policy: Policy, currency: str = "", decisions: Decisions | None = None
) -> list[dict[str, Any]]:
    """The offer of each customer with an order and a prediction.

    Args:
        situations: one customer or many.
        policy: offers, and the rules that give them.
        currency: code written behind amounts in the reasons.
        decisions: about the same customers, if they are known already.

    Returns:
        One dictionary per customer, of their id and the fields of the response. The discount is that of the decision, 0
        where it gives none; ``reason`` says why. Gain (revenue), cost and profit are the decision's, 0 where nothing
        is done.
    """
    found = Discounts(situations, policy)
    chosen = decisions or decide(situations, policy)
    return [_row(situations, place, found, chosen, policy, currency) for place in range(len(situations))]


def _row(
    situations: Situations, place: int, found: Discounts, chosen: Decisions, policy: Policy, currency: str
) -> dict[str, Any]:
    rules, given = policy.offers, int(chosen.offer[place])
    acts = bool(chosen.acts[place])
    offer = found.catalogue[given] if given >= 0 else None
    gain, cost, profit, low, high = (
        round(float(column[place])) if acts else 0
        for column in (chosen.gain_cents, chosen.cost_cents, chosen.profit_cents, chosen.low_cents, chosen.high_cents)
    )
    words = {
        "soon": percent(float(situations.soon[place])),
        "gain": money(gain, currency),
        "cost": money(cost, currency),
    }
    if offer is not None:
        reason = rules.reasons.given
    elif found.likely[place]:
        reason = rules.reasons.likely
    else:
        reason = rules.reasons.costly if acts else rules.reasons.alone
    return {
        "customer_id": situations.customer_id[place],
        "offer_type": offer.offer_type if offer else rules.none.offer_type,
        "discount_percentage": offer.discount_percentage if offer else 0,
        "message": offer.message.format(discount=offer.discount_percentage) if offer else rules.none.message,
        "reason": reason.format_map(words),
        "expected_gain_cents": gain,
        "expected_cost_cents": cost,
        "expected_profit_cents": profit,
        "expected_profit_low_cents": low,
        "expected_profit_high_cents": high,
        "profit_basis": basis_of(chosen, place, policy),
    }
