"""The headline metrics of the page, with those of the previous period."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import override

from customer_revenue import lazy_ibis as ibis
from customer_revenue.periods import BEGINNING, Period, months_before
from customer_revenue.policy import Segments
from customer_revenue.revenue.arithmetic import date_where, stacked, sum_where
from customer_revenue.revenue.counted_refunds import refunds_beyond_orders
from customer_revenue.revenue.trends import GROWTH_DAYS, growth_rate
from customer_revenue.tables import COUNTED_STATUSES, REFUNDED, Canonical, day_literal
from customer_revenue.workflows.known_tables import day_parameter, known_by_then

if TYPE_CHECKING:
    import ibis.expr.types as ir

ONE_DAY = dt.timedelta(days=1)
MONTHS = {Period.LAST_12_MONTHS: 12, Period.LAST_6_MONTHS: 6, Period.YTD: 12}
"""How far back the period before lies; the year to date is compared with the same days of the year before."""


class DayWindow(ABC):
    """Days from the first to the last, both included, as an expression sees them."""

    @property
    @abstractmethod
    def first_day(self) -> ir.DateScalar:
        """The first day."""

    @property
    @abstractmethod
    def last_day(self) -> ir.DateScalar:
        """The last day."""

    def holds(self, day: ir.DateValue) -> ir.BooleanValue:
        """Whether a day is inside."""
        return day.between(self.first_day, self.last_day)


class ComparedWindows(Protocol):
    """A window and the one before it, and windows in a row for new customers."""

    @property
    def now(self) -> DayWindow:
        """The window."""

    @property
    def before(self) -> DayWindow:
        """The one before it."""

    @property
    def acquired(self) -> Sequence[DayWindow]:
        """Those that new customers are counted in, newest first."""


@dataclass(frozen=True)
class DayRange(DayWindow):
    """Days from the first to the last, both included."""

    first: dt.date
    last: dt.date

    @property
    @override
    def first_day(self) -> ir.DateScalar:
        return day_literal(self.first)

    @property
    @override
    def last_day(self) -> ir.DateScalar:
        return day_literal(self.last)


@dataclass(frozen=True)
class BoundRange(DayWindow):
    """Days that are bound when a query runs, as the parameters ``NAME_first`` and ``NAME_last``."""

    name: str

    @property
    @override
    def first_day(self) -> ir.DateScalar:
        return day_parameter(f"{self.name}_first")

    @property
    @override
    def last_day(self) -> ir.DateScalar:
        return day_parameter(f"{self.name}_last")


@dataclass(frozen=True)
class HeadlineMetrics:
    """The four metrics of the widget, and what they are made of."""

    customers: int
    revenue_cents: int
    orders: int
    top_cents: int
    growth_percent: float | None

    @property
    def average_cents(self) -> int:
        """Revenue per customer, rounded half up."""
        return (2 * self.revenue_cents + self.customers) // (2 * self.customers) if self.customers else 0

    def with_previous(self, before: HeadlineMetrics | None) -> dict[str, dict[str, object]]:
        """Each figure with the one before, null where there is none."""
        names = {
            "total_customers": "customers",
            "avg_customer_value_cents": "average_cents",
            "top_customer_value_cents": "top_cents",
            "customer_growth_rate": "growth_percent",
            "total_revenue_cents": "revenue_cents",
            "total_orders": "orders",
        }
        return {
            name: {"value": getattr(self, field), "before": getattr(before, field) if before else None}
            for name, field in names.items()
        }


@dataclass(frozen=True)
class ComparisonPeriods:
    """A period and the one before it, and three windows in a row that new customers are counted in, newest first.

    All time is compared with what it was 30 days ago, and its growth is that of 30 days, as in the widget.
    """

    now: DayRange
    before: DayRange
    acquired: tuple[DayRange, DayRange, DayRange]

    @classmethod
    def of(cls, period: Period, day: dt.date) -> ComparisonPeriods:
        """The windows of a period that ends with a day."""
        if period is Period.ALL_TIME:
            ends = [day - n * dt.timedelta(days=GROWTH_DAYS) for n in range(4)]
            rolling = [DayRange(ends[n + 1] + ONE_DAY, ends[n]) for n in range(3)]
            return cls(DayRange(BEGINNING, day), DayRange(BEGINNING, ends[1]), (rolling[0], rolling[1], rolling[2]))
        back = MONTHS[period]
        steps = [_back(DayRange(period.first_day(day), day), period, back * n) for n in range(3)]
        return cls(steps[0], steps[1], (steps[0], steps[1], steps[2]))

    def parameters(self) -> dict[str, dt.date]:
        """The values of the parameters of :data:`BOUND_PERIODS`."""
        new = {f"new_{n}": window for n, window in enumerate(self.acquired)}
        windows = {"now": self.now, "before": self.before, **new}
        ends = ((name, end) for name in windows for end in ("first", "last"))
        return {f"{name}_{end}": getattr(windows[name], end) for name, end in ends}

    def comparison(self, first_day: dt.date | None) -> dict[str, str] | None:
        """The days of the period before; ``None`` where the store does not reach back to its beginning."""
        if not _reaches(self.before, first_day):
            return None
        first = max(self.before.first, first_day or self.before.first)
        return {"first_day": first.isoformat(), "last_day": self.before.last.isoformat()}

    def figures(
        self, row: Mapping[str, Any], first_day: dt.date | None
    ) -> tuple[HeadlineMetrics, HeadlineMetrics | None]:
        """The figures of the period and of the one before, from the row of :func:`headline_metrics`."""
        new = [row[f"new_{n}"] if _reaches(w, first_day) else 0 for n, w in enumerate(self.acquired)]
        growth = [growth_rate(new[n], new[n + 1]) for n in range(2)]
        now, before = (
            HeadlineMetrics(row[f"customers_{w}"], row[f"revenue_{w}"], row[f"orders_{w}"], row[f"top_{w}"], rate)
            for w, rate in zip(("now", "before"), growth, strict=True)
        )
        return now, before if _reaches(self.before, first_day) and before.customers else None


@dataclass(frozen=True)
class BoundPeriods:
    """The windows of :class:`ComparisonPeriods`, bound when a query runs."""

    now: BoundRange
    before: BoundRange
    acquired: tuple[BoundRange, BoundRange, BoundRange]


BOUND_PERIODS = BoundPeriods(
    BoundRange("now"), BoundRange("before"), (BoundRange("new_0"), BoundRange("new_1"), BoundRange("new_2"))
)


def known_headline(tables: Canonical, policy: Segments) -> ir.Table:
    """:func:`headline_metrics` as known by the parameter ``moment``, in windows that are parameters, too."""
    return headline_metrics(known_by_then(tables), BOUND_PERIODS, policy)


def known_unattributed(tables: Canonical) -> ir.Table:
    """:func:`unattributed_revenue` from ``now_first`` to ``now_last``, as known by the parameter ``moment``."""
    known = known_by_then(tables)
    orders = known.orders.limit(0) if known.unattributed is None else known.unattributed
    return unattributed_revenue(orders, BOUND_PERIODS.now)


def headline_metrics(known: Canonical, windows: ComparedWindows, policy: Segments) -> ir.Table:
    """Customers, revenue, orders and best customer of both windows, and new customers of each of three; one row.

    Args:
        known: what was known at the as-of moment.
        windows: the period and the one before.
        policy: says by which revenue the best customer is found.
    """
    moves = _moves(known, windows, policy)
    inside = {"now": windows.now.holds(moves.day), "before": windows.before.holds(moves.day)}
    sums: dict[str, ir.Value] = {"first": date_where(moves.orders == 1, moves.day).min()}
    for name, condition in inside.items():
        sums[f"cents_{name}"] = sum_where(condition, moves.revenue_cents)
        sums[f"count_{name}"] = sum_where(condition, moves.orders)
        sums[f"worth_{name}"] = sum_where(condition, moves[f"worth_{name}"])
    each = moves.group_by("customer_id").aggregate(**sums)
    totals: dict[str, ir.Value] = {}
    for name in inside:
        cents, count, worth = (each[f"{what}_{name}"] for what in ("cents", "count", "worth"))
        totals[f"customers_{name}"] = sum_where(count > 0, 1).coalesce(0)
        totals[f"revenue_{name}"] = cents.sum().coalesce(0)
        totals[f"orders_{name}"] = count.sum().coalesce(0)
        totals[f"top_{name}"] = (count > 0).ifelse(worth, ibis.null("int64")).max().coalesce(0)
    for n, window in enumerate(windows.acquired):
        totals[f"new_{n}"] = sum_where(window.holds(each["first"]), 1).coalesce(0)
    return each.aggregate(**totals)


def _moves(known: Canonical, windows: ComparedWindows, policy: Segments) -> ir.Table:
    """Orders, and refunds where they count, with what each adds to the customer's worth in either window.

    A refund of a whole order counts in a window that does not contain the order, as in the facts of a period.
    """
    orders = known.counted_orders()
    zero, none = ibis.literal(0, type=orders.total_cents.type()), ibis.literal(0, type="!int64")
    kept = (orders.status == REFUNDED).ifelse(0, orders.total_cents) if policy.is_net else orders.total_cents
    moves = orders.select(
        customer_id=orders.user_id,
        day=orders.day,
        orders=ibis.literal(1, type="!int64"),
        revenue_cents=orders.total_cents,
        worth_now=kept,
        worth_before=kept,
    )
    for name, window in (("now", windows.now), ("before", windows.before)) if policy.is_net else ():
        refunds = refunds_beyond_orders(known, window.first_day)
        refunds = refunds.filter(window.holds(refunds.day))
        worth = dict.fromkeys(("worth_now", "worth_before"), zero) | {f"worth_{name}": -refunds.amount_cents}
        returned = refunds.select(
            customer_id=refunds.user_id, day=refunds.day, orders=none, revenue_cents=zero, **worth
        )
        moves = stacked(moves, returned)
    return moves


def unattributed_revenue(orders: ir.Table, window: DayWindow) -> ir.Table:
    """Gross revenue of the counted ones among orders without a customer, in one row; null without such an order."""
    counted = orders.filter(orders.status.isin(COUNTED_STATUSES), window.holds(orders.day))
    return counted.aggregate(unattributed_revenue_cents=counted.total_cents.sum())


def _back(window: DayRange, period: Period, months: int) -> DayRange:
    if period is Period.YTD or not months:
        return DayRange(months_before(window.first, months), months_before(window.last, months))
    last = months_before(window.last, months)
    return DayRange(period.first_day(last), last)


def _reaches(window: DayRange, first_day: dt.date | None) -> bool:
    return first_day is not None and (
        window.first >= first_day or window.first == BEGINNING <= first_day <= window.last
    )
