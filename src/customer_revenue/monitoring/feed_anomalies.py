"""Checks of the order feed: anomalies of the orders of the last days.

Each check compares the orders of a day, or of a week, with those of the baseline. It raises an alarm if chance hardly
explains the difference (see :mod:`bands`) and the difference is of a size that the policy names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import get_args

import pandas as pd
import pyarrow as pa

from customer_revenue.monitoring.bands import risk_per_figure
from customer_revenue.monitoring.baseline import Baseline
from customer_revenue.monitoring.feed_statistics import (
    amounts,
    duplicate_orders,
    hours,
    new_customers,
    new_shapes,
    orders_of_day,
    shape_of,
    shifted_hours,
    vanished,
)
from customer_revenue.monitoring.findings import Finding
from customer_revenue.periods import DAYS_PER_WEEK
from customer_revenue.policy import Feed, Monitoring
from customer_revenue.policy.gate_and_monitoring import FeedCheck

FEED_COLUMNS = ("id", "user_id", "total_cents", "status", "created_at", "day", "first_day")
REFUND = "refund"
"""Refunds are checked in addition to the orders' statuses."""

ID_SHAPES = {"user_id": "user_shape", "id": "id_shape"}
"""The columns of ids, and those of their formats."""

CHECK_NAMES: tuple[FeedCheck, ...] = get_args(FeedCheck)


@dataclass(frozen=True)
class Anomaly:
    """A deviation of some orders from the baseline: its probability, whether its size matters, its size, and a text."""

    chance: float
    matters: bool
    value: float
    text: str


@dataclass(frozen=True)
class Slice:
    """Orders and refunds of some days, with those of the baseline."""

    first_day: dt.date
    last_day: dt.date
    orders: pd.DataFrame
    refunds: pd.DataFrame
    baseline: Baseline
    policy: Feed

    @property
    def words(self) -> str:
        """The days."""
        return f"{self.first_day}" if self.first_day == self.last_day else f"{self.first_day} to {self.last_day}"

    def cut(self, first: dt.date, last: dt.date) -> Slice:
        """Some of the days."""
        orders, refunds = _between(self.orders, first, last), _between(self.refunds, first, last)
        return replace(self, first_day=first, last_day=last, orders=orders, refunds=refunds)


OrderCheck = Callable[[Slice], Anomaly | None]


def feed_days(last_day: dt.date, policy: Feed) -> tuple[dt.date, dt.date]:
    """The first day of the baseline and the first day that is checked."""
    first = last_day - dt.timedelta(days=policy.window_days - 1)
    return first - dt.timedelta(days=policy.baseline_days), first


def check_feed(
    orders: pa.Table, refunds: pa.Table, first_order_day: dt.date, last_day: dt.date, policy: Monitoring
) -> list[Finding]:
    """Check the orders of the last days.

    Args:
        orders: from the first day of the baseline on, with :data:`FEED_COLUMNS`; ``first_day`` is that of the
            customer's first order.
        refunds: of the same days, with ``day``.
        first_order_day: of the store.
        last_day: the last day that is complete.
        policy: sizes, and how many false alarms a year may have.

    Returns:
        One finding per check; an alarm names the days with the strongest evidence.
    """
    baseline, first = feed_days(last_day, policy.feed)
    if first_order_day > baseline:
        text = f"not checked: the orders begin on {first_order_day}, after the first day of the baseline, {baseline}"
        return [Finding(name, alarm=False, text=text) for name in CHECK_NAMES]
    frame = _frame(orders)
    frame = frame.assign(**{shape: shape_of(frame[name]) for name, shape in ID_SHAPES.items()})
    back = _frame(refunds)
    before = first - dt.timedelta(days=1)
    usual = Baseline(_between(frame, baseline, before), _between(back, baseline, before))
    if not len(usual):
        text = f"not checked: there is no order from {baseline} to {before}, the days of the baseline"
        return [Finding(name, alarm=False, text=text) for name in CHECK_NAMES]
    recent = Slice(
        first, last_day, _between(frame, first, last_day), _between(back, first, last_day), usual, policy.feed
    )
    by_check = {name: [s for s in map(check, slices) if s] for name, check, slices in _plan(recent)}
    risk = risk_per_figure(policy.false_alarms_per_year, policy.looks_per_year, sum(map(len, by_check.values())))
    found = [_finding(name, anomalies, risk) for name, anomalies in by_check.items()]
    return [_accepted(finding) if finding.name in policy.feed.accepted else finding for finding in found]


def _plan(recent: Slice) -> Iterator[tuple[str, OrderCheck, Sequence[Slice]]]:
    all_days = _days(recent.first_day, recent.last_day)
    days = [recent.cut(day, day) for day in all_days]
    begins = {end: end - dt.timedelta(days=DAYS_PER_WEEK - 1) for end in sorted(all_days[::-DAYS_PER_WEEK])}
    weeks = [recent.cut(begin, end) for end, begin in begins.items() if begin >= recent.first_day]
    both = list(chain(days, weeks))
    yield "day_missing", _day_missing, days
    yield "orders_doubled", _doubled, both
    yield "amounts_changed", _amounts, both
    yield "status_vanished", _status_vanished, weeks
    yield "hours_shifted", _hours_shifted, weeks
    yield "ids_reformatted", _ids_reformatted, both
    yield "customers_unknown", _customers_unknown, weeks


def _finding(name: str, anomalies: Sequence[Anomaly], risk: float) -> Finding:
    alarming = [s for s in anomalies if s.matters and s.chance < risk]
    if alarming:
        strongest = min(alarming, key=lambda s: s.chance)
        more = f" (and {len(alarming) - 1} more days or weeks)" if len(alarming) > 1 else ""
        return Finding(name, alarm=True, text=f"{strongest.text}{more}", value=strongest.value)
    least_likely = min(anomalies, key=lambda s: s.chance, default=None)
    if least_likely is None:
        return Finding(name, alarm=False, text="nothing to check")
    return Finding(name, alarm=False, text=f"no alarm; least likely: {least_likely.text}", value=least_likely.value)


def _accepted(finding: Finding) -> Finding:
    return replace(finding, alarm=False, text=f"accepted: {finding.text}") if finding.alarm else finding


def _day_missing(part: Slice) -> Anomaly | None:
    found = orders_of_day(part.first_day, len(part.orders), part.baseline.by_day, part.policy.closed_days)
    if found is None:
        return None
    usual, chance = found
    few = len(part.orders) < part.policy.least_orders_share * usual
    text = f"{len(part.orders)} orders on {part.first_day}, a {part.first_day:%A}, where {usual:.0f} are usual"
    return Anomaly(chance, few, len(part.orders) / usual, text)


def _doubled(part: Slice) -> Anomaly | None:
    share, chance = duplicate_orders(part.orders, part.baseline.repeats, len(part.baseline))
    text = f"{share:.1%} of the orders of {part.words} repeat the customer, moment and total of another order"
    return Anomaly(chance, share >= part.policy.twins_share, share, text) if len(part.orders) else None


def _amounts(part: Slice) -> Anomaly | None:
    totals = part.orders["total_cents"]
    found = amounts(totals[totals > 0], part.baseline.totals)
    if found is None:
        return None
    factor, chance = found
    limit = part.policy.amounts_factor
    hint = " as if cents were read as dollars or the other way round" if max(factor, 1 / factor) > 50 else ""
    text = f"order totals of {part.words} are {factor:.3g} times as high as usual{hint}"
    return Anomaly(chance, not 1 / limit < factor < limit, factor, text)


def _status_vanished(part: Slice) -> Anomaly | None:
    orders, usual = part.orders["status"], part.baseline
    found = [
        (*vanished(int((orders == status).sum()), len(orders), usual.by_status[status], usual.by_week), status)
        for status in usual.by_status
    ]
    found.append((*vanished(len(part.refunds), len(orders), usual.refunds_by_week, usual.by_week), REFUND))
    share, chance, status = min(found, key=lambda one: one[1])
    text = f"{status}: {share:.0%} of the usual number in {part.words}"
    return Anomaly(chance, share == 0, share, text) if len(part.orders) else None


def _hours_shifted(part: Slice) -> Anomaly | None:
    shift, chance = shifted_hours(hours(part.orders["created_at"]), part.baseline.by_hour)
    text = f"the hours of the orders of {part.words} are shifted by {shift:+d} h"
    return Anomaly(chance, abs(shift) >= part.policy.shift_hours, shift, text) if len(part.orders) else None


def _ids_reformatted(part: Slice) -> Anomaly | None:
    if not len(part.orders):
        return None
    found = [
        (*new_shapes(part.orders[name], part.baseline.shapes[name], len(part.baseline)), name)
        for name in ID_SHAPES.values()
    ]
    share, chance, example, name = min(found, key=lambda one: one[1])
    what = "customers" if name == ID_SHAPES["user_id"] else "orders"
    text = f"{share:.0%} of the ids of {what} in {part.words} have a new format" + (f": {example}" * bool(example))
    return Anomaly(chance, share >= part.policy.new_ids_share, share, text)


def _customers_unknown(part: Slice) -> Anomaly | None:
    found = new_customers(part.orders, part.baseline.known_shares, part.first_day)
    if found is None:
        return None
    share, usual, chance = found
    text = f"{share:.0%} of the orders of {part.words} are of known customers, {usual:.0%} are usual"
    return Anomaly(chance, share < usual * (1 - part.policy.new_ids_share), share, text)


def _days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _between(frame: pd.DataFrame, first: dt.date, last: dt.date) -> pd.DataFrame:
    return frame[(frame["day"] >= pd.Timestamp(first)) & (frame["day"] <= pd.Timestamp(last))]


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame.assign(day=pd.to_datetime(frame["day"]))
