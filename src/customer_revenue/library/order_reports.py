"""Movements between segments, the sequence of orders, and refunds to come."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from customer_revenue.choices import FlowBy
from customer_revenue.errors import InvalidParameter
from customer_revenue.library.frame_columns import DayLike, as_day
from customer_revenue.library.orders import Orders
from customer_revenue.policy import load_policy
from customer_revenue.revenue.order_sequence import LAG_DAYS
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.flows_and_sequences import sequence_body
from customer_revenue.workflows.customer_base.refund_outlook import RefundOutlook, refund_outlook_body

_FLOW_COLUMNS = (
    "from_group",
    "to_group",
    "customers",
    "net_revenue_cents",
    "revenue_change_cents",
    "percentage_of_group",
    "is_small",
    "commonest_reason",
    "reason_percent",
)
_SEQUENCE_COLUMNS = (
    "order_number",
    "orders",
    "revenue_cents",
    "avg_order_value_cents",
    "followed_orders",
    "followed_percent",
    "mean_days_to_next",
    *(f"within_{days}_days" for days in LAG_DAYS),
)
_REFUND_COLUMNS = (
    "month",
    "revenue_cents",
    "refunds_so_far_cents",
    "refunds_to_come_cents",
    "refunds_low_cents",
    "refunds_high_cents",
    "interval_note",
    "expected_net_revenue_cents",
)


def segment_flows(orders: Orders, since: DayLike, by: str = "segment", as_of: DayLike | None = None) -> pd.DataFrame:
    """Who moved from which segment, stage or RFM group to which between two days.

    Args:
        orders: the store.
        since: the earlier day.
        by: ``segment`` (by net revenue), ``stage``, ``activity`` or ``rfm``.
        as_of: the later day; by default the store's as-of day.

    Returns:
        One row per ``from_group`` (None for those with no order by then) and ``to_group``, the most ``customers``
        first: ``net_revenue_cents``, ``revenue_change_cents`` between the days, ``percentage_of_group``, ``is_small``
        (fewer than 30 customers), ``commonest_reason`` (``first_order``, ``bought``, ``refunded`` or ``silent``) and
        ``reason_percent``. Every customer of the later day is in one row.

    Raises:
        InvalidParameter: ``by`` is none of its values, or ``since`` is not before the later day.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     flows = cr.segment_flows(cdnow, "1997-06-30", by="activity", as_of="1997-12-31")
    >>> flows[["from_group", "to_group", "customers", "commonest_reason"]].to_numpy().tolist()[0]
    ['at_risk', 'at_risk', 1638, 'silent']
    """
    if by not in list(FlowBy):
        raise InvalidParameter(f"by: {by[:40]!r} is not one of {', '.join(FlowBy)}", list(FlowBy))
    store, policy = orders.store, load_policy(orders.settings.policy)
    earlier, later = store.as_of(as_day(since)), store.as_of(as_day(as_of))
    if earlier.day >= later.day:
        raise InvalidParameter(f"since: {earlier.day} is not before {later.day}")
    bases = [CustomerBase(store, when, policy, None, None) for when in (earlier, later)]
    rows = cast("list[dict[str, Any]]", bases[1].flows(FlowBy(by), bases[0])["flows"])
    found = pd.DataFrame(rows, columns=list(_FLOW_COLUMNS))
    found["from_group"] = found["from_group"].astype(object).where(found["from_group"].notna(), None)
    return found


def order_sequence(orders: Orders, as_of: DayLike | None = None) -> pd.DataFrame:
    """What customers' first, second … orders bring, and how soon the next follows.

    Args:
        orders: the store.
        as_of: by default the store's as-of day.

    Returns:
        One row per ``order_number`` (10 for all later ones too): ``orders``, ``revenue_cents``,
        ``avg_order_value_cents``, ``followed_orders`` and ``followed_percent`` so far, ``mean_days_to_next``, and
        ``within_7_days`` to ``within_365_days``: of the orders that are so old, the share in percent that was followed
        within the days.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     sequence = cr.order_sequence(cdnow)
    >>> sequence[["orders", "avg_order_value_cents", "within_90_days"]].round(1).to_numpy().tolist()[:2]
    [[2357.0, 3253.0, 29.9], [1152.0, 3443.0, 43.7]]
    """
    store = orders.store
    rows = cast("list[dict[str, Any]]", sequence_body(store.for_joins(), store.as_of(as_day(as_of)))["order_numbers"])
    flat = [
        {name: value for name, value in row.items() if name not in ("within", "and_later")}
        | {f"within_{lag['days']}_days": lag["followed_percent"] for lag in row["within"]}
        for row in rows
    ]
    return pd.DataFrame(flat, columns=list(_SEQUENCE_COLUMNS))


def refunds_to_come(orders: Orders, as_of: DayLike | None = None) -> pd.DataFrame:
    """Refunds that are still to be expected on recent orders, learned from how long past refunds took.

    Args:
        orders: the store.
        as_of: by default the store's as-of day.

    Returns:
        One row per ``month`` of orders, the last twelve with one: ``revenue_cents``, ``refunds_so_far_cents``,
        ``refunds_to_come_cents`` with its 80 % interval, ``interval_note`` where the mean lies outside of that, and
        ``expected_net_revenue_cents``. ``attrs`` has the ``total`` of the months and ``foreseen_days``, the delay up
        to which refunds are foreseen.

    >>> import customer_revenue as cr
    >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
    ...     found = cr.refunds_to_come(orders)
    >>> bool((found["expected_net_revenue_cents"] <= found["revenue_cents"]).all())
    True
    """
    store = orders.store
    body = refund_outlook_body(RefundOutlook.of(store.for_joins(), store.as_of(as_day(as_of))))
    found = pd.DataFrame(cast("list[dict[str, Any]]", body["months"]), columns=list(_REFUND_COLUMNS))
    found["interval_note"] = found["interval_note"].astype(object).where(found["interval_note"].notna(), None)
    found.attrs = {name: body[name] for name in ("total", "foreseen_days")}
    return found
