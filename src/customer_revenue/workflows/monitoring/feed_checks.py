"""Read the orders of the last days from a store and check them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.monitoring.feed_anomalies import FEED_COLUMNS, check_feed, feed_days
from customer_revenue.monitoring.findings import Finding
from customer_revenue.monitoring.holidays import MAX_CLOSED_DAYS
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, Clock
from customer_revenue.policy import Monitoring
from customer_revenue.public_holidays import public_holidays
from customer_revenue.workflows.feature_rows import known_for_sample

if TYPE_CHECKING:
    import ibis.expr.types as ir

MAX_FEED_CUSTOMERS = 100_000
"""Maximum number of customers whose orders are checked; a sample of this size shows every anomaly that matters."""


def check_store(store: Store, when: AsOf, policy: Monitoring) -> list[Finding]:
    """Check the orders of the last days before a moment; of very many customers, those of a sample."""
    last_day = when.day if when.clock is Clock.HISTORICAL else when.day - dt.timedelta(days=1)  # today is not over
    baseline, _ = feed_days(last_day, policy.feed)
    near = dt.timedelta(days=MAX_CLOSED_DAYS)
    closed = {*policy.feed.closed_days, *public_holidays(policy.feed.country, baseline - near, last_day + near)}
    feed = policy.feed.model_copy(update={"closed_days": tuple(sorted(closed))})
    known = known_for_sample(store, when, MAX_FEED_CUSTOMERS)
    firsts = known.orders.group_by(customer_id="user_id").aggregate(first_day=known.orders.day.min())
    recent = known.orders.filter(_between(known.orders, baseline, last_day))
    orders = recent.join(firsts, recent.user_id == firsts.customer_id).select(*FEED_COLUMNS)
    refunds = known.refunds.filter(_between(known.refunds, baseline, last_day)).select("id", "day")
    first_day = store.info.first_day or last_day
    found = check_feed(
        store.fetch(orders), store.fetch(refunds), first_day, last_day, policy.model_copy(update={"feed": feed})
    )
    if store.info.customers <= MAX_FEED_CUSTOMERS:
        return found
    return [replace(one, text=f"{one.text} (among {MAX_FEED_CUSTOMERS:,} of the customers)") for one in found]


def _between(table: ir.Table, first: dt.date, last: dt.date) -> ir.BooleanValue:
    low, high = (ibis.literal(day, type="date") for day in (first, last))
    return (table.day >= low) & (table.day <= high)
