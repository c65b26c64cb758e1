"""The file of campaigns, SQLite next to the store: it survives imports, and every change is one transaction."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from customer_revenue.errors import CampaignNotFound, InvalidParameter
from customer_revenue.workflows.campaigns.contact_log import Contact

CAMPAIGN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
CAMPAIGN_TABLES = """
CREATE TABLE IF NOT EXISTS campaigns (
    name TEXT PRIMARY KEY, action TEXT NOT NULL, started_on TEXT NOT NULL, days INTEGER NOT NULL,
    hold_out REAL NOT NULL, cost_cents INTEGER NOT NULL, discount REAL NOT NULL, margin REAL NOT NULL,
    audience TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS members (
    campaign TEXT NOT NULL REFERENCES campaigns (name), customer_id TEXT NOT NULL, treated INTEGER NOT NULL,
    segment TEXT NOT NULL, probability REAL NOT NULL, persuadable REAL NOT NULL, revenue_cents REAL NOT NULL,
    PRIMARY KEY (campaign, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_of_customers ON members (customer_id);
CREATE TABLE IF NOT EXISTS contacts (
    customer_id TEXT NOT NULL, contacted_on TEXT NOT NULL, channel TEXT NOT NULL,
    PRIMARY KEY (customer_id, contacted_on, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS contacts_by_day ON contacts (contacted_on);
"""
CONTACT_DAYS = """
SELECT customer_id, contacted_on FROM contacts WHERE contacted_on > ?1 AND contacted_on <= ?2
UNION
SELECT members.customer_id, campaigns.started_on FROM members JOIN campaigns ON members.campaign = campaigns.name
WHERE members.treated AND campaigns.started_on > ?1 AND campaigns.started_on <= ?2
"""
"""Each day on which a customer was contacted: by the log, or by a campaign, which contacts on its first day."""
TAKEN = """
SELECT count(*) FROM members AS own JOIN members AS other USING (customer_id)
JOIN campaigns ON other.campaign = campaigns.name
WHERE own.campaign = ?1 AND other.campaign <> ?1 AND campaigns.started_on <= ?2
    AND date(campaigns.started_on, '+' || campaigns.days || ' days') >= ?2
"""
"""The customers of a campaign who are in another that runs on its first day."""


@dataclass(frozen=True)
class Campaign:
    """A campaign as it was created.

    Args:
        name: of the campaign.
        action: code of the rule.
        started_on: as-of day on which it was created; what comes after it counts.
        days: for which orders count.
        hold_out: share of the audience that is not contacted.
        cost_cents: of one contact.
        discount: share of the price that the action takes off.
        margin: share of net revenue that remains after the cost of what was sold.
        audience: for whom it is, in words.
    """

    name: str
    action: str
    started_on: dt.date
    days: int
    hold_out: float
    cost_cents: int
    discount: float
    margin: float
    audience: str = ""

    @property
    def ends_on(self) -> dt.date:
        """The last day that counts: the fixed date of its result."""
        return self.started_on + dt.timedelta(days=self.days)


@dataclass(frozen=True)
class Member:
    """A customer of a campaign, and what was predicted of them when it began."""

    customer_id: str
    treated: bool
    segment: str
    probability: float
    persuadable: float
    revenue_cents: float


class CampaignFile:
    """The campaigns in a file, which is made when the first one is created."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, campaign: Campaign, members: Sequence[Member]) -> None:
        """Record a campaign and its customers, all or nothing.

        Raises:
            InvalidParameter: there is a campaign of that name, the name has other characters than those allowed, a
                customer joined another campaign meanwhile, or the file cannot be written.
        """
        if not CAMPAIGN_NAME.fullmatch(campaign.name):
            raise InvalidParameter("campaign: a name has 1 to 63 letters, digits, dots, dashes and underscores")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        values = (*vars(campaign).values(),)
        rows = [(campaign.name, *vars(member).values()) for member in members]
        try:
            with self._connection() as connection:
                connection.execute(
                    "INSERT INTO campaigns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [value.isoformat() if isinstance(value, dt.date) else value for value in values],
                )
                connection.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                day = campaign.started_on.isoformat()
                if connection.execute(TAKEN, [campaign.name, day]).fetchone()[0]:
                    raise InvalidParameter("campaign: customers have just joined another campaign; create it again")
        except sqlite3.IntegrityError:
            raise InvalidParameter(f"campaign: there is a campaign {campaign.name[:60]!r} already") from None

    def campaigns(self) -> list[Campaign]:
        """All campaigns, in the order of their first day."""
        if not self._path.exists():
            return []
        with self._connection() as connection:
            rows = connection.execute("SELECT * FROM campaigns ORDER BY started_on, name").fetchall()
        return [Campaign(row[0], row[1], dt.date.fromisoformat(row[2]), *row[3:]) for row in rows]

    def campaign(self, name: str) -> Campaign:
        """A campaign by its name.

        Raises:
            CampaignNotFound: there is none; names those there are.
        """
        known = self.campaigns()
        for campaign in known:
            if campaign.name == name:
                return campaign
        names = [campaign.name for campaign in known]
        raise CampaignNotFound(f"campaign: {name[:60]!r} is not one of {', '.join(names) or 'none'}", names)

    def members(self, name: str) -> list[Member]:
        """The customers of a campaign, by their ids."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT customer_id, treated, segment, probability, persuadable, revenue_cents FROM members"
                " WHERE campaign = ? ORDER BY customer_id",
                [name],
            ).fetchall()
        return [Member(row[0], bool(row[1]), *row[2:]) for row in rows]

    def busy_on(self, day: dt.date) -> set[str]:
        """The customers of campaigns that run on a day, contacted or held out."""
        running = [one.name for one in self.campaigns() if one.started_on <= day <= one.ends_on]
        return {member.customer_id for name in running for member in self.members(name)}

    def add_contacts(self, contacts: Iterable[Contact]) -> int:
        """Record contacts, all or none; returns how many were new."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        rows = [(one.customer_id, one.contacted_on.isoformat(), one.channel) for one in contacts]
        with self._connection() as connection:
            before = connection.total_changes
            connection.executemany("INSERT OR IGNORE INTO contacts VALUES (?, ?, ?)", rows)
            return connection.total_changes - before

    def contact_days(self, day: dt.date, days: int) -> dict[str, list[dt.date]]:
        """The days on which customers were contacted, of the last so many up to a day, by customer."""
        if not self._path.exists():
            return {}
        found: dict[str, list[dt.date]] = {}
        after = day - dt.timedelta(days=days)
        with self._connection() as connection:
            for customer, contacted in connection.execute(CONTACT_DAYS, [after.isoformat(), day.isoformat()]):
                found.setdefault(customer, []).append(dt.date.fromisoformat(contacted))
        return found

    def remove(self, name: str) -> None:
        """Remove a campaign and its customers.

        Raises:
            CampaignNotFound: there is none of that name.
        """
        self.campaign(name)
        with self._connection() as connection:
            connection.execute("DELETE FROM members WHERE campaign = ?", [name])
            connection.execute("DELETE FROM campaigns WHERE name = ?", [name])

    def forget_customer(self, customer_id: str) -> tuple[int, int]:
        """Remove a customer from all campaigns and the contact log; returns from how many campaigns and contacts."""
        if not self._path.exists():
            return 0, 0
        with self._connection() as connection:
            contacts = connection.execute("DELETE FROM contacts WHERE customer_id = ?", [customer_id]).rowcount
            return connection.execute("DELETE FROM members WHERE customer_id = ?", [customer_id]).rowcount, contacts

    def customers(self) -> set[str]:
        """The ids of all customers in campaigns or the contact log."""
        if not self._path.exists():
            return set()
        with self._connection() as connection:
            rows = connection.execute("SELECT customer_id FROM members UNION SELECT customer_id FROM contacts")
            return {name for (name,) in rows}

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._path)
        except sqlite3.Error as error:
            raise InvalidParameter(f"cannot open the file of campaigns {self._path}: {error}") from None
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(CAMPAIGN_TABLES)
            if "audience" not in {column[1] for column in connection.execute("PRAGMA table_info(campaigns)")}:
                connection.execute("ALTER TABLE campaigns ADD COLUMN audience TEXT NOT NULL DEFAULT ''")
            with connection:
                yield connection
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise InvalidParameter(f"cannot use the file of campaigns {self._path}: {error}") from None
        finally:
            connection.close()
