"""Refunds still to come on recent orders, as an answer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats, Ints, numbers_of
from customer_revenue.modeling.refunds_to_come import RefundRates
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, month_label
from customer_revenue.revenue.arithmetic import first_of_month
from customer_revenue.revenue.refund_delays import refund_delays, revenue_by_day
from customer_revenue.tables import Canonical
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.known_tables import known_by_then

if TYPE_CHECKING:
    import ibis.expr.types as ir

MONTHS_SHOWN = 12


@dataclass(frozen=True)
class RefundOutlook:
    """Orders by age, and what has been refunded of them so far."""

    months: Ints
    """Month index of the orders of each day with one."""
    ages: Ints
    """Age of these orders, in days."""
    revenue: Floats
    """Their revenue, in cents."""
    refunded: Floats
    """What has been refunded of it, in cents."""
    rates: RefundRates

    @classmethod
    def of(cls, store: Store, when: AsOf) -> RefundOutlook:
        """Read them out of a store.

        Args:
            store: the orders.
            when: the as-of moment; nothing later is used.
        """
        orders, delays = (
            store.fetch(Recipe(read), moment=when.moment_utc_naive) for read in (_known_revenue, _known_delays)
        )
        ages, refund_ages = _ages(orders["day"], when.day), _ages(delays["order_day"], when.day)
        revenue, refunds = _floats(orders["revenue_cents"]), _floats(delays["refund_cents"])
        delay_days = numbers_of(delays["delay_days"]).astype(np.int64)
        rates = RefundRates.of(ages, revenue, delay_days, refund_ages, refunds, _floats(delays["squares"]))
        refunded = np.zeros(ages.max(initial=0) + 1)
        np.add.at(refunded, refund_ages[refund_ages < len(refunded)], refunds[refund_ages < len(refunded)])
        months = np.array([day.year * 12 + day.month - 1 for day in orders["day"].to_pylist()], dtype=np.int64)
        return cls(months, ages, revenue, refunded[ages], rates)

    def row(self, chosen: np.typing.NDArray[np.bool_]) -> Row:
        """The figures of some days' orders together."""
        mean, low, high = self.rates.to_come(self.ages[chosen], self.revenue[chosen])
        revenue, so_far, to_come = round(self.revenue[chosen].sum()), round(self.refunded[chosen].sum()), round(mean)
        note = "most likely little: a few large refunds make up much of the mean" if high < mean else None
        return {
            "revenue_cents": revenue,
            "refunds_so_far_cents": so_far,
            "refunds_to_come_cents": to_come,
            "refunds_low_cents": round(low),
            "refunds_high_cents": round(high),
            "interval_note": note,
            "expected_net_revenue_cents": revenue - so_far - to_come,
        }


def refund_outlook_body(outlook: RefundOutlook) -> Body:
    """The months of the last year with an order, oldest first, and all of them together.

    Args:
        outlook: orders and refunds.
    """
    recent = np.unique(outlook.months)[-MONTHS_SHOWN:]
    rows = [
        {"month": month_label(first_of_month(int(month))), **outlook.row(outlook.months == month)} for month in recent
    ]
    return {
        "months": rows,
        "total": outlook.row(np.isin(outlook.months, recent)),
        "foreseen_days": outlook.rates.learned_days,
    }


def _known_revenue(tables: Canonical) -> ir.Table:
    return revenue_by_day(known_by_then(tables)).order_by("day")


def _known_delays(tables: Canonical) -> ir.Table:
    return refund_delays(known_by_then(tables))


def _ages(days: pa.ChunkedArray, day: dt.date) -> Ints:
    ages: Ints = (np.datetime64(day) - numbers_of(days.cast(pa.int32())).astype("datetime64[D]")).astype(np.int64)
    return ages


def _floats(column: pa.ChunkedArray) -> Floats:
    return numbers_of(column).astype(np.float64)
