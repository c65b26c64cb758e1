"""Recommended actions: decisions in words, as rows of a table and as fields of the response."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from customer_revenue.actions.barring import Barring
from customer_revenue.actions.decide import NOTHING_SUITS, Decisions, decide
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.wording import Words, money, percent
from customer_revenue.policy import PRIORITIES, Effect, Policy, believed_of

LEAVE_ALONE = "leave_alone"
NO_BASIS = "assumed"
ACTION_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("rank", pa.int64()),
        ("code", pa.string()),
        ("topic", pa.string()),
        ("text", pa.string()),
        ("reason", pa.string()),
        ("priority", pa.string()),
        ("expected_value_cents", pa.int64()),
        ("expected_value_low_cents", pa.int64()),
        ("expected_value_high_cents", pa.int64()),
        ("basis", pa.string()),
        ("effect_scale", pa.float64()),
        ("channel", pa.string()),
        ("contact_on", pa.string()),
        ("product_id", pa.string()),
        ("product_name", pa.string()),
        ("discount_percentage", pa.int64()),
        ("changes_if", pa.string()),
    ]
)
"""The columns of a table of actions."""

ActionRows = list[dict[str, Any]]

Product = tuple[str, str]
"""A product's id and name."""

NO_PRODUCTS: Mapping[str, Product] = MappingProxyType({})
PROMISES = re.compile(r"\b(?:discounts?|offers?|promotions?|incentives?|% off)\b", re.IGNORECASE)
"""Words that promise the customer something."""


def recommend(
    situations: Situations,
    policy: Policy,
    currency: str = "",
    decisions: Decisions | None = None,
    products: Mapping[str, Product] = NO_PRODUCTS,
) -> ActionRows:
    """The decision about each customer with an order and a prediction, in words.

    Args:
        situations: one customer or many.
        policy: rules, effects and offers.
        currency: code written behind amounts in the reasons.
        decisions: the result of :func:`~customer_revenue.actions.decide.decide` for the same customers, if known.
        products: the id and the name of the product that each bought most often, by the customers' ids.

    Returns:
        Rows of :data:`ACTION_SCHEMA`, one per customer in their order. ``expected_value_cents`` is the expected profit
        of acting, with the ends of its 80 % interval; 0 where nothing is done (``leave_alone``).
    """
    found = decisions or decide(situations, policy)
    return _rows(situations, found, range(len(situations)), policy, currency, products)


def most_valuable(
    situations: Situations,
    policy: Policy,
    limit: int = 100,
    offset: int = 0,
    currency: str = "",
    decisions: Decisions | None = None,
) -> pa.Table:
    """The most valuable actions of all customers, highest expected profit first; ties in the order of the ids.

    Args:
        situations: as for :func:`recommend`.
        policy: as for :func:`recommend`.
        limit: maximum number of rows.
        offset: number of rows to skip.
        currency: code written behind amounts in the reasons.
        decisions: as for :func:`recommend`.
    """
    found = decisions or decide(situations, policy)
    places = np.flatnonzero(found.acts)
    cents = np.rint(found.profit_cents[places])
    places = places[np.lexsort((situations.customer_id[places].astype(str), -cents))]
    rows = _rows(situations, found, places[offset : offset + limit].tolist(), policy, currency)
    return pa.Table.from_pylist(rows, schema=ACTION_SCHEMA)


def as_fields(actions: Sequence[Mapping[str, Any]], policy: Policy) -> dict[str, object]:
    """Rows of one customer as the response's fields: the specification's strings, and the details.

    The strings are the decision and then its parts: the product, and channel and day of the contact.
    """
    details = [{name: value for name, value in row.items() if name not in ("customer_id", "rank")} for row in actions]
    texts = [text for row in actions for text in (row["text"], *part_texts(row, policy))]
    return {"recommended_actions": texts[: policy.actions.most], "actions": details}


def part_texts(action: Mapping[str, Any], policy: Policy) -> list[str]:
    """The parts of a decision in words; none where nothing is to be done."""
    parts, texts = policy.actions.parts, []
    if action["product_id"] is not None:
        texts.append(parts.product.format(product=action["product_name"]))
    if action["contact_on"] is not None:
        texts.append(parts.contact.format(channel=action["channel"], day=action["contact_on"]))
    return texts


def with_product(row: dict[str, Any], product: Product | None) -> dict[str, Any]:
    """A decision with the product that it is about, if it acts and the name promises nothing that is not given."""
    acts = row["contact_on"] is not None
    if product is None or not acts or (PROMISES.search(product[1]) and not row["discount_percentage"]):
        return row | {"product_id": None, "product_name": None}
    return row | {"product_id": product[0], "product_name": product[1]}


def basis_of(decisions: Decisions, place: int, policy: Policy) -> str:
    """What the figures of one decision rest on."""
    effect = _effect(int(decisions.rule[place]), policy)
    return effect.basis if effect else NO_BASIS


def _effect(rule: int, policy: Policy) -> Effect | None:
    """The effect of the rule that is acted on, or comes nearest."""
    if rule == NOTHING_SUITS:
        return None
    chosen = policy.actions.rules[rule if rule >= 0 else -2 - rule]
    return believed_of(chosen, policy)


def _rows(
    situations: Situations,
    decisions: Decisions,
    places: Iterable[int],
    policy: Policy,
    currency: str,
    products: Mapping[str, Product] = NO_PRODUCTS,
) -> ActionRows:
    rows = (_row(situations, decisions, place, policy, currency) for place in places)
    return [with_product(row, products.get(row["customer_id"])) for row in rows]


def _row(situations: Situations, decisions: Decisions, place: int, policy: Policy, currency: str) -> dict[str, Any]:
    rule = int(decisions.rule[place])
    words = Words(situations, place, currency)
    acts = rule >= 0
    value, low, high = (
        round(float(column[place])) if acts else 0
        for column in (decisions.profit_cents, decisions.low_cents, decisions.high_cents)
    )
    given = int(decisions.offer[place])
    return {
        "customer_id": situations.customer_id[place],
        "rank": 1,
        **_texts(decisions, place, words, policy, currency),
        "expected_value_cents": value,
        "expected_value_low_cents": low,
        "expected_value_high_cents": high,
        "basis": basis_of(decisions, place, policy),
        "effect_scale": round(decisions.scale, 4),
        "channel": policy.actions.rules[rule].channel if acts else None,
        "contact_on": _as_of_day(situations, place).isoformat() if acts else None,
        "product_id": None,
        "product_name": None,
        "discount_percentage": _discount(given, policy),
        "changes_if": _changes_if(decisions, place, policy),
    }


def _discount(given: int, policy: Policy) -> int:
    if given < 0:
        return 0
    names = [rung.name for rung in policy.segments.active]
    offer = policy.offers.segments[names[given]] if given < len(names) else policy.offers.first_time_buyer
    return offer.discount_percentage


def _as_of_day(situations: Situations, place: int) -> dt.date:
    last: dt.date = situations.last_purchase[place]
    return last + dt.timedelta(days=int(situations.silence_days[place]))


def _texts(decisions: Decisions, place: int, words: Words, policy: Policy, currency: str) -> dict[str, str]:
    """Code, topic, text, reason and priority of one decision."""
    rule, rules = int(decisions.rule[place]), policy.actions
    if rule >= 0:
        chosen = rules.rules[rule]
        return _named(chosen.code, chosen.topic, chosen.text, chosen.reason.format_map(words), chosen.priority)
    barring = _barring(decisions, place)
    if barring is not None:
        reason = barring.reason(policy)
        return _named(LEAVE_ALONE, LEAVE_ALONE, rules.leave_alone.text, reason, PRIORITIES[-1])
    template = rules.leave_alone.reason_nothing_suits
    if rule != NOTHING_SUITS:
        words.update(
            action=rules.rules[-2 - rule].text,
            gain=money(float(decisions.gain_cents[place]), currency),
            cost=money(float(decisions.cost_cents[place]), currency),
            profit=money(float(decisions.profit_cents[place]), currency),
            chance=percent(float(decisions.chance[place])),
        )
        template = rules.leave_alone.reason
    return _named(LEAVE_ALONE, LEAVE_ALONE, rules.leave_alone.text, template.format_map(words), PRIORITIES[-1])


def _changes_if(decisions: Decisions, place: int, policy: Policy) -> str:
    barring = _barring(decisions, place)
    if barring is not None:
        return barring.changes_if(policy)
    rule, texts = int(decisions.rule[place]), policy.decisions
    effect, needed = _effect(rule, policy), float(decisions.needed_points[place])
    if effect is None or not 0 < needed <= 100:
        return texts.changes_if_nothing_suits
    factor = 1.0 if effect.basis == "measured" else decisions.scale
    words = {
        "action": policy.actions.rules[rule if rule >= 0 else -2 - rule].text,
        "needed": _one_in(needed),
        "believed": _one_in(factor * effect.conversion_points),
        "basis": "measured here" if effect.basis == "measured" else effect.basis,
    }
    return (texts.changes_if_acting if rule >= 0 else texts.changes_if_alone).format_map(words)


def _barring(decisions: Decisions, place: int) -> Barring | None:
    return None if decisions.barred is None else decisions.barred[place]


def _one_in(points: float) -> str:
    """A share in points as one of so many."""
    return f"1 in {max(round(100 / points), 1):,}" if points > 0 else "none"


def _named(code: str, topic: str, text: str, reason: str, priority: str) -> dict[str, str]:
    return {"code": code, "topic": topic, "text": text, "reason": reason, "priority": priority}
