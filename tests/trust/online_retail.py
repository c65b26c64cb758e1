"""Online Retail as a shop that lives through 2011."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from customer_revenue.console import silent
from customer_revenue.policy import Monitoring, load_policy
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.import_orders import import_orders

CLOSED_DAYS = (
    "2010-12-27",
    "2010-12-28",
    "2011-01-03",
    "2011-04-22",
    "2011-04-25",
    "2011-04-29",
    "2011-05-02",
    "2011-05-30",
    "2011-08-29",
)
"""Public holidays of England on working days."""


def imported(lines: Path, folder: Path) -> Settings:
    """A store of the file's orders."""
    settings = load_settings(store=f"duckdb:///{folder}/orders.duckdb", models=folder / "models")
    import_orders(settings, [lines], report=silent)
    return settings


def monitoring_policy(closed_days: Sequence[str] = CLOSED_DAYS) -> Monitoring:
    """The packaged policy, with the shop's holidays."""
    policy = load_policy().monitoring
    days = tuple(dt.date.fromisoformat(day) for day in closed_days)
    return policy.model_copy(update={"feed": policy.feed.model_copy(update={"closed_days": days})})
