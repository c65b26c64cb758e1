"""Paired bootstrap of the differences between two forecasts.

A resample of customers is a weight per customer, so that each forecast is sorted once and not once per resample.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.chunks import one_blas_thread
from customer_revenue.modeling.metrics import (
    ABSOLUTE_IS_COMPARED,
    CALIBRATION_BINS,
    METRICS,
    Forecast,
    Outcomes,
    clipped_probability,
)


class Ties:
    """Values in ascending order, equal ones together.

    Args:
        values: one per customer.
    """

    def __init__(self, values: Floats) -> None:
        self.values, inverse = np.unique(values, return_inverse=True)
        self.group: npt.NDArray[np.intp] = inverse.ravel()

    def total(self, weights: Floats) -> Floats:
        """The sum of the customers' weights for each distinct value."""
        return np.bincount(self.group, weights, minlength=len(self.values)).astype(np.float64, copy=False)

    def ranks(self, weights: Floats) -> Floats:
        """The mean rank of each customer in the resample of these weights, from 1 on; ties share theirs."""
        total = self.total(weights)
        return np.asarray((np.cumsum(total) - total / 2 + 0.5)[self.group])


class Resampled:
    """The metrics of one forecast on resamples of its customers.

    Args:
        outcomes: what happened.
        forecast: what was predicted for the same customers, in the same order.
    """

    def __init__(self, outcomes: Outcomes, forecast: Forecast) -> None:
        self._outcomes, self._forecast = outcomes, forecast
        self._bought = outcomes.bought.astype(float)

    def metrics(self, names: Sequence[str], weights: Floats) -> Floats:
        """The metrics by name, as those of ``METRICS`` on each customer repeated as often as their weight says."""
        return np.array([COMPUTED[name](self, weights) for name in names])

    @cached_property
    def _purchase_ties(self) -> tuple[Ties, Ties]:
        return Ties(self._outcomes.purchases), Ties(self._forecast.purchases)

    @cached_property
    def _revenue_ties(self) -> tuple[Ties, Ties]:
        return Ties(self._outcomes.revenue), Ties(self._forecast.revenue)

    @cached_property
    def _probability_ties(self) -> Ties:
        return Ties(self._forecast.probability)

    @cached_property
    def _log_losses(self) -> Floats:
        p = clipped_probability(self._forecast.probability)
        return np.where(self._bought > 0, -np.log(p), -np.log1p(-p))

    @cached_property
    def _date_errors(self) -> tuple[Floats, npt.NDArray[np.intp]]:
        """The errors of the buyers' dates in ascending order, and whose each is."""
        buyers = np.flatnonzero(np.isfinite(self._outcomes.next_days))
        errors = np.abs(self._forecast.next_days[buyers] - self._outcomes.next_days[buyers])
        order = np.argsort(errors, kind="stable")
        return errors[order], buyers[order]

    def _absolute_error(self, y: Floats, predicted: Floats, weights: Floats) -> float:
        return float(weights @ np.abs(predicted - y) / weights.sum())

    def _square_error(self, y: Floats, predicted: Floats, weights: Floats) -> float:
        return float(np.sqrt(weights @ (predicted - y) ** 2 / weights.sum()))

    def _bias(self, y: Floats, predicted: Floats, weights: Floats) -> float:
        total = weights @ y
        return float(weights @ predicted / total - 1) if total else float("nan")

    def purchases_mae(self, weights: Floats) -> float:
        """Mean absolute error of the purchases."""
        return self._absolute_error(self._outcomes.purchases, self._forecast.purchases, weights)

    def purchases_rmse(self, weights: Floats) -> float:
        """Root mean square error of the purchases."""
        return self._square_error(self._outcomes.purchases, self._forecast.purchases, weights)

    def purchases_bias(self, weights: Floats) -> float:
        """Bias of the total purchases."""
        return self._bias(self._outcomes.purchases, self._forecast.purchases, weights)

    def purchases_spearman(self, weights: Floats) -> float:
        """Rank correlation of the purchases."""
        a, b = (ties.ranks(weights) for ties in self._purchase_ties)
        n = weights.sum()
        a, b = a - weights @ a / n, b - weights @ b / n
        scale = float(np.sqrt((weights @ a**2) * (weights @ b**2)))
        return float(weights @ (a * b) / scale) if scale > 0 else 0.0

    def revenue_mae(self, weights: Floats) -> float:
        """Mean absolute error of the revenue."""
        return self._absolute_error(self._outcomes.revenue, self._forecast.revenue, weights)

    def revenue_rmse(self, weights: Floats) -> float:
        """Root mean square error of the revenue."""
        return self._square_error(self._outcomes.revenue, self._forecast.revenue, weights)

    def revenue_bias(self, weights: Floats) -> float:
        """Bias of the total revenue."""
        return self._bias(self._outcomes.revenue, self._forecast.revenue, weights)

    def revenue_gini(self, weights: Floats) -> float:
        """Normalised Gini of the revenue."""
        if not weights @ self._outcomes.revenue:
            return float("nan")
        perfect, predicted = (self._gini(ties, weights) for ties in self._revenue_ties)
        return predicted / perfect

    def _gini(self, ties: Ties, weights: Floats) -> float:
        """Gini of the gain curve, the highest values first; ties share the mean of their revenue."""
        count = ties.total(weights)[::-1]
        value = ties.total(weights * self._outcomes.revenue)[::-1]
        before = np.cumsum(value) - value
        total = value.sum()
        return float(2 * np.sum(count * before + value * (count + 1) / 2) / (weights.sum() * total) - 1)

    def probability_auc(self, weights: Floats) -> float:
        """Area under the ROC curve."""
        n, m = weights @ self._bought, weights @ (1 - self._bought)
        if not n or not m:
            return float("nan")
        ranks = self._probability_ties.ranks(weights)
        return float(((weights * self._bought) @ ranks - n * (n + 1) / 2) / (n * m))

    def probability_log_loss(self, weights: Floats) -> float:
        """Log loss of the purchase indicator."""
        return float(weights @ self._log_losses / weights.sum())

    def probability_brier(self, weights: Floats) -> float:
        """Brier score of the purchase indicator."""
        return float(weights @ (self._forecast.probability - self._bought) ** 2 / weights.sum())

    def probability_ece(self, weights: Floats) -> float:
        """Expected calibration error over bins of equal size, the highest probabilities first."""
        ties = self._probability_ties
        count = ties.total(weights)[::-1]
        n = int(count.sum())
        sizes = np.full(CALIBRATION_BINS, n // CALIBRATION_BINS) + (np.arange(CALIBRATION_BINS) < n % CALIBRATION_BINS)
        edges, places = np.concatenate([[0], np.cumsum(sizes)]), np.concatenate([[0.0], np.cumsum(count)])

        def per_bin(totals: Floats) -> Floats:
            # Equal probabilities share their mean, so that the cumulated sum is linear between two of them.
            return np.diff(np.interp(edges, places, np.concatenate([[0.0], np.cumsum(totals)])))

        actual = per_bin(ties.total(weights * self._bought)[::-1])
        return float(np.abs(actual - per_bin(count * ties.values[::-1])).sum() / n)

    def next_date_error_days(self, weights: Floats) -> float:
        """Median absolute error of the buyers' dates."""
        errors, buyers = self._date_errors
        places = np.cumsum(weights[buyers])
        if not len(places) or not places[-1]:
            return float("nan")
        middle = np.array([(places[-1] - 1) // 2, places[-1] // 2])
        return float(errors[np.searchsorted(places, middle, side="right")].mean())


COMPUTED: Mapping[str, Callable[[Resampled, Floats], float]] = {name: getattr(Resampled, name) for name in METRICS}
"""Each of ``METRICS`` on a resample."""


@one_blas_thread()
def paired_bootstrap(
    outcomes: Outcomes,
    ours: Forecast,
    other: Forecast,
    draws: int = 200,
    seed: int = 0,
    metrics: Sequence[str] = tuple(METRICS),
) -> dict[str, tuple[float, float, float]]:
    """Difference of each metric, ours less the other's, with its 95 % interval over resampled customers.

    Biases are compared by their absolute values.
    """
    n = len(outcomes.purchases)
    sides = Resampled(outcomes, ours), Resampled(outcomes, other)
    is_absolute = np.array([name in ABSOLUTE_IS_COMPARED for name in metrics])

    def difference(weights: Floats) -> Floats:
        a, b = (side.metrics(metrics, weights) for side in sides)
        return np.where(is_absolute, np.abs(a) - np.abs(b), a - b)

    def drawn(rng: np.random.Generator) -> Floats:
        return difference(np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64))

    whole = difference(np.ones(n))  # first, so that the threads find the forecasts sorted
    seeds = np.random.default_rng(seed).spawn(draws)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        differences = np.array(list(pool.map(drawn, seeds)))
    low, high = np.full((2, len(metrics)), np.nan)
    known = np.isfinite(differences).any(axis=0)
    low[known], high[known] = np.nanpercentile(differences[:, known], (2.5, 97.5), axis=0)
    return {name: (float(d), float(a), float(b)) for name, d, a, b in zip(metrics, whole, low, high, strict=True)}
