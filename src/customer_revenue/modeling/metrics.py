"""Predictions against what happened: metrics, slices, coverage of intervals.

Every metric is invariant to the order of rows: tied predictions share the mean of their outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import scipy

from customer_revenue.arrays import Floats, central_coverage
from customer_revenue.modeling.forecast_names import METRICS
from customer_revenue.modeling.predictive_distribution import CountForecast, RevenueForecast

Customers = TypeVar("Customers")

PROBABILITY_FLOOR = 1e-6
"""Log loss clips probabilities to this distance from 0 and 1."""

CALIBRATION_BINS = 10

NEAR_CERTAIN = 0.9
"""Customers with a higher chance of a purchase are those whose intervals do not rest on the zeros."""


@dataclass(frozen=True)
class Outcomes:
    """What happened within the horizon: purchase days, revenue, days to the next purchase (NaN for none)."""

    purchases: Floats
    revenue: Floats
    next_days: Floats

    @property
    def bought(self) -> npt.NDArray[np.bool_]:
        """Who bought at all."""
        return self.purchases > 0


@dataclass(frozen=True)
class Forecast:
    """What was predicted for the same customers, in the same order and units.

    ``next_days`` are days to the predicted date, infinite for never. The intervals, their medians and the
    distributions ``counts`` and ``amounts`` that they are of may be absent.
    """

    purchases: Floats
    revenue: Floats
    probability: Floats
    next_days: Floats
    purchases_interval: tuple[Floats, Floats] | None = None
    revenue_interval: tuple[Floats, Floats] | None = None
    interval_mass: Floats | None = None
    purchases_median: Floats | None = None
    revenue_median: Floats | None = None
    next_days_interval: tuple[Floats, Floats] | None = None
    counts: CountForecast | None = None
    amounts: RevenueForecast | None = None


class Ties:
    """Values in ascending order, equal ones together.

    Args:
        values: one per customer.
    """

    values: Floats

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


class WeightedMetrics:
    """The metrics of one forecast on its customers, each counted as often as their weight says, such as in a resample.

    Args:
        outcomes: what happened.
        forecast: what was predicted for the same customers, in the same order.
    """

    def __init__(self, outcomes: Outcomes, forecast: Forecast) -> None:
        self._outcomes, self._forecast = outcomes, forecast
        self._bought = outcomes.bought.astype(float)

    def metrics(self, names: Sequence[str], weights: Floats) -> Floats:
        """Some of :data:`METRICS`, in the order of the names."""
        return np.array([getattr(self, name)(weights) for name in names])

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
        p = np.clip(self._forecast.probability, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
        return np.where(self._bought > 0, -np.log(p), -np.log1p(-p))

    @cached_property
    def _date_errors(self) -> tuple[Floats, npt.NDArray[np.intp]]:
        """The errors of the buyers' dates in ascending order, and whose each is."""
        buyers = np.flatnonzero(np.isfinite(self._outcomes.next_days))
        errors = np.abs(self._forecast.next_days[buyers] - self._outcomes.next_days[buyers])
        order = np.argsort(errors, kind="stable")
        return errors[order], buyers[order]

    @cached_property
    def _purchase_errors(self) -> Floats:
        return np.abs(self._forecast.purchases - self._outcomes.purchases)

    @cached_property
    def _revenue_errors(self) -> Floats:
        return np.abs(self._forecast.revenue - self._outcomes.revenue)

    @cached_property
    def _square_purchase_errors(self) -> Floats:
        return np.asarray(self._purchase_errors**2)

    @cached_property
    def _square_revenue_errors(self) -> Floats:
        return np.asarray(self._revenue_errors**2)

    @cached_property
    def _brier_losses(self) -> Floats:
        return np.asarray((self._forecast.probability - self._bought) ** 2)

    def _bias(self, y: Floats, predicted: Floats, weights: Floats) -> float:
        total = weights @ y
        return float(weights @ predicted / total - 1) if total else float("nan")

    def purchases_mae(self, weights: Floats) -> float:
        """Mean absolute error of the purchases."""
        return float(weights @ self._purchase_errors / weights.sum())

    def purchases_rmse(self, weights: Floats) -> float:
        """Root mean square error of the purchases."""
        return float(np.sqrt(weights @ self._square_purchase_errors / weights.sum()))

    def purchases_bias(self, weights: Floats) -> float:
        """Predicted total purchases over the actual ones, less 1; NaN where nobody bought."""
        return self._bias(self._outcomes.purchases, self._forecast.purchases, weights)

    def purchases_spearman(self, weights: Floats) -> float:
        """Rank correlation of the purchases, 0 where either side is constant."""
        a, b = (ties.ranks(weights) for ties in self._purchase_ties)
        n = weights.sum()
        a, b = a - weights @ a / n, b - weights @ b / n
        scale = float(np.sqrt((weights @ a**2) * (weights @ b**2)))
        return float(weights @ (a * b) / scale) if scale > 0 else 0.0

    def revenue_mae(self, weights: Floats) -> float:
        """Mean absolute error of the revenue."""
        return float(weights @ self._revenue_errors / weights.sum())

    def revenue_rmse(self, weights: Floats) -> float:
        """Root mean square error of the revenue."""
        return float(np.sqrt(weights @ self._square_revenue_errors / weights.sum()))

    def revenue_bias(self, weights: Floats) -> float:
        """Predicted total revenue over the actual one, less 1; NaN where there was none."""
        return self._bias(self._outcomes.revenue, self._forecast.revenue, weights)

    def revenue_gini(self, weights: Floats) -> float:
        """Gini of the gain curve over that of a perfect ranking: 1 is perfect, about 0 is chance."""
        if not weights @ self._outcomes.revenue:
            return float("nan")
        perfect, predicted = self._revenue_ties
        revenue = predicted.total(weights * self._outcomes.revenue)
        count = perfect.total(weights)
        return _gini(predicted.total(weights), revenue) / _gini(count, count * perfect.values)

    def probability_auc(self, weights: Floats) -> float:
        """Area under the ROC curve; NaN where all or none bought."""
        n, m = weights @ self._bought, weights @ (1 - self._bought)
        if not n or not m:
            return float("nan")
        ranks = self._probability_ties.ranks(weights)
        return float(((weights * self._bought) @ ranks - n * (n + 1) / 2) / (n * m))

    def probability_log_loss(self, weights: Floats) -> float:
        """Mean negative log-likelihood of the purchase indicator."""
        return float(weights @ self._log_losses / weights.sum())

    def probability_brier(self, weights: Floats) -> float:
        """Mean squared error of the probability."""
        return float(weights @ self._brier_losses / weights.sum())

    def probability_ece(self, weights: Floats) -> float:
        """Mean gap between predicted and actual rate over bins of equal size, the highest probabilities first."""
        return calibration_error(self._probability_ties, self._bought, weights)

    def next_date_error_days(self, weights: Floats) -> float:
        """Median absolute error of the date among those who bought, in days."""
        errors, buyers = self._date_errors
        places = np.cumsum(weights[buyers])
        if not len(places) or not places[-1]:
            return float("nan")
        middle = np.array([(places[-1] - 1) // 2, places[-1] // 2])
        return float(errors[np.searchsorted(places, middle, side="right")].mean())


def _gini(count: Floats, revenue: Floats) -> float:
    """Gini of the gain curve of groups of customers in ascending order of their forecast, the highest first."""
    later = revenue.sum() - np.cumsum(revenue)
    return float(2 * np.sum(count * later + revenue * (count + 1) / 2) / (count.sum() * revenue.sum()) - 1)


def calibration_error(probability: Ties, bought: Floats, weights: Floats) -> float:
    """The metric ``probability_ece`` of probabilities that are in order already, such as for many outcomes of them."""
    count = probability.total(weights)[::-1]
    n = int(count.sum())
    sizes = np.full(CALIBRATION_BINS, n // CALIBRATION_BINS) + (np.arange(CALIBRATION_BINS) < n % CALIBRATION_BINS)
    edges, places = np.concatenate([[0], np.cumsum(sizes)]), np.concatenate([[0.0], np.cumsum(count)])

    def per_bin(totals: Floats) -> Floats:
        # Equal probabilities share their mean, so that the cumulated sum is linear between two of them.
        return np.diff(np.interp(edges, places, np.concatenate([[0.0], np.cumsum(totals)])))

    actual = per_bin(probability.total(weights * bought)[::-1])
    return float(np.abs(actual - per_bin(count * probability.values[::-1])).sum() / n)


HIGHER_IS_BETTER = frozenset({"purchases_spearman", "revenue_gini", "probability_auc"})
ABSOLUTE_IS_COMPARED = frozenset({"purchases_bias", "revenue_bias"})


def measure(name: str, outcomes: Outcomes, forecast: Forecast) -> float:
    """One of :data:`METRICS`, of every customer once."""
    return float(WeightedMetrics(outcomes, forecast).metrics([name], np.ones(len(outcomes.purchases)))[0])


def expected_calibration_error(bought: Floats, probability: Floats) -> float:
    """The metric ``probability_ece``, which needs no other outcome or forecast."""
    return measure("probability_ece", Outcomes(bought, bought, bought), Forecast(bought, bought, probability, bought))


def evaluate(outcomes: Outcomes, forecast: Forecast) -> dict[str, float]:
    """All metrics, and the intervals' coverage where the forecast has intervals."""
    values = WeightedMetrics(outcomes, forecast).metrics(METRICS, np.ones(len(outcomes.purchases)))
    return {**dict(zip(METRICS, values.tolist(), strict=True)), **coverage(outcomes, forecast)}


def coverage(outcomes: Outcomes, forecast: Forecast) -> dict[str, float]:
    """Share of outcomes inside the intervals and what they state, overall and of near-certain buyers.

    What central intervals state is exact for amounts; of counts, which are whole, they hold at least as many.
    """
    if forecast.purchases_interval is None or forecast.revenue_interval is None or forecast.interval_mass is None:
        return {}
    near = forecast.probability > NEAR_CERTAIN
    result: dict[str, float] = {}
    for suffix, rows in (("", np.ones(len(near), dtype=bool)), ("_near_certain", near)):
        if not rows.any():
            continue
        count = _inside(outcomes.purchases, forecast.purchases_interval, 0.0)
        money = _inside(outcomes.revenue, forecast.revenue_interval, 0.5)
        result[f"purchases_coverage{suffix}"] = float(count[rows].mean())
        result[f"revenue_coverage{suffix}"] = float(money[rows].mean())
        stated = central_coverage(forecast.probability, forecast.interval_mass)
        result[f"interval_mass{suffix}"] = float(stated[rows].mean())
    return result


def _inside(y: Floats, interval: tuple[Floats, Floats], slack: float) -> npt.NDArray[np.bool_]:
    return np.asarray((y >= interval[0] - slack) & (y <= interval[1] + slack))


def select(what: Customers, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Customers:
    """Some of the customers."""

    def part(value: Any) -> Any:
        if is_dataclass(value):
            return select(value, rows)
        return tuple(v[rows] for v in value) if isinstance(value, tuple) else value[rows]

    parts: dict[str, Any] = {name: part(value) for name, value in vars(what).items() if value is not None}
    return replace(what, **parts)  # type: ignore[type-var]  # all that has customers is a dataclass


def slices(frequency: Floats, T_days: Floats, total_cents: Floats) -> dict[str, npt.NDArray[np.bool_]]:
    """Groups of customers to evaluate separately: one-time buyers, tenure, spend deciles. Ties are never split."""
    groups: dict[str, npt.NDArray[np.bool_]] = {"one_time_buyers": frequency == 0, "repeat_buyers": frequency > 0}
    for low, high in ((0, 90), (90, 365), (365, np.inf)):
        name = f"tenure_{low}_{int(high)}_days" if np.isfinite(high) else f"tenure_over_{low}_days"
        groups[name] = (T_days >= low) & (T_days < high)
    decile = np.minimum((scipy.stats.rankdata(total_cents) - 0.5) / len(total_cents) * 10, 9).astype(int)
    groups |= {f"spend_decile_{d + 1}": decile == d for d in range(10)}
    return {name: rows for name, rows in groups.items() if rows.any()}
