"""What a new customer may cost: the average lifetime value, less the margin that must remain."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.choices import CohortUnit
from customer_revenue.policy import Acquisition
from customer_revenue.revenue.arithmetic import month_index, quarter_index, rounded_quotient
from customer_revenue.tables import check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir


def acquisition_by_cohort(
    customers: ir.Table, predictions: ir.Table, policy: Acquisition, unit: CohortUnit = CohortUnit.MONTH
) -> ir.Table:
    """Average lifetime value and highest acquisition cost of each cohort, oldest first.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.
        predictions: ``customer_id`` and ``estimated_ltv_cents``, such as ``ibis.memtable`` of a prediction table.
        policy: the margin.
        unit: length of a cohort.

    Returns:
        ``cohort_index``, ``customers`` (those with a prediction), ``avg_ltv_cents`` (rounded half up) and
        ``max_acquisition_cost_cents``, the highest cost that leaves the margin; both at least 0.
    """
    first = customers.first_purchase_date
    index = month_index(first) if unit is CohortUnit.MONTH else quarter_index(first)
    return _budget(customers.mutate(cohort_index=index), predictions, policy, "cohort_index").order_by("cohort_index")


def acquisition_by_segment(customers: ir.Table, predictions: ir.Table, policy: Acquisition) -> ir.Table:
    """As :func:`acquisition_by_cohort`, by ``customer_segment``, highest average first."""
    budget = _budget(customers, predictions, policy, "customer_segment")
    return budget.order_by(ibis.desc("avg_ltv_cents"), "customer_segment")


def _budget(customers: ir.Table, predictions: ir.Table, policy: Acquisition, column: str) -> ir.Table:
    check_columns(predictions, ("customer_id", "estimated_ltv_cents"), "the table of predictions")
    predicted = predictions.select(
        predicted_id=predictions.customer_id,
        ltv_cents=(predictions.estimated_ltv_cents.cast("float64") + 0.5).floor(),
    )
    joined = customers.inner_join(predicted, customers.customer_id == predicted.predicted_id)
    sums = joined.group_by(column).aggregate(customers=joined.count(), ltv_cents=joined.ltv_cents.sum())
    positive = (sums.ltv_cents > 0).ifelse(sums.ltv_cents, 0)
    max_cost = (positive * (100 - policy.margin_percent)).cast("float64") / (sums.customers * 100)
    return sums.select(
        column,
        "customers",
        avg_ltv_cents=rounded_quotient(positive, sums.customers),
        max_acquisition_cost_cents=cast("ir.IntegerValue", max_cost.floor()),
    )
