"""Value segment, lifecycle stage and activity status, from the policy's thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.policy import Activity, Lifecycle, Segments

if TYPE_CHECKING:
    import ibis.expr.types as ir


def segment(revenue_cents: ir.NumericValue, segments: Segments) -> ir.StringValue:
    """The name of the value segment in the ladder that is in use.

    Args:
        revenue_cents: revenue of all time on the policy's basis, in cents.
        segments: the policy's ladders.
    """
    *rungs, lowest = segments.active
    if not rungs:
        return ibis.literal(lowest.name)
    branches = [(revenue_cents >= rung.from_total_revenue_cents, rung.name) for rung in rungs]
    return cast("ir.StringValue", ibis.cases(*branches, else_=lowest.name))


def lifecycle_stage(
    days_since_first_purchase: ir.NumericValue, days_since_purchase: ir.NumericValue, policy: Lifecycle
) -> ir.StringValue:
    """``new``, ``active``, ``at_risk`` or ``churned``; null for a customer without a purchase.

    Args:
        days_since_first_purchase: days from the first purchase of all time to the as-of day.
        days_since_purchase: days from the last purchase to the as-of day.
        policy: thresholds in days.
    """
    return cast(
        "ir.StringValue",
        ibis.cases(
            (days_since_first_purchase < policy.new_below_days, "new"),
            (days_since_purchase < policy.active_below_days, "active"),
            (days_since_purchase <= policy.at_risk_up_to_days, "at_risk"),
            (days_since_purchase > policy.at_risk_up_to_days, "churned"),
        ),
    )


def activity_status(days_since_purchase: ir.NumericValue, policy: Activity) -> ir.StringValue:
    """``highly_active``, ``active``, ``declining`` or ``at_risk``; null for a customer without a purchase.

    Args:
        days_since_purchase: days from the last purchase to the as-of day.
        policy: thresholds in days.
    """
    return cast(
        "ir.StringValue",
        ibis.cases(
            (days_since_purchase <= policy.highly_active_up_to_days, "highly_active"),
            (days_since_purchase <= policy.active_up_to_days, "active"),
            (days_since_purchase <= policy.declining_up_to_days, "declining"),
            (days_since_purchase > policy.declining_up_to_days, "at_risk"),
        ),
    )
