"""The forecast of the shop: the paths of its customers at the level of each month, and customers to come.

Two forecasts of the known customers know different things. The sum of their paths knows each customer's habits; the
shop's months know how far the level moved, and the season. Their geometric mean is steadier than either (Bates and
Granger, 1969). What takes the sum to the mean is one factor per month, by which each customer's path is multiplied.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.modeling.level_process import LevelProcess
from customer_revenue.modeling.shop_history import month_ends_around, shares_of_months
from customer_revenue.modeling.shop_outlook import NORMAL_90, Measured, OutlookParts, ShopOutlook

SHARE_OF_MONTHS = 0.5
"""The share of the shop's months in the logarithm of the mean, after a long history."""
MONTHS_TO_TRUST = 3.0
"""After so many months it is half of that."""
MAX_FACTOR = 4.0
MIN_MONTHS_MEASURED = 6
"""Past months below which a share of them inside of the band says nothing."""
REVENUE_NOISE = 0.02
"""Variance that is known of the logarithm of a month's revenue without a customer."""


@dataclass(frozen=True)
class ShopForecast:
    """The forecast of the shop for as many months as the outlook has.

    Attributes:
        outlook: of the shop's months.
        purchases: expected purchase days of all known customers in each month, by their paths.
        cents: likewise their revenue.
        net_cents: likewise what does not come back of it.
        orders_per_purchase: orders of a purchase day.
        net_share_of_new: of the revenue of customers to come, what does not come back.
        unattributed_cents: revenue of orders without a customer by past month; None where there are none.
    """

    outlook: ShopOutlook
    purchases: Floats
    cents: Floats
    net_cents: Floats
    orders_per_purchase: float
    net_share_of_new: float
    unattributed_cents: Floats | None = None

    @cached_property
    def factors(self) -> Floats:
        """By what each customer's path is multiplied, one value per month ahead."""
        by_months = self.outlook.parts.known[-1]
        usable = (by_months > 0) & (self.cents > 0)
        ratio = np.where(usable, by_months, 1.0) / np.where(usable, self.cents, 1.0)
        return np.asarray(np.clip(ratio, 1 / MAX_FACTOR, MAX_FACTOR) ** self._share)

    @cached_property
    def parts(self) -> OutlookParts:
        """Known customers and customers to come, one row."""
        return replace(self.outlook.parts.last, known=self.cents * self.factors)

    @cached_property
    def months(self) -> pa.Table:
        """One row per month ahead: amounts in cents and counts, unrounded, with the ends of the 80 % bands."""
        return self._steps(np.eye(self.outlook.months_ahead), 0.0)

    def weeks(self, as_of_day: dt.date, step_ends: Sequence[dt.date]) -> pa.Table:
        """As :attr:`months`, by steps that end on some days: each month spread over its trading days.

        Args:
            as_of_day: the day of the as-of moment.
            step_ends: last days of the steps, the first of which begins after the as-of day.
        """
        history = self.outlook.history
        ends = month_ends_around(as_of_day, 0, self.outlook.months_ahead)
        steps = np.array([as_of_day, *step_ends], "datetime64[D]")
        return self._steps(shares_of_months(history, ends, steps), history.week_noise)

    def _steps(self, shares: Floats, noise: float) -> pa.Table:
        """Months spread over steps; ``noise`` is the scatter of a step around its months, in logarithms."""
        parts, factors, apart = self.parts, self.factors, self._apart
        of_known = parts.known / np.maximum(parts.total, 1e-9)
        of_level, of_arrivals = self.outlook.scales()
        known_sd = np.hypot(parts.level_sd * of_level, apart)
        total_sd = np.hypot(parts.total_sd(of_level, of_arrivals), of_known * apart)
        known, total = shares @ parts.known, shares @ parts.total
        weights = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
        known_low, known_high = band(known, np.hypot(weights @ known_sd, noise))
        total_low, total_high = band(total, np.hypot(weights @ total_sd, noise))
        net = self.net_cents * factors + parts.new * self.net_share_of_new
        orders = self.purchases * factors * self.orders_per_purchase
        return pa.table(
            {
                "known_revenue_cents": known,
                "known_low_cents": known_low,
                "known_high_cents": known_high,
                "new_revenue_cents": shares @ parts.new,
                "total_low_cents": total_low,
                "total_high_cents": total_high,
                "total_net_revenue_cents": shares @ net,
                "known_orders": shares @ orders,
                "new_orders": shares @ self.outlook.new_orders,
                "new_customers": shares @ self.outlook.new_customers[-1],
                "unattributed_revenue_cents": shares @ self._unattributed,
            }
        )

    def measured(self, months_ahead: int) -> Measured:
        """Of the past months, forecast up to so many months ahead, those that lay inside of their band."""
        found = self.outlook.measured(months_ahead)
        return found if found.months >= MIN_MONTHS_MEASURED else Measured(None, found.months, found.forecasts)

    @property
    def _share(self) -> float:
        months = self.outlook.history.months
        return SHARE_OF_MONTHS * months / (months + MONTHS_TO_TRUST)

    @cached_property
    def _apart(self) -> Floats:
        """Standard deviation of the mixture of the two forecasts of the known customers, in logarithms."""
        share = self._share
        return np.asarray(np.abs(np.log(self.factors)) / share * np.sqrt(share * (1 - share)))

    @cached_property
    def _unattributed(self) -> Floats:
        past, history = self.unattributed_cents, self.outlook.history
        ahead = self.outlook.months_ahead
        if past is None or not past.any():
            return np.zeros(ahead)
        months = history.months
        small = past.sum() / 1000 / months
        days = history.days[-1]
        logs = np.log((past + small) / days[:months])
        process = LevelProcess(months, ahead, np.full(months + ahead, REVENUE_NOISE))
        level = process.forecast(logs[None], np.array([months]), ahead).mean[0]
        return np.asarray(np.maximum(np.exp(level) * days[months : months + ahead] - small, 0.0))


def band(cents: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """The ends of the 80 % band around amounts, from the standard deviations of their logarithms."""
    return cents * np.exp(-NORMAL_90 * sd), cents * np.exp(NORMAL_90 * sd)
