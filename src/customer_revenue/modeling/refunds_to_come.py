"""Refunds still to come on recent orders, learned from the delays of past ones.

Each day of an order's age has a rate: refunds on that day per unit of revenue, over the orders that are so old (the
chain-ladder idea of claims reserving, by amounts; Mack 1993 gives its classical error). Sizes of refunds vary as those
that came did: the variance of a compound Poisson sum is its mean times the mean square over the mean of one refund.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customer_revenue.arrays import Floats, Ints

LAST_DAY = 365
"""Refunds later than a year after their order are not foreseen."""

MEMORY_DAYS = 730
"""Rates are those of the orders of so many days."""

TAILS = (0.1, 0.9)
"""Of the 80 % interval."""


@dataclass(frozen=True)
class RefundRates:
    """Refunds per unit of revenue by age of an order."""

    rates: Floats
    """By days since the order, from 0 to :data:`LAST_DAY` - 1; 0 where no order is so old."""
    errors: Floats
    """Their standard errors."""
    size_cents: float
    """Mean square of a refund over its mean: the variance of a sum of refunds is its mean times this."""
    learned_days: int
    """Number of days whose rate is known: what comes later is not foreseen."""

    @classmethod
    def of(
        cls, order_age: Ints, revenue: Floats, delays: Ints, refund_age: Ints, refunds: Floats, squares: Floats
    ) -> RefundRates:
        """Learn them.

        Args:
            order_age: age of the orders of each day, in days.
            revenue: their revenue in cents.
            delays: delay of each sum of refunds, in days.
            refund_age: age of its orders, in days.
            refunds: its cents.
            squares: the sum of the squares of its refunds' cents.
        """
        size = float(squares.sum() / refunds.sum()) if refunds.sum() > 0 else 0.0
        recent, timely = order_age < MEMORY_DAYS, (refund_age < MEMORY_DAYS) & (delays < LAST_DAY)
        so_old = _by_day(order_age[recent], revenue[recent])[::-1].cumsum()[::-1][:LAST_DAY]
        came = _by_day(delays[timely], refunds[timely])[:LAST_DAY]
        known = so_old > 0
        rates = np.divide(came, so_old, out=np.zeros(LAST_DAY), where=known)
        errors = np.sqrt(np.divide(size * rates, so_old, out=np.zeros(LAST_DAY), where=known))
        return cls(rates, errors, size, int(known.sum()))

    def to_come(self, order_age: Ints, revenue: Floats) -> tuple[float, float, float]:
        """Refunds still to come on some orders, with the 80 % interval, in cents.

        Args:
            order_age: age of each, in days.
            revenue: of each, in cents.
        """
        from scipy.special import gammaincinv

        younger = np.concatenate(([0.0], _by_day(order_age, revenue).cumsum()))[:LAST_DAY]
        mean = float(younger @ self.rates)
        if mean <= 0:
            return 0.0, 0.0, 0.0
        variance = self.size_cents * mean + float(np.square(younger * self.errors).sum())
        low, high = gammaincinv(mean**2 / variance, TAILS) * (variance / mean)
        return mean, float(low), float(high)


def _by_day(days: Ints, values: Floats) -> Floats:
    """Sums by day from 0 to the last day of memory."""
    sums: Floats = np.bincount(np.minimum(days, MEMORY_DAYS), values, MEMORY_DAYS + 1).astype(np.float64)
    return sums
