"""Figures of several models on the same customers, and which differences are more than noise.

Resamples of customers are multinomial weights, the same for every model, so that differences are paired. A cell is one
figure of one rival: won or lost where the 95 % interval of our difference leaves out 0. The p-values of all cells of a
table are corrected together (Holm 1979); they are normal, with the bootstrap's standard error, since a share of 2,000
resamples cannot be as small as the correction needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm, rankdata

from customer_revenue.arrays import Floats
from customer_revenue.modeling.bootstrap import holm
from customer_revenue.modeling.chunks import one_blas_thread
from customer_revenue.modeling.metrics import Forecast, Outcomes, WeightedMetrics

RANKED = ("probability_auc", "purchases_spearman", "revenue_gini")
ROOTS = ("purchases_rmse",)
SIGNIFICANCE = 0.05
WEIGHTS_AT_A_TIME = 2_000_000


@dataclass(frozen=True)
class Entry:
    """A model's forecast, and what each customer lost by it, by figure; a figure that it has not is missing."""

    forecast: Forecast
    losses: Mapping[str, Floats]


@dataclass(frozen=True)
class Cell:
    """One figure of ours and a rival's, and the mean and the 95 % interval of how much better ours is."""

    model: str
    figure: str
    ours: float
    theirs: float
    better: float
    low: float
    high: float
    p: float
    adjusted: float = float("nan")

    @property
    def verdict(self) -> str:
        """``won``, ``lost`` or ``even``, by the 95 % interval alone."""
        return "won" if self.low > 0 else "lost" if self.high < 0 else "even"

    @property
    def after_holm(self) -> str:
        """The same after the correction over the table."""
        if not self.adjusted < SIGNIFICANCE:
            return "even"
        return "won" if self.better > 0 else "lost"


@dataclass(frozen=True)
class Drawn:
    """Each model's figures on all customers and on each resample."""

    figures: tuple[str, ...]
    whole: Mapping[str, Floats]
    resampled: Mapping[str, Floats]

    def cells(self, ours: str) -> list[Cell]:
        """Every figure of every rival that has it, corrected over the table."""
        found = [
            self._cell(ours, model, place, figure)
            for model in self.whole
            if model != ours
            for place, figure in enumerate(self.figures)
            if np.isfinite(self.whole[model][place]) and np.isfinite(self.whole[ours][place])
        ]
        adjusted = holm(np.array([cell.p for cell in found]))
        return [replace(cell, adjusted=float(p)) for cell, p in zip(found, adjusted, strict=True)]

    def _cell(self, ours: str, model: str, place: int, figure: str) -> Cell:
        sign = -1 if figure in RANKED else 1
        differences = sign * (self.resampled[model][:, place] - self.resampled[ours][:, place])
        better = sign * (self.whole[model][place] - self.whole[ours][place])
        low, high = np.nanpercentile(differences, (2.5, 97.5))
        error = float(np.nanstd(differences))
        p = float(2 * norm.sf(abs(better) / error)) if error > 0 else 1.0
        mine, theirs = (float(self.whole[name][place]) for name in (ours, model))
        return Cell(model, figure, mine, theirs, float(better), float(low), float(high), p)

    def mean_ranks(self) -> dict[str, float]:
        """Each model's mean rank over the figures that all models have, 1 for the best."""
        models = list(self.whole)
        table = np.array([self.whole[model] for model in models])
        signs = np.array([-1 if figure in RANKED else 1 for figure in self.figures])
        shared = np.isfinite(table).all(axis=0)
        ranks = rankdata((table * signs)[:, shared], axis=0).mean(axis=1)
        return dict(zip(models, ranks.tolist(), strict=True))


@one_blas_thread()
def drawn(happened: Outcomes, entries: Mapping[str, Entry], figures: Sequence[str], resamples: int, seed: int) -> Drawn:
    """All figures of all models on all customers, and on the same resamples of them."""
    customers = len(happened.purchases)
    ranked = {name: WeightedMetrics(happened, entry.forecast) for name, entry in entries.items()}

    def measured(weights: Floats) -> dict[str, Floats]:
        """One row per resample, one column per figure."""
        result = {}
        for name, entry in entries.items():
            columns: list[Floats] = []
            for figure in figures:
                if figure in RANKED:
                    columns.append(np.array([ranked[name].metrics([figure], row)[0] for row in weights]))
                elif figure in entry.losses:
                    means = weights @ entry.losses[figure] / weights.sum(axis=1)
                    columns.append(np.sqrt(means) if figure in ROOTS else means)
                else:
                    columns.append(np.full(len(weights), np.nan))
            result[name] = np.column_stack(columns)
        return result

    rng = np.random.default_rng(seed)
    at_a_time = max(WEIGHTS_AT_A_TIME // customers, 1)
    parts: dict[str, list[Floats]] = {name: [] for name in entries}
    for start in range(0, resamples, at_a_time):
        number = min(at_a_time, resamples - start)
        weights = np.stack(
            [np.bincount(rng.integers(0, customers, customers), minlength=customers) for _ in range(number)]
        ).astype(np.float64)
        for name, rows in measured(weights).items():
            parts[name].append(rows)
    whole = {name: rows[0] for name, rows in measured(np.ones((1, customers))).items()}
    return Drawn(tuple(figures), whole, {name: np.concatenate(rows) for name, rows in parts.items()})


def mean_difference_error(ours: Floats, theirs: Floats, resamples: int, seed: int) -> tuple[float, float, float]:
    """Our mean loss less theirs, and its 95 % interval over resampled customers."""
    difference = ours - theirs
    n, rng = len(difference), np.random.default_rng(seed)
    means = np.array([difference[rng.integers(0, n, n)].mean() for _ in range(resamples)])
    low, high = np.percentile(means, (2.5, 97.5))
    return float(difference.mean()), float(low), float(high)
