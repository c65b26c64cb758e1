"""``policy.toml``: the decisions of a marketer, read and checked.

Segments, stages, RFM groups, texts, rules and offers. The packaged file is the default; a file of the user's own
overrides it key by key (a list is replaced whole).
"""

from __future__ import annotations

from customer_revenue.policy.action_rules import PRIORITIES, RISKS, TIMINGS, Actions, Rule
from customer_revenue.policy.decision_rules import Basis, DecisionRules, Effect
from customer_revenue.policy.gate_and_monitoring import Drift, Feed, Gate, Monitoring
from customer_revenue.policy.learned_effects import LearnedEffect, joined, read_learned, written_learned
from customer_revenue.policy.load import Policy, believed_of, load_policy, with_learned
from customer_revenue.policy.margin import Margin
from customer_revenue.policy.offer_rules import SITUATIONS, Offer, Offers, Retention
from customer_revenue.policy.segmentation import (
    SCORES,
    Acquisition,
    Activity,
    Lifecycle,
    Rfm,
    Segment,
    Segments,
)
from customer_revenue.policy.uplift_trees import UpliftTrees
from customer_revenue.policy.upsell_and_forecast import ForecastRules, Upsell

__all__ = [
    "PRIORITIES",
    "RISKS",
    "SCORES",
    "SITUATIONS",
    "TIMINGS",
    "Acquisition",
    "Actions",
    "Activity",
    "Basis",
    "DecisionRules",
    "Drift",
    "Effect",
    "Feed",
    "ForecastRules",
    "Gate",
    "LearnedEffect",
    "Lifecycle",
    "Margin",
    "Monitoring",
    "Offer",
    "Offers",
    "Policy",
    "Retention",
    "Rfm",
    "Rule",
    "Segment",
    "Segments",
    "UpliftTrees",
    "Upsell",
    "believed_of",
    "joined",
    "load_policy",
    "read_learned",
    "with_learned",
    "written_learned",
]
