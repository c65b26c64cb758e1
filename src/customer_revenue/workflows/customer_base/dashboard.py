"""The customer base as the page shows it: an overview, lists, and what the page needs to know before it asks."""

from __future__ import annotations

import datetime as dt
import threading
from functools import cached_property
from math import isnan

from customer_revenue.policy import Policy
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.changes import changes_body
from customer_revenue.workflows.customer_base.filters import CustomerFilter
from customer_revenue.workflows.customer_base.lists import Lists
from customer_revenue.workflows.customer_base.overview import Overview


class Dashboard:
    """What the page asks for, as of one moment. Usable from several threads."""

    def __init__(self, base: CustomerBase, policy: Policy) -> None:
        self.base = base
        self._store, self._policy = base.store, policy
        self._lock = threading.Lock()
        customer_filter = CustomerFilter(base, policy)
        self.overview, self.lists = Overview(customer_filter), Lists(customer_filter)

    def changes(self, since: dt.date | None) -> Body:
        """What changed since a day."""
        return changes_body(self.base, self._policy, since)

    def alarms(self) -> Body:
        """What the checks of the feed found, computed once."""
        with self._lock:
            return {"feed": self._feed}

    @cached_property
    def _feed(self) -> list[Row]:
        from customer_revenue.workflows.monitoring.feed_checks import check_store  # it imports pandas

        found = check_store(self._store, self.base.when, self._policy.monitoring)
        return [
            {"name": one.name, "alarm": one.alarm, "checked": not isnan(one.value), "text": one.text} for one in found
        ]

    def context(self) -> Body:
        """What the page needs to know before it asks for anything: segments, stages, what the store holds."""
        info = self._store.info
        names = self._policy.segments.active
        return {
            "segments": [
                {"name": rung.name, "from_total_revenue_cents": rung.from_total_revenue_cents} for rung in names
            ],
            "lifecycle": {
                "new_below_days": self._policy.lifecycle.new_below_days,
                "active_below_days": self._policy.lifecycle.active_below_days,
                "at_risk_up_to_days": self._policy.lifecycle.at_risk_up_to_days,
            },
            "activity": self._policy.activity.model_dump(),
            "actions": [
                {"code": rule.code, "text": rule.text, "channel": rule.channel} for rule in self._policy.actions.rules
            ],
            "rfm_groups": [{"name": group.name, "advice": group.advice} for group in self._policy.rfm.groups],
            "store": {
                "orders": info.orders,
                "customers": info.customers,
                "first_day": None if info.first_day is None else info.first_day.isoformat(),
                "last_day": None if info.last_day is None else info.last_day.isoformat(),
                "as_of_day": self.base.when.day.isoformat(),
            },
            "backtest_under_way": self.base.backtest_under_way,
        }
