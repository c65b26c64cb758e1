"""What each month's new customers have brought by age, and what they are expected to bring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.new_customer_value import AGE_ENDS, SHARE_UNKNOWN, NewCustomerValue
from customer_revenue.modeling.shop_outlook import NORMAL_90


@dataclass(frozen=True)
class _Reached:
    """How many customers there are in each row, and how many of them have reached an age; the other axis is summed."""

    value: NewCustomerValue
    others_axis: ClassVar[int]

    @cached_property
    def customers(self) -> Floats:
        """Of each row."""
        return np.asarray(self.value.acquired.sum(axis=self.others_axis))

    @cached_property
    def reached(self) -> Floats:
        """Share of each row's customers who have reached an age."""
        counts = self.value.exposure.sum(axis=self.others_axis)
        return np.asarray(counts / np.maximum(self.customers, 1.0)[:, None])

    @property
    def complete(self) -> npt.NDArray[np.bool_]:
        """Whether all of them have."""
        return np.asarray(self.reached >= 1)


@dataclass(frozen=True)
class CohortMoney(_Reached):
    """Cumulative net cents per customer by month of acquisition (rows) and age (columns, :data:`AGE_ENDS`).

    An age that only some of the cohort's customers have reached is expected of the others; so the curve never jumps
    where customers are still young.
    """

    others_axis: ClassVar[int] = 0

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


@dataclass(frozen=True)
class GroupMoney(_Reached):
    """Cumulative net cents per customer by group (rows) and age (columns), all months of acquisition together.

    What customers have not reached is expected of them by their month and their group.
    """

    others_axis: ClassVar[int] = 1

    @cached_property
    def expected(self) -> Floats:
        """Cents per customer of the group at each age, of those who have not reached it."""
        first, later = self.value.curves
        count = len(AGE_ENDS) - 1
        of_month = np.column_stack([first.cohorts, *[later.cohorts] * count])
        of_group = np.column_stack([self.value.first.effect, *[self.value.later.effect] * count])
        missing = np.maximum(self.value.acquired[:, :, None] - self.value.exposure, 0.0)
        cents = (missing * of_month).sum(axis=1) * of_group * self.value.increments
        return np.asarray(cents / np.maximum(self.customers, 1.0)[:, None])

    @cached_property
    def cumulative(self) -> Floats:
        """Observed as far as it is, and expected beyond."""
        came = self.value.net_cents.sum(axis=1) / np.maximum(self.customers, 1.0)[:, None]
        return np.asarray(np.cumsum(came + self.expected, axis=1))

    @cached_property
    def standard_deviation(self) -> Floats:
        """Of :attr:`cumulative`; 0 where it is observed."""
        missing = np.cumsum(np.maximum(self.expected, 0.0), axis=1)
        effect = self.value.later
        of_effect = np.sqrt(effect.variance) / np.maximum(effect.effect, 1e-9)
        by_chance = self.value.dispersion[1] * missing / np.maximum(self.customers, 1.0)[:, None]
        unseen = np.cumsum(np.maximum(self.expected, 0.0) * ~self.value.seen, axis=1) * SHARE_UNKNOWN
        return np.asarray(np.sqrt((of_effect[:, None] * missing) ** 2 + by_chance + unseen**2))

    @property
    def band(self) -> tuple[Floats, Floats]:
        """The ends of the 80 % band."""
        width = NORMAL_90 * self.standard_deviation
        return self.cumulative - width, self.cumulative + width
