"""The section ``actions``: which action suits which customer, in rules that do not overlap and all apply."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Annotated, Literal

from pydantic import Field, model_validator

from customer_revenue.choices import LIFECYCLE_STAGES, Stage
from customer_revenue.policy.section import PolicyError, Section, check_template

REASON_WORDS = frozenset(
    {"orders", "rhythm", "silence", "last_purchase", "last_month", "risk", "segment", "expected_revenue"}
)
RHYTHM_WORD = "rhythm"
NEAREST_WORDS = frozenset({"action", "gain", "cost", "profit", "chance"})
"""What may be said of the action that comes nearest to being worth it."""

Text = Annotated[str, Field(min_length=1)]
Risk = Literal["low", "medium", "high"]
Timing = Literal["first", "early", "due", "overdue"]
Priority = Literal["high", "medium", "low"]

RISKS: tuple[Risk, ...] = ("low", "medium", "high")
TIMINGS: tuple[Timing, ...] = ("first", "early", "due", "overdue")
PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low")


class RiskLevels(Section):
    """From which churn risk on a customer counts as medium and as high."""

    medium_from: float = Field(gt=0, lt=1)
    high_from: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> RiskLevels:
        if self.medium_from >= self.high_from:
            raise ValueError("medium_from must be less than high_from")
        return self


class TimingLevels(Section):
    """From which multiple of a customer's own mean gap on a purchase is due, and overdue."""

    due_from: float = Field(gt=0)
    overdue_from: float = Field(gt=0)
    shortest_rhythm_days: float = Field(gt=0)

    @model_validator(mode="after")
    def _check(self) -> TimingLevels:
        if self.due_from >= self.overdue_from:
            raise ValueError("due_from must be less than overdue_from")
        return self


class Rule(Section):
    """One action, the customers that it suits, and what it is assumed to do.

    A condition that is left out holds for everyone. ``effect`` names one of the policy's effects. A rule whose text
    speaks of a discount says so with ``needs_discount``: it gives the customer's offer, and suits only those whose
    offer has a discount. ``uplift``, the share of persuaded customers, takes the place of the effect in files that
    were written before there were effects; their ``worth`` is no longer used.
    """

    code: Text
    topic: Text
    text: Text
    reason: Text
    priority: Priority
    effect: Text = "message"
    channel: Text = "email"
    worth: Literal["at_risk", "growth"] | None = None
    uplift: float | None = Field(None, gt=0, le=1)
    cost_cents: int = Field(ge=0)
    segments: tuple[str, ...] | None = Field(None, min_length=1)
    stages: tuple[Stage, ...] = Field(LIFECYCLE_STAGES, min_length=1)
    risks: tuple[Risk, ...] = Field(RISKS, min_length=1)
    timings: tuple[Timing, ...] = Field(TIMINGS, min_length=1)
    orders_from: int = Field(1, ge=1)
    orders_to: int | None = Field(None, ge=1)
    needs_discount: bool = False

    @model_validator(mode="after")
    def _check(self) -> Rule:
        words = check_template(self.reason, REASON_WORDS, "reason")
        if RHYTHM_WORD in words and "first" in self.timings:
            raise PolicyError("the reason names {rhythm}, which a customer with one order does not have", "reason")
        if self.orders_to is not None and self.orders_to < self.orders_from:
            raise PolicyError("orders_to is less than orders_from: the rule suits nobody", "orders_to")
        if self.timings == ("first",) and self.orders_from > 1:
            raise PolicyError(
                "the timing first means one order: with orders_from above 1 the rule suits nobody", "orders_from"
            )
        if "first" not in self.timings and self.orders_to == 1:
            raise PolicyError(
                "without the timing first a customer has two orders or more: the rule suits nobody", "orders_to"
            )
        return self

    def overlaps(self, other: Rule) -> bool:
        """Whether one customer may meet the conditions of both."""
        if not self._order_counts(other):
            return False
        segments = self.segments is None or other.segments is None or set(self.segments) & set(other.segments)
        pairs = ((self.stages, other.stages), (self.risks, other.risks))
        return bool(segments) and all(set(mine) & set(theirs) for mine, theirs in pairs)

    def _order_counts(self, other: Rule) -> bool:
        """Whether timing and number of orders leave a customer whom both suit."""
        lowest = max(self.orders_from, other.orders_from)
        highest = min(rule.orders_to or 10**9 for rule in (self, other))
        shared = set(self.timings) & set(other.timings)
        return ("first" in shared and lowest <= 1 <= highest) or (
            bool(shared - {"first"}) and max(lowest, 2) <= highest
        )


class Barred(Section):
    """Reasons why a customer must not be contacted, and what ends them: ``ends_by_itself`` may name ``{until}``."""

    no_consent: Text
    campaign: Text
    recent_contact: Text
    most_contacts: Text
    ends_by_itself: Text
    ends_by_consent: Text

    @model_validator(mode="after")
    def _check(self) -> Barred:
        known = {"campaign": {"campaign", "until"}, "ends_by_itself": {"until"}}
        known |= {"recent_contact": {"quiet_days", "until"}}
        known |= {"most_contacts": {"contacts", "most_contacts_days", "until"}}
        for key in ("no_consent", "campaign", "recent_contact", "most_contacts", "ends_by_itself", "ends_by_consent"):
            check_template(getattr(self, key), known.get(key, set()), key)
        return self


class NoAction(Section):
    """The text where no action suits or none is likely to pay.

    Its reason may name the action that comes nearest, and what that would bring, cost and earn.
    """

    text: Text
    reason: Text
    reason_nothing_suits: Text
    barred: Barred

    @model_validator(mode="after")
    def _check(self) -> NoAction:
        for key, more in (("reason", NEAREST_WORDS), ("reason_nothing_suits", set())):
            check_template(getattr(self, key), (REASON_WORDS - {RHYTHM_WORD}) | more, key)
        return self


class Parts(Section):
    """Texts about the parts of a decision: the product that it is about, and how and when the customer is contacted."""

    product: Text
    contact: Text

    @model_validator(mode="after")
    def _check(self) -> Parts:
        check_template(self.product, {"product"}, "product")
        check_template(self.contact, {"channel", "day"}, "contact")
        return self


class Actions(Section):
    """Recommended actions: levels, rules by topic, and how many texts a customer's decision may have.

    Two rules of one topic that may suit the same customer are refused.
    """

    most: int = Field(ge=1)
    risk: RiskLevels
    timing: TimingLevels
    leave_alone: NoAction
    parts: Parts
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Actions:
        seen: set[str] = set()
        for position, rule in enumerate(self.rules):
            if rule.code in seen:
                raise PolicyError(f"the code {rule.code!r} occurs twice", "rules", position, "code")
            seen.add(rule.code)
        for (_, first), (position, second) in combinations(enumerate(self.rules), 2):
            if first.topic == second.topic and first.overlaps(second):
                raise PolicyError(
                    f"the rules {first.code!r} and {second.code!r} of topic {first.topic!r} overlap", "rules", position
                )
        return self

    def named_segments(self) -> Iterator[tuple[int, str]]:
        """The segments that rules name, with the position of the rule."""
        for position, rule in enumerate(self.rules):
            for name in rule.segments or ():
                yield position, name
