"""Money by cohort as an answer: observed, then predicted with a band."""

from __future__ import annotations

import numpy as np

from customer_revenue.choices import FirstDayBy
from customer_revenue.modeling.cohort_money import CohortMoney, GroupMoney
from customer_revenue.modeling.new_customer_value import AGE_ENDS
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, month_label
from customer_revenue.revenue.arithmetic import first_of_month
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.new_customers import NewCustomers
from customer_revenue.workflows.customer_base.profits import MarginRate

UNKNOWN = "(unknown)"
"""The cohort of those of whom no export says it."""

ALL_DAYS = 36_500
"""A cohort's past counts, however long ago it was."""


def money_of_cohorts(store: Store, when: AsOf) -> CohortMoney:
    """What each month's new customers have brought by age, and what they are expected to bring.

    Args:
        store: the orders.
        when: the as-of moment; nothing later is used.

    Raises:
        NotEnoughData: nobody had bought by then.
    """
    return CohortMoney(NewCustomers.of(store, when, FirstDayBy.ALL, ALL_DAYS).value)


def money_of_groups(store: Store, when: AsOf, by: FirstDayBy) -> GroupMoney:
    """What new customers have brought by age and group, and what they are expected to bring.

    Args:
        store: the orders.
        when: the as-of moment; nothing later is used.
        by: what makes the groups, known on the first day.

    Raises:
        NotEnoughData: nobody had bought by then.
    """
    return GroupMoney(NewCustomers.of(store, when, by, ALL_DAYS).value)


def cohort_report(store: Store, when: AsOf, margin: MarginRate, max_days: int, by: FirstDayBy) -> Body:
    """Money by month of acquisition, or by what else is known on the first day, as an answer.

    Raises:
        NotEnoughData: nobody had bought by then.
    """
    months = by is FirstDayBy.MONTH
    money = money_of_cohorts(store, when) if months else money_of_groups(store, when, by)
    return {"by": by.value, **cohort_money_body(money, margin, max_days)}


def cohort_money_body(money: CohortMoney | GroupMoney, margin: MarginRate, max_days: int) -> Body:
    """The cohorts with customers, months oldest first and groups in the order of their names, up to an age.

    Args:
        money: of the cohorts.
        margin: what is expected to remain of net revenue.
        max_days: age up to which the curves go.
    """
    ages = [place for place, end in enumerate(AGE_ENDS) if end <= max_days]
    low, high = money.band
    cohorts: list[Row] = []
    for row in np.nonzero(money.customers)[0].tolist():
        points = [
            {
                "days": AGE_ENDS[place],
                "net_revenue_cents": round(money.cumulative[row, place]),
                "low_cents": round(low[row, place]),
                "high_cents": round(high[row, place]),
                "profit_cents": round(money.cumulative[row, place] * margin.share),
                "reached_percent": round(100 * money.reached[row, place], 2),
                "complete": bool(money.complete[row, place]),
            }
            for place in ages
        ]
        label = (
            month_label(first_of_month(money.value.first_cohort + row))
            if isinstance(money, CohortMoney)
            else money.value.levels[row] or UNKNOWN
        )
        cohorts.append({"cohort": label, "customers": int(money.customers[row]), "curve": points})
    return {"margin_percent": margin.percent, "margin_basis": margin.basis, "cohorts": cohorts}
