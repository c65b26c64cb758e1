"""Confidence bands that are wide enough for repeated checks.

Monitoring checks many figures every day. So that a shop without faults raises an alarm once in years and not once a
week, the false alarms allowed per year are divided among all figures of all runs (Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, norm, rankdata

from customer_revenue.arrays import Floats


@dataclass(frozen=True)
class Band:
    """A figure and its confidence interval."""

    value: float
    low: float
    high: float

    def outside(self, low: float, high: float) -> bool:
        """Whether the whole band lies outside of a range; never for a figure that does not exist."""
        return bool(self.low > high or self.high < low)


NOWHERE = Band(float("nan"), float("nan"), float("nan"))


def risk_per_figure(false_alarms_per_year: float, looks_per_year: int, figures: int) -> float:
    """The probability of a false alarm allowed for each figure of a run.

    >>> risk_per_figure(0.1, 365, 100) == 0.1 / 36_500
    True
    """
    return false_alarms_per_year / (looks_per_year * max(figures, 1))


def ratio_band(actual: Floats, predicted: Floats, risk: float) -> Band:
    """Actual total over predicted total, one pair per customer; customers are independent of each other.

    The standard error is that of a ratio estimator, linearised: Cochran, Sampling Techniques, 1977, eq. 6.13.
    """
    total = float(predicted.sum())
    if total <= 0:
        return NOWHERE
    ratio = float(actual.sum()) / total
    error = float(np.sqrt(np.sum((actual - ratio * predicted) ** 2))) / total
    # Where nothing was bought the residuals are all 0: the error then comes from the predicted counts, as for Poisson.
    error = max(error, float(np.sqrt(np.sum(predicted**2))) / total if ratio == 0 else 0.0)
    reach = float(norm.isf(risk / 2)) * error
    return Band(ratio, max(ratio - reach, 0.0), ratio + reach)


def share_band(held: npt.NDArray[np.bool_], risk: float) -> Band:
    """A share of customers, with its exact interval (Clopper and Pearson)."""
    if not len(held):
        return NOWHERE
    found = binomtest(int(held.sum()), len(held)).proportion_ci(1 - risk, "exact")
    return Band(float(held.mean()), float(found.low), float(found.high))


def ranking_band(bought: npt.NDArray[np.bool_], probability: Floats, risk: float) -> Band:
    """Area under the ROC curve with the standard error of Hanley and McNeil, 1982."""
    n, m = int(bought.sum()), int((~bought).sum())
    if not n or not m:
        return NOWHERE
    area = (float(rankdata(probability)[bought].sum()) - n * (n + 1) / 2) / (n * m)
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (n - 1) * (first - area**2) + (m - 1) * (second - area**2)) / (n * m)
    reach = float(norm.isf(risk / 2)) * float(np.sqrt(max(variance, 0.0)))
    return Band(area, max(area - reach, 0.0), min(area + reach, 1.0))
