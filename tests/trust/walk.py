"""A shop lives through 2011 on Online Retail: month by month it imports, monitors, retrains, promotes and predicts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from tests.trust.online_retail import CLOSED_DAYS

from customer_revenue.console import silent
from customer_revenue.modeling.rolling_windows import NEXT_DAYS
from customer_revenue.monitoring.realised import EVERYONE, RealisedGroup
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.monitoring.checks import Monitored
from customer_revenue.workflows.monitoring.monitor import monitor
from customer_revenue.workflows.retrain import Retrained, retrain

LINES = "SELECT * REPLACE (CustomerID::VARCHAR AS CustomerID) FROM '{path}'"
POLICY = "[monitoring.feed]\nclosed_days = {days}\naccepted = {accepted}\n"


@dataclass(frozen=True)
class Month:
    """A month's end: what the schedule did, and what the predictions of the month before came to within 30 days."""

    day: dt.date
    done: Retrained
    realised: RealisedGroup | None


def month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """The last days of the months from one to the other."""
    days, day = [], first
    while day <= last:
        days.append(day)
        day = (day.replace(day=1) + dt.timedelta(days=63)).replace(day=1) - dt.timedelta(days=1)
    return days


def settings_of(folder: Path, accepted: Sequence[str] = ()) -> Settings:
    """A shop's settings, with everything in one folder, every prediction logged, and its holidays in the policy."""
    policy = POLICY.format(days=list(CLOSED_DAYS), accepted=list(accepted))
    (folder / "policy.toml").write_text(policy, "utf-8")
    return load_settings(
        store=f"duckdb:///{folder}/orders.duckdb",
        models=folder / "models",
        tracking_uri=f"sqlite:///{folder}/mlflow.db",
        log=folder / "log",
        policy=folder / "policy.toml",
    )


def lines_until(source: Path, folder: Path, after: dt.date | None, day: dt.date, change: str = "") -> Path:
    """The lines of some days as a file of their own, changed by a SELECT over ``lines`` if one is given."""
    low = f"AND InvoiceDate >= DATE '{after}' + 1" if after else ""
    part = f"SELECT * FROM lines WHERE InvoiceDate < DATE '{day}' + 1 {low}"
    path = folder / f"{day}.parquet"
    changed = f"SELECT * FROM ({change.format(part=part)})" if change else part
    duckdb.sql(f"COPY (WITH lines AS ({LINES.format(path=source)}) {changed}) TO '{path}' (FORMAT parquet)")
    return path


def walk(
    source: Path, folder: Path, days: Sequence[dt.date], change: str = "", accepting_from: dt.date | None = None
) -> Iterator[Month]:
    """Live through the days; each comes with what the predictions of the one before came to.

    Args:
        source: the file.
        folder: for everything that the shop has.
        days: on which the schedule runs.
        change: a SELECT over ``{part}``, the lines of some days, that plants a break in them.
        accepting_from: from this day on the shop accepts that amounts have changed.
    """
    inbox = folder / "inbox"
    inbox.mkdir()
    before: dt.date | None = None
    for day in days:
        accepted = ("amounts_changed",) if accepting_from and day >= accepting_from else ()
        settings = settings_of(folder, accepted)
        lines_until(source, inbox, before, day, change)
        done = retrain(settings, [inbox], day, silent)
        yield Month(day, done, None if before is None else of_day(done.monitored.groups, before))
        before = day


def last_look(source: Path, folder: Path, before: dt.date, day: dt.date, change: str = "") -> Monitored:
    """What is found once the rest of the file is in."""
    settings = settings_of(folder)
    import_orders(settings, [lines_until(source, folder, before, day, change)], report=silent)
    return monitor(settings, day, None, silent)


def of_day(groups: Sequence[RealisedGroup], day: dt.date) -> RealisedGroup | None:
    week = day - dt.timedelta(days=day.weekday())
    found = [g for g in groups if g.horizon_days == NEXT_DAYS and g.week == week and g.segment == EVERYONE]
    return found[0] if found else None


def row(month: Month, realised: RealisedGroup | None) -> str:
    """A month as a line of the table, with what its predictions came to."""
    fate = "new" if month.done.change else "kept"
    if realised is None:
        totals = f"{'not known':>36}"
    else:
        counts, money = realised.totals["purchases"], realised.totals["revenue_cents"]
        totals = f"{counts[0]:>7,.0f}{counts[1]:>7,.0f}{money[0] / 100:>11,.0f}{money[1] / 100:>11,.0f}"
    return f"{month.day}  {(month.done.champion or 'none')[:8]} {fate:<4} {totals}  {alarms(month.done.monitored)}"


def alarms(found: Monitored) -> str:
    """The alarms in few words: checks of the orders, figures that drifted, and what came otherwise than predicted."""
    parts = [finding.name for finding in found.feed if finding.alarm]
    if drifted := sum(finding.alarm for finding in found.drift):
        parts.append(f"{drifted} figures drifted")
    wrong: dict[str, set[str]] = {}
    for group in found.groups:
        for figure in group.alarms:
            wrong.setdefault(f"{figure.replace('_', ' ')} of {group.horizon_days} days", set()).add(group.segment)
    parts += [f"{what} ({', '.join(sorted(segments))})" for what, segments in sorted(wrong.items())]
    return "; ".join(parts) or "none"
