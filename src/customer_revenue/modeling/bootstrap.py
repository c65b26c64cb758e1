"""Paired bootstrap of the differences between two forecasts.

A resample of customers is a weight per customer, so that each forecast is sorted once and not once per resample.
Comparisons of as many customers with the same seed share their resamples.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.chunks import one_blas_thread
from customer_revenue.modeling.forecast_names import METRICS
from customer_revenue.modeling.metrics import ABSOLUTE_IS_COMPARED, Forecast, Outcomes, WeightedMetrics


@one_blas_thread()
def paired_bootstrap(
    outcomes: Outcomes,
    ours: Forecast,
    other: Forecast,
    draws: int = 200,
    seed: int = 0,
    metrics: Sequence[str] = METRICS,
) -> dict[str, tuple[float, float, float]]:
    """Difference of each metric, ours less the other's, with its 95 % interval over resampled customers.

    Biases are compared by their absolute values.
    """
    n = len(outcomes.purchases)
    sides = WeightedMetrics(outcomes, ours), WeightedMetrics(outcomes, other)
    is_absolute = np.array([name in ABSOLUTE_IS_COMPARED for name in metrics])

    def difference(weights: Floats) -> Floats:
        a, b = (side.metrics(metrics, weights) for side in sides)
        return np.where(is_absolute, np.abs(a) - np.abs(b), a - b)

    whole = difference(np.ones(n))  # first, so that the threads find the forecasts sorted
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        differences = np.array(
            list(pool.map(lambda counts: difference(counts.astype(np.float64)), _resamples(n, draws, seed)))
        )
    low, high = np.full((2, len(metrics)), np.nan)
    known = np.isfinite(differences).any(axis=0)
    low[known], high[known] = np.nanpercentile(differences[:, known], (2.5, 97.5), axis=0)
    return {name: (float(d), float(a), float(b)) for name, d, a, b in zip(metrics, whole, low, high, strict=True)}


@lru_cache(maxsize=2)
def _resamples(customers: int, draws: int, seed: int) -> npt.NDArray[np.unsignedinteger[Any]]:
    """How often each customer is in each resample, one row per resample, in the smallest type that holds them all."""
    counts = np.empty((draws, customers), np.min_scalar_type(customers))
    for row, rng in zip(counts, np.random.default_rng(seed).spawn(draws), strict=True):
        row[:] = np.bincount(rng.integers(0, customers, customers), minlength=customers)
    return counts


def holm(chances: Floats) -> Floats:
    """Holm's (1979) adjusted p-values: those below a level hold together with at most that chance of a false one.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(chances, kind="stable")
    steps = np.maximum.accumulate(chances[order] * np.arange(len(chances), 0, -1))
    adjusted = np.empty(len(chances))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
