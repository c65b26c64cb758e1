"""The sections ``decisions`` and ``effects``: what acting is believed to do, and when that is enough to act."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from customer_revenue.policy.section import Section, check_template
from customer_revenue.policy.uplift_trees import UpliftTrees

Basis = Literal["assumed", "published", "measured"]
"""What a number rests on: nobody's measurement, a published test elsewhere, or a test in this shop."""

CHANGE_WORDS = frozenset({"action", "needed", "believed", "basis"})


class Effect(Section):
    """What one contact does to a customer within 30 days, as far as it is known.

    ``conversion_points``: further buyers among 100 customers who are not lost and would not buy unasked.
    ``spend_percent``: further revenue of those who buy anyway. Each has a spread, the standard deviation of what the
    effect may really be. ``source`` says where the figures come from. ``uplift``: what a campaign taught about whom a
    contact moves, in the place of the first where the effect is measured.
    """

    conversion_points: float = Field(ge=-100, le=100)
    conversion_spread: float = Field(gt=0, le=100)
    spend_percent: float = Field(0.0, ge=-100, le=100)
    spend_spread: float = Field(0.0, ge=0, le=100)
    basis: Basis = "assumed"
    source: str = Field("assumed", min_length=1)
    measured_on: dt.date | None = None
    uplift: UpliftTrees | None = None

    @classmethod
    def of_uplift(cls, uplift: float) -> Effect:
        """The effect that a share of persuaded customers means, about which nothing else is known."""
        points = 100 * uplift
        return cls(conversion_points=points, conversion_spread=points, source="the policy's uplift")


class DecisionRules(Section):
    """When to act, and how a decision is put into words.

    ``least_chance``: of a profit, for anything to be done. ``most_promised_percent``: of the expected revenue of the
    month, what all decisions together may promise on the strength of effects that the shop has not measured.
    ``quiet_days``: between an order and the next contact; ``quiet_days_after_contact``: between a contact and the next;
    ``most_contacts``: within ``most_contacts_days``. ``lost_below``: chance of still being a customer
    below which one is lost.
    """

    least_chance: float = Field(ge=0.5, lt=1)
    most_promised_percent: float = Field(gt=0, le=100)
    quiet_days: int = Field(ge=0, le=365)
    quiet_days_after_contact: int = Field(ge=0, le=365)
    most_contacts: int = Field(ge=1, le=1000)
    most_contacts_days: int = Field(ge=1, le=365)
    lost_below: float = Field(gt=0, lt=1)
    changes_if_acting: str = Field(min_length=1)
    changes_if_alone: str = Field(min_length=1)
    changes_if_nothing_suits: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> DecisionRules:
        for key in ("changes_if_acting", "changes_if_alone"):
            check_template(getattr(self, key), CHANGE_WORDS, key)
        check_template(self.changes_if_nothing_suits, set(), "changes_if_nothing_suits")
        return self


Effects = Annotated[dict[str, Effect], Field(min_length=1)]
"""Effects by the name that rules use."""
