"""Lists of customers: joined to their predictions, sorted the same way every time, and paged."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.choices import ACTIVITY_STATUSES, LIFECYCLE_STAGES, LOST, AtRiskBy, TopBy
from customer_revenue.errors import InvalidParameter
from customer_revenue.policy import Policy
from customer_revenue.tables import check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir


def top_customers(
    customers: ir.Table,
    by: TopBy = TopBy.NET_REVENUE,
    limit: int = 10,
    offset: int = 0,
    predictions: ir.Table | None = None,
) -> ir.Table:
    """The most valuable customers, best first; ties in the order of the ids.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.
        by: total or net revenue to date, profit (of a table that has it), or the predicted lifetime value.
        limit: maximum number of rows.
        offset: number of rows to skip.
        predictions: ``customer_id`` and ``estimated_ltv_cents``; needed to sort by it, else shown where given.

    Returns:
        The columns of ``customers``, and ``estimated_ltv_cents`` with predictions (null for a customer without).

    Raises:
        InvalidParameter: sorting by lifetime value without predictions, or an invalid page.
    """
    if predictions is not None:
        customers = with_predictions(customers, predictions, ("estimated_ltv_cents",))
    elif by is TopBy.LTV:
        raise InvalidParameter("by: estimated_ltv_cents needs predictions")
    return page_of(ordered(customers, by), limit, offset)


def at_risk(
    customers: ir.Table,
    policy: Policy,
    *,
    activity: str = "at_risk",
    stage: str | None = None,
    segments: Collection[str] | None = None,
    by: AtRiskBy | None = None,
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
        by: total or net revenue to date (by default the one that the policy's segments go by), the revenue at risk, or
            the value at risk: then those who are not lost stand first.
        limit: maximum number of rows.
        offset: number of rows to skip.
        predictions: ``customer_id``, ``churn_risk_score`` and ``expected_revenue_cents`` (such as of the coming year),
            needed to sort by the revenue at risk; for the value at risk also ``customer_status`` and
            ``value_at_risk_cents``.

    Returns:
        The columns of ``customers``; with predictions also theirs and ``revenue_at_risk_cents``, the expected revenue
        times the churn risk, 0 for a customer without a prediction.

    Raises:
        InvalidParameter: an unknown status, stage or segment, a sort that needs predictions, or an invalid page.
    """
    by = by or AtRiskBy(policy.segments.revenue_column)
    names = [segment.name for segment in policy.segments.active]
    wanted = names[:-1] if segments is None else list(segments)
    check_names("segments", wanted, names)
    if stage is None:
        check_names("activity", [activity], ACTIVITY_STATUSES)
        listed = customers.filter(customers.activity_status == activity)
    else:
        check_names("stage", [stage], LIFECYCLE_STAGES)
        listed = customers.filter(customers.lifecycle_stage == stage)
    listed = listed.filter(listed.customer_segment.isin(wanted))
    if predictions is not None:
        scored = with_predictions(listed, predictions, ("churn_risk_score", "expected_revenue_cents"))
        at_stake = revenue_at_risk(scored.expected_revenue_cents, scored.churn_risk_score).coalesce(0)
        listed = scored.mutate(revenue_at_risk_cents=at_stake)
        if by is AtRiskBy.VALUE_AT_RISK:
            listed = with_predictions(listed, predictions, ("customer_status", "value_at_risk_cents"))
            can_be_won = listed.customer_status != LOST
            key = (can_be_won.desc(nulls_first=False), ibis.desc(by, nulls_first=False), listed.customer_id.asc())
            return page_of(listed.order_by(*key), limit, offset)
    elif not by.is_fact:
        raise InvalidParameter(f"by: {by} needs predictions")
    return page_of(ordered(listed, by), limit, offset)


def revenue_at_risk(expected_revenue_cents: ir.NumericValue, churn_risk_score: ir.NumericValue) -> ir.IntegerValue:
    """The revenue that is counted on, times the chance that the customer stays away; whole cents, halves up."""
    product = expected_revenue_cents.cast("float64") * churn_risk_score
    return cast("ir.IntegerValue", (product + 0.5).floor())


def with_predictions(customers: ir.Table, predictions: ir.Table, columns: tuple[str, ...]) -> ir.Table:
    """Customers with some columns of their predictions, null for those without.

    Raises:
        InvalidParameter: the predictions lack one of the columns.
    """
    check_columns(predictions, ("customer_id", *columns), "the table that is joined to the customers")
    added = predictions.select(*columns, joined_id=predictions.customer_id)
    return customers.left_join(added, customers.customer_id == added.joined_id).drop("joined_id")


def ordered(table: ir.Table, by: str, *, descending: bool = True) -> ir.Table:
    """Customers by a column. Those without a value stand last; equals follow their ids, so that pages never overlap."""
    key = ibis.desc(by, nulls_first=False) if descending else ibis.asc(by, nulls_first=False)
    return table.order_by(key) if by == "customer_id" else table.order_by(key, table.customer_id.asc())


def page_of(table: ir.Table, limit: int, offset: int) -> ir.Table:
    """One page of a list.

    Raises:
        InvalidParameter: an invalid page.
    """
    if limit < 1 or offset < 0:
        raise InvalidParameter("limit must be at least 1 and offset at least 0")
    return table.limit(limit, offset=offset)


def check_names(parameter: str, given: Collection[str], allowed: Collection[str]) -> None:
    """Refuse a name that is not allowed.

    Raises:
        InvalidParameter: says which are.
    """
    for value in given:
        if value not in allowed:
            raise InvalidParameter(f"{parameter}: {value[:40]!r} is not one of {', '.join(allowed)}", list(allowed))
