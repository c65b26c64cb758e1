"""What the page shows of the customer base: everything of one period and some segments, aggregated by the engine."""

from __future__ import annotations

import threading
from collections.abc import Collection
from enum import StrEnum
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache

from customer_revenue.errors import InvalidParameter, ModelError
from customer_revenue.orders.store import Store, parameter
from customer_revenue.periods import Period
from customer_revenue.policy import ACTIVITY_STATUSES, PRIORITIES, Policy
from customer_revenue.revenue import customer_base as facts
from customer_revenue.revenue.arithmetic import MONTHS_PER_YEAR
from customer_revenue.revenue.segments import segment
from customer_revenue.tables import Canonical
from customer_revenue.workflows.customer_base import Body, CustomerBase, Row
from customer_revenue.workflows.windows_of_base import Figures, Windows, figures_of

MOST_ACTIONS = 10_000
"""Nobody works through more in a week; they are found by value, and sorted among themselves by anything else."""
KEPT_ACTIONS = 16
MONTHS_OF_MONTHLY_COHORTS = 24
"""A history longer than this has quarterly cohorts, so that the heat map stays readable."""
NEWEST_COHORTS = 24
LONGEST_NAME = 200
"""Names in lists are cut here; a customer's own page has all of it."""


class Part(StrEnum):
    """The parts of the overview: the figures are there long before the charts of a large store."""

    METRICS = "metrics"
    CHARTS = "charts"


class Shown(StrEnum):
    """The lists of customers."""

    ALL = "all"
    AT_RISK = "at_risk"


class Sort(StrEnum):
    """What a list of customers can be sorted by."""

    CUSTOMER = "customer_id"
    NAME = "customer_name"
    SEGMENT = "customer_segment"
    REVENUE = "total_revenue_cents"
    NET_REVENUE = "net_revenue_cents"
    ORDERS = "total_orders"
    AVERAGE = "avg_order_value_cents"
    LAST_PURCHASE = "last_purchase_date"
    SILENCE = "days_since_purchase"
    LTV = "estimated_ltv_cents"
    NEXT_PURCHASE = "next_purchase_probability"
    CHURN_RISK = "churn_risk_score"
    EXPECTED_REVENUE = "expected_revenue_cents"
    REVENUE_AT_RISK = "revenue_at_risk_cents"


class ActionSort(StrEnum):
    """What the list of actions can be sorted by."""

    WORTH = "expected_value_cents"
    CUSTOMER = "customer_id"
    ACTION = "text"
    PRIORITY = "priority"


LISTED = (
    "customer_id",
    "customer_name",
    "customer_email",
    "customer_segment",
    "lifecycle_stage",
    "activity_status",
    "total_revenue_cents",
    "net_revenue_cents",
    "total_orders",
    "avg_order_value_cents",
    "last_purchase_date",
    "days_since_purchase",
    "estimated_ltv_cents",
    "next_purchase_probability",
    "churn_risk_score",
    "expected_revenue_cents",
    "revenue_at_risk_cents",
)
"""The columns of a list, in order."""


class Dashboard:
    """The customer base as the page shows it. Usable from several threads."""

    def __init__(self, base: CustomerBase, store: Store, policy: Policy) -> None:
        self.base = base
        self._store, self._policy = store, policy
        self._lock = threading.RLock()
        self._tables: dict[Period, ir.Table] = {}
        self._actions: LRUCache[tuple[Period, tuple[str, ...]], pa.Table] = LRUCache(KEPT_ACTIONS)

    def overview(self, period: Period, segments: Collection[str], parts: Collection[Part] = ()) -> Body:
        """The figures and charts of one period and some segments; none stands for all of them, and of parts likewise.

        Raises:
            InvalidParameter: an unknown segment.
        """
        return self._overview(period, self._checked(segments), parts or tuple(Part))

    def customers(
        self,
        shown: Shown,
        period: Period,
        segments: Collection[str],
        activity: Collection[str],
        sort: Sort,
        descending: bool,
        limit: int,
        offset: int,
    ) -> Body:
        """One page of a list of customers, and how many there are in all.

        Raises:
            InvalidParameter: an unknown segment or status, or a sort that needs predictions where there are none.
        """
        listed = self._list(shown, period, self._checked(segments), activity)
        page = _sorted(listed, self._sortable(sort), descending).limit(limit, offset=offset)
        (total,) = self.base.rows(listed.aggregate(customers=listed.count()))
        return {
            "customers": [_shortened(row) for row in self.base.rows(page)],
            "total": total["customers"],
            "predicted": self._predictions() is not None,
            "page": {"limit": limit, "offset": offset},
        }

    def all_customers(
        self,
        shown: Shown,
        period: Period,
        segments: Collection[str],
        activity: Collection[str],
        sort: Sort,
        descending: bool,
    ) -> pa.Table:
        """A whole list of customers, for a file."""
        listed = self._list(shown, period, self._checked(segments), activity)
        return self._store.fetch(_sorted(listed, self._sortable(sort), descending))

    def actions(
        self,
        period: Period,
        segments: Collection[str],
        sort: ActionSort,
        descending: bool,
        limit: int,
        offset: int,
    ) -> Body:
        """One page of the most valuable actions for the customers of a period and some segments, and their number.

        Raises:
            ModelError: there is no model.
        """
        listed = self.all_actions(period, segments, sort, descending)
        rows = [_shortened(row) for row in listed.slice(offset, limit).to_pylist()]
        return {"actions": rows, "total": listed.num_rows, "page": {"limit": limit, "offset": offset}}

    def all_actions(self, period: Period, segments: Collection[str], sort: ActionSort, descending: bool) -> pa.Table:
        """The :data:`MOST_ACTIONS` most valuable actions, for a file."""
        found = self._most_valuable(period, self._checked(segments))
        if sort is ActionSort.PRIORITY:
            urgency = pc.index_in(found["priority"], value_set=pa.array(PRIORITIES))
            order = pc.sort_indices(urgency, sort_keys=[("", "ascending" if descending else "descending")])
            return found.take(order)
        if sort is ActionSort.WORTH and descending:
            return found
        return found.sort_by([(sort.value, "descending" if descending else "ascending")])

    def _most_valuable(self, period: Period, segments: tuple[str, ...]) -> pa.Table:
        key = (period, segments)
        with self._lock:
            if key not in self._actions:
                only = None
                if segments or period is not Period.ALL_TIME:
                    customers = self._customers_of(period)
                    chosen = customers.filter(customers.customer_segment.isin(segments)) if segments else customers
                    only = self._store.fetch(chosen.select("customer_id"))["customer_id"].combine_chunks()
                self._actions[key] = self.base.action_rows(MOST_ACTIONS, 0, only)
            return self._actions[key]

    def search(self, text: str, limit: int) -> Body:
        """Customers whose id, name or e-mail holds a text; those that begin with it first, then by revenue."""
        wanted = cast("ir.StringScalar", parameter("text", "string"))
        table = self.base.customers
        fields = [table[name].coalesce("").lower() for name in ("customer_id", "customer_name", "customer_email")]
        found = table.filter(ibis.or_(*(cast("ir.StringColumn", field).contains(wanted) for field in fields)))
        first = ibis.or_(*(cast("ir.StringColumn", field).startswith(wanted) for field in fields))
        place = ibis.cases((fields[0] == wanted, 0), (first, 1), else_=2)
        ordered = found.order_by(place, found.total_revenue_cents.desc(), found.customer_id.asc()).limit(limit)
        columns = ordered.select(
            "customer_id", "customer_name", "customer_email", "customer_segment", "total_revenue_cents"
        )
        rows = self._store.fetch(columns, text=text.lower()).to_pylist()
        return {"query": text, "customers": [_shortened(row) for row in rows]}

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
            "rfm_groups": [{"name": group.name, "advice": group.advice} for group in self._policy.rfm.groups],
            "store": {
                "orders": info.orders,
                "customers": info.customers,
                "first_day": None if info.first_day is None else info.first_day.isoformat(),
                "last_day": None if info.last_day is None else info.last_day.isoformat(),
                "as_of_day": self.base.when.day.isoformat(),
            },
        }

    def _overview(self, period: Period, segments: tuple[str, ...], parts: Collection[Part]) -> Body:
        known = self._known_of(segments)
        windows = Windows.of(period, self.base.when.day)
        body: Body = {
            "period": period.value,
            "segments": list(segments),
            "first_day": None if period is Period.ALL_TIME else period.first_day(self.base.when.day).isoformat(),
            "last_day": self.base.when.day.isoformat(),
            "compared_with": windows.comparison(self._store.info.first_day),
        }
        if Part.METRICS in parts:
            now, before = self._figures(known, windows)
            body["metrics"] = now.beside(before)
        if Part.CHARTS in parts:
            body |= self._charts(known, period, segments)
        return body

    def _charts(self, known: Canonical, period: Period, segments: tuple[str, ...]) -> Body:
        customers = self._customers_of(period)
        chosen = customers.filter(customers.customer_segment.isin(segments)) if segments else customers
        concentration = self.base.rows(facts.concentration(chosen))
        return {
            "monthly": self._monthly(known, period),
            "segment_shares": self.base.rows(facts.distribution(customers)),
            "concentration": concentration[0] if concentration else None,
            "lorenz": self.base.rows(facts.lorenz(chosen)),
            "cohorts": self._cohorts(known, period),
            "rfm": self._rfm(customers, segments),
        }

    def _figures(self, known: Canonical, windows: Windows) -> tuple[Figures, Figures | None]:
        (row,) = self.base.rows(figures_of(known, windows))
        return windows.figures(row, self._store.info.first_day)

    def _monthly(self, known: Canonical, period: Period) -> list[dict[str, object]]:
        rows = [facts.TrendRow(**row) for row in self.base.rows(facts.trends(known, self._first_day(period)))]
        return facts.fill_trends(rows, self.base.when.day)

    def _cohorts(self, known: Canonical, period: Period) -> Body:
        """The newest cohorts, with the cells whose month is in the period."""
        day, info = self.base.when.day, self._store.info
        months = (
            0 if info.first_day is None else (day.year - info.first_day.year) * 12 + day.month - info.first_day.month
        )
        unit = facts.CohortUnit.MONTH if months < MONTHS_OF_MONTHLY_COHORTS else facts.CohortUnit.QUARTER
        last = day.year * MONTHS_PER_YEAR + day.month - 1
        last -= last % unit.months
        start = period.first_day(day)
        first = start.year * MONTHS_PER_YEAR + start.month - 1
        rows = [facts.TriangleRow(**row) for row in self.base.rows(facts.triangle(known, unit))]
        cohorts: dict[int, Row] = {}
        for cell in facts.fill_triangle(rows, last, unit):
            cohort = cohorts.setdefault(
                cell.cohort_index,
                {"cohort": facts.cohort_label(cell.cohort_index, unit), "customers": cell.customers, "cells": []},
            )
            if cell.cohort_index + (cell.age + 1) * unit.months > first:
                cohort["cells"].append(
                    {
                        "age": cell.age,
                        "active_customers": cell.active_customers,
                        "retention_percent": cell.retention_percent,
                        "revenue_cents": cell.revenue_cents,
                    }
                )
        newest = [cohort for _, cohort in sorted(cohorts.items())][-NEWEST_COHORTS:]
        return {"unit": unit.value, "left_out": len(cohorts) - len(newest), "rows": newest}

    def _rfm(self, customers: ir.Table, segments: tuple[str, ...]) -> Body:
        """Groups, and the map of recency by frequency. Scores are among all customers of the period."""
        scored = facts.rfm(customers, self._policy.rfm)
        if segments:
            members = customers.filter(customers.customer_segment.isin(segments)).select(member="customer_id")
            scored = scored.semi_join(members, scored.customer_id == members.member)
        cells = scored.group_by("recency_score", "frequency_score").aggregate(
            customers=scored.count(), revenue_cents=scored.monetary_cents.sum(), group=scored.rfm_group.mode()
        )
        return {
            "groups": self.base.rows(facts.rfm_summary(scored)),
            "cells": self.base.rows(cells.order_by("recency_score", "frequency_score")),
        }

    def _list(self, shown: Shown, period: Period, segments: tuple[str, ...], activity: Collection[str]) -> ir.Table:
        for status in activity:
            if status not in ACTIVITY_STATUSES:
                raise InvalidParameter(f"activity: {status[:40]!r} is not one of {', '.join(ACTIVITY_STATUSES)}")
        table = self._customers_of(period)
        if segments:
            table = table.filter(table.customer_segment.isin(segments))
        if shown is Shown.AT_RISK:
            table = table.filter(table.activity_status.isin(list(activity) or ["at_risk"]))
        predictions = self._predictions()
        if predictions is None:
            predictions = self.base.customers.limit(0).select(
                "customer_id",
                estimated_ltv_cents=ibis.null("float64"),
                churn_risk_score=ibis.null("float64"),
                expected_revenue_cents=ibis.null("float64"),
                next_purchase_probability=ibis.null("float64"),
            )
        added = predictions.rename(predicted_id="customer_id")
        joined = table.left_join(added, table.customer_id == added.predicted_id)
        at_stake = facts.revenue_at_risk(joined.expected_revenue_cents, joined.churn_risk_score)
        whole = {name: (joined[name] + 0.5).floor() for name in ("estimated_ltv_cents", "expected_revenue_cents")}
        return joined.mutate(revenue_at_risk_cents=at_stake, **whole).select(*LISTED)

    def _sortable(self, sort: Sort) -> Sort:
        predicted = (Sort.LTV, Sort.NEXT_PURCHASE, Sort.CHURN_RISK, Sort.EXPECTED_REVENUE, Sort.REVENUE_AT_RISK)
        return Sort.REVENUE if sort in predicted and self._predictions() is None else sort

    def _predictions(self) -> ir.Table | None:
        try:
            return self.base.predictions
        except ModelError:
            return None

    def _checked(self, segments: Collection[str]) -> tuple[str, ...]:
        names = [rung.name for rung in self._policy.segments.active]
        for name in segments:
            if name not in names:
                raise InvalidParameter(f"segment: {name[:40]!r} is not one of {', '.join(names)}", names)
        return tuple(name for name in names if name in segments)

    def _first_day(self, period: Period) -> ir.DateScalar | None:
        if period is Period.ALL_TIME:
            return None
        return cast("ir.DateScalar", ibis.literal(period.first_day(self.base.when.day), type="date"))

    def _known_of(self, segments: tuple[str, ...]) -> Canonical:
        """The orders and refunds of the customers in some segments, by their revenue of all time."""
        known = self.base.known
        if not segments:
            return known
        counted = known.counted_orders()
        ever = counted.group_by(member=counted.user_id).aggregate(revenue_cents=counted.total_cents.sum())
        members = ever.filter(segment(ever.revenue_cents, self._policy.segments).isin(segments))
        return Canonical(
            orders=known.orders.semi_join(members, known.orders.user_id == members.member),
            users=known.users,
            order_items=known.order_items,
            refunds=known.refunds.semi_join(members, known.refunds.user_id == members.member),
        )

    def _customers_of(self, period: Period) -> ir.Table:
        """The customers with an order in the period and its facts, in memory."""
        if period is Period.ALL_TIME:
            return self.base.customers
        with self._lock:
            if period not in self._tables:
                found = facts.customers(self.base.known, self.base.day, self._policy, self._first_day(period))
                self._tables[period] = ibis.memtable(self._store.fetch(found))
            return self._tables[period]


def _sorted(table: ir.Table, sort: Sort, descending: bool) -> ir.Table:
    # Whoever has no value stands last either way; equals follow their ids, so that pages never overlap.
    key = ibis.desc(sort.value, nulls_first=False) if descending else ibis.asc(sort.value, nulls_first=False)
    return table.order_by(key) if sort is Sort.CUSTOMER else table.order_by(key, table.customer_id.asc())


def _shortened(row: dict[str, Any]) -> Row:
    for name in ("customer_name", "customer_email"):
        if row[name] is not None and len(row[name]) > LONGEST_NAME:
            row[name] = row[name][:LONGEST_NAME] + "…"
    return row
