"""The sections of the policy that classify customers: segments, stages, activity, RFM groups."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Literal

from pydantic import Field, model_validator

from customer_revenue.policy.section import PolicyError, Section

SCORES = 5
"""RFM scores run from 1 to this."""


class Segment(Section):
    """One rung of a ladder of value segments."""

    name: str = Field(min_length=1)
    from_total_revenue_cents: int = Field(ge=0)
    treatment: str = Field(min_length=1)
    expected_share: float | None = Field(None, ge=0, le=1)


class Segments(Section):
    """The value ladders, each from the highest rung to the lowest, and which of them is in use.

    ``basis``: the revenue of all time that is compared with the thresholds, net of refunds or in total.
    """

    ladder: str
    basis: Literal["net", "total"] = "net"
    ladders: dict[str, tuple[Segment, ...]]

    @model_validator(mode="after")
    def _check(self) -> Segments:
        if self.ladder not in self.ladders:
            raise ValueError(f"ladder {self.ladder!r} is not one of {', '.join(self.ladders)}")
        for name, rungs in self.ladders.items():
            thresholds = [rung.from_total_revenue_cents for rung in rungs]
            if not thresholds or thresholds[-1] != 0:
                raise ValueError(f"ladder {name!r}: the last segment must start at 0")
            if any(higher <= lower for higher, lower in pairwise(thresholds)):
                raise ValueError(f"ladder {name!r}: thresholds must fall from the first segment to the last")
            if len({rung.name for rung in rungs}) < len(rungs):
                raise ValueError(f"ladder {name!r}: a segment's name occurs twice")
        return self

    @property
    def is_net(self) -> bool:
        """Whether the thresholds are of net revenue."""
        return self.basis == "net"

    @property
    def revenue_column(self) -> Literal["net_revenue_cents", "total_revenue_cents"]:
        """The column of customers' facts with the revenue that ranks them."""
        return "net_revenue_cents" if self.is_net else "total_revenue_cents"

    @property
    def active(self) -> tuple[Segment, ...]:
        """The ladder in use, highest segment first."""
        return self.ladders[self.ladder]


class LifecycleFocus(Section):
    """What to focus on, by lifecycle stage."""

    new: str
    active: str
    at_risk: str
    churned: str


class Lifecycle(Section):
    """Thresholds of the lifecycle stages, in days."""

    new_below_days: int = Field(gt=0)
    active_below_days: int = Field(gt=0)
    at_risk_up_to_days: int = Field(gt=0)
    focus: LifecycleFocus

    @model_validator(mode="after")
    def _check(self) -> Lifecycle:
        if self.active_below_days >= self.at_risk_up_to_days:
            raise ValueError("active_below_days must be less than at_risk_up_to_days")
        return self


class Activity(Section):
    """Thresholds of the activity statuses, in days since the last purchase."""

    highly_active_up_to_days: int = Field(ge=0)
    active_up_to_days: int
    declining_up_to_days: int

    @model_validator(mode="after")
    def _check(self) -> Activity:
        if not self.highly_active_up_to_days < self.active_up_to_days < self.declining_up_to_days:
            raise ValueError("the activity thresholds must rise")
        return self


Scores = tuple[int, int]
"""The lowest and the highest score of a range, 1 to 5, both included."""


class RfmBox(Section):
    """Ranges of the three scores; a score that is left out may have any value."""

    recency: Scores = (1, 5)
    frequency: Scores = (1, 5)
    monetary: Scores = (1, 5)

    @model_validator(mode="after")
    def _check(self) -> RfmBox:
        for name, (low, high) in self.ranges.items():
            if not 1 <= low <= high <= SCORES:
                raise ValueError(f"{name} must be two scores from 1 to {SCORES}, the lower one first")
        return self

    @property
    def ranges(self) -> dict[str, Scores]:
        """The ranges by the name of their score."""
        return {"recency": self.recency, "frequency": self.frequency, "monetary": self.monetary}

    def codes(self) -> set[str]:
        """The codes in the box, such as ``555``."""
        digits = (range(low, high + 1) for low, high in self.ranges.values())
        return {"".join(map(str, code)) for code in product(*digits)}


class RfmGroup(Section):
    """A named group of RFM codes and what to do about it."""

    name: str = Field(min_length=1)
    advice: str = Field(min_length=1)
    boxes: tuple[RfmBox, ...] = Field(min_length=1)


class Rfm(Section):
    """The named RFM groups; each of the 125 codes is in exactly one."""

    groups: tuple[RfmGroup, ...]

    @model_validator(mode="after")
    def _check(self) -> Rfm:
        owner: dict[str, str] = {}
        for position, group in enumerate(self.groups):
            for box in group.boxes:
                for code in sorted(box.codes()):
                    if code in owner:
                        raise PolicyError(
                            f"code {code} is in {owner[code]!r} and again in {group.name!r}", "groups", position
                        )
                    owner[code] = group.name
        if missing := sorted(RfmBox().codes() - set(owner)):
            raise ValueError(f"code {missing[0]} is in no group")
        return self


class Acquisition(Section):
    """What a new customer may cost: ``margin_percent`` of their expected profit must remain."""

    margin_percent: int = Field(ge=0, lt=100)
