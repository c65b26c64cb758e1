"""Pareto/NBD: customers drop out at any moment, independently of purchases (Schmittlein, Morrison & Colombo 1987)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import gammaln

from customer_revenue.arrays import Floats
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.fitting import NO_REPEATS, maximise, penalizers
from customer_revenue.modeling.purchase_histories import Histories

PARETO_PARAMETERS = ("r", "alpha", "s", "beta")
PARETO_STARTS = ((0.5, 0.1, 0.5, 0.3), (1.0, 0.3, 1.0, 1.0), (0.3, 0.05, 0.2, 0.1))
PARETO_UNTESTED = (0.5, 0.1, 0.5, 0.3)

LOG_CUTOFF = 30.0
"""The integrand is cut off where it has fallen by a factor of exp(30)."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
NODES, NODE_WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


class ParetoNBD:
    """Pareto/NBD in closed form: gamma rates r, alpha of purchases and s, beta of dropout, alpha and beta in days.

    The likelihood is that of Fader & Hardie (2005), "A note on deriving the Pareto/NBD model", with each power kept
    as a logarithm, so that heavy buyers neither overflow nor give NaN.

    Args:
        penalizer: pulls the parameters towards 0; by default none where the likelihood has a maximum without.
    """

    name: ClassVar[str] = "pareto_nbd"
    parameters: ClassVar[tuple[str, ...]] = PARETO_PARAMETERS
    times: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    k: ClassVar[int] = 1

    def __init__(self, penalizer: float | None = None) -> None:
        self.penalizer = penalizer
        self.penalizer_ = penalizer or 0.0
        self.r_, self.alpha_, self.s_, self.beta_ = PARETO_UNTESTED
        self.log_likelihood_ = float("nan")
        self.problem_ = ""

    def fit(self, histories: Histories) -> Self:
        """Maximum likelihood on the distinct histories, exact at any number of customers.

        Raises:
            NotEnoughData: nobody has bought twice.
        """
        if not histories.has_repeats:
            raise NotEnoughData(NO_REPEATS)
        rows, _ = histories.distinct
        scale = 1.0 / max(float(rows.T_days.max()), 1.0)
        scaled = Histories(
            rows.frequency, rows.recency_days * scale, rows.T_days * scale, rows.log_gap_sum, rows.weights
        )
        weight, tried = float(rows.weights.sum()), penalizers(self.penalizer)
        fit = maximise(lambda p: self.log_likelihood(scaled, p), PARETO_STARTS, weight, tried)
        r, alpha, s, beta = fit.parameters if fit.found else np.array(PARETO_UNTESTED)
        self.r_, self.alpha_, self.s_, self.beta_ = float(r), float(alpha / scale), float(s), float(beta / scale)
        self.penalizer_ = fit.penalizer
        self.log_likelihood_ = self.log_likelihood(rows, np.array([self.r_, self.alpha_, self.s_, self.beta_]))
        self.problem_ = fit.problem if fit.found else f"{fit.problem}; a prior is used instead"
        return self

    def log_likelihood(self, rows: Histories, parameters: Floats) -> float:
        """Log-likelihood of histories under other parameters, in the order of ``parameters``."""
        alive, dead = _log_alive_and_dead(rows.frequency, rows.recency_days, rows.T_days, *parameters)
        return float(rows.weights @ np.logaddexp(alive, dead))

    def _alive_and_dead(self, rows: Histories) -> tuple[Floats, Floats]:
        return _log_alive_and_dead(
            rows.frequency, rows.recency_days, rows.T_days, self.r_, self.alpha_, self.s_, self.beta_
        )

    def probability_alive(self, histories: Histories) -> Floats:
        """P(alive) at the as-of day. Unlike F(infinity), it includes those who will drop out before they buy again."""
        alive, dead = self._alive_and_dead(histories)
        return np.asarray(np.exp(-np.logaddexp(0.0, dead - alive)))

    def purchase_probability(self, horizon_days: float, histories: Histories) -> Floats:
        """F(t): the chance of at least one purchase within the horizon, which may be infinite.

        Given alive, no purchase within t is the likelihood of an empty history of that length, with the posterior
        r + x, alpha + T and s, beta + T in the place of the parameters.
        """
        r, alpha = self.r_ + histories.frequency, self.alpha_ + histories.T_days
        s, beta = self.s_, self.beta_ + histories.T_days
        nothing = np.zeros(len(histories))
        alive, dead = _log_alive_and_dead(nothing, nothing, nothing + horizon_days, r, alpha, s, beta)
        silent = np.exp(np.logaddexp(alive, dead))
        return np.asarray(self.probability_alive(histories) * (1 - np.minimum(silent, 1.0)))

    def expected_purchases(self, horizon_days: float, histories: Histories) -> Floats:
        """Expected purchase days within the horizon (Fader & Hardie 2005, eq. 41)."""
        return self.probability_alive(histories) * self.expected_while_alive(horizon_days, histories)

    def expected_while_alive(self, horizon_days: float, histories: Histories) -> Floats:
        """The same of a customer who is known to be alive."""
        x, alpha, beta = histories.frequency, self.alpha_ + histories.T_days, self.beta_ + histories.T_days
        growth = np.log1p(horizon_days / beta)
        s = self.s_ - 1
        lived = growth if abs(s) < 1e-9 else -np.expm1(-s * growth) / s
        return np.asarray((self.r_ + x) * beta / alpha * lived)

    def to_state(self) -> dict[str, Any]:
        """The model as JSON-able values."""
        values = {name: getattr(self, f"{name}_") for name in (*PARETO_PARAMETERS, "log_likelihood", "problem")}
        return {"name": self.name, **values}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The model that :meth:`to_state` wrote."""
        model = cls()
        for name in (*PARETO_PARAMETERS, "log_likelihood", "problem"):
            setattr(model, f"{name}_", state[name])
        return model


def _log_alive_and_dead(
    x: Floats, t_x: Floats, age: Floats, r: float | Floats, alpha: float | Floats, s: float, beta: float | Floats
) -> tuple[Floats, Floats]:
    """Logs of the likelihood's two terms: alive at T, and dead at some moment since the last purchase."""
    front = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    alive = front - (r + x) * np.log(alpha + age) - s * np.log(beta + age)
    dead = front + np.log(s) + _log_dropout(r + x, t_x, age, alpha, s, beta)
    return np.asarray(alive), np.asarray(dead)


def _log_dropout(
    shape: Floats, start: Floats, end: Floats, alpha: float | Floats, s: float, beta: float | Floats
) -> Floats:
    """Log of the integral of (alpha + t)^-shape (beta + t)^-(s + 1) over t from ``start`` to ``end``.

    The paper's A0 is a difference of two hypergeometric functions, slow or inaccurate for some parameters. The integral
    itself is smooth over the logarithm of alpha + t, where Gauss and Legendre's rule with few nodes is exact to 1e-10;
    what lies beyond a fall by exp(-30) is left out.
    """
    a, b = alpha + start, beta + start
    with np.errstate(divide="ignore", over="ignore"):
        length = np.minimum(np.log((alpha + end) / a), LOG_CUTOFF / np.maximum(shape - 1, 1e-300))
        # Up to infinity only the dropout itself makes the integrand fall.
        length = np.minimum(length, np.log1p(b / a) + LOG_CUTOFF / (shape + s))
    total = np.zeros_like(length)
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        y = length * node
        total += weight * np.exp((1 - shape) * y - (s + 1) * np.log1p(a / b * np.expm1(y)))
    with np.errstate(divide="ignore"):
        return np.asarray((1 - shape) * np.log(a) - (s + 1) * np.log(b) + np.log(length * total))
