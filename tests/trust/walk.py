"""A shop lives through 2011 on Online Retail: month by month it imports, monitors, retrains, promotes and predicts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from tests.trust.online_retail import CLOSED_DAYS

from customer_revenue.console import silent
from customer_revenue.modeling.predictor import NEXT_DAYS
from customer_revenue.monitoring.realised import EVERYONE, Group
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.monitor import monitor
from customer_revenue.workflows.retraining import Retrained, retrain

LINES = "SELECT * REPLACE (CustomerID::VARCHAR AS CustomerID) FROM '{path}'"
POLICY = "[monitoring.feed]\nclosed_days = [{days}]\n"


@dataclass(frozen=True)
class Month:
    """A month's end: what the schedule did, and, once it is known, what came of its predictions within 30 days."""

    day: dt.date
    done: Retrained
    realised: Group | None
    alarms: Sequence[str]


def month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """The last days of the months from one to the other."""
    days, day = [], first
    while day <= last:
        days.append(day)
        day = (day.replace(day=1) + dt.timedelta(days=63)).replace(day=1) - dt.timedelta(days=1)
    return days


def settings_of(folder: Path) -> Settings:
    """A shop's settings, with everything in one folder, every prediction logged, and its holidays in the policy."""
    days = ", ".join(CLOSED_DAYS)
    (folder / "policy.toml").write_text(POLICY.format(days=days), "utf-8")
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


def walk(source: Path, folder: Path, days: Sequence[dt.date], change: str = "") -> Iterator[Month]:
    """Live through the days; each comes with what its predictions came to as far as the file tells."""
    settings = settings_of(folder)
    inbox = folder / "inbox"
    inbox.mkdir()
    before: dt.date | None = None
    for day in days:
        lines_until(source, inbox, before, day, change)
        done = retrain(settings, [inbox], day, silent)
        yield Month(day, done, _realised(done, before), done.monitored.alarms)
        before = day


def last_look(
    source: Path, folder: Path, before: dt.date, day: dt.date, change: str = ""
) -> tuple[Group | None, list[str]]:
    """What the predictions of the last day came to, and the alarms, once the rest of the file is in."""
    from customer_revenue.workflows.importing import import_orders

    settings = settings_of(folder)
    rest = lines_until(source, folder, before, day, change)
    import_orders(settings, [rest], report=silent)
    found = monitor(settings, day, None, silent)
    return _of(found.groups, before), found.alarms


def _realised(done: Retrained, predicted_on: dt.date | None) -> Group | None:
    return None if predicted_on is None else _of(done.monitored.groups, predicted_on)


def _of(groups: Sequence[Group], day: dt.date) -> Group | None:
    week = day - dt.timedelta(days=day.weekday())
    found = [g for g in groups if g.horizon_days == NEXT_DAYS and g.week == week and g.segment == EVERYONE]
    return found[0] if found else None


def row(month: Month, realised: Group | None) -> str:
    """A month as a line of the table, with what its predictions came to."""
    champion = month.done.champion or "none"
    fate = "new" if month.done.change else "kept"
    if realised is None:
        totals = "not known yet"
    else:
        counts, money = realised.totals["purchases"], realised.totals["revenue_cents"]
        totals = f"{counts[0]:>6,.0f} {counts[1]:>6,.0f} {money[0] / 100:>10,.0f} {money[1] / 100:>10,.0f}"
    alarms = "; ".join([*month.alarms, *month.done.refusals]) or "none"
    return f"{month.day}  {champion[:8]} {fate:<5} {totals}  {alarms}"
