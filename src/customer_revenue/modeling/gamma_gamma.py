"""Gamma-Gamma: what a customer spends on a purchase day (Fader & Hardie 2013, "The Gamma-Gamma model of spend")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, psi

from customer_revenue.arrays import Floats
from customer_revenue.modeling.fitting import Fit, maximise, of_counts, penalizers
from customer_revenue.modeling.lifetimes_fits import fit_gamma_gamma
from customer_revenue.modeling.priors import LogPrior, Priors

GAMMA_GAMMA_STARTS = ((2.0, 3.0, 2.0), (1.0, 2.0, 1.0), (5.0, 2.0, 0.5))
MIN_CUSTOMERS = 10
"""Below this many customers with a known mean spend, the plain mean is used instead of the model."""

_ROWS_FOR_A_START = 2_000
"""A fit to many spends starts from that of a sample: the maximum is the same, and most steps are taken on the sample.
"""

SMALLEST_Q = 1.01

PRIOR_DAYS = 2.0
"""Purchase days that the shop's mean weighs in a customer's, where the model cannot be fitted."""


class GammaGamma:
    """Expected spend per purchase day, shrunk to the shop's mean as far as the customer's days are few.

    Args:
        penalizer: pulls the parameters towards 0; by default none where the likelihood has a maximum without.

    ``p_, q_, v_`` are the parameters (v in cents), None where no fit can be trusted; ``mean_cents_`` is the shop's
    mean and ``problem_`` says why there is no fit, empty if there is one.
    """

    name: ClassVar[str] = "gamma_gamma"
    parameters: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    def __init__(self, penalizer: float | None = None) -> None:
        self.penalizer = penalizer
        self.penalizer_: float = penalizer or 0.0
        self.priors: Priors = {}
        self.p_: float | None = None
        self.q_: float | None = None
        self.v_: float | None = None
        self.mean_cents_: float = 0.0
        self.problem_: str = "not fitted"

    def fit(self, frequency: npt.ArrayLike, spend_cents: npt.ArrayLike, weights: npt.ArrayLike = 1.0) -> Self:
        """Maximum likelihood on customers with at least one day of positive spend; others are left out.

        Args:
            frequency: days that the mean is over.
            spend_cents: mean spend of those days.
            weights: number of customers that share the pair.
        """
        x, m, weight = np.broadcast_arrays(
            *(np.asarray(v, dtype=np.float64) for v in (frequency, spend_cents, weights))
        )
        known = (x > 0) & (m > 0)
        x, m, weight = distinct_spend(x[known], m[known], weight[known])
        self.p_ = self.q_ = self.v_ = None
        self.mean_cents_ = float((weight * x) @ m / (weight @ x)) if len(x) else 0.0
        self.problem_ = ""
        if weight.sum() < MIN_CUSTOMERS:
            self.problem_ = f"fewer than {MIN_CUSTOMERS} customers with a known spend; the shop's mean is used instead"
            return self
        # Rounded, so that the search takes the same steps in every unit of money.
        relative = np.round(m / self.mean_cents_, 9)
        parameters = self._search(x, relative, weight)
        if not np.all(np.isfinite(parameters)):
            self.problem_ = "Gamma-Gamma has no maximum; a weighted mean is used instead"
        elif parameters[1] <= 1:
            self.problem_ = f"q = {parameters[1]:.3f}: the mean spend is infinite; a weighted mean is used instead"
        else:
            self.p_, self.q_, self.v_ = (
                float(parameters[0]),
                float(parameters[1]),
                float(parameters[2] * self.mean_cents_),
            )
        return self

    def _search(self, x: Floats, relative: Floats, weight: Floats) -> Floats:
        """Lifetimes fits the spends where they are few enough for it; else our slope is faster, first on a sample."""
        step = max(len(x) // _ROWS_FOR_A_START, 1)
        starts: tuple[tuple[float, ...], ...] = GAMMA_GAMMA_STARTS
        if step > 1:
            some = slice(None, None, step)
            starts = (tuple(self._maximum(x[some], relative[some], weight[some], starts).parameters), *starts)
        elif not self.penalizer and not self.priors and (plain := fit_gamma_gamma(x, relative, weight)) is not None:
            return plain
        fit = self._maximum(x, relative, weight, starts)
        self.penalizer_ = fit.penalizer
        return fit.parameters

    def _maximum(self, x: Floats, relative: Floats, weight: Floats, starts: tuple[tuple[float, ...], ...]) -> Fit:
        return maximise(
            lambda p: spend_log_likelihood(x, relative, weight, p),
            starts,
            float(weight.sum()),
            penalizers(self.penalizer, has_priors=bool(self.priors)),
            lambda p: spend_log_likelihood_and_slope(x, relative, weight, p),
            prior=self.log_prior(),
        )

    def log_prior(self) -> LogPrior | None:
        """The priors of the parameters, where money is in units of the shop's mean."""
        if not self.priors:
            return None
        return LogPrior.of(self.priors, self.parameters, {"v": 1 / self.mean_cents_})

    def expected_spend(self, frequency: npt.ArrayLike, spend_cents: npt.ArrayLike) -> Floats:
        """Expected cents of a purchase day (Fader & Hardie 2013, eq. 5); the shop's mean for customers without any."""
        x = np.asarray(frequency, dtype=np.float64)
        total = x * np.asarray(spend_cents, dtype=np.float64)
        if self.p_ is None or self.q_ is None or self.v_ is None:
            return np.asarray((PRIOR_DAYS * self.mean_cents_ + total) / (PRIOR_DAYS + x))
        return np.asarray(self.p_ * (self.v_ + total) / (self.p_ * x + self.q_ - 1))

    def with_parameters(self, p: float, q: float, v: float) -> GammaGamma:
        """The model with other parameters; q stays above 1, below which no mean is finite."""
        other = GammaGamma(self.penalizer)
        other.priors = self.priors
        other.p_, other.q_, other.v_ = p, max(q, SMALLEST_Q), v
        other.mean_cents_, other.problem_ = self.mean_cents_, self.problem_
        return other

    def to_state(self) -> dict[str, Any]:
        """The model as JSON-able values."""
        return {
            "name": self.name,
            "p": self.p_,
            "q": self.q_,
            "v": self.v_,
            "mean_cents": self.mean_cents_,
            "problem": self.problem_,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The model that :meth:`to_state` wrote."""
        model = cls()
        model.p_, model.q_, model.v_ = state["p"], state["q"], state["v"]
        model.mean_cents_, model.problem_ = state["mean_cents"], state["problem"]
        return model


def distinct_spend(x: Floats, m: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """The distinct (days, mean spend) pairs with their summed weights."""
    order = np.lexsort((m, x))
    x, m, weight = x[order], m[order], weight[order]
    if not len(x):
        return x, m, weight
    new = np.r_[True, (np.diff(x) != 0) | (np.diff(m) != 0)]
    return x[new], m[new], np.add.reduceat(weight, np.flatnonzero(new))


def spend_log_likelihood(x: Floats, m: Floats, weight: Floats, parameters: Floats) -> float:
    """Log-likelihood of mean spends over x days each."""
    return float(weight @ log_spend_density(x, m, *parameters))


def spend_log_likelihood_and_slope(x: Floats, m: Floats, weight: Floats, parameters: Floats) -> tuple[float, Floats]:
    """The log-likelihood, and its derivatives by the parameters."""
    p, q, v = (float(value) for value in parameters)
    by_days = of_counts(lambda n: np.asarray(psi(p * n + q) - psi(p * n) + np.log(np.maximum(n, 1.0))), x)
    level = np.log(x * m + v)
    by_p = x * (by_days + np.log(m) - level)
    by_q = of_counts(lambda n: np.asarray(psi(p * n + q)), x) - psi(q) + np.log(v) - level
    by_v = q / v - (p * x + q) / (x * m + v)
    slope = np.array([weight @ by for by in (by_p, by_q, by_v)])
    return spend_log_likelihood(x, m, weight, parameters), slope


def log_spend_density(x: Floats, m: Floats, p: float, q: float, v: float) -> Floats:
    """Logarithm of the density of the mean spend of x days at m (Fader & Hardie 2013, eq. 1a)."""
    of_days = of_counts(
        lambda n: np.asarray(gammaln(p * n + q) - gammaln(p * n) + p * n * np.log(np.maximum(n, 1.0))), x
    )
    front = q * np.log(v) - gammaln(q)
    return np.asarray(of_days + front + (p * x - 1) * np.log(m) - (p * x + q) * np.log(x * m + v))
