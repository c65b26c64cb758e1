"""Purchase models of the "buy till you die" family, in closed form and in log space.

Each customer buys at their own constant rate while alive; the rates are gamma-distributed over customers. The models
differ in when customers may drop out and in how regular their purchases are:

- :class:`BetaGeo`: dropout after every repeat purchase with some probability (Fader, Hardie & Lee 2005, "Counting
  your customers the easy way"). Nobody drops out before the first repeat purchase.
- :class:`ModifiedBetaGeo`: dropout is possible after the first purchase too (Batislam, Denizel & Filiztekin 2007).
- :class:`ModifiedBetaGeoCNBDk`: the same with Erlang-k gaps, k = 1, 2, …, for customers that buy with a rhythm
  (Platzer & Reutterer 2016, "Ticking away the moments").

Time is in days. Letters are those of the papers: r and alpha shape the rate, a and b the dropout probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import scipy
from scipy.special import betainc, betaln, gammaln, psi, xlog1py, xlogy

from customer_revenue.arrays import Floats
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.covariate_effects import CovariateEffects
from customer_revenue.modeling.fitting import NO_REPEATS, Fit, maximise, of_counts, penalizers
from customer_revenue.modeling.lifetimes_fits import fit_beta_geo
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.renewal import expected_while_alive

BETA_GEO_PARAMETERS = ("r", "alpha", "a", "b")
BETA_GEO_STARTS = ((0.5, 0.1, 0.7, 2.5), (1.0, 0.3, 1.0, 1.0), (0.1, 0.02, 0.1, 1.0))
"""Starting points, with times scaled so that the longest T is 1."""

ROWS_WORTH_A_START = 20_000
_ROWS_FOR_A_START = 10_000
"""A large fit starts from that of a sample: the maximum is the same, and most steps are taken on the sample, all of
them by our own slope, which is an order of magnitude faster than automatic differentiation."""

BISECTIONS = 40
TINY_CHANCE = 1e-300

MAX_PHASES = 10
"""Up to this k a silence is a sum over its phases; beyond, one function of them all is cheaper."""

SHAPE_STEP = 1e-6
MAX_EXPONENT = 300.0

TYPICAL_ALPHA_DAYS, ALPHA_SPREAD = 60.0, 1.0
"""Median and spread of the logarithm of alpha over shops, at the other parameters of :data:`BETA_GEO_UNTESTED`: with
these a customer who is alive buys every four months. CDNOW's customers do.
"""

Value = float | Floats
"""A parameter: a number, or one per row where covariates have an effect on it."""

Starts = tuple[tuple[float, ...], ...]

BETA_GEO_UNTESTED = (0.5, 0.1, 1.0, 2.0)
"""The parameters where no penalizer gave a maximum: a plain prior, with times scaled alike."""


class ModifiedBetaGeoCNBDk(CovariateEffects):
    """MBG/CNBD-k: gamma rates, Erlang-k gaps, beta-geometric dropout after every purchase.

    Args:
        k: regularity of the gaps; 1 is the Poisson process of MBG/NBD.
        penalizer: pulls the parameters towards 0; by default none where the likelihood has a maximum without.

    ``r_, alpha_, a_, b_`` are the fitted parameters (alpha in days), ``log_likelihood_`` their log-likelihood,
    ``penalizer_`` the penalizer in use and ``problem_`` what was wrong with the fit, empty if nothing was. Histories
    with covariates also give ``effects_`` (:mod:`~customer_revenue.modeling.covariate_effects`).
    """

    name: ClassVar[str] = "mbg_cnbd_k"
    parameters: ClassVar[tuple[str, ...]] = BETA_GEO_PARAMETERS
    times: ClassVar[tuple[str, ...]] = ("alpha",)
    dropout_after_first_purchase: ClassVar[bool] = True
    leaving_place: ClassVar[int] = 2
    leaving_sign: ClassVar[int] = 1
    r_: float
    alpha_: float
    a_: float
    b_: float
    effects_: Floats
    log_likelihood_: float
    penalizer_: float
    problem_: str

    def __init__(self, k: int = 1, penalizer: float | None = None) -> None:
        super().__init__()
        self.k = k
        self.penalizer = penalizer
        self.penalizer_ = penalizer or 0.0
        self.r_, self.alpha_, self.a_, self.b_ = BETA_GEO_UNTESTED

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
        start: Starts = ()
        if len(scaled) > ROWS_WORTH_A_START:
            sample = scaled.take(slice(None, None, len(scaled) // _ROWS_FOR_A_START))
            start = (tuple(self._search(sample, BETA_GEO_STARTS[:1], scale).parameters),)
        fit = self._search(scaled, start, scale)
        r, alpha, a, b = fit.parameters if fit.found else np.array(BETA_GEO_UNTESTED)
        self.r_, self.alpha_, self.a_, self.b_ = float(r), float(alpha / scale), float(a), float(b)
        self.penalizer_ = fit.penalizer
        self.log_likelihood_ = self.log_likelihood(rows, np.array([self.r_, self.alpha_, self.a_, self.b_]))
        self.problem_ = fit.problem if fit.found else f"{fit.problem}; a prior is used instead"
        self._fit_effects(histories)
        return self

    def _search(self, scaled: Histories, start: Starts, scale: float) -> Fit:
        weight, tried = float(scaled.weights.sum()), penalizers(self.penalizer, has_priors=bool(self.priors))
        return maximise(
            lambda p: self.log_likelihood(scaled, p),
            (*start, *BETA_GEO_STARTS),
            weight,
            tried,
            lambda p: self.log_likelihood_and_slope(scaled, p),
            prior=self.log_prior(scale),
        )

    def log_likelihood(self, rows: Histories, parameters: Floats) -> float:
        """Log-likelihood of histories under other parameters, in the order of ``parameters``, and effects."""
        return float(rows.weights @ self._log_likelihoods(rows, *self.of_rows(rows, parameters)))

    def log_likelihood_and_slope(self, rows: Histories, parameters: Floats) -> tuple[float, Floats]:
        """The log-likelihood, and its derivatives by the parameters and the effects."""
        values, slopes = self.log_likelihoods_and_slopes(rows, *self.of_rows(rows, parameters))
        return float(rows.weights @ values), self.slope_of(rows, parameters, slopes)

    def log_likelihoods_and_slopes(
        self, rows: Histories, r: Value, alpha: Value, a: Value, b: Value
    ) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
        """The log-likelihood of each history, and its derivatives by the parameters."""
        x = rows.frequency
        shape, survived = r + self.k * x, self._survived(x)
        alive, dead = self._log_alive(rows, r, alpha, a, b), self._log_dead(rows, r, alpha, a, b)
        either = np.logaddexp(alive, dead)
        value = self._log_front(rows, r, alpha) - betaln(a, b) + either
        dead = np.exp(dead - either)
        alive = 1 - dead
        silence_by_r, silence_by_alpha = self._silence_slopes(rows, r, alpha)
        last = alpha + rows.recency_days
        either_outcome = of_counts(lambda n: np.asarray(psi(a + b + self._survived(n))), x, a)
        survival = of_counts(lambda n: np.asarray(psi(b + self._survived(n))), x)
        purchases = of_counts(lambda n: np.asarray(psi(r + self.k * n)), x)
        by_a = psi(a + b) - either_outcome + dead / a
        by_b = psi(a + b) - psi(b) + survival - either_outcome - dead / np.maximum(b + survived - 1, b)
        by_r = np.log(alpha) - psi(r) + alive * silence_by_r + dead * (purchases - np.log(last))
        by_alpha = r / alpha + alive * silence_by_alpha - dead * shape / last
        return np.asarray(value), (by_r, by_alpha, by_a, by_b)

    def log_evidence(self, histories: Histories) -> tuple[Floats, Floats]:
        """Log-density of each history together with being alive at its end, and with having dropped out."""
        r, alpha, a, b = self.parameters_of(histories)
        shared = self._log_front(histories, r, alpha) - betaln(a, b)
        alive = self._log_alive(histories, r, alpha, a, b)
        return shared + alive, shared + self._log_dead(histories, r, alpha, a, b)

    def _silence_slopes(self, rows: Histories, r: Value, alpha: Value) -> tuple[Floats, Floats]:
        """Derivatives of :meth:`_log_silence` up to T, by r and by alpha."""
        until = alpha + rows.T_days
        if self.k == 1:
            by_shape, shape = of_counts(lambda n: np.asarray(psi(r + n)), rows.frequency), r + rows.frequency
        elif self.k > MAX_PHASES:
            return self._log_many_phases_slopes(rows, r, alpha)
        else:
            logs, shapes = self._log_phases(rows, 0.0, r, alpha)
            share = np.exp(logs - logs.max(axis=0))
            share /= share.sum(axis=0)
            by_phase = np.cumsum(np.vstack([psi(shapes[0]), 1 / shapes[:-1]]), axis=0)  # psi(s + 1) = psi(s) + 1 / s
            by_shape, shape = np.sum(share * by_phase, axis=0), np.sum(share * shapes, axis=0)
        return np.asarray(by_shape - np.log(until)), np.asarray(-shape / until)

    def log_likelihood_alive(self, rows: Histories, parameters: Floats) -> float:
        """Log-likelihood of histories under r and alpha, without dropout."""
        r, alpha = parameters
        return float(rows.weights @ (self._log_front(rows, r, alpha) + self._log_silence(rows, 0.0, r, alpha)))

    def _log_front(self, rows: Histories, r: Value, alpha: Value) -> Floats:
        gaps = (self.k - 1) * rows.log_gap_sum - rows.frequency * gammaln(self.k)
        return np.asarray(r * np.log(alpha) - gammaln(r) + gaps)

    def _log_likelihoods(self, rows: Histories, r: Value, alpha: Value, a: Value, b: Value) -> Floats:
        """Platzer & Reutterer (2016), eq. 5; for k = 1 Batislam et al. (2007), for BetaGeo FHL (2005), eq. 6."""
        x = rows.frequency
        shared = self._log_front(rows, r, alpha) - betaln(a, b)
        alive = betaln(a, b + self._survived(x)) + self._log_silence(rows, 0.0, r, alpha)
        dead = self._log_dead(rows, r, alpha, a, b)
        return np.asarray(shared + np.logaddexp(alive, dead))

    def _survived(self, x: Floats) -> Floats:
        """Dropout opportunities that a customer who is alive has survived."""
        return x + 1 if self.dropout_after_first_purchase else x

    def _log_alive(self, rows: Histories, r: Value, alpha: Value, a: Value, b: Value) -> Floats:
        survival = of_counts(lambda x: np.asarray(betaln(a, b + self._survived(x))), rows.frequency, a)
        return survival + self._log_silence(rows, 0.0, r, alpha)

    def _log_dead(self, rows: Histories, r: Value, alpha: Value, a: Value, b: Value) -> Floats:
        def dropout(x: Floats) -> Floats:
            survived = self._survived(x)
            with np.errstate(divide="ignore"):
                is_possible = np.log((survived > 0).astype(float))
            return np.asarray(betaln(a + 1, b + np.maximum(survived - 1, 0)) + is_possible + gammaln(r + self.k * x))

        shape = r + self.k * rows.frequency
        return np.asarray(of_counts(dropout, rows.frequency, a) - shape * np.log(alpha + rows.recency_days))

    def _log_silence(self, rows: Histories, horizon_days: float | Floats, r: Value, alpha: Value) -> Floats:
        """Log of the purchases' density times the chance of silence from the last one to T + horizon, alive."""
        if self.k == 1:
            shape, until = r + rows.frequency, np.log(alpha + rows.T_days + horizon_days)
            return np.asarray(of_counts(lambda x: np.asarray(gammaln(r + x)), rows.frequency) - shape * until)
        if self.k > MAX_PHASES:
            return self._log_many_phases(rows, horizon_days, r, alpha)
        logs, _ = self._log_phases(rows, horizon_days, r, alpha)
        largest = logs.max(axis=0)
        return np.asarray(largest + np.log(np.exp(logs - largest).sum(axis=0)))

    def _log_phases(
        self, rows: Histories, horizon_days: float | Floats, r: Value, alpha: Value
    ) -> tuple[Floats, Floats]:
        """Of each phase (rows) that the silence may have come to: its share of the above, in logs, and its shape."""
        silence, phase = rows.T_days - rows.recency_days + horizon_days, np.arange(self.k)[:, None]
        shape = r + self.k * rows.frequency + phase
        first = of_counts(lambda x: np.asarray(gammaln(r + self.k * x)), rows.frequency)
        rising = np.cumsum(np.vstack([first, np.log(shape[:-1])]), axis=0)  # log gamma(s + 1) = log gamma(s) + log s
        until = np.log(alpha + rows.T_days + horizon_days)
        return rising - gammaln(phase + 1) + phase * np.log(np.maximum(silence, TINY_CHANCE)) - shape * until, shape

    def rates_alive(self, histories: Histories) -> tuple[Floats, Floats]:
        """The gamma mixture of a customer's rate of phases, given that they are alive.

        Returns:
            One row per phase, of k, that the silence may have come to, one column per customer: the chances of the
            phases, and the shapes of the gamma distributions, which all have the rate alpha + T.
        """
        r, alpha, _, _ = self.parameters_of(histories)
        logs, shapes = self._log_phases(histories, 0.0, r, alpha)
        weights = np.exp(logs - logs.max(axis=0))
        return np.asarray(weights / weights.sum(axis=0)), shapes

    def survival_alive(self, histories: Histories) -> tuple[Floats, Floats]:
        """The beta distribution of a customer's chance to drop out at a purchase, given that they are alive."""
        _, _, a, b = self.parameters_of(histories)
        return np.broadcast_to(a, len(histories)), b + self._survived(histories.frequency)

    def _log_many_phases(self, rows: Histories, horizon_days: float | Floats, r: Value, alpha: Value) -> Floats:
        """The sum of :meth:`_log_phases`: fewer than k of phases that are negative binomial, an incomplete beta."""
        shape, last = r + self.k * rows.frequency, alpha + rows.recency_days
        front = of_counts(lambda x: np.asarray(gammaln(r + self.k * x)), rows.frequency) - shape * np.log(last)
        return np.asarray(front + _log_betainc(shape, self.k, last / (alpha + rows.T_days + horizon_days)))

    def _log_many_phases_slopes(self, rows: Histories, r: Value, alpha: Value) -> tuple[Floats, Floats]:
        """Derivatives of the above at T; that of the incomplete beta by its shape is a difference."""
        shape, last, until = r + self.k * rows.frequency, alpha + rows.recency_days, alpha + rows.T_days
        share, step = last / until, SHAPE_STEP * shape
        log_chance = _log_betainc(shape, self.k, share)
        by_shape = (_log_betainc(shape + step, self.k, share) - log_chance) / step
        log_density = xlogy(shape - 1, share) + xlog1py(self.k - 1, -share) - betaln(shape, self.k)
        by_share = np.exp(np.minimum(log_density - log_chance, MAX_EXPONENT))
        by_r = of_counts(lambda x: np.asarray(psi(r + self.k * x)), rows.frequency) - np.log(last) + by_shape
        return by_r, np.asarray(by_share * (until - last) / until**2 - shape / last)

    def probability_alive(self, histories: Histories) -> Floats:
        """P(alive), which is also the chance of any purchase ever again: alive customers buy sooner or later."""
        r, alpha, a, b = self.parameters_of(histories)
        alive = self._log_alive(histories, r, alpha, a, b)
        dead = self._log_dead(histories, r, alpha, a, b)
        return np.asarray(np.exp(-np.logaddexp(0.0, dead - alive)))

    def wait_probability(self, horizon_days: float | Floats, histories: Histories) -> Floats:
        """The chance that a customer who is alive buys within the horizon, which may be infinite, one per customer.

        The wait is Lomax for k = 1: 1 - ((alpha + T) / (alpha + T + t))^(r + x).
        """
        horizon = np.broadcast_to(np.asarray(horizon_days, dtype=np.float64), histories.T_days.shape)
        finite = np.where(np.isinf(horizon), 0.0, horizon)
        r, alpha, _, _ = self.parameters_of(histories)
        waiting = self._log_silence(histories, finite, r, alpha)
        now = self._log_silence(histories, 0.0, r, alpha)
        return np.where(np.isinf(horizon), 1.0, -np.expm1(np.minimum(waiting - now, 0.0)))

    def wait_quantile(self, probability: Floats, histories: Histories) -> Floats:
        """The day by which a customer who is alive has bought with this probability: the inverse of the above."""
        r, alpha, _, _ = self.parameters_of(histories)
        shape, age = r + self.k * histories.frequency, alpha + histories.T_days
        with np.errstate(divide="ignore", over="ignore"):
            days = age * np.expm1(-np.log1p(-probability) / shape)
        if self.k == 1:
            return np.asarray(days)
        # A renewal with k phases waits longer than its Poisson namesake, never k times as long plus its own scale.
        low, high = np.zeros_like(days), np.minimum(days, 1e9) * 4 * self.k + 8 * age
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            early = self.wait_probability(middle, histories) < probability
            low, high = np.where(early, middle, low), np.where(early, high, middle)
        return np.where(np.isinf(days), np.inf, (low + high) / 2)

    def purchase_probability(self, horizon_days: float, histories: Histories) -> Floats:
        """F(t): the chance of at least one purchase within the horizon, which may be infinite."""
        return self.probability_alive(histories) * self.wait_probability(horizon_days, histories)

    def expected_purchases(self, horizon_days: float, histories: Histories) -> Floats:
        """Expected purchase days within the horizon (FHL 2005, eq. 10, and its modified form; exact for any k)."""
        return self.probability_alive(histories) * self.expected_while_alive(horizon_days, histories)

    def expected_while_alive(self, horizon_days: float, histories: Histories) -> Floats:
        """The same of a customer who is known to be alive."""
        rows, place = histories.distinct
        r, alpha, a, b = self.parameters_of(rows)
        b = b + self._survived(rows.frequency)
        expected = expected_while_alive(horizon_days, rows, self.k, r, alpha, a, b)
        return np.asarray(expected[place])

    def fit_level(self, histories: Histories) -> Self:
        """Only alpha, the level of the purchase rates, where too few have bought twice for more than that.

        It is the most likely value under a prior over shops, which is all there is where nobody has bought twice.
        """
        rows, _ = histories.distinct
        scale = 1.0 / max(float(rows.T_days.max()), 1.0)
        r, _, a, b = BETA_GEO_UNTESTED

        def loss(log_alpha: float) -> float:
            away = float(log_alpha - np.log(TYPICAL_ALPHA_DAYS)) / ALPHA_SPREAD
            return away**2 / 2 - self.log_likelihood(rows, np.array([r, np.exp(log_alpha), a, b]))

        found = scipy.optimize.minimize_scalar(
            loss, bounds=(np.log(0.001 / scale), np.log(1000 / scale)), method="bounded"
        )
        self.r_, self.alpha_, self.a_, self.b_ = r, float(np.exp(found.x)), a, b
        self.log_likelihood_ = self.log_likelihood(rows, np.array([r, self.alpha_, a, b]))
        self.problem_ = "only the level is fitted; the rest is a prior"
        return self

    def to_state(self) -> dict[str, Any]:
        """The model as JSON-able values."""
        values = {name: getattr(self, f"{name}_") for name in (*BETA_GEO_PARAMETERS, "log_likelihood", "problem")}
        return {"name": self.name, "k": self.k, **values, **self.effects_to_state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The model that :meth:`to_state` wrote."""
        model = cls(k=int(state["k"]))
        for name in (*BETA_GEO_PARAMETERS, "log_likelihood", "problem"):
            setattr(model, f"{name}_", state[name])
        model.effects_from_state(state)
        return model


class ModifiedBetaGeo(ModifiedBetaGeoCNBDk):
    """MBG/NBD: Poisson purchases, dropout possible after every purchase, the first one included."""

    name: ClassVar[str] = "mbg_nbd"


class BetaGeo(ModifiedBetaGeoCNBDk):
    """BG/NBD: Poisson purchases, dropout possible after every repeat purchase. One-time buyers are certainly alive."""

    name: ClassVar[str] = "bg_nbd"
    dropout_after_first_purchase: ClassVar[bool] = False

    def _search(self, scaled: Histories, start: Starts, scale: float) -> Fit:
        """Lifetimes finds the maximum where the histories are few enough for it."""
        plain = None if self.penalizer or self.priors or start else fit_beta_geo(scaled)
        return super()._search(scaled, start, scale) if plain is None else Fit(plain, float("nan"), 0.0, "")


def _log_betainc(a: Floats, b: float, x: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(betainc(a, b, x), TINY_CHANCE)))
