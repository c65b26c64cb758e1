"""Filters of the page: a period and some value segments of the customer base."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.periods import Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.counted_refunds import revenue_of_all_time
from customer_revenue.revenue.customer_lists import check_names
from customer_revenue.revenue.segments import segment
from customer_revenue.revenue.view import customers
from customer_revenue.tables import Canonical
from customer_revenue.workflows.bodies import Row
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.profits import with_profits
from customer_revenue.workflows.known_tables import first_day_of, of_members

if TYPE_CHECKING:
    import ibis.expr.types as ir


class CustomerFilter:
    """The customer base by period and segments; an empty choice of segments stands for all. Usable from threads."""

    def __init__(self, base: CustomerBase, policy: Policy) -> None:
        self.base, self.store, self.policy = base, base.store, policy
        self._lock = threading.RLock()
        self._tables: dict[Period, ir.Table] = {}

    def checked(self, segments: Collection[str]) -> tuple[str, ...]:
        """The segments in the ladder's order.

        Raises:
            InvalidParameter: an unknown one.
        """
        names = [rung.name for rung in self.policy.segments.active]
        check_names("segment", segments, names)
        return tuple(name for name in names if name in segments)

    def known_of(self, segments: tuple[str, ...]) -> Canonical:
        """The orders and refunds of the customers in some segments, by their revenue of all time as in their facts."""
        known = self.base.known
        if not segments:
            return known
        ever = revenue_of_all_time(known, self.policy.segments)
        members = ever.filter(segment(ever.revenue_cents, self.policy.segments).isin(segments)).select("member")
        return replace(of_members(known, members), unattributed=None)

    def customers_of(self, period: Period) -> ir.Table:
        """The customers with an order in the period and its facts, in memory."""
        if period is Period.ALL_TIME:
            return self.base.customers
        with self._lock:
            if period not in self._tables:
                found = customers(self.base.known, self.base.day, self.policy, first_day_of(period, self.base.when))
                rows = with_profits(self.store.fetch(found), self.base.reports.own_profits(period))
                self._tables[period] = ibis.memtable(rows)
            return self._tables[period]

    def rows(
        self, period: Period, segments: Collection[str], build: Callable[..., ir.Table], *arguments: object
    ) -> list[Row]:
        """The rows of a query over them, given after it the arguments."""
        if period is Period.ALL_TIME and not segments:
            return self.base.of_listed(build, *arguments)
        return self.base.rows(build(self.chosen(period, segments), *arguments))

    def chosen(self, period: Period, segments: Collection[str]) -> ir.Table:
        """Those of them in some segments."""
        customers = self.customers_of(period)
        return customers.filter(customers.customer_segment.isin(segments)) if segments else customers
