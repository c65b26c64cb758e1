"""One curve per customer: F(t), the chance of at least one purchase within t days.

The curve passes through the calibrated probabilities at a few horizons; a purchase model gives its shape between
and beyond them. Every date and every probability of a purchase is read off it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.posterior import PurchasePosterior

CERTAIN = 1 - 1e-6
"""No probability is above this: nobody is certain to buy."""


@dataclass(frozen=True)
class Curve:
    """F(t) of each customer.

    ``days`` are the anchors' horizons, 0 first and infinity last; ``values`` hold F there and ``waits`` the shape's
    own probability there, given alive, one row per anchor and one column per customer.
    """

    shape: PurchasePosterior
    days: Floats
    values: Floats
    waits: Floats

    @classmethod
    def through(cls, shape: PurchasePosterior, horizons_days: Sequence[int], probabilities: Sequence[Floats]) -> Curve:
        """The curve through probabilities at ascending horizons, made non-decreasing.

        Beyond the last horizon the chance of silence falls as the purchase model's does.
        """
        days = np.array([0.0, *horizons_days, np.inf])
        waits = np.stack([shape.wait_probability(float(day)) for day in days])
        anchored = np.minimum(np.maximum.accumulate(np.stack(probabilities), axis=0), CERTAIN)
        alive = shape.probability_alive
        silent_for_good = (1 - anchored[-1]) * (1 - alive) / np.maximum(1 - alive * waits[-2], 1e-300)
        forever = np.clip(1 - silent_for_good, anchored[-1], CERTAIN)
        values = np.vstack([np.zeros(len(alive)), anchored, forever])
        return cls(shape, days, values, waits)

    def at(self, day: float) -> Floats:
        """F(day) of each customer; infinity gives P(alive)."""
        segment = min(int(np.searchsorted(self.days, day, side="left")), len(self.days) - 1)
        if self.days[segment] == day or segment == 0:
            return np.asarray(self.values[segment])
        wait = self.shape.wait_probability(day)
        low, high = self.waits[segment - 1], self.waits[segment]
        share = np.clip((wait - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
        start, end = self.values[segment - 1], self.values[segment]
        return np.asarray(start + share * (end - start))

    def when(self, probability: Floats) -> Floats:
        """The day by which F reaches a probability, at least 1; infinite where it never does."""
        above = np.sum(self.values < probability, axis=0)
        segment = np.clip(above, 1, len(self.days) - 1)
        who = np.arange(self.values.shape[1])
        start, end = self.values[segment - 1, who], self.values[segment, who]
        share = np.clip((probability - start) / np.maximum(end - start, 1e-300), 0.0, 1.0)
        low, high = self.waits[segment - 1, who], self.waits[segment, who]
        days = self.shape.wait_quantile(low + share * (high - low))
        days = np.clip(days, self.days[segment - 1], self.days[segment])
        return np.where(above >= len(self.days), np.inf, np.maximum(days, 1.0))
