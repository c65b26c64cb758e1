"""The gate's verdict on a challenger, as it is kept with the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One check of a challenger: a figure against its bound."""

    name: str
    passed: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on a challenger.

    Attributes:
        checks: every check.
        champion: version of the champion that it was compared with; ``None`` without one.
        cutoffs: of the back-test; none where there is too little data for one.
    """

    checks: tuple[Check, ...]
    champion: str | None
    cutoffs: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it may become champion."""
        return all(check.passed for check in self.checks)

    @property
    def refusals(self) -> tuple[str, ...]:
        """What failed, in words."""
        return tuple(check.text for check in self.checks if not check.passed)

    def text(self) -> str:
        """Lines for people."""
        measured = f"on {len(self.cutoffs)} cut-offs ({', '.join(self.cutoffs)})" if self.cutoffs else "no back-test"
        lines = [f"  {'ok     ' if check.passed else 'REFUSED'} {check.text}" for check in self.checks]
        return "\n".join([f"Gate, {measured}, champion {self.champion or 'none'}:", *lines])

    def to_document(self) -> dict[str, Any]:
        """The verdict as JSON-able values."""
        return {"passed": self.passed, **asdict(self)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Verdict:
        """The verdict of :meth:`to_document`."""
        checks = tuple(Check(**check) for check in document["checks"])
        return cls(checks, document["champion"], tuple(document["cutoffs"]))
