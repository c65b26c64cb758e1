"""The part of the gate that looks at groups of customers, each as large as the policy says.

Means over all customers are those of the many who hardly buy. The more cells are looked at, the more of them are worse
by chance, so that the p-values of all cells of a comparison are corrected together (Holm 1979).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from customer_revenue.arrays import Floats, Marks, central_coverage
from customer_revenue.modeling.bootstrap import holm
from customer_revenue.modeling.chunks import one_blas_thread
from customer_revenue.modeling.forecast_names import OURS
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.modeling.score_groups import customer_groups, customer_losses
from customer_revenue.policy import Gate
from customer_revenue.workflows.evaluation.fold import BacktestFold
from customer_revenue.workflows.registry.verdict import Check

DRAWS = 200
DRAWS_AT_A_TIME = 25
SIGNIFICANCE = 0.05
"""The chance that a challenger as good as the other fails in any group."""

NAMED_CELLS = 3
"""How many groups a check names; of more, it says how many they are."""


@dataclass(frozen=True)
class Cell:
    """One figure of ours and of another's in one group, and the standard error of their difference."""

    group: str
    metric: str
    ours: float
    other: float
    error: float

    @property
    def chance(self) -> float:
        """The chance that ours is so much worse though neither is: the p-value, one-sided."""
        worse = self.ours - self.other
        return float(ndtr(-worse / self.error)) if self.error > 0 else float(worse <= 0)


def group_comparison(
    folds: Sequence[BacktestFold], gate: Gate, name: str, theirs: Mapping[dt.date, Forecast]
) -> list[Check]:
    """Each figure of ours in each group against another's: worse counts beyond the margin, and beyond chance.

    Differences and their standard errors are averaged over the folds, which share their customers. Empty where no group
    is large enough.
    """
    found = [_cells(fold, _outcomes(fold), gate, theirs[fold.cutoff]) for fold in folds]
    cells = [_mean(of_folds) for of_folds in _in_every_fold(found)]
    if not cells:
        return []
    margins = {str(metric): margin for metric, margin in gate.group_margins.items()}
    chances = holm(np.array([cell.chance for cell in cells]))
    worse = [
        _of(cell, name)
        for cell, chance in zip(cells, chances, strict=True)
        if chance < SIGNIFICANCE and cell.ours - cell.other > margins[cell.metric] * abs(cell.other)
    ]
    groups = f"in {len({cell.group for cell in cells})} groups of {gate.group_customers} customers or more"
    text = f"{groups}: {len(worse)} of {len(cells)} figures are worse than those of {name}"
    return [Check(f"groups against {name}", not worse, _with_cells(text, worse))]


def group_coverage(folds: Sequence[BacktestFold], gate: Gate) -> list[Check]:
    """How often our intervals held in each group, against what they state; empty where no group is large enough.

    Counts are whole: where few of them have all the chance, their intervals hold more.
    """
    found = [dict(_gaps(fold, _outcomes(fold), gate)) for fold in folds]
    gaps = {key: np.mean([of_fold[key] for of_fold in found], axis=0) for key in _common(found)}
    if not gaps:
        return []
    z = -ndtri(SIGNIFICANCE / 2 / len(gaps))
    wrong = [
        f"{group}: intervals of {what} held for {held:.1%} and state {stated:.1%}"
        for (group, what), (held, stated, error) in gaps.items()
        if (stated - held if what == "purchases" else abs(held - stated)) > gate.coverage_gap + z * error
    ]
    groups = f"in {len(gaps) // 2} groups of {gate.group_customers} customers or more"
    text = f"{groups}: {len(wrong)} of {len(gaps)} coverages differ by more than {gate.coverage_gap:.0%} and chance"
    return [Check("coverage by group", not wrong, _with_cells(text, wrong))]


def _groups(fold: BacktestFold, gate: Gate) -> dict[str, Marks]:
    return {name: rows for name, rows in customer_groups(fold.features).items() if rows.sum() >= gate.group_customers}


@one_blas_thread()
def _cells(fold: BacktestFold, happened: Outcomes, gate: Gate, other: Forecast) -> dict[tuple[str, str], Cell]:
    """The cells of one fold, by group and metric."""
    groups = _groups(fold, gate)
    ours, theirs = (customer_losses(happened, side) for side in (fold.forecasts[OURS], other))
    metrics = [metric for metric in gate.group_margins if metric in ours and metric in theirs]
    if not groups or not metrics:
        return {}
    members = np.column_stack(list(groups.values())).astype(np.float64)
    losses = np.stack([[side[metric] for metric in metrics] for side in (ours, theirs)])
    root = np.array([metric.endswith("rmse") for metric in metrics])[:, None]

    def figures(weights: Floats) -> Floats:
        """Resamples, sides, metrics, groups."""
        flat = losses.reshape(-1, losses.shape[-1])
        sums = np.stack([(weights * loss) @ members for loss in flat], axis=1)
        means = (sums / np.maximum(weights @ members, 1.0)[:, None, :]).reshape(len(weights), *losses.shape[:2], -1)
        return np.where(root, np.sqrt(means), means)

    whole = figures(np.ones((1, len(members))))[0]
    drawn = np.concatenate([figures(weights) for weights in _resamples(len(members))])
    errors = (drawn[:, 0] - drawn[:, 1]).std(axis=0)
    return {
        (group, metric): Cell(group, metric, float(whole[0, i, j]), float(whole[1, i, j]), float(errors[i, j]))
        for i, metric in enumerate(metrics)
        for j, group in enumerate(groups)
    }


def _resamples(customers: int) -> Iterator[Floats]:
    """How often each customer is drawn: one row per resample, some resamples at a time."""
    rng = np.random.default_rng(0)
    for _ in range(DRAWS // DRAWS_AT_A_TIME):
        drawn = rng.integers(0, customers, (DRAWS_AT_A_TIME, customers))
        yield np.stack([np.bincount(row, minlength=customers) for row in drawn]).astype(np.float64)


def _gaps(fold: BacktestFold, happened: Outcomes, gate: Gate) -> Iterator[tuple[tuple[str, str], Floats]]:
    """The share that the intervals held, what they state, and the standard error, by group and quantity."""
    ours = fold.forecasts[OURS]
    if ours.purchases_interval is None or ours.revenue_interval is None or ours.interval_mass is None:
        return
    inside = {
        what: (y >= low - slack) & (y <= high + slack)
        for what, y, (low, high), slack in (
            ("purchases", happened.purchases, ours.purchases_interval, 0.0),
            ("revenue", happened.revenue, ours.revenue_interval, 0.5),
        )
    }
    stated = central_coverage(ours.probability, ours.interval_mass)
    for group, rows in _groups(fold, gate).items():
        mean = float(stated[rows].mean())
        error = float(np.sqrt(mean * (1 - mean) / rows.sum()))
        for what, held in inside.items():
            yield (group, what), np.array([held[rows].mean(), mean, error])


def _common(found: Sequence[Mapping[tuple[str, str], object]]) -> list[tuple[str, str]]:
    return [key for key in found[0] if all(key in of_fold for of_fold in found)]


def _in_every_fold(found: Sequence[Mapping[tuple[str, str], Cell]]) -> list[list[Cell]]:
    return [[of_fold[key] for of_fold in found] for key in _common(found)]


def _mean(cells: Sequence[Cell]) -> Cell:
    ours, other, error = (float(np.mean([getattr(c, name) for c in cells])) for name in ("ours", "other", "error"))
    return Cell(cells[0].group, cells[0].metric, ours, other, error)


def _of(cell: Cell, name: str) -> str:
    return f"{cell.group}: {cell.metric.replace('_', ' ')} {cell.ours:,.4g}, {name} has {cell.other:,.4g}"


def _with_cells(text: str, cells: Sequence[str]) -> str:
    more = [f"and {len(cells) - NAMED_CELLS} more"] if len(cells) > NAMED_CELLS else []
    return f"{text} ({'; '.join([*cells[:NAMED_CELLS], *more])})" if cells else text


def _outcomes(fold: BacktestFold) -> Outcomes:
    assert fold.outcomes is not None, "the gate is shown folds whose horizon is over"
    return fold.outcomes
