"""Recommended actions: the policy's rules on facts and predictions, whole columns at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from customer_revenue.actions.discounts import Discounts
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.wording import Words, money
from customer_revenue.arrays import Ints, Marks, Texts
from customer_revenue.policy import PRIORITIES, Actions, Policy, Rule

LEAVE_ALONE = "leave_alone"
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
    ]
)
"""The columns of a table of actions."""

ActionRows = list[dict[str, Any]]

NOTHING_SUITS = -1
NO_ORDER_LIMIT = np.iinfo(np.int64).max
AT_RISK = "at_risk"
"""What the uplift of a rule acts on, if not the rest of the expected revenue."""


@dataclass(frozen=True)
class Choices:
    """Actions as positions, sorted by customer, with their rank from 1 and their value.

    A rule below 0 leaves the customer alone: ``NOTHING_SUITS``, or -2 less the position of the rule that suits and
    comes nearest to being worth its cost.
    """

    customer: Ints
    rule: Ints
    rank: Ints
    value_cents: Ints

    def of(self, customer: int) -> Choices:
        """Those of one customer, as the first and only one."""
        own = slice(*np.searchsorted(self.customer, (customer, customer + 1)))
        return Choices(self.customer[own] - customer, self.rule[own], self.rank[own], self.value_cents[own])

    def at(self, places: npt.NDArray[np.intp]) -> Choices:
        """Some of them."""
        return Choices(self.customer[places], self.rule[places], self.rank[places], self.value_cents[places])


def recommend(situations: Situations, policy: Policy, currency: str = "", choices: Choices | None = None) -> ActionRows:
    """What to do about each customer with an order and a prediction.

    Args:
        situations: one customer or many.
        policy: rules and levels, and the offers that some rules need.
        currency: code written behind amounts in the reasons.
        choices: the result of :func:`choose` for the same customers, if it is known already.

    Returns:
        Rows of :data:`ACTION_SCHEMA`: at most ``policy.actions.most`` per customer, customers in their order, the first
        by priority and then by expected value. ``expected_value_cents`` is what acting is worth: the rule's uplift of
        the revenue at risk (expected revenue times churn risk) or of the rest of the expected revenue, less the rule's
        cost. Actions that are worth no more than their cost are left out; a customer without another gets one row
        ``leave_alone``.
    """
    return _rows(situations, choices or choose(situations, policy), policy.actions, currency)


def most_valuable(
    situations: Situations,
    policy: Policy,
    limit: int = 100,
    offset: int = 0,
    currency: str = "",
    choices: Choices | None = None,
) -> pa.Table:
    """The most valuable actions of all customers, highest expected value first; ties in the order of the ids.

    Args:
        situations: as for :func:`recommend`.
        policy: as for :func:`recommend`.
        limit: maximum number of rows.
        offset: number of rows to skip.
        currency: code written behind amounts in the reasons.
        choices: as for :func:`recommend`.
    """
    chosen = choices or choose(situations, policy)
    chosen = chosen.at(np.flatnonzero(chosen.rule >= 0))
    place_of_id = np.empty(len(situations), np.int64)
    place_of_id[np.argsort(situations.customer_id.astype(str), kind="stable")] = np.arange(len(situations))
    order = np.lexsort((chosen.rank, place_of_id[chosen.customer], -chosen.value_cents))
    rows = _rows(situations, chosen.at(order[offset : offset + limit]), policy.actions, currency)
    return pa.Table.from_pylist(rows, schema=ACTION_SCHEMA)


def as_fields(actions: Sequence[dict[str, Any]]) -> dict[str, object]:
    """Rows of one customer as the response's fields: the specification's strings, and the details."""
    details = [
        {name: row[name] for name in ACTION_SCHEMA.names if name not in ("customer_id", "rank")} for row in actions
    ]
    return {"recommended_actions": [row["text"] for row in actions], "actions": details}


def choose(situations: Situations, policy: Policy) -> Choices:
    """The actions of each customer, sorted by customer and rank, before they become text."""
    rules = policy.actions.rules
    values = _values(situations, rules)
    suits = _suiting(situations, policy.actions)
    needs_discount = np.array([[rule.needs_discount] for rule in rules])
    suits &= ~needs_discount | Discounts.of(situations, policy).given
    worth = suits & (values > 0)
    rule, customer = np.nonzero(worth)
    alone = np.flatnonzero(~worth.any(axis=0))
    nearest = np.where(suits, values, np.iinfo(np.int64).min)[:, alone].argmax(axis=0)
    left = np.where(suits[:, alone].any(axis=0), -2 - nearest, NOTHING_SUITS)
    customer, rule = np.concatenate([customer, alone]), np.concatenate([rule, left])
    matched = np.maximum(rule, 0)
    value = np.where(rule >= 0, values[matched, customer], 0)
    urgency = np.array([PRIORITIES.index(r.priority) for r in rules])[matched]
    order = np.lexsort((rule, -value, urgency, customer))
    customer = customer[order]
    rank = np.arange(len(customer)) - np.searchsorted(customer, customer) + 1
    chosen = Choices(customer, rule[order], rank, value[order])
    return chosen.at(np.flatnonzero(rank <= policy.actions.most))


def _suiting(situations: Situations, policy: Actions) -> Marks:
    """Whether each rule (rows) suits each customer (columns)."""
    rules, orders = policy.rules, situations.orders
    marks = orders >= np.array([[rule.orders_from] for rule in rules])
    marks &= orders <= np.array([[rule.orders_to or NO_ORDER_LIMIT] for rule in rules])
    marks &= _among(situations.stage, [rule.stages for rule in rules])
    marks &= _among(situations.risk_level(policy), [rule.risks for rule in rules])
    marks &= _among(situations.timing(policy), [rule.timings for rule in rules])
    marks &= _among(situations.segment, [rule.segments for rule in rules])
    return marks


def _among(words: Texts, allowed: Sequence[Collection[str] | None]) -> Marks:
    """Whether each rule (rows) allows each customer's word (columns); ``None`` allows all."""
    known: dict[str, int] = {}
    places = [known.setdefault(word, len(known)) for word in words.tolist()]
    table = np.array([[among is None or word in among for word in known] for among in allowed], np.bool_)
    return np.asarray(table[:, places])


def _values(situations: Situations, rules: Sequence[Rule]) -> Ints:
    """What each rule (rows) is worth to act on for each customer (columns), in cents."""
    at_risk = np.array([[rule.worth == AT_RISK] for rule in rules])
    gain = np.where(at_risk, situations.revenue_at_risk_cents, situations.safe_revenue_cents)
    gain *= np.array([[rule.uplift] for rule in rules])
    gain += 0.5
    np.floor(gain, out=gain)
    gain -= np.array([[rule.cost_cents] for rule in rules])
    return gain.astype(np.int64)


def _rows(situations: Situations, chosen: Choices, policy: Actions, currency: str) -> ActionRows:
    columns = (values.tolist() for values in (chosen.customer, chosen.rule, chosen.rank, chosen.value_cents))
    return [
        {
            "customer_id": situations.customer_id[customer],
            "rank": rank,
            **_texts(situations, customer, rule, policy, currency),
            "expected_value_cents": value_cents,
        }
        for customer, rule, rank, value_cents in zip(*columns, strict=True)
    ]


def _texts(situations: Situations, customer: int, rule: int, policy: Actions, currency: str) -> dict[str, str]:
    """Code, topic, text, reason and priority of one action."""
    words = Words(situations, customer, currency)
    if rule >= 0:
        chosen = policy.rules[rule]
        reason = chosen.reason.format_map(words)
        return _named(chosen.code, chosen.topic, chosen.text, reason, chosen.priority)
    alone = policy.leave_alone
    template = alone.reason_nothing_suits
    if rule != NOTHING_SUITS:
        nearest = policy.rules[-2 - rule]
        basis = situations.revenue_at_risk_cents if nearest.worth == AT_RISK else situations.safe_revenue_cents
        gain = nearest.uplift * float(basis[customer])
        words.update(action=nearest.text, gain=money(gain, currency), cost=money(nearest.cost_cents, currency))
        template = alone.reason
    return _named(LEAVE_ALONE, LEAVE_ALONE, alone.text, template.format_map(words), PRIORITIES[-1])


def _named(code: str, topic: str, text: str, reason: str, priority: str) -> dict[str, str]:
    return {"code": code, "topic": topic, "text": text, "reason": reason, "priority": priority}
