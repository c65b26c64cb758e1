"""The file of campaigns, SQLite beside the store: it survives imports, and every change is one transaction."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from customer_revenue.errors import InvalidParameter

CAMPAIGN_TABLES = """
CREATE TABLE IF NOT EXISTS campaigns (
    name TEXT PRIMARY KEY, action TEXT NOT NULL, started_on TEXT NOT NULL, days INTEGER NOT NULL,
    hold_out REAL NOT NULL, cost_cents INTEGER NOT NULL, discount REAL NOT NULL, margin REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS members (
    campaign TEXT NOT NULL REFERENCES campaigns (name), customer_id TEXT NOT NULL, treated INTEGER NOT NULL,
    segment TEXT NOT NULL, probability REAL NOT NULL, persuadable REAL NOT NULL, revenue_cents REAL NOT NULL,
    PRIMARY KEY (campaign, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_of_customers ON members (customer_id);
"""


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
    """

    name: str
    action: str
    started_on: dt.date
    days: int
    hold_out: float
    cost_cents: int
    discount: float
    margin: float

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
            InvalidParameter: there is a campaign of that name, or the file cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        values = (*vars(campaign).values(),)
        rows = [(campaign.name, *vars(member).values()) for member in members]
        try:
            with self._connection() as connection:
                connection.execute(
                    "INSERT INTO campaigns VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [value.isoformat() if isinstance(value, dt.date) else value for value in values],
                )
                connection.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
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
            InvalidParameter: there is none; names those there are.
        """
        known = self.campaigns()
        for campaign in known:
            if campaign.name == name:
                return campaign
        names = [campaign.name for campaign in known]
        raise InvalidParameter(f"campaign: {name[:60]!r} is not one of {', '.join(names) or 'none'}", names)

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

    def remove(self, name: str) -> None:
        """Remove a campaign and its customers.

        Raises:
            InvalidParameter: there is none of that name.
        """
        self.campaign(name)
        with self._connection() as connection:
            connection.execute("DELETE FROM members WHERE campaign = ?", [name])
            connection.execute("DELETE FROM campaigns WHERE name = ?", [name])

    def forget_customer(self, customer_id: str) -> int:
        """Remove a customer from all campaigns; returns from how many."""
        if not self._path.exists():
            return 0
        with self._connection() as connection:
            return connection.execute("DELETE FROM members WHERE customer_id = ?", [customer_id]).rowcount

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._path)
        except sqlite3.Error as error:
            raise InvalidParameter(f"cannot open the file of campaigns {self._path}: {error}") from None
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(CAMPAIGN_TABLES)
            with connection:
                yield connection
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise InvalidParameter(f"cannot use the file of campaigns {self._path}: {error}") from None
        finally:
            connection.close()
