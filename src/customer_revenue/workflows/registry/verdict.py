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
        first: whether no model answers yet: then the best that there is becomes champion, with warnings.
    """

    checks: tuple[Check, ...]
    champion: str | None
    cutoffs: tuple[str, ...]
    first: bool = False

    @property
    def passed(self) -> bool:
        """Whether it may become champion."""
        return self.first or not self._failed

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why it may not become champion, in words."""
        return () if self.first else self._failed

    @property
    def warnings(self) -> tuple[str, ...]:
        """What failed and does not stand in the way of a first model, in words."""
        return self._failed if self.first else ()

    @property
    def word(self) -> str:
        """The verdict in one word, for lists and tags."""
        return "warned" if self.warnings else "passed" if self.passed else "refused"

    @property
    def _failed(self) -> tuple[str, ...]:
        return tuple(check.text for check in self.checks if not check.passed)

    def text(self) -> str:
        """Lines for people."""
        measured = f"on {len(self.cutoffs)} cut-offs ({', '.join(self.cutoffs)})" if self.cutoffs else "no back-test"
        failed = "WARNING" if self.first else "REFUSED"
        lines = [f"  {'ok     ' if check.passed else failed} {check.text}" for check in self.checks]
        return "\n".join([f"Gate, {measured}, champion {self.champion or 'none'}:", *lines])

    def to_document(self) -> dict[str, Any]:
        """The verdict as JSON-able values."""
        return {"passed": self.passed, **asdict(self)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Verdict:
        """The verdict of :meth:`to_document`."""
        checks = tuple(Check(**check) for check in document["checks"])
        return cls(checks, document["champion"], tuple(document["cutoffs"]), bool(document.get("first")))
