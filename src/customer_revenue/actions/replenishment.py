"""Products that are due again: what a customer buys regularly, and when they are expected to need it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from customer_revenue.actions.wording import counted
from customer_revenue.currencies import in_units
from customer_revenue.policy import Policy

REPLENISHMENT = "replenishment"


def replenishments(
    rows: Sequence[Mapping[str, Any]],
    total_orders: int,
    purchase_probability: float,
    today: dt.date,
    policy: Policy,
    currency: str = "",
) -> list[dict[str, object]]:
    """The products that are due again, the soonest first.

    A product is due its mean gap after it was last bought. One that has been left out for as long as that again was
    given up, and is not listed.

    Args:
        rows: those of :func:`~customer_revenue.revenue.product_days.product_days` of one customer.
        total_orders: of the customer.
        purchase_probability: chance of a purchase within the predictions' horizon.
        today: the as-of day.
        policy: on how many days a product must have been bought, and the reason's words.
        currency: of the amounts.

    Returns:
        As the opportunities of :func:`~customer_revenue.actions.upsell.upsell`, with ``expected_on``, from the day
        after ``today`` on. The potential is the mean amount of the product per purchase; the probability is the share
        of the customer's orders with it, times the chance of a purchase.
    """
    found: list[tuple[dt.date, str, dict[str, object]]] = []
    for row in rows:
        days = int(row["days"])
        if days < policy.upsell.replenished_from_days:
            continue
        first, last = row["first_day"], row["last_day"]
        gap = (last - first).days / (days - 1)
        silence = (today - last).days
        if silence > 2 * gap:
            continue
        due = max(last + dt.timedelta(days=round(gap)), today + dt.timedelta(days=1))
        cents = round(row["amount_cents"] / days)
        name = row["product_name"] or row["product_id"]
        words = {
            "product": name,
            "times": counted(days, "day"),
            "rhythm": counted(max(round(gap), 1), "day"),
            "silence": counted(silence, "day"),
        }
        opportunity: dict[str, object] = {
            "type": REPLENISHMENT,
            "potential_revenue": in_units(cents, currency),
            "potential_revenue_cents": cents,
            "probability": round(min(days / max(total_orders, 1), 1.0) * purchase_probability, 6),
            "product_id": row["product_id"],
            "product_name": name,
            "expected_on": due.isoformat(),
            "reason": policy.upsell.replenishment_reason.format_map(words),
        }
        found.append((due, row["product_id"], opportunity))
    found.sort(key=lambda one: one[:2])
    return [opportunity for _, _, opportunity in found[: policy.upsell.most_products]]
