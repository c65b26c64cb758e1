"""The lists of the page: customers and actions, sorted and paged, or whole for a file."""

from __future__ import annotations

import threading
from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache

from customer_revenue import lazy_ibis as ibis
from customer_revenue.choices import ACTIVITY_STATUSES
from customer_revenue.errors import ModelError
from customer_revenue.orders.store import parameter
from customer_revenue.periods import Period
from customer_revenue.policy import PRIORITIES
from customer_revenue.revenue.customer_lists import (
    check_names,
    ordered,
    page_of,
    revenue_at_risk,
    with_predictions,
)
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.analytics import PREDICTED_COLUMNS
from customer_revenue.workflows.customer_base.filters import CustomerFilter

if TYPE_CHECKING:
    import ibis.expr.types as ir

MAX_ACTIONS = 10_000
"""Nobody works through more in a week; they are found by value, and sorted among themselves by anything else."""
KEPT_ACTIONS = 16
MAX_NAME = 200
"""Names in lists are cut here; a customer's own page has all of it."""


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
    PROFIT = "profit_cents"
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
    "profit_cents",
    "margin_basis",
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


class Lists:
    """The lists of customers and of actions. Usable from several threads."""

    def __init__(self, customer_filter: CustomerFilter) -> None:
        self._filter = customer_filter
        self._lock = threading.Lock()
        self._actions: LRUCache[tuple[Period, tuple[str, ...], tuple[int, int]], pa.Table] = LRUCache(KEPT_ACTIONS)

    def customers(
        self,
        shown: Shown,
        period: Period,
        segments: Collection[str],
        activity: Collection[str],
        sort: Sort | None,
        descending: bool,
    ) -> ir.Table:
        """A list of customers, with their predictions where there are some.

        By default sorted by the revenue that the policy's segments go by.

        Raises:
            InvalidParameter: an unknown segment or status.
        """
        check_names("activity", activity, ACTIVITY_STATUSES)
        table = self._filter.chosen(period, self._filter.checked(segments))
        if shown is Shown.AT_RISK:
            table = table.filter(table.activity_status.isin(list(activity) or ["at_risk"]))
        predictions = self._predictions()
        if predictions is None:
            joined = table.mutate(**{name: ibis.null("float64") for name in PREDICTED_COLUMNS})
        else:
            joined = with_predictions(table, predictions, PREDICTED_COLUMNS)
        at_stake = revenue_at_risk(joined.expected_revenue_cents, joined.churn_risk_score)
        whole = {name: (joined[name] + 0.5).floor() for name in ("estimated_ltv_cents", "expected_revenue_cents")}
        listed = joined.mutate(revenue_at_risk_cents=at_stake, **whole).select(*LISTED)
        is_predicted = sort in (*PREDICTED_COLUMNS, Sort.REVENUE_AT_RISK)
        key = self._revenue if sort is None or (is_predicted and predictions is None) else sort
        return ordered(listed, key, descending=descending)

    def customers_page(self, listed: ir.Table, limit: int, offset: int) -> Body:
        """One page of :meth:`customers`, and how many there are in all."""
        (total,) = self._filter.base.rows(listed.aggregate(customers=listed.count()))
        return {
            "customers": [_shortened(row) for row in self._filter.base.rows(page_of(listed, limit, offset))],
            "total": total["customers"],
            "predicted": self._predictions() is not None,
            "page": {"limit": limit, "offset": offset},
        }

    def actions(self, period: Period, segments: Collection[str], sort: ActionSort, descending: bool) -> pa.Table:
        """The :data:`MAX_ACTIONS` most valuable actions for the customers of a period and some segments.

        Raises:
            ModelError: there is no model.
        """
        found = self._most_valuable(period, self._filter.checked(segments))
        if sort is ActionSort.PRIORITY:
            urgency = pc.index_in(found["priority"], value_set=pa.array(PRIORITIES))
            order = pc.sort_indices(urgency, sort_keys=[("", "ascending" if descending else "descending")])
            return found.take(order)
        if sort is ActionSort.WORTH and descending:
            return found
        return found.sort_by([(sort.value, "descending" if descending else "ascending")])

    @staticmethod
    def actions_page(listed: pa.Table, limit: int, offset: int) -> Body:
        """One page of :meth:`actions`, and their number."""
        rows = [_shortened(row) for row in listed.slice(offset, limit).to_pylist()]
        return {"actions": rows, "total": listed.num_rows, "page": {"limit": limit, "offset": offset}}

    def _most_valuable(self, period: Period, segments: tuple[str, ...]) -> pa.Table:
        limits = self._filter.base.limits
        key = (period, segments, limits.stamp if limits is not None else (0, 0))
        with self._lock:
            if key not in self._actions:
                only = None
                if segments or period is not Period.ALL_TIME:
                    chosen = self._filter.chosen(period, segments).select("customer_id")
                    only = self._filter.store.fetch(chosen)["customer_id"].combine_chunks()
                self._actions[key] = self._filter.base.action_rows(MAX_ACTIONS, 0, only)
            return self._actions[key]

    def search(self, text: str, limit: int) -> Body:
        """Customers whose id, name or e-mail holds a text; those that begin with it first, then by revenue."""
        wanted = cast("ir.StringScalar", parameter("text", "string"))
        table = self._filter.base.customers
        fields = [table[name].coalesce("").lower() for name in ("customer_id", "customer_name", "customer_email")]
        found = table.filter(ibis.or_(*(cast("ir.StringColumn", field).contains(wanted) for field in fields)))
        first = ibis.or_(*(cast("ir.StringColumn", field).startswith(wanted) for field in fields))
        place = ibis.cases((fields[0] == wanted, 0), (first, 1), else_=2)
        best = found.order_by(place, found[self._revenue].desc(), found.customer_id.asc()).limit(limit)
        columns = best.select(
            "customer_id", "customer_name", "customer_email", "customer_segment", "total_revenue_cents"
        )
        rows = self._filter.store.fetch(columns, text=text.lower()).to_pylist()
        return {"query": text, "customers": [_shortened(row) for row in rows]}

    @property
    def _revenue(self) -> Sort:
        return Sort(self._filter.policy.segments.revenue_column)

    def _predictions(self) -> ir.Table | None:
        try:
            return self._filter.base.predictions
        except ModelError:
            return None


def _shortened(row: dict[str, Any]) -> Row:
    for name in ("customer_name", "customer_email"):
        if row[name] is not None and len(row[name]) > MAX_NAME:
            row[name] = row[name][:MAX_NAME] + "…"
    return row
