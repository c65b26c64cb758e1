"""The baseline: the orders before those that are checked, counted once for all checks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from customer_revenue.monitoring.feed_statistics import MIN_ORDERS, hours, repeats
from customer_revenue.periods import DAYS_PER_WEEK


@dataclass(frozen=True)
class Baseline:
    """The orders and refunds of the baseline, with what the checks ask of them."""

    orders: pd.DataFrame
    refunds: pd.DataFrame

    def __len__(self) -> int:
        return len(self.orders)

    @cached_property
    def by_day(self) -> pd.Series[int]:
        """Orders of each day, 0 where there was none."""
        days = self.orders["day"]
        return days.value_counts().reindex(pd.date_range(days.min(), days.max()), fill_value=0)

    @cached_property
    def repeats(self) -> int:
        """Orders that repeat another one under another id."""
        return repeats(self.orders)

    @cached_property
    def totals(self) -> pd.Series[int]:
        """Totals above 0, in cents."""
        totals = self.orders["total_cents"]
        return totals[totals > 0]

    @cached_property
    def by_hour(self) -> npt.NDArray[np.int64]:
        """Orders of each hour of the day."""
        return hours(self.orders["created_at"])

    @cached_property
    def by_week(self) -> pd.Series[int]:
        """Orders of each week that has any."""
        return self._weeks(self.orders["day"]).value_counts()

    @cached_property
    def by_status(self) -> pd.DataFrame:
        """Orders of each of those weeks, a column for each status."""
        return pd.crosstab(self._weeks(self.orders["day"]), self.orders["status"]).reindex(self.by_week.index)

    @cached_property
    def refunds_by_week(self) -> pd.Series[int]:
        """Refunds of each of those weeks."""
        return self._weeks(self.refunds["day"]).value_counts().reindex(self.by_week.index, fill_value=0)

    @cached_property
    def known_shares(self) -> pd.Series[float]:
        """Of each week with enough orders, the share of them by customers known before it."""
        days, firsts = self.orders["day"], pd.to_datetime(self.orders["first_day"])
        weeks = (days.max() - days).dt.days // DAYS_PER_WEEK
        starts = days.max() - pd.to_timedelta(weeks * DAYS_PER_WEEK + DAYS_PER_WEEK - 1, unit="D")
        known = (firsts < starts).groupby(weeks).agg(["mean", "size"])
        shares: pd.Series[float] = known.loc[known["size"] >= MIN_ORDERS, "mean"]
        return shares

    @cached_property
    def shapes(self) -> dict[str, Collection[str]]:
        """The shapes of ids, by the column that holds them."""
        return {name: set(self.orders[name].unique()) for name in self.orders.columns if name.endswith("_shape")}

    def _weeks(self, days: pd.Series[pd.Timestamp]) -> pd.Series[int]:
        weeks: pd.Series[int] = (days - self.orders["day"].min()).dt.days // DAYS_PER_WEEK
        return weeks
