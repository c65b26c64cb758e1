"""Maximum likelihood with safe fallbacks, shared by the purchase and spend models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from customer_revenue.arrays import Floats
from customer_revenue.modeling.chunks import one_blas_thread
from customer_revenue.modeling.priors import LogPrior

PENALIZERS = (0.0, 0.001, 0.01, 0.1)
"""Tried in turn until a fit converges away from the edges; a penalizer pulls the parameters towards 0."""

NO_REPEATS = "no customer has bought on two days, so that no purchase model can be fitted: take a longer history"

LOG_BOUND = 8.0
"""Parameters are searched within exp(±8); one that ends at the edge means that there is no maximum."""

VALUE_TOLERANCE, SLOPE_TOLERANCE = 1e-13, 1e-7
"""A search ends where a step gains less, or where the slope is less."""

UNDEFINED_VALUE = 1e10
"""The value of an objective that cannot be computed."""


def penalizers(wanted: float | None, *, has_priors: bool = False) -> tuple[float, ...]:
    """The penalizers to try: the wanted one, or those of :data:`PENALIZERS`; none next to priors."""
    if has_priors:
        return (0.0,)
    return PENALIZERS if wanted is None else (wanted,)


@dataclass(frozen=True)
class Fit:
    """The outcome of a search: parameters, their log-likelihood, and how they were found.

    ``problem`` is empty for a plain maximum-likelihood fit, else what was wrong and what was done about it.
    """

    parameters: Floats
    log_likelihood: float
    penalizer: float
    problem: str

    @property
    def found(self) -> bool:
        """Whether some penalizer gave a proper maximum."""
        return bool(np.all(np.isfinite(self.parameters)))


@dataclass(frozen=True)
class _Objective:
    """What is minimised over the logarithms of the parameters: minus the mean log-likelihood, and the penalty.

    The last ``effects`` parameters may be negative and are searched as they are.
    """

    log_likelihood: Callable[[Floats], float]
    slope: Callable[[Floats], tuple[float, Floats]] | None
    total_weight: float
    penalizer: float
    effects: int = 0
    prior: LogPrior | None = None

    def parameters(self, searched: Floats) -> Floats:
        positive = len(searched) - self.effects
        return np.concatenate([np.exp(searched[:positive]), searched[positive:]])

    def searched(self, parameters: Floats) -> Floats:
        positive = len(parameters) - self.effects
        return np.concatenate([np.log(parameters[:positive]), parameters[positive:]])

    def value(self, searched: Floats) -> float:
        parameters = self.parameters(searched)
        with np.errstate(all="ignore"):  # far from the maximum anything may overflow
            value = self._penalised(self.log_likelihood(parameters), parameters) + self._prior_loss(searched)
        return value if np.isfinite(value) else UNDEFINED_VALUE

    def value_and_slope(self, searched: Floats) -> tuple[float, Floats]:
        assert self.slope is not None, "called only with a slope"
        parameters = self.parameters(searched)
        with np.errstate(all="ignore"):
            log_likelihood, by_parameter = self.slope(parameters)
            value = self._penalised(log_likelihood, parameters) + self._prior_loss(searched)
            by_searched = 2 * self.penalizer * parameters - by_parameter / self.total_weight
            positive = len(searched) - self.effects
            by_searched[:positive] *= parameters[:positive]
            if self.prior is not None:
                by_searched = by_searched + self.prior.slope(searched) / self.total_weight
        usable = np.isfinite(value) and bool(np.all(np.isfinite(by_searched)))
        return (value, by_searched) if usable else (UNDEFINED_VALUE, np.zeros_like(searched))

    def minimum(self, start: Floats) -> scipy.optimize.OptimizeResult:
        bounds = [(-LOG_BOUND, LOG_BOUND)] * len(start)
        if self.slope is None:
            return scipy.optimize.minimize(
                self.value,
                start,
                method="L-BFGS-B",
                bounds=bounds,
                options={"ftol": VALUE_TOLERANCE, "gtol": SLOPE_TOLERANCE},
            )
        return scipy.optimize.minimize(
            self.value_and_slope,
            start,
            method="L-BFGS-B",
            jac=True,
            bounds=bounds,
            options={"ftol": VALUE_TOLERANCE, "gtol": SLOPE_TOLERANCE},
        )

    def _prior_loss(self, searched: Floats) -> float:
        return 0.0 if self.prior is None else self.prior.loss(searched) / self.total_weight

    def _penalised(self, log_likelihood: float, parameters: Floats) -> float:
        return -log_likelihood / self.total_weight + self.penalizer * float(np.sum(parameters**2))


@one_blas_thread()
def maximise(
    log_likelihood: Callable[[Floats], float],
    starts: Sequence[Sequence[float]],
    total_weight: float,
    tried: Sequence[float] = PENALIZERS,
    slope: Callable[[Floats], tuple[float, Floats]] | None = None,
    effects: int = 0,
    prior: LogPrior | None = None,
) -> Fit:
    """The positive parameters that maximise a log-likelihood, with the smallest penalizer that has a maximum.

    Args:
        log_likelihood: of the positive parameters, summed over customers.
        starts: points to search from; the next is tried only where the one before fails.
        total_weight: number of customers; the objective is the mean, so that a penalizer means the same at any size.
        tried: penalizers in turn, as in lifetimes, times the sum of squares of the parameters, on the caller's scale.
        slope: the log-likelihood with its derivatives by the parameters; by default differences are taken.
        effects: number of last parameters that may be negative.
        prior: is added to the log-likelihood, so that the maximum is that of the posterior of what is searched.
    """
    first_failure, best_at_edge, best_value = "", None, np.inf
    for penalizer in tried:
        objective = _Objective(log_likelihood, slope, total_weight, penalizer, effects, prior)
        for start in starts:
            result = objective.minimum(objective.searched(np.asarray(start, dtype=np.float64)))
            parameters = objective.parameters(result.x)
            at_edge = bool(np.any(np.abs(result.x) > LOG_BOUND - 1e-3))
            if result.fun < UNDEFINED_VALUE / 10 and not at_edge:
                problem = f"{first_failure}; fitted with penalizer {penalizer}" if first_failure else ""
                return Fit(parameters, log_likelihood(parameters), penalizer, problem)
            first_failure = first_failure or ("no finite maximum" if at_edge else "the search did not converge")
            if at_edge and penalizer == tried[0] and result.fun < best_value:
                best_at_edge, best_value = parameters, float(result.fun)
            if at_edge:
                break  # where one search diverges, the others do
    if best_at_edge is not None:
        problem = f"{first_failure}; the best parameters within the bounds are used"
        return Fit(best_at_edge, log_likelihood(best_at_edge), tried[0], problem)
    return Fit(np.full(len(starts[0]), np.nan), np.nan, tried[-1], first_failure)


def of_counts(function: Callable[[Floats], Floats], counts: Floats, *parameters: float | Floats) -> Floats:
    """A function of purchase counts, evaluated once for each count that may occur.

    Args:
        function: of one count per row.
        counts: whole numbers from 0.
        parameters: what the function takes from elsewhere; where one of them differs between rows, so may its values
            at one count, and it is evaluated for each row.
    """
    if any(np.ndim(parameter) for parameter in parameters):
        return np.asarray(function(counts))
    whole = counts.astype(np.intp)
    return np.asarray(function(np.arange(whole.max(initial=0) + 1.0))[whole])
