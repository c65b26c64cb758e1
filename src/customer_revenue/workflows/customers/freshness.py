"""Whether what was read from a store is still what it would say."""

from __future__ import annotations

import time

MAX_AGE_SECONDS = 2.5
"""So long after a look at the store and the model it is known that they are the newest, and there."""


class Freshness:
    """When a store was last looked at and found unchanged.

    Args:
        held: whether nobody can take the store away or change it while it is open.
    """

    def __init__(self, *, held: bool) -> None:
        self._held = held
        self._seen = time.monotonic()

    def mark_checked(self, began: float) -> None:
        """A look that began at this moment, in seconds of the monotonic clock, found nothing newer."""
        self._seen = began

    @property
    def newest(self) -> bool:
        """Whether the last look is not long ago."""
        return time.monotonic() - self._seen < MAX_AGE_SECONDS

    @property
    def is_valid(self) -> bool:
        """Whether what was read is still what the store would say."""
        return self._held or self.newest
