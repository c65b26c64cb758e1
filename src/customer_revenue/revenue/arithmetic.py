"""Arithmetic that gives the same result on every engine: integer division with rounding, counts of days and months.

Engines differ in what ``/``, ``round`` and a cast to integer do (MySQL divides whole numbers to four decimals,
PostgreSQL rounds the .5 of a double to even, Spark's cast truncates), so whole numbers are divided as doubles and
rounded by ``floor``, which all engines do alike.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.periods import MONTHS_PER_QUARTER, MONTHS_PER_YEAR

if TYPE_CHECKING:
    import ibis.expr.types as ir


def rounded_quotient(numerator: ir.NumericValue, denominator: ir.NumericValue) -> ir.IntegerValue:
    """``numerator / denominator`` of whole numbers, rounded half up; null where the denominator is 0.

    Exact while twice the numerator is below 2^52, as (2n + d) / 2d then cannot reach the next whole number in a double.

    Args:
        numerator: whole numbers, at least 0.
        denominator: whole numbers, at least 0.
    """
    doubled = (numerator * 2 + denominator).cast("float64")
    return cast("ir.IntegerValue", (doubled / (denominator * 2).nullif(0)).floor())


def percentage(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """``part`` as a percentage of ``whole``, to two decimals, halves up; 0 where the whole is 0."""
    hundredths = rounded_quotient(part * 10_000, whole).coalesce(0)
    return cast("ir.FloatingValue", hundredths.cast("float64") / 100.0)


def days_between(earlier: ir.DateValue, later: ir.DateValue) -> ir.IntegerValue:
    """Whole calendar days from ``earlier`` to ``later``."""
    return cast("ir.IntegerValue", later.delta(earlier, unit="day").cast("int64"))


def month_index(day: ir.DateValue) -> ir.IntegerValue:
    """Months from January of the year 0 to the month of ``day``, a number that months can be counted with."""
    return cast("ir.IntegerValue", (day.year().cast("int64") * MONTHS_PER_YEAR + day.month() - 1).cast("int64"))


def quarter_index(day: ir.DateValue) -> ir.IntegerValue:
    """The month index of the first month of ``day``'s quarter."""
    in_year = (day.quarter() - 1) * MONTHS_PER_QUARTER
    return cast("ir.IntegerValue", (day.year().cast("int64") * MONTHS_PER_YEAR + in_year).cast("int64"))


def first_of_month(index: int) -> dt.date:
    """The first day of a month by its index.

    >>> first_of_month(2023 * 12 + 4)
    datetime.date(2023, 5, 1)
    """
    year, month = divmod(index, MONTHS_PER_YEAR)
    return dt.date(year, month + 1, 1)


def is_over(next_index: int, day: dt.date) -> bool:
    """Whether the period before the month of an index is over at the end of a day.

    >>> is_over(2023 * 12 + 1, dt.date(2023, 1, 31)), is_over(2023 * 12 + 1, dt.date(2023, 1, 30))
    (True, False)
    """
    return day + dt.timedelta(days=1) >= first_of_month(next_index)


def sum_where(condition: ir.BooleanValue, value: ir.NumericValue | int) -> ir.IntegerScalar:
    """The sum of ``value`` over the rows that meet the condition, 0 over none of several."""
    return cast("ir.IntegerScalar", condition.ifelse(value, 0).sum())


def date_where(condition: ir.BooleanValue, day: ir.DateValue) -> ir.DateValue:
    """``day`` where the condition holds, null elsewhere: for a minimum or a maximum."""
    return cast("ir.DateValue", condition.ifelse(day, ibis.null("date")))


def group_shares(customers: ir.Table, column: str, revenue_cents: ir.NumericValue) -> ir.Table:
    """Customers and revenue by the values of a column, highest revenue first.

    Returns:
        The column, ``customer_count``, ``total_revenue_cents``, ``avg_revenue_per_customer_cents`` (rounded half up),
        ``percentage_of_total_revenue`` and ``percentage_of_customers`` (two decimals).
    """
    sums = customers.group_by(column).aggregate(
        customer_count=customers.count(), total_revenue_cents=revenue_cents.sum()
    )
    everyone = ibis.window()
    wholes = sums.mutate(
        all_customers=sums.customer_count.sum().over(everyone),
        all_revenue=sums.total_revenue_cents.sum().over(everyone),
    )
    return wholes.select(
        column,
        "customer_count",
        "total_revenue_cents",
        avg_revenue_per_customer_cents=rounded_quotient(wholes.total_revenue_cents, wholes.customer_count),
        percentage_of_total_revenue=percentage(wholes.total_revenue_cents, wholes.all_revenue),
        percentage_of_customers=percentage(wholes.customer_count, wholes.all_customers),
    ).order_by(ibis.desc("total_revenue_cents"), column)


def stacked(upper: ir.Table, lower: ir.Table) -> ir.Table:
    """All rows of both tables, which have the same columns and no nulls where the upper one allows none.

    Ibis refuses a union whose columns differ in whether they may be null, as they do after a join and may in a user's
    own tables; only such columns of the lower table are cast.
    """
    wanted = upper.schema()
    differing = {name: dtype for name, dtype in wanted.items() if lower[name].type() != dtype}
    return upper.union(lower.cast(differing) if differing else lower)
