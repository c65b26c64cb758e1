"""What a campaign brought: treated less held out, adjusted by what was predicted, with intervals that allow looking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from customer_revenue.arrays import Floats, Marks

LEVEL = 0.95
LEAST_CUSTOMERS = 10
"""In each arm, for an estimate."""


@dataclass(frozen=True)
class Difference:
    """A difference per customer, with its 95 % interval.

    Args:
        per_customer: treated less held out.
        spread: standard error.
        low: lower end.
        high: upper end.
        variance_cut: share of the variance that the adjustment takes away.
    """

    per_customer: float
    spread: float
    low: float
    high: float
    variance_cut: float

    @property
    def is_significant(self) -> bool:
        """Whether 0 is outside the interval."""
        return not self.low <= 0 <= self.high


def difference(outcome: Floats, treated: Marks, predicted: Floats, planned_variance: float | None = None) -> Difference:
    """The mean difference between treated and held-out customers.

    A regression on the predictions in each arm, read at the mean of all, takes away what was to be expected of each arm
    (Lin, Annals of Applied Statistics 7, 2013).

    Args:
        outcome: of each customer.
        treated: who was contacted.
        predicted: made before the campaign, one row per customer and one column per prediction.
        planned_variance: of the difference at the campaign's end, for an interval that holds however often one looks
            before: that of the normal mixture (Robbins, Annals of Mathematical Statistics 41, 1970). ``None`` for the
            usual interval, which holds at one date that was fixed before.
    """
    centred = predicted - predicted.mean(axis=0)
    arms = [_arm(outcome[arm], centred[arm]) for arm in (treated, ~treated)]
    raw = sum(outcome[arm].var(ddof=1) / arm.sum() for arm in (treated, ~treated))
    estimate, variance = arms[0][0] - arms[1][0], arms[0][1] + arms[1][1]
    width = half_width(variance, planned_variance)
    cut = 1 - variance / raw if raw > 0 else 0.0
    return Difference(float(estimate), float(np.sqrt(variance)), estimate - width, estimate + width, float(cut))


def half_width(variance: float, planned_variance: float | None = None) -> float:
    """Half of the 95 % interval of an estimate: at a fixed date, or with a planned variance at any."""
    if planned_variance is None:
        return float(ndtri((1 + LEVEL) / 2) * np.sqrt(variance))
    mixed = variance + max(planned_variance, 1e-12)
    return float(np.sqrt(mixed * (np.log(mixed / max(planned_variance, 1e-12)) - 2 * np.log(1 - LEVEL))))


def _arm(outcome: Floats, centred: Floats) -> tuple[float, float]:
    """The mean of an arm at the mean of all predictions, and its variance."""
    design = np.column_stack([np.ones(len(outcome)), centred])
    fitted, _, rank, _ = np.linalg.lstsq(design, outcome, rcond=None)
    residual = outcome - design @ fitted
    return float(fitted[0]), float(residual @ residual / max(len(outcome) - rank, 1) / len(outcome))
