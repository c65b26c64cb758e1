"""Which covariates a training uses: those that made its own back-test better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from customer_revenue.arrays import Floats
from customer_revenue.console import Report
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.bootstrap import paired_bootstrap
from customer_revenue.modeling.forecast_names import OURS
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.settings import FitOptions
from customer_revenue.workflows.evaluation.challenge import MAX_CHALLENGE_CUSTOMERS
from customer_revenue.workflows.evaluation.fold import BacktestFold, fold_cutoffs, predict_from

LOSSES = ("probability_log_loss", "revenue_rmse")
"""What a covariate must make smaller: of the chance of a purchase, and of revenue in cents."""

KEPT, NOISE, WORSE = "adds something", "adds nothing beyond noise", "makes a forecast worse"
CANNOT_TELL = "the history is too short to tell"

CHANCE = 0.025
"""That any covariate is kept which says nothing, as far as the customers differ."""

Changes = dict[str, tuple[float, float, float]]
"""By loss, what it is with the covariate less what it is without, and the ends of its 95 % interval."""


@dataclass(frozen=True)
class CovariateTrial:
    """What a covariate added to the forecasts of a back-test.

    Attributes:
        name: of the covariate.
        changes: of the losses, over the customers of all cut-offs; empty where nothing could be compared.
        reason: why it is used or not.
    """

    name: str
    changes: Changes
    reason: str

    @property
    def is_kept(self) -> bool:
        """Whether the models use it."""
        return self.reason == KEPT

    def text(self) -> str:
        """A line for people."""
        if not self.changes:
            return f"Covariate {self.name} is not used: {self.reason}"
        change, low, high = self.changes["probability_log_loss"]
        used = "is used" if self.is_kept else "is not used"
        return f"Covariate {self.name} {used}: {self.reason} (log loss {change:+.4f}, 95 %: {low:+.4f} to {high:+.4f})"


def verdict(changes: Changes) -> str:
    """Whether a covariate is kept by the change of each loss with its interval; lower is better."""
    if any(low > 0 for _, low, _ in changes.values()):
        return WORSE
    return KEPT if any(high < 0 for _, _, high in changes.values()) else NOISE


def tried_covariates(
    store: Store, fit: FitOptions, when: AsOf, horizon_days: int, report: Report
) -> list[CovariateTrial]:
    """Back-test the whole model with each covariate of the options, next to those that were kept before it.

    A covariate is kept if, over the customers of all cut-offs, the log loss or the error of revenue falls by more than
    chance would have it, neither rises by more than that, and the one that falls does so at each cut-off. Chance is
    2.5 % for all covariates and both losses together (Bonferroni), as a training may try many. A resample of customers
    leaves out that two fits differ by chance, so it must be so again with other random numbers.

    Args:
        store: the orders.
        fit: how the models are fitted; its covariates are tried in their order.
        when: nothing later is known.
        horizon_days: that is predicted from each cut-off.
        report: receives progress messages.
    """
    cutoffs = fold_cutoffs(store.info.first_day, when.day, max(fit.options.folds, 2), horizon_days)

    def folds(covariates: Sequence[str], others: int = 0) -> list[BacktestFold]:
        options = fit.options.model_copy(update={"covariates": tuple(covariates)})
        own = fit.model_copy(update={"options": options, "seed": fit.seed + others})
        return [predict_from(store, own, cutoff, horizon_days, MAX_CHALLENGE_CUSTOMERS) for cutoff in cutoffs]

    try:
        return _chosen(fit.options.covariates, folds, report)
    except NotEnoughData:
        return [CovariateTrial(name, {}, CANNOT_TELL) for name in fit.options.covariates]


def _chosen(names: Sequence[str], folds: Callable[..., list[BacktestFold]], report: Report) -> list[CovariateTrial]:
    best, kept, trials = folds(()), list[str](), list[CovariateTrial]()
    chance = CHANCE / (len(LOSSES) * len(names))
    for name in names:
        report(f"Trying the covariate {name}")
        tried = folds([*kept, name])
        found = _trial(name, tried, best, chance)
        if found.is_kept and not _trial(name, folds([*kept, name], 1), folds(kept, 1), chance).is_kept:
            found = replace(found, reason=NOISE)
        trials.append(found)
        if found.is_kept:
            kept, best = [*kept, name], tried
    return trials


def _trial(name: str, tried: Sequence[BacktestFold], best: Sequence[BacktestFold], chance: float) -> CovariateTrial:
    pairs = [(a, b) for a, b in zip(tried, best, strict=True) if a.outcomes is not None]
    if len(pairs) < 2:
        return CovariateTrial(name, {}, CANNOT_TELL)
    with_it, without = ([fold.forecasts[OURS] for fold in side] for side in zip(*pairs, strict=True))
    happened = [fold.outcomes for fold, _ in pairs if fold.outcomes is not None]
    pooled = _outcomes(happened), _forecast(with_it), _forecast(without)
    changes = paired_bootstrap(*pooled, metrics=LOSSES)
    reason = verdict(changes)
    if reason == KEPT:
        each = [
            paired_bootstrap(outcomes, ours, other, draws=1, metrics=LOSSES)
            for outcomes, ours, other in zip(happened, with_it, without, strict=True)
        ]
        falling = [loss for loss in LOSSES if _chance_of(*changes[loss]) < chance]
        if not any(all(fold[loss][0] < 0 for fold in each) for loss in falling):
            reason = NOISE
    return CovariateTrial(name, changes, reason)


def _chance_of(change: float, low: float, high: float) -> float:
    """The chance of so low a change where there is none, by the normal distribution of its 95 % interval."""
    return float(ndtr(change / max((high - low) / (2 * ndtri(0.975)), np.finfo(np.float64).tiny)))


def _outcomes(parts: Sequence[Outcomes]) -> Outcomes:
    """The customers of several cut-offs, one after the other."""
    return Outcomes(*(_joined(parts, name) for name in ("purchases", "revenue", "next_days")))


def _forecast(parts: Sequence[Forecast]) -> Forecast:
    purchases, revenue, probability, next_days = (
        _joined(parts, name) for name in ("purchases", "revenue", "probability", "next_days")
    )
    return Forecast(purchases, revenue, probability, next_days)


def _joined(parts: Sequence[Outcomes] | Sequence[Forecast], name: str) -> Floats:
    return np.concatenate([getattr(part, name) for part in parts])
