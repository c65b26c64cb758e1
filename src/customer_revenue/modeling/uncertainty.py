"""Uncertainty of fitted parameters: standard errors from the curvature of the likelihood, and the bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.count_distribution import PurchaseModel
from customer_revenue.modeling.gamma_gamma import GammaGamma, distinct_spend, spend_log_likelihood
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.priors import LogPrior
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk

STEP = 1e-3
"""Of the second differences, in the logarithm of a parameter."""

NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A fitted parameter. Without a proper maximum its error is infinite and its interval everything.

    ``low`` and ``high`` are the 95 % interval, normal in the parameter's logarithm, since parameters are positive.
    That of an effect of a covariate, which may be negative, is normal in the effect itself.
    """

    name: str
    value: float
    standard_error: float
    low: float
    high: float


def purchase_estimates(model: PurchaseModel, covariance: Floats) -> list[Estimate]:
    """The parameters of a fitted purchase model with their covariance; its effects: :func:`effect_estimates`."""
    errors = _errors(covariance)[: len(model.parameters)]
    return _estimates(model.parameters, model.all_parameters[: len(model.parameters)], errors)


def purchase_covariance(model: PurchaseModel, histories: Histories) -> Floats:
    """Covariance of the logarithms of a purchase model's parameters, and of its effects, which come last.

    Infinite where the histories that it was fitted to do not determine them.
    """
    if len(model.effects_):
        return _covariance_with_effects(model, histories)
    rows, scaled, scale = _scaled(histories)
    unit = np.array([scale if name in model.times else 1.0 for name in model.parameters])
    penalty, prior = model.penalizer_ * float(rows.weights.sum()), model.log_prior(scale)
    return log_covariance(lambda p: model.log_likelihood(scaled, p), model.all_parameters * unit, penalty, prior)


def effect_estimates(model: PurchaseModel, covariance: Floats, names: Sequence[str], units: Floats) -> list[Estimate]:
    """The effects of covariates, first on purchases and then on leaving, by unit of the column.

    Args:
        model: fitted to histories with covariates.
        covariance: as :func:`purchase_covariance` gives it.
        names: of the covariates.
        units: what one step of each covariate is, in units of its column.
    """
    per_unit = np.tile(units, 2)
    errors = _errors(covariance)[len(model.parameters) :] / per_unit
    labels = [f"{rate}_effect[{name}]" for rate in ("purchase", "leaving") for name in names]
    return [
        Estimate(label, float(value), float(error), float(value - NORMAL_95 * error), float(value + NORMAL_95 * error))
        for label, value, error in zip(labels, model.effects_ / per_unit, errors, strict=True)
    ]


def _scaled(histories: Histories) -> tuple[Histories, Histories, float]:
    """The distinct histories, the same with the longest T as the unit of time, and that unit."""
    rows, _ = histories.distinct
    scale = 1.0 / max(float(rows.T_days.max()), 1.0)
    return rows, rows.scaled(scale), scale


def _covariance_with_effects(model: PurchaseModel, histories: Histories) -> Floats:
    """Covariance of the logarithms of the parameters and of the effects, from differences of the slope."""
    rows, scaled, scale = _scaled(histories)
    positive, effects = len(model.parameters), len(model.effects_)
    unit = np.array([scale if name in model.times else 1.0 for name in model.parameters] + [1.0] * effects)
    centre = model.all_parameters * unit

    def slope(move: Floats) -> Floats:
        moved = np.concatenate([centre[:positive] * np.exp(move[:positive]), centre[positive:] + move[positive:]])
        by_parameter = model.log_likelihood_and_slope(scaled, moved)[1]
        return np.concatenate([by_parameter[:positive] * moved[:positive], by_parameter[positive:]])

    steps = STEP * np.eye(len(centre))
    hessian = np.array([(slope(step) - slope(-step)) / (2 * STEP) for step in steps])
    squares = model.penalizer_ * float(rows.weights.sum()) * centre[:positive] ** 2
    bread = np.concatenate([4 * squares, np.full(effects, 2 * model.penalizer_ * float(rows.weights.sum()))])
    scatter = np.concatenate([2 * squares, np.zeros(effects)])
    return _sandwich(-(hessian + hessian.T) / 2, bread, scatter, model.log_prior(scale))


def spend_estimates(model: GammaGamma, covariance: Floats) -> list[Estimate]:
    """The parameters of a fitted Gamma-Gamma with their covariance, as :func:`spend_covariance` gives it."""
    return _estimates(model.parameters, np.array([model.p_, model.q_, model.v_]), _errors(covariance))


def spend_covariance(model: GammaGamma, frequency: Floats, spend_cents: Floats) -> Floats:
    """Covariance of the logarithms of the parameters of a Gamma-Gamma that was fitted to these spends; it has some."""
    known = (frequency > 0) & (spend_cents > 0)
    x, m, weight = distinct_spend(frequency[known], spend_cents[known], np.ones(int(known.sum())))
    relative = m / model.mean_cents_
    scaled = np.array([model.p_, model.q_, model.v_], dtype=np.float64) / [1, 1, model.mean_cents_]
    penalty = model.penalizer_ * float(weight.sum())
    return log_covariance(lambda p: spend_log_likelihood(x, relative, weight, p), scaled, penalty, model.log_prior())


def log_covariance(
    log_likelihood: Callable[[Floats], float], parameters: Floats, penalty: float = 0.0, prior: LogPrior | None = None
) -> Floats:
    """Covariance of the logarithms of parameters, from second differences at the maximum.

    Infinite where the likelihood is not curved downwards in every direction: the data do not determine the parameters.

    Args:
        log_likelihood: of positive parameters.
        parameters: that maximise it, less the penalty times their sum of squares.
        penalty: makes the estimate steadier, so that errors are those of a penalised one (the sandwich formula).
        prior: what was known before; the covariance is that of the posterior, by Laplace's approximation.
    """
    information = -_hessian_in_logs(log_likelihood, parameters)
    # At a penalised maximum the likelihood still has a slope, which curves it in logarithms though not in itself.
    return _sandwich(information, 4 * penalty * parameters**2, 2 * penalty * parameters**2, prior)


def _sandwich(information: Floats, penalty: Floats, slope: Floats, prior: LogPrior | None) -> Floats:
    """The covariance from the information and the diagonals that are added to it for the bread and for the scatter."""
    if prior is not None:
        information = information + np.diag(prior.precisions)
    bread, scatter = information + np.diag(penalty), information + np.diag(slope)
    if not np.all(np.isfinite(bread)) or np.linalg.eigvalsh(bread).min() <= 0:
        return np.full(bread.shape, np.inf)
    inverse = np.linalg.inv(bread)
    return np.asarray(inverse @ scatter @ inverse)


def _errors(covariance: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(np.diag(covariance), 0.0)))


def _hessian_in_logs(function: Callable[[Floats], float], parameters: Floats) -> Floats:
    logs, n = np.log(parameters), len(parameters)
    steps = STEP * np.eye(n)
    hessian = np.empty((n, n))

    def at(move: Floats) -> float:
        return function(np.exp(logs + move))

    centre = at(np.zeros(n))
    for i in range(n):
        hessian[i, i] = (at(steps[i]) - 2 * centre + at(-steps[i])) / STEP**2
        for j in range(i):
            same = at(steps[i] + steps[j]) + at(-steps[i] - steps[j])
            opposite = at(steps[i] - steps[j]) + at(steps[j] - steps[i])
            hessian[i, j] = hessian[j, i] = (same - opposite) / (4 * STEP**2)
    return hessian


def bootstrap(model: PurchaseModel, histories: Histories, draws: int, seed: int) -> Floats:
    """Parameters of refits on customers drawn anew with replacement: one row per draw, one column per parameter.

    The effects of covariates are the last columns.

    Only the counts of the distinct histories are drawn, so that the work does not grow with the customers.
    """
    rows, _ = histories.distinct
    rng = np.random.default_rng(seed)
    total = round(float(rows.weights.sum()))
    counts = rng.multinomial(total, rows.weights / rows.weights.sum(), size=draws)
    return np.array([_refit(model, rows, count) for count in counts]).reshape(draws, len(model.all_parameters))


def _refit(model: PurchaseModel, rows: Histories, counts: npt.NDArray[np.int64]) -> list[float]:
    drawn = counts > 0
    weighted = replace(rows.take(drawn), weights=counts[drawn].astype(np.float64))
    return [float(value) for value in unfitted(model).fit(weighted).all_parameters]


def unfitted(model: PurchaseModel) -> PurchaseModel:
    """A model with the same settings."""
    if isinstance(model, ParetoNBD):
        same: PurchaseModel = ParetoNBD(penalizer=model.penalizer)
    else:
        kind: type[ModifiedBetaGeoCNBDk] = type(model)
        same = kind(k=model.k, penalizer=model.penalizer)
    same.priors = model.priors
    return same


def _estimates(names: Sequence[str], values: Floats, errors: Floats) -> list[Estimate]:
    with np.errstate(over="ignore"):
        spread = np.exp(NORMAL_95 * errors)
    return [
        Estimate(name, float(value), float(value * error), float(value / times), float(value * times))
        for name, value, error, times in zip(names, values, errors, spread, strict=True)
    ]
