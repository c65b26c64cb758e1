"""When a store was last found unchanged, whether it is away, and for how long what was read from it still answers."""

from __future__ import annotations

import datetime as dt
import time

MAX_AGE_SECONDS = 2.5
"""How long after a check of the store and the model they still count as the newest."""

CHECK_SECONDS = 1.0
"""How long a check may take before the store counts as away; less than what remains of the age when it begins."""


class Freshness:
    """When a store was last checked and found unchanged.

    Args:
        is_snapshot: whether nobody can take the store away or change it while it is open.
        stale_seconds: how long what was read answers while the store is away.
    """

    def __init__(self, *, is_snapshot: bool, stale_seconds: float = 0) -> None:
        self._is_snapshot, self._stale_seconds = is_snapshot, stale_seconds
        self._checked_at = time.monotonic()
        self._checking_since: float | None = None
        self._failed = self._is_outdated = False

    def begin_check(self) -> float:
        """A check of the store begins, which may never end; returns its moment."""
        self._checking_since = began = time.monotonic()
        return began

    def mark_unchanged(self, began: float) -> None:
        """The check that began then has found the store as it was."""
        self._checked_at, self._checking_since, self._failed = began, None, False

    def mark_failed(self) -> None:
        """The store has not answered."""
        self._checking_since, self._failed = None, True

    def mark_changed(self) -> None:
        """The store has answered, and holds something else now."""
        self._checking_since, self._failed, self._is_outdated = None, False, True

    @property
    def is_recent(self) -> bool:
        """Whether the last check was within :data:`MAX_AGE_SECONDS`."""
        return not self._is_outdated and time.monotonic() - self._checked_at < MAX_AGE_SECONDS

    @property
    def is_away(self) -> bool:
        """Whether the store does not answer: the last check failed, or does not end."""
        if self._is_snapshot or self.is_recent:
            return False
        began = self._checking_since
        return self._failed or (began is not None and time.monotonic() - began >= CHECK_SECONDS)

    @property
    def is_stale(self) -> bool:
        """Whether the store is away and what was read of it may answer in its place."""
        age = time.monotonic() - self._checked_at
        return self.is_away and not self._is_outdated and age < self._stale_seconds

    @property
    def is_valid(self) -> bool:
        """Whether what was read may answer: it is what the store would answer, or the store is away."""
        return self._is_snapshot or self.is_recent or self.is_stale

    @property
    def checked_at(self) -> dt.datetime:
        """The moment of the last check that found the store unchanged, in UTC."""
        return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=time.monotonic() - self._checked_at)

    @property
    def stale_since(self) -> str | None:
        """Since when answers may be out of date, ISO 8601 in UTC; ``None`` while the store answers."""
        return self.checked_at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.is_stale else None
