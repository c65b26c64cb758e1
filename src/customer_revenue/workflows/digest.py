"""The digest: the first view of the page as an e-mail and as a message of Slack's form."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from customer_revenue.currencies import in_units
from customer_revenue.errors import InvalidParameter, ModelError
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.page_plans import alarms_of_day, plays_of_day

SYMBOLS = {"EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "USD": "$"}
"""Others are written by their code."""
NAMED_PLAYS = 3
MAIL_STYLE = "font-family:system-ui,-apple-system,Segoe UI,Roboto,sans-serif;color:#1b1f24"


@dataclass(frozen=True)
class Digest:
    """What the digest says.

    Args:
        day: as of which.
        headline: the money at stake, or that there is none.
        below: what it is, and its range.
        plays: name, who, and expected profit of the plays worth doing first.
        changes: name, figure, and the figure of the days before.
        since: what the changes cover.
        alarms: what is wrong, one line each.
        link: address of the page; empty for none.
    """

    day: dt.date
    headline: str
    below: str
    plays: Sequence[tuple[str, str, str]]
    changes: Sequence[tuple[str, str, str]]
    since: str
    alarms: Sequence[str]
    link: str = ""

    def html(self) -> str:
        """As an HTML e-mail: tables and styles of elements, since mail programs know nothing else."""
        parts = [
            f'<h1 style="font-size:20px;margin:0 0 4px">Customer revenue, {self.day:%-d %B %Y}</h1>',
            f'<p style="font-size:34px;font-weight:bold;margin:12px 0 0">{escape(self.headline)}</p>',
            f'<p style="margin:0 0 16px;color:#59616b">{escape(self.below)}</p>',
        ]
        if self.alarms:
            lines = "".join(f"<li>{escape(one)}</li>" for one in self.alarms)
            parts.append(f'<h2 style="font-size:16px;color:#a3260b">Alarms</h2><ul>{lines}</ul>')
        if self.plays:
            parts.append(_table("Worth doing first", self.plays))
        parts.append(_table(self.since, self.changes))
        if self.link:
            address = escape(self.link, quote=True)
            parts.append(f'<p><a href="{address}" style="color:#0a6690">Open the page</a></p>')
        body = "".join(parts)
        head = f'<meta charset="utf-8"><title>Customer revenue, {self.day}</title>'
        return (
            f'<!doctype html><html lang="en"><head>{head}</head><body style="{MAIL_STYLE}">'
            f'<div style="max-width:600px;margin:0 auto;padding:24px">{body}</div></body></html>\n'
        )

    def slack(self) -> bytes:
        """As the JSON that a webhook of Slack's form takes."""
        lines = [f"*{_plain(self.headline)}* {_plain(self.below)}"]
        lines += [f":warning: {_plain(one)}" for one in self.alarms]
        lines += [f"• *{_plain(name)}*: {_plain(profit)}, {_plain(who)}" for name, who, profit in self.plays]
        lines.append(f"_{_plain(self.since)}_")
        lines += [f"{_plain(name)}: {_plain(now)} ({_plain(before)})" for name, now, before in self.changes]
        if self.link:
            lines.append(f"<{self.link}|Open the page>")
        text = "\n".join(lines)
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
        return json.dumps({"text": f"{self.headline} {self.below}", "blocks": blocks}).encode()


def make_digest(answers: Answers, file: CampaignFile, days: int, link: str = "", as_of: str | None = None) -> Digest:
    """The digest of some days up to the as-of day.

    Args:
        answers: about the shop.
        file: of campaigns and contacts.
        days: that changes are counted in.
        link: address of the page, https or http.
        as_of: the day; by default the store's own.

    Raises:
        InvalidParameter: a link that is no web address.
    """
    if link and not link.startswith(("https://", "http://")):
        raise InvalidParameter(f"link: {link[:60]!r} is not a web address")
    when = answers.when(as_of)
    since = when.day - dt.timedelta(days=days)
    changes: Any = answers.of_dashboard(lambda dashboard: dashboard.changes(since), as_of)
    alarms: Any = alarms_of_day(answers, as_of)
    currency = answers.info.currency
    found = [one["text"] for one in alarms["feed"] if one["alarm"]]
    found += [text for text in (alarms["model"]["problem"], alarms["model"]["warning"]) if text]
    rows: list[tuple[str, str, str]] = []
    try:
        plays: Any = plays_of_day(answers, file, as_of)
    except ModelError as error:
        headline, below = "No decisions", error.message
    else:
        headline, below, rows = _stake(plays, currency)
    words = f"The last {days} days, and the {days} before" if days > 1 else "The last day, and the one before"
    return Digest(when.day, headline, below, rows, _changes(changes, currency), words, found, link)


def _stake(plays: Any, currency: str) -> tuple[str, str, list[tuple[str, str, str]]]:
    total = plays["total"]
    if not total["customers"]:
        return "Nothing to do", "For every customer, contacting them is expected to cost more than it brings.", []
    low, high = (short_money(total[f"profit_{end}_cents"], currency) for end in ("low", "high"))
    below = f"at stake this week, in 8 of 10 cases {low} to {high}: expected profit of {total['customers']:,} contacts"
    rows = [
        (
            play["text"],
            f"{play['customers']:,} customers by {play['channel']}",
            short_money(play["profit_cents"], currency),
        )
        for play in plays["plays"][:NAMED_PLAYS]
    ]
    return short_money(total["profit_cents"], currency), below, rows


def _changes(changes: Any, currency: str) -> list[tuple[str, str, str]]:
    names = {"net_revenue_cents": "Net revenue", "orders": "Orders", "new_customers": "New customers"}
    names["gone_quiet"] = f"Gone quiet for {changes['quiet_from_days']} days"
    now, before = changes["now"], changes["before"]

    def write(name: str, value: int) -> str:
        return short_money(value, currency) if name.endswith("_cents") else f"{value:,}"

    return [
        (words, write(name, now[name]), f"before: {write(name, before[name])}" if before else "nothing before")
        for name, words in names.items()
    ]


def short_money(cents: int, currency: str) -> str:
    """An amount for people, from 100 units on without decimals.

    >>> short_money(878_712, "GBP"), short_money(-1_250, "USD"), short_money(50_000, "CHF")
    ('£8,787', '-$12.50', 'CHF\xa0500')
    """
    units = cents * in_units(1, currency)
    written = f"{abs(units):,.0f}" if abs(units) >= 100 or units == int(units) else f"{abs(units):,.2f}"
    return f"{'-' if cents < 0 else ''}{SYMBOLS.get(currency, currency + chr(0xA0))}{written}"


def _table(title: str, rows: Sequence[tuple[str, str, str]]) -> str:
    cell = "padding:6px 12px 6px 0;border-top:1px solid #e2e2dd;font-size:14px"
    lines = "".join(
        f'<tr><td style="{cell}"><b>{escape(first)}</b></td><td style="{cell}">{escape(second)}</td>'
        f'<td style="{cell};text-align:right">{escape(third)}</td></tr>'
        for first, second, third in rows
    )
    head = f'<h2 style="font-size:16px;margin:20px 0 6px">{escape(title)}</h2>'
    return f'{head}<table role="presentation" style="width:100%;border-collapse:collapse">{lines}</table>'


def _plain(text: str) -> str:
    """A text in which Slack finds no markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*", "∗").replace("_", "＿")
