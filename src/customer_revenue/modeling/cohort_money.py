"""What each month's new customers have brought by age, and what they are expected to bring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.new_customer_value import AGE_ENDS, SHARE_UNKNOWN, NewCustomerValue
from customer_revenue.modeling.shop_outlook import NORMAL_90


@dataclass(frozen=True)
class CohortMoney:
    """Cumulative net cents per customer by month of acquisition (rows) and age (columns, :data:`AGE_ENDS`).

    An age that only some of the cohort's customers have reached is expected of the others; so the curve never jumps
    where customers are still young.
    """

    value: NewCustomerValue

    @cached_property
    def customers(self) -> Floats:
        """Of each cohort."""
        return np.asarray(self.value.acquired.sum(axis=0))

    @cached_property
    def reached(self) -> Floats:
        """Share of each cohort's customers who have reached an age."""
        counts = self.value.exposure.sum(axis=0)
        return np.asarray(counts / np.maximum(self.customers, 1.0)[:, None])

    @property
    def complete(self) -> npt.NDArray[np.bool_]:
        """Whether all of them have."""
        return np.asarray(self.reached >= 1)

    @cached_property
    def expected(self) -> Floats:
        """Cents of a customer at each age, as the cohort is expected to bring them."""
        first, later = self.value.curves
        effects = np.column_stack([first.cohorts, *[later.cohorts] * (len(AGE_ENDS) - 1)])
        return np.asarray(effects * self.value.increments)

    @cached_property
    def cumulative(self) -> Floats:
        """Observed as far as it is, and expected beyond."""
        came = self.value.net_cents.sum(axis=0) / np.maximum(self.customers, 1.0)[:, None]
        return np.asarray(np.cumsum(came + (1 - self.reached) * self.expected, axis=1))

    @cached_property
    def standard_deviation(self) -> Floats:
        """Of :attr:`cumulative`; 0 where it is observed."""
        missing = (1 - self.reached) * np.maximum(self.expected, 0.0)
        later = self.value.curves[1]
        of_effect = np.sqrt(later.unsure) / later.cohorts
        by_chance = self.value.dispersion[1] * np.cumsum(missing, axis=1) / np.maximum(self.customers, 1.0)[:, None]
        unseen = np.cumsum(missing * ~self.value.seen, axis=1) * SHARE_UNKNOWN
        return np.asarray(np.sqrt((of_effect[:, None] * np.cumsum(missing, axis=1)) ** 2 + by_chance + unseen**2))

    @property
    def band(self) -> tuple[Floats, Floats]:
        """The ends of the 80 % band."""
        width = NORMAL_90 * self.standard_deviation
        return self.cumulative - width, self.cumulative + width
