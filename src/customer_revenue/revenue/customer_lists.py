"""Lists of customers: the best, and those at risk. Paged, and sorted the same way every time."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

import ibis.expr.types as ir

from customer_revenue.choices import ACTIVITY_STATUSES, LIFECYCLE_STAGES, AtRiskBy, TopBy
from customer_revenue.errors import InvalidParameter
from customer_revenue.policy import Policy
from customer_revenue.tables import check_columns


def top_customers(
    customers: ir.Table,
    by: TopBy = TopBy.TOTAL_REVENUE,
    limit: int = 10,
    offset: int = 0,
    predictions: ir.Table | None = None,
) -> ir.Table:
    """The most valuable customers, best first; ties in the order of the ids.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.
        by: total or net revenue to date, or the predicted lifetime value.
        limit: maximum number of rows.
        offset: number of rows to skip.
        predictions: ``customer_id`` and ``estimated_ltv_cents``; needed to sort by it, else shown where given.

    Returns:
        The columns of ``customers``, and ``estimated_ltv_cents`` with predictions (null for a customer without).

    Raises:
        InvalidParameter: sorting by lifetime value without predictions, or an invalid page.
    """
    if predictions is not None:
        customers = _with(customers, predictions, ("estimated_ltv_cents",))
    elif by is TopBy.LTV:
        raise InvalidParameter("by: estimated_ltv_cents needs predictions")
    return _page(customers, by, limit, offset)


def at_risk(
    customers: ir.Table,
    policy: Policy,
    *,
    activity: str = "at_risk",
    stage: str | None = None,
    segments: Collection[str] | None = None,
    by: AtRiskBy = AtRiskBy.TOTAL_REVENUE,
    limit: int = 100,
    offset: int = 0,
    predictions: ir.Table | None = None,
) -> ir.Table:
    """Customers who may be slipping away, the highest value first; ties in the order of the ids.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.
        policy: names the segments.
        activity: activity status to list; ignored where a stage is given.
        stage: lifecycle stage to list instead.
        segments: value segments to list; by default all but the lowest.
        by: total revenue to date, or the revenue at risk.
        limit: maximum number of rows.
        offset: number of rows to skip.
        predictions: ``customer_id``, ``churn_risk_score`` and ``expected_revenue_cents`` (such as of the coming year),
            needed to sort by the revenue at risk.

    Returns:
        The columns of ``customers``; with predictions also theirs and ``revenue_at_risk_cents``, the expected revenue
        times the churn risk, 0 for a customer without a prediction.

    Raises:
        InvalidParameter: an unknown status, stage or segment, a sort that needs predictions, or an invalid page.
    """
    names = [segment.name for segment in policy.segments.active]
    wanted = names[:-1] if segments is None else list(segments)
    _check_name("segments", wanted, names)
    if stage is None:
        _check_name("activity", [activity], ACTIVITY_STATUSES)
        listed = customers.filter(customers.activity_status == activity)
    else:
        _check_name("stage", [stage], LIFECYCLE_STAGES)
        listed = customers.filter(customers.lifecycle_stage == stage)
    listed = listed.filter(listed.customer_segment.isin(wanted))
    if predictions is not None:
        listed = _with_risk(listed, predictions)
    elif by is AtRiskBy.REVENUE_AT_RISK:
        raise InvalidParameter("by: revenue_at_risk_cents needs predictions")
    return _page(listed, by, limit, offset)


def revenue_at_risk(expected_revenue_cents: ir.NumericValue, churn_risk_score: ir.NumericValue) -> ir.IntegerValue:
    """The revenue that is counted on, times the chance that the customer stays away; whole cents, halves up."""
    product = expected_revenue_cents.cast("float64") * churn_risk_score
    return cast("ir.IntegerValue", (product + 0.5).floor())


def _with_risk(listed: ir.Table, predictions: ir.Table) -> ir.Table:
    scored = _with(listed, predictions, ("churn_risk_score", "expected_revenue_cents"))
    at_stake = revenue_at_risk(scored.expected_revenue_cents, scored.churn_risk_score).coalesce(0)
    return scored.mutate(revenue_at_risk_cents=at_stake)


def _with(customers: ir.Table, others: ir.Table, columns: tuple[str, ...]) -> ir.Table:
    check_columns(others, ("customer_id", *columns), "the table that is joined to the customers")
    added = others.select(*columns, joined_id=others.customer_id)
    return customers.left_join(added, customers.customer_id == added.joined_id).drop("joined_id")


def _page(table: ir.Table, by: str, limit: int, offset: int) -> ir.Table:
    if limit < 1 or offset < 0:
        raise InvalidParameter("limit must be at least 1 and offset at least 0")
    # Engines differ in where they sort nulls: a value puts them last.
    key = table[by].coalesce(-(2**53))
    return table.order_by(key.desc(), table.customer_id.asc()).limit(limit, offset=offset)


def _check_name(name: str, given: Collection[str], allowed: Collection[str]) -> None:
    for value in given:
        if value not in allowed:
            raise InvalidParameter(f"{name}: {value[:40]!r} is not one of {', '.join(allowed)}", list(allowed))
