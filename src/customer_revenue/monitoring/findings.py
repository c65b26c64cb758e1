"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One check.

    Attributes:
        name: of the check, such as ``day_missing``.
        alarm: whether it raises an alarm.
        text: one line for people.
        value: the figure that is checked; NaN where there was nothing to check.
    """

    name: str
    alarm: bool
    text: str
    value: float = float("nan")
