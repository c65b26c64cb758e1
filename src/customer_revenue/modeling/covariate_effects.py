"""Effects of static covariates on the rates of purchase and of leaving, shared by the purchase models.

Fader & Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models": a customer with
the covariates z has alpha exp(-g1'z) in the place of alpha, so that their rate of purchases is exp(g1'z) times as high.
For Pareto/NBD, beta exp(-g2'z) takes the place of beta: they leave exp(g2'z) times as fast. For the beta-geometric
models, a exp(g2'z) takes the place of a, and b stays: the odds of leaving after a purchase are exp(g2'z) times as high.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy

from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter
from customer_revenue.modeling.fitting import maximise, penalizers
from customer_revenue.modeling.priors import LogPrior, Priors
from customer_revenue.modeling.purchase_histories import Histories

Four = tuple[float | Floats, float | Floats, float | Floats, float | Floats]
"""The four parameters of a model: each a number, or one per row where covariates have an effect on it."""

PURCHASE_PLACE = 1
"""The place of alpha among the parameters."""


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test of two nested fits.

    Attributes:
        statistic: twice the difference of the log-likelihoods.
        degrees_of_freedom: effects that one has more than the other.
        p_value: the chance of such a statistic without any effect, by the chi-square distribution.

    >>> print(LikelihoodRatio.of(-100.0, -103.0, 2))
    likelihood ratio 6.0, 2 degrees of freedom, p = 0.05
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float

    @classmethod
    def of(cls, larger: float, smaller: float, degrees_of_freedom: int) -> LikelihoodRatio:
        """The test of two log-likelihoods."""
        statistic = max(2 * (larger - smaller), 0.0)
        return cls(statistic, degrees_of_freedom, float(scipy.stats.chi2.sf(statistic, degrees_of_freedom)))

    def __str__(self) -> str:
        return (
            f"likelihood ratio {self.statistic:.1f}, {self.degrees_of_freedom} degrees of freedom, "
            f"p = {self.p_value:.2g}"
        )


class CovariateEffects:
    """What a purchase model does about covariates; without them it is the plain model.

    ``effects_`` are the effects on the rate of purchases and then those on leaving, and
    ``log_likelihood_without_covariates_`` is that of the plain model of the same histories.
    """

    parameters: ClassVar[tuple[str, ...]]
    times: ClassVar[tuple[str, ...]]
    leaving_place: ClassVar[int]
    """The place of the parameter that covariates change for leaving."""
    leaving_sign: ClassVar[int]
    """1 if more of this parameter is more leaving, -1 if it is less."""
    log_likelihood_: float
    log_likelihood_without_covariates_: float
    penalizer_: float
    problem_: str

    def __init__(self) -> None:
        self.effects_: Floats = np.zeros(0)
        self.log_likelihood_ = self.log_likelihood_without_covariates_ = float("nan")
        self.penalizer: float | None = None
        self.penalizer_ = 0.0
        self.priors: Priors = {}
        self.problem_ = ""

    def log_likelihood(self, rows: Histories, parameters: Floats) -> float:
        """Log-likelihood of histories under other parameters, in the order of ``parameters``, and effects."""
        raise NotImplementedError

    def log_likelihood_and_slope(self, rows: Histories, parameters: Floats) -> tuple[float, Floats]:
        """The log-likelihood, and its derivatives by the parameters and the effects."""
        raise NotImplementedError

    def log_prior(self, scale: float = 1.0) -> LogPrior | None:
        """The priors of the parameters, and none of the effects, where times are multiplied by the scale."""
        if not self.priors:
            return None
        return LogPrior.of(self.priors, self.parameters, dict.fromkeys(self.times, scale), len(self.effects_))

    @property
    def all_parameters(self) -> Floats:
        """The fitted parameters in the order of ``parameters``, and the effects."""
        return np.array([*(getattr(self, f"{name}_") for name in self.parameters), *self.effects_])

    def parameters_of(self, rows: Histories) -> Four:
        """The fitted parameters of each row."""
        if not len(self.effects_):
            r, alpha, third, fourth = (getattr(self, f"{name}_") for name in self.parameters)
            return r, alpha, third, fourth
        return self.of_rows(rows, self.all_parameters)

    def of_rows(self, rows: Histories, parameters: Floats) -> Four:
        """The parameters of each row: numbers without effects.

        Raises:
            InvalidParameter: there are effects, and the rows have not as many covariates.
        """
        r, alpha, third, fourth = (float(value) for value in parameters[:4])
        if len(parameters) == 4:
            return r, alpha, third, fourth
        if rows.covariates is None or 2 * rows.covariates.shape[1] != len(parameters) - 4:
            raise InvalidParameter("the model was fitted with covariates: give the same ones of these customers")
        on_purchase, on_leaving = np.split(parameters[4:], 2)
        values: list[float | Floats] = [r, alpha, third, fourth]
        values[PURCHASE_PLACE] = alpha * np.exp(-(rows.covariates @ on_purchase))
        leaving = np.exp(self.leaving_sign * (rows.covariates @ on_leaving))
        values[self.leaving_place] = values[self.leaving_place] * leaving
        return values[0], values[1], values[2], values[3]

    def slope_of(self, rows: Histories, parameters: Floats, by_row: tuple[Floats, ...]) -> Floats:
        """Derivatives by the parameters and effects, from those by each row's own parameters."""
        if len(parameters) == 4:
            return np.array([rows.weights @ slope for slope in by_row])
        assert rows.covariates is not None, "of_rows has asked for them"
        by_log = [rows.weights * slope * own for slope, own in zip(by_row, self.of_rows(rows, parameters), strict=True)]
        by_parameter = [float(slope.sum()) / value for slope, value in zip(by_log, parameters[:4], strict=True)]
        on_purchase = -by_log[PURCHASE_PLACE] @ rows.covariates
        on_leaving = self.leaving_sign * by_log[self.leaving_place] @ rows.covariates
        return np.concatenate([by_parameter, on_purchase, on_leaving])

    def typical_alpha(self, rows: Histories) -> float:
        """The alpha that has the mean rate of purchases of these customers."""
        alpha = self.parameters_of(rows)[PURCHASE_PLACE]
        return float(rows.weights.sum() / (rows.weights @ (1 / alpha))) if isinstance(alpha, np.ndarray) else alpha

    def _fit_effects(self, histories: Histories) -> None:
        """Search on from the plain fit, where all effects are 0, so that the likelihood cannot be lower than there."""
        self.log_likelihood_without_covariates_ = self.log_likelihood_
        if histories.covariates is None:
            self.effects_ = np.zeros(0)
            return
        rows, _ = histories.distinct
        scale = 1.0 / max(float(rows.T_days.max()), 1.0)
        scaled, effects = rows.scaled(scale), 2 * histories.covariates.shape[1]
        units = np.array([scale if name in self.times else 1.0 for name in self.parameters] + [1.0] * effects)
        self.effects_ = np.zeros(effects)
        fit = maximise(
            lambda p: self.log_likelihood(scaled, p),
            [tuple(self.all_parameters * units)],
            float(rows.weights.sum()),
            [t for t in penalizers(self.penalizer, has_priors=bool(self.priors)) if t >= self.penalizer_],
            lambda p: self.log_likelihood_and_slope(scaled, p),
            effects,
            self.log_prior(scale),
        )
        if fit.found:
            found = fit.parameters / units
            for name, value in zip(self.parameters, found[:4], strict=True):
                setattr(self, f"{name}_", float(value))
            self.effects_, self.penalizer_ = found[4:], fit.penalizer
            self.problem_ = self.problem_ or fit.problem
        else:
            self.problem_ = f"{fit.problem}; the covariates have no effect"
        self.log_likelihood_ = self.log_likelihood(rows, self.all_parameters)

    def likelihood_ratio_test(self) -> LikelihoodRatio:
        """The fit with covariates against the plain model of the same histories.

        Raises:
            InvalidParameter: the model has no covariates, or a penalizer, which voids the test.
        """
        if not len(self.effects_):
            raise InvalidParameter("the model has no covariates: there is nothing to test")
        if self.penalizer_:
            raise InvalidParameter(f"a fit with the penalizer {self.penalizer_} has no likelihood-ratio test: use 0")
        if self.priors:
            raise InvalidParameter("a fit with priors has no likelihood-ratio test: fit without them")
        return LikelihoodRatio.of(self.log_likelihood_, self.log_likelihood_without_covariates_, len(self.effects_))

    def effects_to_state(self) -> dict[str, Any]:
        """What the effects add to the state of a model: nothing without them."""
        if not len(self.effects_):
            return {}
        without = self.log_likelihood_without_covariates_
        return {"effects": self.effects_.tolist(), "without_covariates": without, "penalizer": self.penalizer_}

    def effects_from_state(self, state: Mapping[str, Any]) -> None:
        """Read what :meth:`effects_to_state` wrote."""
        if "effects" in state:
            self.effects_ = np.asarray(state["effects"], dtype=np.float64)
            self.log_likelihood_without_covariates_ = float(state["without_covariates"])
            self.penalizer_ = float(state["penalizer"])
