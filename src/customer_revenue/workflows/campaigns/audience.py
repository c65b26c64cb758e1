"""Whom a campaign is for, and who of them is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.actions.audience_rule import RULE_WORDS, AudienceRule, RuleColumns
from customer_revenue.actions.barring import NO_CONSENT
from customer_revenue.actions.recommend import LEAVE_ALONE
from customer_revenue.arrays import Floats, Ints, Marks, Texts
from customer_revenue.choices import LIFECYCLE_STAGES
from customer_revenue.currencies import in_units
from customer_revenue.policy import Policy
from customer_revenue.revenue.customer_lists import check_names
from customer_revenue.revenue.rfm_groups import rfm
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.campaigns.contact_limits import counted_contacts, is_quiet_time
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.shop_decisions import ShopDecisions

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Audience:
    """Whom a campaign is for: of what is given, all has to hold; without any, customers whose decision is its action.

    Args:
        segments: value segments.
        customer_ids: a list of customers.
        rule: conditions, see :class:`~customer_revenue.actions.audience_rule.AudienceRule`.
    """

    segments: Sequence[str] = ()
    customer_ids: Collection[str] | None = None
    rule: str | None = None

    def described(self, action: str) -> str:
        """The audience in words."""
        parts = [f"segment {' or '.join(self.segments)}"] if self.segments else []
        parts += [f"a list of {len(self.customer_ids):,} customers"] if self.customer_ids is not None else []
        parts += [self.rule] if self.rule is not None else []
        return ", and ".join(parts) or f"decision {action}"


@dataclass(frozen=True)
class Chosen:
    """The customers of an audience, as places among the situations, and how many were left out for which reason."""

    places: Ints
    left_out: dict[str, int]


def choose(base: CustomerBase, audience: Audience, position: int, file: CampaignFile) -> Chosen:
    """The customers of an audience who may be contacted.

    Args:
        base: the customers, as of the day on which the campaign begins.
        audience: for whom it is.
        position: of the action among the policy's rules.
        file: of other campaigns and contacts.

    Raises:
        InvalidParameter: an unknown segment, or a rule that cannot be read.
    """
    decisions = base.decisions
    return reachable(_wanted(base, decisions, audience, position), barred(base, decisions, file))


def reachable(wanted: Marks, bars: Iterable[tuple[str, Marks]]) -> Chosen:
    """Those who are wanted and may be contacted, and how many are left out by the first reason that applies."""
    chosen, left_out = wanted.copy(), {}
    for reason, marks in bars:
        left_out[reason] = int((chosen & marks).sum())
        chosen &= ~marks
    return Chosen(np.flatnonzero(chosen), left_out)


def _wanted(base: CustomerBase, decisions: ShopDecisions, audience: Audience, position: int) -> Marks:
    situations, policy = decisions.situations, decisions.policy
    chosen = np.ones(len(situations), np.bool_)
    if audience.customer_ids is not None:
        chosen &= _is_among(decisions, audience.customer_ids)
    if audience.segments:
        check_names("segment", audience.segments, [rung.name for rung in policy.segments.active])
        chosen &= np.isin(situations.segment.astype(str), list(audience.segments))
    if audience.rule is not None:
        rule = AudienceRule.parse(audience.rule, _words(policy))
        chosen &= rule.condition(_columns(base, decisions, rule.names))
    elif audience.customer_ids is None and not audience.segments:
        chosen &= decisions.all.rule == position
    return chosen


def _words(policy: Policy) -> dict[str, list[str]]:
    known: tuple[list[str], ...] = (
        [rung.name for rung in policy.segments.active],
        [*LIFECYCLE_STAGES],
        [group.name for group in policy.rfm.groups],
        [*(rule.code for rule in policy.actions.rules), LEAVE_ALONE],
    )
    return dict(zip(RULE_WORDS, known, strict=True))


def _columns(base: CustomerBase, decisions: ShopDecisions, names: Collection[str]) -> RuleColumns:
    """What a rule asks about, of all customers with a situation in their order."""
    situations = decisions.situations
    found: dict[str, Floats | Texts] = {
        "expected_revenue": situations.expected_revenue_cents * in_units(1, decisions.currency),
        "orders": situations.orders.astype(np.float64),
        "days_since_order": situations.silence_days.astype(np.float64),
        "churn_risk": situations.churn_risk,
        "next_purchase": situations.soon,
        "segment": situations.segment,
        "stage": situations.stage,
    }
    if "net_revenue" in names:
        cents = np.asarray(_looked_up(base, decisions, base.customers, "net_revenue_cents"), np.float64)
        found["net_revenue"] = cents * in_units(1, decisions.currency)
    if "rfm_group" in names:
        scored = rfm(base.customers, decisions.policy.rfm)
        found["rfm_group"] = np.array(_looked_up(base, decisions, scored, "rfm_group"), np.object_)
    if "decision" in names:
        found["decision"] = decisions.codes
    return found


def _looked_up(base: CustomerBase, decisions: ShopDecisions, table: ir.Table, name: str) -> list[Any]:
    """A column of a table of customers, in the order of the situations."""
    values = {row["customer_id"]: row[name] for row in base.rows(table.select("customer_id", name))}
    return [values[customer] for customer in decisions.situations.customer_id.tolist()]


def barred(base: CustomerBase, decisions: ShopDecisions, file: CampaignFile) -> Iterator[tuple[str, Marks]]:
    """Who must not be contacted, by reason, in the order in which the reasons are counted."""
    limits, day = decisions.policy.decisions, base.when.day
    yield "no_consent", _is_among(decisions, [one for one, why in base.barred.items() if why == NO_CONSENT])
    yield "recent_order", np.asarray(decisions.situations.silence_days < limits.quiet_days)
    days = file.contact_days(day, max(limits.quiet_days_after_contact, limits.most_contacts_days))
    yield (
        "recent_contact",
        _is_among(decisions, [one for one, seen in days.items() if is_quiet_time(seen, day, limits)]),
    )
    often = [one for one, seen in days.items() if len(counted_contacts(seen, day, limits)) >= limits.most_contacts]
    yield "most_contacts", _is_among(decisions, often)
    yield "other_campaign", _is_among(decisions, file.busy_on(day))


def _is_among(decisions: ShopDecisions, customer_ids: Collection[str]) -> Marks:
    ids = decisions.situations.facts["customer_id"]
    found = pc.is_in(ids, value_set=pa.array(sorted(customer_ids), pa.string()))
    return cast("Marks", found.to_numpy())
