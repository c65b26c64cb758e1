"""Money by cohort as an answer: observed, then predicted with a band."""

from __future__ import annotations

import numpy as np

from customer_revenue.choices import FirstDayBy
from customer_revenue.modeling.cohort_money import CohortMoney
from customer_revenue.modeling.new_customer_value import AGE_ENDS
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, month_label
from customer_revenue.revenue.arithmetic import first_of_month
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.new_customers import NewCustomers
from customer_revenue.workflows.customer_base.profits import MarginRate

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


def cohort_money_body(money: CohortMoney, margin: MarginRate, max_days: int) -> Body:
    """The cohorts with customers, oldest first, up to an age.

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
        label = month_label(first_of_month(money.value.first_cohort + row))
        cohorts.append({"cohort": label, "customers": int(money.customers[row]), "curve": points})
    return {"margin_percent": margin.percent, "margin_basis": margin.basis, "cohorts": cohorts}
