"""Movements between segments, and the sequence of orders, as answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from customer_revenue.choices import FlowBy
from customer_revenue.orders.engines.duckdb.kept_in_memory import fetch_over_tables
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.policy import Policy, Rfm
from customer_revenue.revenue.order_sequence import LAG_DAYS, LAST_ORDER_NUMBER, order_sequence
from customer_revenue.revenue.segment_flows import FLOW_REASONS, segment_flows
from customer_revenue.tables import Canonical
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.known_tables import day_parameter, known_by_then

if TYPE_CHECKING:
    import ibis.expr.types as ir


def flows_body(before: pa.Table, now: pa.Table, days: tuple[dt.date, dt.date], by: FlowBy, policy: Policy) -> Body:
    """Who moved from which group to which, as an answer.

    Args:
        before: the customers' facts on the earlier day.
        now: those on the later day.
        days: the earlier and the later day.
        by: what the groups are.
        policy: the RFM groups.
    """
    rows: list[Row] = []
    for row in fetch_over_tables(Recipe(_flows, (by, policy.rfm)), (before, now)).to_pylist():
        counts = {reason: row.pop(reason) for reason in FLOW_REASONS}
        reason = max(counts, key=lambda name: counts[name])
        percent = round(100 * counts[reason] / row["customers"], 2)
        rows.append({**row, "commonest_reason": reason, "reason_percent": percent})
    return {
        "by": by.value,
        "since": days[0].isoformat(),
        "until": days[1].isoformat(),
        "customers_before": before.num_rows,
        "customers_now": now.num_rows,
        "flows": rows,
    }


def sequence_body(store: Store, when: AsOf) -> Body:
    """What each order in a row brings and how soon the next follows, as an answer.

    Args:
        store: the orders.
        when: the as-of moment.
    """
    found = store.fetch(Recipe(_known_sequence), moment=when.moment_utc_naive, as_of_day=when.day).to_pylist()
    rows: list[Row] = []
    for row in found:
        within = [
            {
                "days": days,
                "orders": row[f"old_{days}"],
                "followed_orders": row[f"followed_{days}"],
                "followed_percent": _percent(row[f"followed_{days}"], row[f"old_{days}"]),
            }
            for days in LAG_DAYS
        ]
        followed = row["followed_orders"]
        rows.append(
            {
                "order_number": row["order_number"],
                "and_later": row["order_number"] == LAST_ORDER_NUMBER,
                **{name: row[name] for name in ("orders", "revenue_cents", "avg_order_value_cents")},
                "followed_orders": followed,
                "followed_percent": _percent(followed, row["orders"]),
                "mean_days_to_next": round(row["days_to_next"] / followed, 1) if followed else None,
                "within": within,
            }
        )
    return {"order_numbers": rows}


def _flows(then_and_now: Sequence[ir.Table], by: FlowBy, policy: Rfm) -> ir.Table:
    before, now = then_and_now
    return segment_flows(before, now, by, policy)


def _known_sequence(tables: Canonical) -> ir.Table:
    return order_sequence(known_by_then(tables), day_parameter("as_of_day"))


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None
