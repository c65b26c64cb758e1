"""Who must not be contacted on a day, by the contact log and the campaigns that run; read when their file changes."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Collection, Mapping
from pathlib import Path

from customer_revenue.actions.barring import Barring
from customer_revenue.choices import BarredBy
from customer_revenue.errors import CustomerRevenueError
from customer_revenue.policy import DecisionRules
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile

MAX_DAYS = 16
"""Days for which the answer is kept."""

logger = logging.getLogger(__name__)


def is_quiet_time(contacts: Collection[dt.date], day: dt.date, rules: DecisionRules) -> bool:
    """Whether the last of a customer's contacts, of which there is one, is too recent for another on a day."""
    return max(contacts) > day - dt.timedelta(days=rules.quiet_days_after_contact)


def counted_contacts(contacts: Collection[dt.date], day: dt.date, rules: DecisionRules) -> list[dt.date]:
    """The contacts that count towards the highest number on a day, the earliest first."""
    return sorted(at for at in contacts if at > day - dt.timedelta(days=rules.most_contacts_days))


class ContactLimits:
    """Who must not be contacted, by day. Usable from several threads.

    Args:
        path: of the file of campaigns, which need not exist.
        rules: quiet days and the highest number of contacts.
    """

    def __init__(self, path: Path, rules: DecisionRules) -> None:
        self._path, self._rules, self._lock = path, rules, threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._by_day: dict[dt.date, Mapping[str, Barring]] = {}

    @property
    def stamp(self) -> tuple[int, int]:
        """Differs whenever the file has changed."""
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size

    def barred(self, day: dt.date) -> Mapping[str, Barring]:
        """Who must not be contacted on a day, by the customers' ids, and why.

        Where the file cannot be read nobody is barred, and the log says so.
        """
        stamp = self.stamp
        with self._lock:
            if stamp != self._stamp or len(self._by_day) > MAX_DAYS:
                self._by_day.clear()
                self._stamp = stamp
            if day not in self._by_day:
                try:
                    self._by_day[day] = self._read(day) if stamp != (0, 0) else {}
                except CustomerRevenueError as error:
                    logger.warning("the contact log is not respected: %s", error.message)
                    self._by_day[day] = {}
            return self._by_day[day]

    def _read(self, day: dt.date) -> Mapping[str, Barring]:
        file, rules = CampaignFile(self._path), self._rules
        quiet, period = (dt.timedelta(days=days) for days in (rules.quiet_days_after_contact, rules.most_contacts_days))
        found: dict[str, Barring] = {}
        for customer, days in file.contact_days(day, max(quiet, period).days).items():
            recent = counted_contacts(days, day, rules)
            if is_quiet_time(days, day, rules):
                found[customer] = Barring(BarredBy.RECENT_CONTACT, max(days) + quiet - dt.timedelta(days=1))
            elif len(recent) >= rules.most_contacts:
                ends = recent[-rules.most_contacts] + period - dt.timedelta(days=1)
                found[customer] = Barring(BarredBy.MOST_CONTACTS, ends, contacts=len(recent))
        for campaign in file.campaigns():
            if campaign.started_on <= day <= campaign.ends_on:
                barring = Barring(BarredBy.CAMPAIGN, campaign.ends_on, campaign.name)
                found.update(dict.fromkeys((member.customer_id for member in file.members(campaign.name)), barring))
        return found
