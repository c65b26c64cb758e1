"""The path of each customer: expected purchases and revenue within any number of days up to three years.

The models are asked at a few days, always the same ones, and a curve through their answers gives the days between. So
100,000 customers take seconds, and a path does not depend on how far somebody asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from customer_revenue.arrays import Floats
from customer_revenue.periods import DAYS_PER_WEEK, months_before

KNOT_MONTHS = (1, 2, 3, 6, 12, 24, 36)
"""Months ahead at whose ends the models are asked, and one week."""


def knot_days(as_of_day: dt.date) -> list[int]:
    """The days, from the as-of day on, at which the models are asked."""
    ends = [(months_before(as_of_day, -months) - as_of_day).days for months in KNOT_MONTHS]
    return [DAYS_PER_WEEK, *ends]


@dataclass(frozen=True)
class RevenuePaths:
    """The paths of some customers.

    Attributes:
        purchases: expected purchase days within each of some days, one row per customer.
        spend_cents: expected cents of a purchase day, one value per customer.
        net_share: of their revenue, what does not come back, one value per customer.
    """

    purchases: Floats
    spend_cents: Floats
    net_share: Floats

    @property
    def sums(self) -> tuple[Floats, Floats, Floats]:
        """Expected purchases, revenue and net revenue of all customers, one value per number of days."""
        net = self.spend_cents * self.net_share
        return self.purchases.sum(axis=0), self.spend_cents @ self.purchases, net @ self.purchases


def between(knots: Sequence[int], cumulative: Floats, days: Sequence[int]) -> Floats:
    """Cumulative values at some days, from those at the knots: monotone, smooth in logarithms of both.

    Args:
        knots: ascending days.
        cumulative: one row per customer, one column per knot.
        days: wanted, none beyond the last knot.

    The curve is that of Fritsch and Butland (1984), which never overshoots; below the first knot it is a power.
    """
    rising = np.log(np.maximum(np.maximum.accumulate(cumulative, axis=1), 1e-12))
    log_days = np.log(np.asarray(days, np.float64))
    curve = scipy.interpolate.PchipInterpolator(np.log(knots), rising, axis=1, extrapolate=True)
    first = np.log(knots[0])
    inside = np.exp(curve(np.maximum(log_days, first)))
    below = np.exp(np.minimum(log_days - first, 0.0))
    return np.asarray(inside * below)
