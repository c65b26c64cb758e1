"""``policy.toml``: segments, stages, texts, offers and gates, read and checked.

The packaged file is the default; a file of the user's own overrides it key by key (a list is replaced whole).
"""

from __future__ import annotations

import tomllib
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from customer_revenue.errors import InvalidPolicy

LIFECYCLE_STAGES = ("new", "active", "at_risk", "churned")
ACTIVITY_STATUSES = ("highly_active", "active", "declining", "at_risk")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(_Section):
    """One rung of a ladder of value segments."""

    name: str = Field(min_length=1)
    from_total_revenue_cents: int = Field(ge=0)
    treatment: str = Field(min_length=1)
    expected_share: float | None = Field(None, ge=0, le=1)


class Segments(_Section):
    """The value ladders, each from the highest rung to the lowest, and which of them is in use."""

    ladder: str
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
                raise ValueError(f"ladder {name!r}: a segment's name stands twice")
        return self

    @property
    def active(self) -> tuple[Segment, ...]:
        """The ladder in use, highest segment first."""
        return self.ladders[self.ladder]


class LifecycleFocus(_Section):
    """What to focus on, by lifecycle stage."""

    new: str
    active: str
    at_risk: str
    churned: str


class Lifecycle(_Section):
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


class Activity(_Section):
    """Thresholds of the activity statuses, in days since the last purchase."""

    highly_active_up_to_days: int = Field(ge=0)
    active_up_to_days: int
    declining_up_to_days: int

    @model_validator(mode="after")
    def _check(self) -> Activity:
        if not self.highly_active_up_to_days < self.active_up_to_days < self.declining_up_to_days:
            raise ValueError("the activity thresholds must rise")
        return self


class Policy(_Section):
    """The whole policy."""

    segments: Segments
    lifecycle: Lifecycle
    activity: Activity


def load_policy(path: Path | None = None) -> Policy:
    """The packaged policy, overridden key by key by the file at ``path``.

    Raises:
        InvalidPolicy: the file cannot be read, is not TOML, or breaks a rule; names the key and its line.
    """
    merged = tomllib.loads(resources.files(__package__).joinpath("policy.toml").read_text("utf-8"))
    text = ""
    if path is not None:
        try:
            text = path.read_text("utf-8")
            own = tomllib.loads(text)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidPolicy(f"cannot read the policy {path}: {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise InvalidPolicy(f"{path} is not TOML: {error}") from None
        merged = _merge(merged, own)
    try:
        return Policy.model_validate(merged)
    except ValidationError as error:
        source = str(path) if path else "the packaged policy"
        raise InvalidPolicy(_first_problem(error, source, text)) from None


def _merge(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _first_problem(error: ValidationError, source: str, text: str) -> str:
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "unknown key"
    line = _line_of(path, text)
    return f"{source}{f', line {line}' if line else ''}: {'.'.join(path)}: {message}"


def _line_of(path: list[str], text: str) -> int | None:
    """The line of the deepest named key that the text has; TOML's own parser keeps no positions."""
    for key in reversed([part for part in path if not part.isdigit()]):
        for number, line in enumerate(text.splitlines(), 1):
            head = line.strip().strip("[]").split("=")[0].strip().split(".")[-1].strip("\"'")
            if head == key:
                return number
    return None
