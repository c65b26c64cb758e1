"""Retention: the strategy of segment and situation, the segment's treatment, the stage's focus."""

from __future__ import annotations

import pyarrow as pa

from customer_revenue.actions.decide import Decisions
from customer_revenue.actions.recommend import PROMISES
from customer_revenue.policy import Policy
from customer_revenue.tables import check_columns

RETENTION_FACTS = ("customer_id", "customer_segment", "lifecycle_stage", "activity_status")
RETENTION_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("customer_id", "strategy_key", "strategy", "treatment", "focus")]
)
"""The columns of a table of retention strategies."""


def retention(facts: pa.Table, policy: Policy, decisions: Decisions | None = None) -> pa.Table:
    """The retention strategy of each customer with an order, as far as their decision supports it.

    Args:
        facts: the all-time summary of one customer or many.
        policy: strategies, treatments and focus.
        decisions: about those of them with an order, in their order; ``None`` where nothing can be predicted.

    Returns:
        A table of :data:`RETENTION_SCHEMA`, one row per customer in the order of the facts; ``strategy_key`` is such as
        ``high_value_at_risk``. Parts of a strategy that promise something to the customer, such as exclusive offers,
        are left out where the decision gives no discount; where nothing is to be done, that is the strategy.
    """
    check_columns(facts, RETENTION_FACTS, "the table of facts")
    treatments = {rung.name: rung.treatment for rung in policy.segments.active}
    focus = policy.lifecycle.focus.model_dump()
    rows: list[dict[str, str]] = []
    alone = policy.actions.leave_alone.text
    for customer, segment, stage, activity in zip(*(facts[name].to_pylist() for name in RETENTION_FACTS), strict=True):
        if stage is None:
            continue
        key = f"{segment}_{situation(stage, activity)}"
        acts = decisions is None or bool(decisions.acts[len(rows)])
        gives = decisions is None or int(decisions.offer[len(rows)]) >= 0
        strategy = _supported(policy.retention.strategies[key], gives) if acts else alone
        rows.append(
            {
                "customer_id": customer,
                "strategy_key": key,
                "strategy": strategy or alone,
                "treatment": treatments[segment],
                "focus": focus[stage],
            }
        )
    return pa.Table.from_pylist(rows, schema=RETENTION_SCHEMA)


def _supported(text: str, gives: bool) -> str:
    """The parts of a strategy, parted by commas, without those that promise what the decision does not give."""
    if gives:
        return text
    kept = [part for part in text.split(", ") if not PROMISES.search(part)]
    joined = ", ".join(kept)
    return joined[:1].upper() + joined[1:]


def situation(stage: str, activity: str) -> str:
    """The situation of a customer: the stage, where ``at_risk`` is ``declining`` until the activity status is at risk.

    >>> situation("at_risk", "declining"), situation("at_risk", "at_risk"), situation("active", "active")
    ('declining', 'at_risk', 'active')
    """
    return "declining" if stage == "at_risk" and activity != "at_risk" else stage
