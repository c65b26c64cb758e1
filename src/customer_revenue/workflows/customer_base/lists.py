"""The lists of the page: customers and actions, sorted and paged, or whole for a file."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast, get_args

import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache

from customer_revenue import lazy_ibis as ibis
from customer_revenue.actions.recommend import LEAVE_ALONE
from customer_revenue.actions.situations import STATUS_COLUMNS
from customer_revenue.choices import ACTIVITY_STATUSES, LIFECYCLE_STAGES, CustomerStatus
from customer_revenue.errors import ModelError
from customer_revenue.orders.store import parameter
from customer_revenue.periods import MONTHS_PER_YEAR, Period
from customer_revenue.policy import PRIORITIES
from customer_revenue.revenue.arithmetic import month_index
from customer_revenue.revenue.customer_lists import (
    check_names,
    ordered,
    page_of,
    revenue_at_risk,
    with_predictions,
)
from customer_revenue.revenue.rfm_groups import rfm
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


@dataclass(frozen=True)
class Wanted:
    """Which customers of a period a list has; what is left out holds for everyone.

    Args:
        segments: value segments.
        activity: activity statuses.
        stage: stage of the life cycle.
        status: by the model and the customer's own rhythm.
        decision: code of the action that is decided on, or ``leave_alone``.
        rfm_group: group of RFM codes.
        recency: RFM score, 1 to 5.
        frequency: RFM score, 1 to 5.
        first_month: of the first purchase in the period, such as ``2023-01``.
        search: text within the id, the name or the e-mail address.
        net_from: net revenue of the period in cents, at least.
        risk_from: churn risk, at least.
        silent_from: days since the last purchase, at least.
    """

    segments: Collection[str] = ()
    activity: Collection[str] = ()
    stage: str | None = None
    status: str | None = None
    decision: str | None = None
    rfm_group: str | None = None
    recency: int | None = None
    frequency: int | None = None
    first_month: str | None = None
    search: str = ""
    net_from: int | None = None
    risk_from: float | None = None
    silent_from: int | None = None

    @property
    def predicted(self) -> bool:
        """Whether a condition is about a prediction."""
        return any(one is not None for one in (self.status, self.decision, self.risk_from))


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
    FIRST_PURCHASE = "first_purchase_date"
    REFUNDS = "total_refunds_cents"
    STAGE = "lifecycle_stage"
    STATUS = "customer_status"
    VALUE_AT_RISK = "value_at_risk_cents"
    DECISION = "decision"
    DECISION_PROFIT = "decision_profit_cents"


class ActionSort(StrEnum):
    """What the list of actions can be sorted by."""

    WORTH = "expected_value_cents"
    CUSTOMER = "customer_id"
    ACTION = "text"
    PRIORITY = "priority"


DECIDED_COLUMNS = ("decision", "decision_profit_cents")
JOINED_COLUMNS = (*PREDICTED_COLUMNS, *STATUS_COLUMNS, *DECIDED_COLUMNS)
"""What a list has of a customer's predictions, and of the decision about them."""

LISTED = (
    "customer_id",
    "customer_name",
    "customer_email",
    "customer_segment",
    "lifecycle_stage",
    "activity_status",
    "total_revenue_cents",
    "total_refunds_cents",
    "net_revenue_cents",
    "profit_cents",
    "margin_basis",
    "total_orders",
    "avg_order_value_cents",
    "first_purchase_date",
    "last_purchase_date",
    "days_since_purchase",
    *JOINED_COLUMNS,
    "revenue_at_risk_cents",
)
"""The columns of a list, in order."""


class Lists:
    """The lists of customers and of actions. Usable from several threads."""

    def __init__(self, customer_filter: CustomerFilter) -> None:
        self._filter = customer_filter
        self._lock = threading.Lock()
        self._decided: tuple[object, ir.Table] | None = None
        """The decisions as a table, and the stamp of the contacts that they respect."""
        self._actions: LRUCache[tuple[Period, tuple[str, ...], tuple[int, int]], pa.Table] = LRUCache(KEPT_ACTIONS)

    def customers(self, shown: Shown, period: Period, wanted: Wanted, sort: Sort | None, descending: bool) -> ir.Table:
        """A list of customers, with their predictions where there are some.

        By default sorted by the revenue that the policy's segments go by.

        Raises:
            InvalidParameter: an unknown segment, status, stage, decision or group.
            ModelError: a condition is about a prediction, and there is no model.
        """
        table = self._chosen(shown, period, wanted)
        predictions = self._filter.base.predictions if wanted.predicted else self._predictions()
        if predictions is None:
            texts = dict.fromkeys(("customer_status", "decision"), "string")
            nulls = {name: ibis.null(texts.get(name, "float64")) for name in JOINED_COLUMNS}
            joined = table.mutate(**nulls)
        else:
            joined = with_predictions(table, predictions, (*PREDICTED_COLUMNS, *STATUS_COLUMNS))
            joined = with_predictions(joined, self._decisions(), DECIDED_COLUMNS)
        joined = _of_predictions(joined, wanted)
        at_stake = revenue_at_risk(joined.expected_revenue_cents, joined.churn_risk_score)
        whole = {name: (joined[name] + 0.5).floor() for name in ("estimated_ltv_cents", "expected_revenue_cents")}
        listed = joined.mutate(revenue_at_risk_cents=at_stake, **whole).select(*LISTED)
        is_predicted = sort in (*JOINED_COLUMNS, Sort.REVENUE_AT_RISK)
        key = self._revenue if sort is None or (is_predicted and predictions is None) else sort
        return ordered(listed, key, descending=descending)

    def _chosen(self, shown: Shown, period: Period, wanted: Wanted) -> ir.Table:
        """The customers that meet all conditions but those about predictions."""
        self._check(wanted)
        table = self._filter.chosen(period, self._filter.checked(wanted.segments))
        activity = list(wanted.activity) or (["at_risk"] if shown is Shown.AT_RISK else [])
        if activity:
            table = table.filter(table.activity_status.isin(activity))
        if wanted.stage:
            table = table.filter(table.lifecycle_stage == wanted.stage)
        if wanted.first_month:
            first = dt.date.fromisoformat(f"{wanted.first_month}-01")
            table = table.filter(
                month_index(table.first_purchase_date) == first.year * MONTHS_PER_YEAR + first.month - 1
            )
        if wanted.net_from is not None:
            table = table.filter(table.net_revenue_cents >= wanted.net_from)
        if wanted.silent_from is not None:
            table = table.filter(table.days_since_purchase >= wanted.silent_from)
        if wanted.search:
            table = table.filter(ibis.or_(*(field.contains(wanted.search.lower()) for field in _texts(table))))
        if wanted.rfm_group or wanted.recency or wanted.frequency:
            scored = rfm(self._filter.customers_of(period), self._filter.policy.rfm)
            pairs = ((scored.rfm_group, wanted.rfm_group), (scored.recency_score, wanted.recency))
            for column, value in (*pairs, (scored.frequency_score, wanted.frequency)):
                scored = scored.filter(column == value) if value else scored
            members = scored.select(member="customer_id")
            table = table.semi_join(members, table.customer_id == members.member)
        return table

    def _check(self, wanted: Wanted) -> None:
        policy = self._filter.policy
        codes = [*(rule.code for rule in policy.actions.rules), LEAVE_ALONE]
        check_names("activity", wanted.activity, ACTIVITY_STATUSES)
        for name, value, allowed in (
            ("stage", wanted.stage, LIFECYCLE_STAGES),
            ("status", wanted.status, get_args(CustomerStatus)),
            ("decision", wanted.decision, codes),
            ("rfm_group", wanted.rfm_group, [group.name for group in policy.rfm.groups]),
        ):
            check_names(name, [value] if value else [], allowed)

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
        fields = _texts(table)
        found = table.filter(ibis.or_(*(field.contains(wanted) for field in fields)))
        first = ibis.or_(*(field.startswith(wanted) for field in fields))
        place = ibis.cases((fields[0] == wanted, 0), (first, 1), else_=2)
        best = found.order_by(place, found[self._revenue].desc(), found.customer_id.asc()).limit(limit)
        columns = best.select(
            "customer_id",
            "customer_name",
            "customer_email",
            "customer_segment",
            "total_revenue_cents",
            "net_revenue_cents",
        )
        rows = self._filter.store.fetch(columns, text=text.lower()).to_pylist()
        return {"query": text, "customers": [_shortened(row) for row in rows]}

    @property
    def _revenue(self) -> Sort:
        return Sort(self._filter.policy.segments.revenue_column)

    def _decisions(self) -> ir.Table:
        base = self._filter.base
        stamp, barred = base.limits.stamp if base.limits is not None else None, base.barred
        with self._lock:
            if self._decided is None or self._decided[0] != stamp:
                self._decided = stamp, ibis.memtable(base.decisions.in_columns(barred))
            return self._decided[1]

    def _predictions(self) -> ir.Table | None:
        try:
            return self._filter.base.predictions
        except ModelError:
            return None


def _texts(table: ir.Table) -> list[ir.StringColumn]:
    """What a customer is found by, in lower case."""
    names = ("customer_id", "customer_name", "customer_email")
    return [cast("ir.StringColumn", table[name].coalesce("").lower()) for name in names]


def _of_predictions(table: ir.Table, wanted: Wanted) -> ir.Table:
    """Those that meet the conditions about predictions."""
    for name, value in (("customer_status", wanted.status), ("decision", wanted.decision)):
        table = table.filter(table[name] == value) if value else table
    return table if wanted.risk_from is None else table.filter(table.churn_risk_score >= wanted.risk_from)


def _shortened(row: dict[str, Any]) -> Row:
    for name in ("customer_name", "customer_email"):
        if row[name] is not None and len(row[name]) > MAX_NAME:
            row[name] = row[name][:MAX_NAME] + "…"
    return row
