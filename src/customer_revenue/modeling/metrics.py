"""Predictions against what happened: metrics, slices, coverage of intervals.

Every metric is invariant to the order of rows: tied predictions share the mean of their outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from customer_revenue.arrays import Floats

Customers = TypeVar("Customers", "Outcomes", "Forecast")

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

    ``next_days`` are days to the predicted date, infinite for never. The intervals may be absent.
    """

    purchases: Floats
    revenue: Floats
    probability: Floats
    next_days: Floats
    purchases_interval: tuple[Floats, Floats] | None = None
    revenue_interval: tuple[Floats, Floats] | None = None
    interval_mass: Floats | None = None


def mean_absolute_error(y: Floats, predicted: Floats) -> float:
    """Mean of the absolute errors."""
    return float(np.mean(np.abs(predicted - y)))


def root_mean_square_error(y: Floats, predicted: Floats) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted - y) ** 2)))


def total_bias(y: Floats, predicted: Floats) -> float:
    """Predicted total over the actual one, less 1; NaN where nothing happened."""
    return float(predicted.sum() / y.sum() - 1) if y.sum() else float("nan")


def spearman(y: Floats, predicted: Floats) -> float:
    """Rank correlation, 0 where either side is constant."""
    a, b = rankdata(y), rankdata(predicted)
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def normalised_gini(y: Floats, predicted: Floats) -> float:
    """Gini of the gain curve over that of a perfect ranking: 1 is perfect, about 0 is chance."""
    if not y.sum():
        return float("nan")
    return _gini(y, predicted) / _gini(y, y)


def _gini(y: Floats, predicted: Floats) -> float:
    return float(2 * np.mean(np.cumsum(_tie_averaged(y, predicted)) / y.sum()) - 1)


def _tie_averaged(y: Floats, predicted: Floats) -> Floats:
    """``y`` from the highest prediction to the lowest, tied ones replaced by their mean."""
    order = np.argsort(-predicted, kind="stable")
    ranked = predicted[order]
    group = np.concatenate([[0], np.cumsum(ranked[1:] != ranked[:-1])])
    return np.asarray((np.bincount(group, y[order]) / np.bincount(group))[group])


def area_under_curve(bought: Floats, probability: Floats) -> float:
    """Area under the ROC curve; NaN where all or none bought."""
    positive = bought > 0
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    return float((rankdata(probability)[positive].sum() - n * (n + 1) / 2) / (n * m))


def clipped_probability(probability: Floats) -> Floats:
    """Probabilities at a distance from 0 and 1 at which a logarithm is finite."""
    return np.clip(probability, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)


def log_loss(bought: Floats, probability: Floats) -> float:
    """Mean negative log-likelihood of the purchase indicator."""
    p = clipped_probability(probability)
    return float(-np.mean(np.where(bought > 0, np.log(p), np.log1p(-p))))


def brier(bought: Floats, probability: Floats) -> float:
    """Mean squared error of the probability."""
    return float(np.mean((probability - (bought > 0)) ** 2))


def expected_calibration_error(bought: Floats, probability: Floats, bins: int = CALIBRATION_BINS) -> float:
    """Mean gap between predicted and actual rate over bins of equal size."""
    actual = np.array_split(_tie_averaged(np.asarray(bought > 0, dtype=float), probability), bins)
    predicted = np.array_split(-np.sort(-probability), bins)
    gaps = [abs(a.mean() - p.mean()) * len(a) for a, p in zip(actual, predicted, strict=True) if len(a)]
    return float(sum(gaps) / len(probability))


def next_date_error(next_days: Floats, predicted: Floats) -> float:
    """Median absolute error in days among those who bought."""
    bought = np.isfinite(next_days)
    return float(np.median(np.abs(predicted[bought] - next_days[bought]))) if bought.any() else float("nan")


METRICS: Mapping[str, Callable[[Outcomes, Forecast], float]] = {
    "purchases_mae": lambda y, f: mean_absolute_error(y.purchases, f.purchases),
    "purchases_rmse": lambda y, f: root_mean_square_error(y.purchases, f.purchases),
    "purchases_spearman": lambda y, f: spearman(y.purchases, f.purchases),
    "purchases_bias": lambda y, f: total_bias(y.purchases, f.purchases),
    "revenue_mae": lambda y, f: mean_absolute_error(y.revenue, f.revenue),
    "revenue_rmse": lambda y, f: root_mean_square_error(y.revenue, f.revenue),
    "revenue_gini": lambda y, f: normalised_gini(y.revenue, f.revenue),
    "revenue_bias": lambda y, f: total_bias(y.revenue, f.revenue),
    "probability_auc": lambda y, f: area_under_curve(y.purchases, f.probability),
    "probability_log_loss": lambda y, f: log_loss(y.purchases, f.probability),
    "probability_brier": lambda y, f: brier(y.purchases, f.probability),
    "probability_ece": lambda y, f: expected_calibration_error(y.purchases, f.probability),
    "next_date_error_days": lambda y, f: next_date_error(y.next_days, f.next_days),
}
"""Each metric by name, of outcomes and a forecast."""

HIGHER_IS_BETTER = frozenset({"purchases_spearman", "revenue_gini", "probability_auc"})
ABSOLUTE_IS_COMPARED = frozenset({"purchases_bias", "revenue_bias"})


def evaluate(outcomes: Outcomes, forecast: Forecast) -> dict[str, float]:
    """All metrics, and the intervals' coverage where the forecast has intervals."""
    values = {name: metric(outcomes, forecast) for name, metric in METRICS.items()}
    return {**values, **coverage(outcomes, forecast)}


def coverage(outcomes: Outcomes, forecast: Forecast) -> dict[str, float]:
    """Share of outcomes inside the intervals and their stated probability, overall and of near-certain buyers."""
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
        result[f"interval_mass{suffix}"] = float(forecast.interval_mass[rows].mean())
    return result


def _inside(y: Floats, interval: tuple[Floats, Floats], slack: float) -> npt.NDArray[np.bool_]:
    return np.asarray((y >= interval[0] - slack) & (y <= interval[1] + slack))


def select(what: Customers, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Customers:
    """Some of the customers."""

    def part(value: Any) -> Any:
        return tuple(v[rows] for v in value) if isinstance(value, tuple) else value[rows]

    return replace(what, **{name: part(value) for name, value in vars(what).items() if value is not None})


def slices(frequency: Floats, T_days: Floats, total_cents: Floats) -> dict[str, npt.NDArray[np.bool_]]:
    """Groups of customers to evaluate separately: one-time buyers, tenure, spend deciles. Ties are never split."""
    groups: dict[str, npt.NDArray[np.bool_]] = {"one_time_buyers": frequency == 0, "repeat_buyers": frequency > 0}
    for low, high in ((0, 90), (90, 365), (365, np.inf)):
        name = f"tenure_{low}_{int(high)}_days" if np.isfinite(high) else f"tenure_over_{low}_days"
        groups[name] = (T_days >= low) & (T_days < high)
    decile = np.minimum((rankdata(total_cents) - 0.5) / len(total_cents) * 10, 9).astype(int)
    groups |= {f"spend_decile_{d + 1}": decile == d for d in range(10)}
    return {name: rows for name, rows in groups.items() if rows.any()}
