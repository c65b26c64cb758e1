"""What changed in the shop since a day, next to as many days before it, and what the checks of the feed say."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.errors import InvalidParameter
from customer_revenue.policy import Policy
from customer_revenue.revenue.arithmetic import date_where, days_between, sum_where
from customer_revenue.revenue.counted_refunds import movements
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.headline_metrics import ONE_DAY, DayRange

if TYPE_CHECKING:
    import ibis.expr.types as ir

USUAL_DAYS = 7
MOST_DAYS = 366
"""Of a longer absence only the last so many days are shown."""


def changes_body(base: CustomerBase, policy: Policy, since: dt.date | None) -> Body:
    """Orders, net revenue, refunds, new customers and customers gone quiet since a day, and in as many days before.

    Args:
        base: the customers, as of the last day that counts.
        policy: says from when on a customer is quiet: silence that ends the stage ``active``.
        since: the day after which changes count; by default a week before the as-of day.

    Raises:
        InvalidParameter: the day is not before the as-of day.
    """
    day, info = base.when.day, base.store.info
    if since is not None and since >= day:
        raise InvalidParameter(f"since: {since} is not before {day}, the day up to which changes are counted")
    length = min((day - since).days if since else USUAL_DAYS, MOST_DAYS)
    now = DayRange(day - (length - 1) * ONE_DAY, day)
    before = DayRange(now.first - length * ONE_DAY, now.first - ONE_DAY)
    (row,) = base.rows(_counted(base, now, before))
    (quiet,) = base.rows(_quiet(base, policy.lifecycle.active_below_days, length))
    known_before = info.first_day is not None and info.first_day <= before.first
    return {
        "days": length,
        "first_day": now.first.isoformat(),
        "last_day": day.isoformat(),
        "before_is_known": known_before,
        "quiet_from_days": policy.lifecycle.active_below_days,
        "now": _figures(row | quiet, "now"),
        "before": _figures(row | quiet, "before") if known_before else None,
    }


def _figures(row: Row, window: str) -> Row:
    names = ("orders", "buyers", "revenue_cents", "refunds_cents", "new_customers", "gone_quiet")
    found: Row = {name: int(row[f"{name}_{window}"] or 0) for name in names}
    return found | {"net_revenue_cents": found["revenue_cents"] - found["refunds_cents"]}


def _counted(base: CustomerBase, now: DayRange, before: DayRange) -> ir.Table:
    moves = movements(base.known)
    windows = {"now": now, "before": before}
    inside = {name: window.holds(moves.day) for name, window in windows.items()}
    each = moves.group_by("customer_id").aggregate(
        first=date_where(moves.orders == 1, moves.day).min(),
        **{f"orders_{name}": sum_where(marks, moves.orders) for name, marks in inside.items()},
        **{f"revenue_cents_{name}": sum_where(marks, moves.revenue_cents) for name, marks in inside.items()},
        **{f"refunds_cents_{name}": sum_where(marks, moves.refund_cents) for name, marks in inside.items()},
    )
    sums = {}
    for name, window in windows.items():
        for column in ("orders", "revenue_cents", "refunds_cents"):
            sums[f"{column}_{name}"] = each[f"{column}_{name}"].sum().coalesce(0)
        sums[f"buyers_{name}"] = sum_where(each[f"orders_{name}"] > 0, 1).coalesce(0)
        sums[f"new_customers_{name}"] = sum_where(window.holds(each["first"]), 1).coalesce(0)
    return each.aggregate(**sums)


def _quiet(base: CustomerBase, limit: int, length: int) -> ir.Table:
    """Customers whose silence reached a limit in the last days, and in those before."""
    customers = base.customers
    silence = days_between(customers.last_purchase_date, ibis.literal(base.when.day, type="date"))
    recent = (silence >= limit) & (silence < limit + length)
    earlier = (silence >= limit + length) & (silence < limit + 2 * length)
    return customers.aggregate(
        gone_quiet_now=sum_where(recent, 1).coalesce(0), gone_quiet_before=sum_where(earlier, 1).coalesce(0)
    )
