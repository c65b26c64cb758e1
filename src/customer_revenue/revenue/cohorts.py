"""Acquisition cohorts: what customers who first bought in the same month or quarter have brought since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from customer_revenue import lazy_ibis as ibis
from customer_revenue.choices import CohortUnit
from customer_revenue.periods import month_label, quarter_label
from customer_revenue.revenue.arithmetic import (
    first_of_month,
    month_index,
    percentage,
    quarter_index,
    rounded_quotient,
)
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


class TriangleRow(NamedTuple):
    """One row of :func:`triangle`."""

    cohort_index: int
    age: int
    customers: int
    active_customers: int
    retention_percent: float
    revenue_cents: int
    cumulative_revenue_cents: int


def cohorts(customers: ir.Table, unit: CohortUnit = CohortUnit.MONTH) -> ir.Table:
    """Each cohort's customers and their revenue to date, oldest first.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.
        unit: month or quarter of the first purchase.

    Returns:
        ``cohort_index`` (months since January of the year 0), ``customers``, ``total_revenue_cents``,
        ``net_revenue_cents``, ``avg_revenue_per_customer_cents`` (rounded half up).
    """
    sums = customers.group_by(cohort_index=_index(customers.first_purchase_date, unit)).aggregate(
        customers=customers.count(),
        total_revenue_cents=customers.total_revenue_cents.sum(),
        net_revenue_cents=customers.net_revenue_cents.sum(),
    )
    average = rounded_quotient(sums.total_revenue_cents, sums.customers)
    return sums.mutate(avg_revenue_per_customer_cents=average).order_by("cohort_index")


def triangle(known: Canonical, unit: CohortUnit = CohortUnit.MONTH) -> ir.Table:
    """Retention and revenue of each cohort by period since acquisition, where there was an order.

    Args:
        known: what was known at the as-of moment.
        unit: length of cohorts and periods.

    Returns:
        ``cohort_index``, ``age`` (periods since the cohort's own, 0 for that), ``customers`` of the cohort,
        ``active_customers`` (with an order in the period), ``retention_percent`` (two decimals), ``revenue_cents`` of
        the period and ``cumulative_revenue_cents`` up to it; sorted by cohort and age.
    """
    orders = known.counted_orders()
    periods = orders.group_by(customer_id=orders.user_id, period=_index(orders.day, unit)).aggregate(
        revenue_cents=orders.total_cents.sum()
    )
    own = ibis.window(group_by=periods.customer_id)
    aged = periods.mutate(cohort_index=periods.period.min().over(own))
    cells = aged.group_by("cohort_index", "period").aggregate(
        active_customers=aged.count(), revenue_cents=aged.revenue_cents.sum()
    )
    cohort = ibis.window(group_by=cells.cohort_index)
    so_far = ibis.window(group_by=cells.cohort_index, order_by=cells.period, preceding=None, following=0)
    rows = cells.select(
        "cohort_index",
        "active_customers",
        "revenue_cents",
        months=cells.period - cells.cohort_index,
        # In its own period the whole cohort is active.
        customers=cells.active_customers.max().over(cohort),
        cumulative_revenue_cents=cells.revenue_cents.sum().over(so_far),
    )
    age = (rows.months.cast("float64") / unit.months).floor()
    retention = percentage(rows.active_customers, rows.customers)
    return (
        rows.mutate(age=age, retention_percent=retention).select(*TriangleRow._fields).order_by("cohort_index", "age")
    )


def cohort_label(cohort_index: int, unit: CohortUnit) -> str:
    """``2023-01`` or ``2023-Q1``.

    >>> cohort_label(2023 * 12 + 3, CohortUnit.QUARTER)
    '2023-Q2'
    """
    label = month_label if unit is CohortUnit.MONTH else quarter_label
    return label(first_of_month(cohort_index))


def fill_triangle(
    rows: Iterable[TriangleRow], as_of_index: int, unit: CohortUnit = CohortUnit.MONTH
) -> list[TriangleRow]:
    """The triangle with its empty cells: every age of every cohort up to the as-of period.

    Args:
        rows: those of :func:`triangle`, sorted as they come.
        as_of_index: month index of the as-of day.
        unit: the triangle's.
    """
    filled: list[TriangleRow] = []
    by_cohort: dict[int, dict[int, TriangleRow]] = {}
    for row in rows:
        by_cohort.setdefault(row.cohort_index, {})[row.age] = row
    for cohort, cells in by_cohort.items():
        last = cells[0]
        for age in range((as_of_index - cohort) // unit.months + 1):
            empty = TriangleRow(cohort, age, last.customers, 0, 0.0, 0, last.cumulative_revenue_cents)
            last = cells.get(age, empty)
            filled.append(last)
    return filled


def _index(day: ir.DateValue, unit: CohortUnit) -> ir.IntegerValue:
    return month_index(day) if unit is CohortUnit.MONTH else quarter_index(day)
