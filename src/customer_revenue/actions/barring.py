"""Why a customer must not be contacted on a day, whatever that would earn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from customer_revenue.choices import BarredBy

if TYPE_CHECKING:
    from customer_revenue.policy import Policy


@dataclass(frozen=True)
class Barring:
    """Why a customer must not be contacted.

    Args:
        by: the kind of reason.
        until: last day on which it holds; ``None`` where no day ends it.
        campaign: that they take part in.
        contacts: within the days that the policy counts.
    """

    by: BarredBy
    until: dt.date | None = None
    campaign: str = ""
    contacts: int = 0

    def reason(self, policy: Policy) -> str:
        """The reason in the policy's words."""
        limits, texts = policy.decisions, policy.actions.leave_alone.barred
        words = {
            "until": "" if self.until is None else str(self.until),
            "campaign": self.campaign,
            "contacts": f"{self.contacts:,}",
            "quiet_days": f"{limits.quiet_days_after_contact:,}",
            "most_contacts_days": f"{limits.most_contacts_days:,}",
        }
        template: str = getattr(texts, self.by.value)
        return template.format_map(words)

    def changes_if(self, policy: Policy) -> str:
        """What ends it, in the policy's words."""
        texts = policy.actions.leave_alone.barred
        return texts.ends_by_itself.format(until=self.until) if self.until else texts.ends_by_consent


NO_CONSENT = Barring(BarredBy.NO_CONSENT)


class BarredByDay(Protocol):
    """Says who must not be contacted on a day."""

    @property
    def stamp(self) -> tuple[int, int]:
        """Differs whenever that has changed."""

    def barred(self, day: dt.date) -> Mapping[str, Barring]:
        """Who must not be contacted on a day, by the customers' ids, and why."""
