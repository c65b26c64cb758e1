"""Checks of the order feed: are the orders of the last days of the kind that came before?

Each check compares the orders of a day, or of a week, with those of the baseline. It raises an alarm if chance hardly
explains the difference (see :mod:`bands`) and the difference is of a size that the policy names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import pandas as pd
import pyarrow as pa

from customer_revenue.monitoring.bands import risk_per_figure
from customer_revenue.monitoring.feed_statistics import (
    amounts,
    new_customers,
    new_shapes,
    orders_of_day,
    shape_of,
    shifted_hours,
    twins,
    vanished,
)
from customer_revenue.monitoring.findings import Finding
from customer_revenue.policy import Feed, Monitoring

ORDER_COLUMNS = ("id", "user_id", "total_cents", "status", "created_at", "day", "first_day")
REFUND = "refund"
"""Refunds beside the orders' statuses."""

SHAPES = {"user_id": "user_shape", "id": "id_shape"}
"""The columns of ids, and those of what they look like."""

WEEK_DAYS = 7
NAMES = (
    "day_missing",
    "orders_doubled",
    "amounts_changed",
    "status_vanished",
    "hours_shifted",
    "ids_reformatted",
    "customers_unknown",
)


@dataclass(frozen=True)
class Suspicion:
    """Something odd in some orders: how likely by chance, whether of a size that matters, and in words."""

    chance: float
    matters: bool
    value: float
    text: str


@dataclass(frozen=True)
class Slice:
    """Orders and refunds of some days, beside those of the baseline."""

    first_day: dt.date
    last_day: dt.date
    orders: pd.DataFrame
    refunds: pd.DataFrame
    usual: pd.DataFrame
    usual_refunds: pd.DataFrame
    policy: Feed

    @property
    def words(self) -> str:
        """The days."""
        return f"{self.first_day}" if self.first_day == self.last_day else f"{self.first_day} to {self.last_day}"


Check = Callable[[Slice], Suspicion | None]


def feed_days(last_day: dt.date, policy: Feed) -> tuple[dt.date, dt.date]:
    """The first day of the baseline and the first day that is looked at."""
    first = last_day - dt.timedelta(days=policy.window_days - 1)
    return first - dt.timedelta(days=policy.baseline_days), first


def check_feed(
    orders: pa.Table, refunds: pa.Table, first_order_day: dt.date, last_day: dt.date, policy: Monitoring
) -> list[Finding]:
    """Look at the orders of the last days.

    Args:
        orders: from the first day of the baseline on, with :data:`ORDER_COLUMNS`; ``first_day`` is that of the
            customer's first order.
        refunds: of the same days, with ``day``.
        first_order_day: of the store.
        last_day: the last day that is complete.
        policy: sizes, and how many false alarms a year may have.

    Returns:
        One finding a check; an alarm names the days where it is surest.
    """
    baseline, first = feed_days(last_day, policy.feed)
    if first_order_day > baseline:
        text = f"not checked: the orders begin on {first_order_day}, a baseline would on {baseline}"
        return [Finding(name, alarm=False, text=text) for name in NAMES]
    frame = _frame(orders)
    frame = frame.assign(**{shape: shape_of(frame[name]) for name, shape in SHAPES.items()})
    whole = Slice(baseline, last_day, frame, _frame(refunds), pd.DataFrame(), pd.DataFrame(), policy.feed)
    by_check = {name: [s for s in map(check, slices) if s] for name, check, slices in _plan(whole, first, last_day)}
    risk = risk_per_figure(policy.false_alarms_per_year, policy.looks_per_year, sum(map(len, by_check.values())))
    found = [_finding(name, suspicions, risk) for name, suspicions in by_check.items()]
    return [_accepted(finding) if finding.name in policy.feed.accepted else finding for finding in found]


def _plan(whole: Slice, first: dt.date, last: dt.date) -> Iterator[tuple[str, Check, Sequence[Slice]]]:
    days = [_cut(whole, first, day, day) for day in _days(first, last)]
    weeks = [
        _cut(whole, first, max(first, end - dt.timedelta(days=WEEK_DAYS - 1)), end)
        for end in sorted(_days(first, last)[::-WEEK_DAYS])
    ]
    weeks = [week for week in weeks if (week.last_day - week.first_day).days == WEEK_DAYS - 1]
    both = list(chain(days, weeks))
    yield "day_missing", _day_missing, days
    yield "orders_doubled", _doubled, both
    yield "amounts_changed", _amounts, both
    yield "status_vanished", _status_vanished, weeks
    yield "hours_shifted", _hours_shifted, weeks
    yield "ids_reformatted", _ids_reformatted, both
    yield "customers_unknown", _customers_unknown, weeks


def _finding(name: str, suspicions: Sequence[Suspicion], risk: float) -> Finding:
    alarming = [s for s in suspicions if s.matters and s.chance < risk]
    if alarming:
        surest = min(alarming, key=lambda s: s.chance)
        more = f" (and {len(alarming) - 1} more days or weeks)" if len(alarming) > 1 else ""
        return Finding(name, alarm=True, text=f"{surest.text}{more}", value=surest.value)
    oddest = min(suspicions, key=lambda s: s.chance, default=None)
    if oddest is None:
        return Finding(name, alarm=False, text="nothing to look at")
    return Finding(name, alarm=False, text=f"as usual; the oddest: {oddest.text}", value=oddest.value)


def _accepted(finding: Finding) -> Finding:
    return replace(finding, alarm=False, text=f"accepted: {finding.text}") if finding.alarm else finding


def _cut(whole: Slice, window: dt.date, first: dt.date, last: dt.date) -> Slice:
    def between(frame: pd.DataFrame, low: dt.date, high: dt.date) -> pd.DataFrame:
        return frame[(frame["day"] >= pd.Timestamp(low)) & (frame["day"] <= pd.Timestamp(high))]

    before = window - dt.timedelta(days=1)
    return Slice(
        first,
        last,
        between(whole.orders, first, last),
        between(whole.refunds, first, last),
        between(whole.orders, whole.first_day, before),
        between(whole.refunds, whole.first_day, before),
        whole.policy,
    )


def _day_missing(part: Slice) -> Suspicion | None:
    closed = {pd.Timestamp(day) for day in part.policy.closed_days}
    found = orders_of_day(part.first_day, len(part.orders), part.usual["day"], closed)
    if found is None:
        return None
    usual, chance = found
    few = len(part.orders) < part.policy.least_orders_share * usual
    text = f"{len(part.orders)} orders on {part.first_day}, a {part.first_day:%A}, where {usual:.0f} are usual"
    return Suspicion(chance, few, len(part.orders) / usual, text)


def _doubled(part: Slice) -> Suspicion | None:
    share, chance = twins(part.orders, part.usual)
    text = f"{share:.1%} of the orders of {part.words} have a twin of the same customer, moment and total"
    return Suspicion(chance, share >= part.policy.twins_share, share, text) if len(part.orders) else None


def _amounts(part: Slice) -> Suspicion | None:
    found = amounts(part.orders["total_cents"], part.usual["total_cents"])
    if found is None:
        return None
    factor, chance = found
    most = part.policy.amounts_factor
    hint = " as if cents were read as dollars or the other way round" if max(factor, 1 / factor) > 50 else ""
    text = f"orders of {part.words} are {factor:.3g} times as high as usual{hint}"
    return Suspicion(chance, not 1 / most < factor < most, factor, text)


def _status_vanished(part: Slice) -> Suspicion | None:
    kinds = {status: (part.orders, part.usual, status) for status in part.usual["status"].unique()}
    found = []
    for status, (now, usual, _) in kinds.items():
        dates = usual.loc[usual["status"] == status, "day"]
        found.append((*vanished(int((now["status"] == status).sum()), len(now), dates, usual["day"]), status))
    dates = part.usual_refunds["day"]
    found.append((*vanished(len(part.refunds), len(part.orders), dates, part.usual["day"]), REFUND))
    share, chance, status = min(found, key=lambda one: one[1])
    text = f"{status}: {share:.0%} of the usual number in {part.words}"
    return Suspicion(chance, share == 0, share, text) if len(part.orders) else None


def _hours_shifted(part: Slice) -> Suspicion | None:
    hours, chance = shifted_hours(part.orders["created_at"], part.usual["created_at"])
    text = f"the hours of the orders of {part.words} are those of before {hours:+d} h"
    return Suspicion(chance, abs(hours) >= part.policy.shift_hours, hours, text) if len(part.orders) else None


def _ids_reformatted(part: Slice) -> Suspicion | None:
    if not len(part.orders):
        return None
    found = [(*new_shapes(part.orders[name], part.usual[name]), name) for name in SHAPES.values()]
    share, chance, example, name = min(found, key=lambda one: one[1])
    what = "customers" if name == SHAPES["user_id"] else "orders"
    text = f"{share:.0%} of the ids of {what} in {part.words} look like none before" + (f": {example}" * bool(example))
    return Suspicion(chance, share >= part.policy.new_ids_share, share, text)


def _customers_unknown(part: Slice) -> Suspicion | None:
    found = new_customers(part.orders, part.usual, part.first_day)
    if found is None:
        return None
    share, usual, chance = found
    text = f"{share:.0%} of the orders of {part.words} are of known customers, {usual:.0%} are usual"
    return Suspicion(chance, share < usual * (1 - part.policy.new_ids_share), share, text)


def _days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame.assign(day=pd.to_datetime(frame["day"]))
