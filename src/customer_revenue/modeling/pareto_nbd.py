"""Pareto/NBD: customers drop out at any moment, independently of purchases (Schmittlein, Morrison & Colombo 1987)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.special import gammaln, psi

from customer_revenue.arrays import Floats
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.covariate_effects import CovariateEffects
from customer_revenue.modeling.fitting import NO_REPEATS, maximise, penalizers
from customer_revenue.modeling.purchase_histories import Histories

PARETO_PARAMETERS = ("r", "alpha", "s", "beta")
PARETO_STARTS = ((0.5, 0.1, 0.5, 0.3), (1.0, 0.3, 1.0, 1.0), (0.3, 0.05, 0.2, 0.1))
PARETO_UNTESTED = (0.5, 0.1, 0.5, 0.3)

LOG_CUTOFF = 30.0
"""The integrand is cut off where it has fallen by a factor of exp(30)."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
NODES, NODE_WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


class ParetoNBD(CovariateEffects):
    """Pareto/NBD in closed form: gamma rates r, alpha of purchases and s, beta of dropout, alpha and beta in days.

    The likelihood is that of Fader & Hardie (2005), "A note on deriving the Pareto/NBD model", with each power kept
    as a logarithm, so that heavy buyers neither overflow nor give NaN. Histories with covariates also give effects on
    the rates of purchase and of dropout (:mod:`~customer_revenue.modeling.covariate_effects`).

    Args:
        penalizer: pulls the parameters towards 0; by default none where the likelihood has a maximum without.
    """

    name: ClassVar[str] = "pareto_nbd"
    parameters: ClassVar[tuple[str, ...]] = PARETO_PARAMETERS
    times: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    k: ClassVar[int] = 1
    leaving_place: ClassVar[int] = 3
    leaving_sign: ClassVar[int] = -1
    r_: float
    alpha_: float
    s_: float
    beta_: float
    effects_: Floats
    log_likelihood_: float
    penalizer_: float
    problem_: str

    def __init__(self, penalizer: float | None = None) -> None:
        super().__init__()
        self.penalizer = penalizer
        self.penalizer_ = penalizer or 0.0
        self.r_, self.alpha_, self.s_, self.beta_ = PARETO_UNTESTED

    def fit(self, histories: Histories) -> Self:
        """Maximum likelihood on the distinct histories, exact at any number of customers.

        Raises:
            NotEnoughData: nobody has bought twice.
        """
        if not histories.has_repeats:
            raise NotEnoughData(NO_REPEATS)
        rows, _ = histories.with_covariates(None).distinct
        scale = 1.0 / max(float(rows.T_days.max()), 1.0)
        scaled = rows.scaled(scale)
        self.effects_ = np.zeros(0)  # those of an earlier fit
        weight, tried = float(rows.weights.sum()), penalizers(self.penalizer, has_priors=bool(self.priors))
        prior = self.log_prior(scale)
        fit = maximise(lambda p: self.log_likelihood(scaled, p), PARETO_STARTS, weight, tried, prior=prior)
        r, alpha, s, beta = fit.parameters if fit.found else np.array(PARETO_UNTESTED)
        self.r_, self.alpha_, self.s_, self.beta_ = float(r), float(alpha / scale), float(s), float(beta / scale)
        self.penalizer_ = fit.penalizer
        self.log_likelihood_ = self.log_likelihood(rows, np.array([self.r_, self.alpha_, self.s_, self.beta_]))
        self.problem_ = fit.problem if fit.found else f"{fit.problem}; a prior is used instead"
        self._fit_effects(histories)
        return self

    def log_likelihood(self, rows: Histories, parameters: Floats) -> float:
        """Log-likelihood of histories under other parameters, in the order of ``parameters``, and effects."""
        of_rows = self.of_rows(rows, parameters)
        alive, dead = _log_alive_and_dead(rows.frequency, rows.recency_days, rows.T_days, *of_rows)
        return float(rows.weights @ np.logaddexp(alive, dead))

    def log_likelihood_and_slope(self, rows: Histories, parameters: Floats) -> tuple[float, Floats]:
        """The log-likelihood, and its derivatives by the parameters and the effects."""
        r, alpha, s, beta = self.of_rows(rows, parameters)
        x, age = rows.frequency, rows.T_days
        alive, dead = _log_alive_and_dead(x, rows.recency_days, age, r, alpha, s, beta)
        either = np.logaddexp(alive, dead)
        dead = np.exp(dead - either)
        alive = 1 - dead
        at_dropout = _dropout_means(r + x, rows.recency_days, age, alpha, s, beta)
        by_r = psi(r + x) - psi(r) + np.log(alpha) - alive * np.log(alpha + age) - dead * at_dropout.log_purchase
        by_alpha = r / alpha - (r + x) * (alive / (alpha + age) + dead * at_dropout.inverse_purchase)
        by_s = np.log(beta) - alive * np.log(beta + age) + dead * (1 / s - at_dropout.log_leaving)
        by_beta = s / beta - alive * s / (beta + age) - dead * (s + 1) * at_dropout.inverse_leaving
        return float(rows.weights @ either), self.slope_of(rows, parameters, (by_r, by_alpha, by_s, by_beta))

    def _alive_and_dead(self, rows: Histories) -> tuple[Floats, Floats]:
        return _log_alive_and_dead(rows.frequency, rows.recency_days, rows.T_days, *self.parameters_of(rows))

    def probability_alive(self, histories: Histories) -> Floats:
        """P(alive) at the as-of day. Unlike F(infinity), it includes those who will drop out before they buy again."""
        alive, dead = self._alive_and_dead(histories)
        return np.asarray(np.exp(-np.logaddexp(0.0, dead - alive)))

    def purchase_probability(self, horizon_days: float, histories: Histories) -> Floats:
        """F(t): the chance of at least one purchase within the horizon, which may be infinite.

        Given alive, no purchase within t is the likelihood of an empty history of that length, with the posterior
        r + x, alpha + T and s, beta + T in the place of the parameters.
        """
        r, alpha, s, beta = self.parameters_of(histories)
        r, alpha, beta = r + histories.frequency, alpha + histories.T_days, beta + histories.T_days
        nothing = np.zeros(len(histories))
        alive, dead = _log_alive_and_dead(nothing, nothing, nothing + horizon_days, r, alpha, s, beta)
        silent = np.exp(np.logaddexp(alive, dead))
        return np.asarray(self.probability_alive(histories) * (1 - np.minimum(silent, 1.0)))

    def expected_purchases(self, horizon_days: float, histories: Histories) -> Floats:
        """Expected purchase days within the horizon (Fader & Hardie 2005, eq. 41)."""
        return self.probability_alive(histories) * self.expected_while_alive(horizon_days, histories)

    def expected_while_alive(self, horizon_days: float, histories: Histories) -> Floats:
        """The same of a customer who is known to be alive."""
        r, alpha, _, beta = self.parameters_of(histories)
        x, alpha, beta = histories.frequency, alpha + histories.T_days, beta + histories.T_days
        growth = np.log1p(horizon_days / beta)
        s = self.s_ - 1
        lived = growth if abs(s) < 1e-9 else -np.expm1(-s * growth) / s
        return np.asarray((r + x) * beta / alpha * lived)

    def to_state(self) -> dict[str, Any]:
        """The model as JSON-able values."""
        values = {name: getattr(self, f"{name}_") for name in (*PARETO_PARAMETERS, "log_likelihood", "problem")}
        return {"name": self.name, **values, **self.effects_to_state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The model that :meth:`to_state` wrote."""
        model = cls()
        for name in (*PARETO_PARAMETERS, "log_likelihood", "problem"):
            setattr(model, f"{name}_", state[name])
        model.effects_from_state(state)
        return model


def _log_alive_and_dead(
    x: Floats,
    t_x: Floats,
    age: Floats,
    r: float | Floats,
    alpha: float | Floats,
    s: float | Floats,
    beta: float | Floats,
) -> tuple[Floats, Floats]:
    """Logs of the likelihood's two terms: alive at T, and dead at some moment since the last purchase."""
    front = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    alive = front - (r + x) * np.log(alpha + age) - s * np.log(beta + age)
    dead = front + np.log(s) + _log_dropout(r + x, t_x, age, alpha, s, beta)
    return np.asarray(alive), np.asarray(dead)


def _log_dropout(
    shape: Floats, start: Floats, end: Floats, alpha: float | Floats, s: float | Floats, beta: float | Floats
) -> Floats:
    """Log of the integral of (alpha + t)^-shape (beta + t)^-(s + 1) over t from ``start`` to ``end``.

    The paper's A0 is a difference of two hypergeometric functions, slow or inaccurate for some parameters. The integral
    itself is smooth over the logarithm of alpha + t, where Gauss and Legendre's rule with few nodes is exact to 1e-10;
    what lies beyond a fall by exp(-30) is left out.
    """
    a, b = alpha + start, beta + start
    length = _log_length(shape, a, b, alpha + end, s)
    total = np.zeros_like(length)
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        y = length * node
        total += weight * np.exp((1 - shape) * y - (s + 1) * np.log1p(a / b * np.expm1(y)))
    with np.errstate(divide="ignore"):
        return np.asarray((1 - shape) * np.log(a) - (s + 1) * np.log(b) + np.log(length * total))


def _log_length(shape: Floats, a: Floats, b: Floats, end: Floats, s: float | Floats) -> Floats:
    """How far the integral goes over the logarithm of alpha + t, from a to ``end`` or to the cut-off."""
    with np.errstate(divide="ignore", over="ignore"):
        length = np.minimum(np.log(end / a), LOG_CUTOFF / np.maximum(shape - 1, 1e-300))
        # Up to infinity only the dropout itself makes the integrand fall.
        return np.asarray(np.minimum(length, np.log1p(b / a) + LOG_CUTOFF / (shape + s)))


class _DropoutMeans(NamedTuple):
    """Means of log(alpha + t), 1 / (alpha + t), log(beta + t) and 1 / (beta + t) over the dropout time t."""

    log_purchase: Floats
    inverse_purchase: Floats
    log_leaving: Floats
    inverse_leaving: Floats


def _dropout_means(
    shape: Floats, start: Floats, end: Floats, alpha: float | Floats, s: float | Floats, beta: float | Floats
) -> _DropoutMeans:
    """Means over the integrand of :func:`_log_dropout`, which its derivatives are made of."""
    a, b = alpha + start, beta + start
    length = _log_length(shape, a, b, alpha + end, s)
    total, by_log_a, by_a, by_log_b, by_b = np.zeros((5, len(length)))
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        y = length * node
        log_b = np.log1p(a / b * np.expm1(y))
        part = weight * np.exp((1 - shape) * y - (s + 1) * log_b)
        total += part
        by_log_a += part * y
        by_a += part * np.exp(-y)
        by_log_b += part * log_b
        by_b += part * np.exp(-log_b)
    return _DropoutMeans(np.log(a) + by_log_a / total, by_a / total / a, np.log(b) + by_log_b / total, by_b / total / b)
