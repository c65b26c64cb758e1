"""A mixture over regularity: each customer's own rhythm, inferred from their gaps.

Customers of one shop differ in how regularly they buy: subscribers are nearly punctual, others come at random. Each
class of customers follows MBG/CNBD-k (Platzer & Reutterer 2016) with its own k, rates and dropout; a customer's
posterior of the class comes from their own history, in which the gaps' logarithms show the rhythm, and everything
that is predicted is the mean over that posterior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import scipy
from scipy.special import log_softmax, logsumexp, softmax

from customer_revenue.arrays import Floats
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.fitting import LOG_BOUND, NO_REPEATS
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.posterior import Posterior, PurchasePosterior
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import BETA_GEO_PARAMETERS, ModifiedBetaGeoCNBDk

SINGLE_RHYTHMS = (1, 2, 3)
"""The regularities that one class of all customers may have."""

RHYTHMS = (1, 3, 10, 30, 100)
"""The regularities that may be mixed with it: gaps that scatter by 100, 58, 32, 18 and 10 % of their mean."""

MIN_RATIO = 3
"""Classes are that far from the one of all: nearer ones only imitate other differences among customers."""

MIN_GAIN = 5.0
"""A class is tried if it gains this much log-likelihood before its parameters are fitted."""

CUSTOMERS_FOR_MIXTURE = 10_000
"""Maximum number of customers that a mixture is fitted to, since its likelihood is costly."""

GAIN_STEPS = 20
MAX_LOG_RATIO = 300.0

PARAMETER_SPREAD = 1.5
"""Standard deviation of the logarithm of a class's parameters around those of all customers, a priori."""

FIRST_SHARE = 0.6
"""Share of the first class where the search starts; the others begin alike."""

MIN_CLASS_CUSTOMERS = 10.0
"""A class with fewer repeat customers is left out."""

MAX_STEPS = 100
MIXTURE_TOLERANCE = 3e-7
NEGLIGIBLE = 1e-6
"""A class of this posterior share adds nothing to a customer's forecast."""


class RhythmMixture:
    """A finite mixture of MBG/CNBD-k over k.

    Args:
        rhythms: k of each class.

    ``components_`` are the fitted classes, ``shares_`` their shares of the customers, ``log_likelihood_`` that of the
    fit and ``problem_`` what was wrong with it, empty if nothing was.
    """

    name: ClassVar[str] = "rhythm_mixture"
    components_: list[ModifiedBetaGeoCNBDk]
    shares_: Floats
    log_likelihood_: float
    problem_: str

    def __init__(self, rhythms: Sequence[int] = RHYTHMS) -> None:
        self.components_ = [ModifiedBetaGeoCNBDk(k) for k in rhythms]
        self.shares_ = np.ones(len(self.components_)) / max(len(self.components_), 1)
        self.log_likelihood_ = float("nan")
        self.problem_ = ""

    @property
    def rhythms(self) -> tuple[int, ...]:
        """The regularity of each class."""
        return tuple(component.k for component in self.components_)

    def fit(self, histories: Histories, start: RhythmMixture | None = None) -> Self:
        """The most likely shares and parameters, the parameters under a prior around those of one class for all.

        Args:
            histories: one row per customer, for whom ``log_gap_sum`` is their own.
            start: a fit to similar customers to start from.

        Raises:
            NotEnoughData: nobody has bought twice.
        """
        if not histories.has_repeats:
            raise NotEnoughData(NO_REPEATS)
        rows = _compressed(histories)
        center = ModifiedBetaGeoCNBDk(1).fit(histories)
        search = _Search(rows, self.rhythms, center)
        self._take(search, search.best(search.start(start)))
        self.log_likelihood_ = float(rows.weights @ logsumexp(self._log_classes(rows), axis=0))
        return self

    def populated(self, histories: Histories) -> Self:
        """The classes that enough repeat customers belong to."""
        repeats = histories.take(histories.frequency > 1)
        kept = self._class_posterior(repeats) @ repeats.weights >= MIN_CLASS_CUSTOMERS
        again = type(self)(())
        again.components_ = [c for c, keep in zip(self.components_, kept, strict=True) if keep]
        again.shares_ = self.shares_[kept] / self.shares_[kept].sum()
        return again

    def _take(self, search: _Search, found: Floats) -> None:
        logs, self.shares_ = search.parameters(found)
        for component, values in zip(self.components_, np.exp(logs), strict=True):
            component.r_, component.alpha_, component.a_, component.b_ = (float(value) for value in values)

    def evidence(self, histories: Histories) -> tuple[Floats, Floats]:
        """Log-density of each history with each class, alive and dropped out: one row per class."""
        pairs = [component.log_evidence(histories) for component in self.components_]
        shares = np.log(self.shares_)[:, None]
        return shares + np.stack([alive for alive, _ in pairs]), shares + np.stack([dead for _, dead in pairs])

    def _log_classes(self, rows: Histories) -> Floats:
        return np.logaddexp(*self.evidence(rows))

    def _class_posterior(self, rows: Histories) -> Floats:
        return np.asarray(softmax(self._log_classes(rows), axis=0))

    def to_state(self) -> dict[str, Any]:
        """The model as JSON-able values."""
        return {
            "name": self.name,
            "components": [component.to_state() for component in self.components_],
            "shares": self.shares_.tolist(),
            "log_likelihood": self.log_likelihood_,
            "problem": self.problem_,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The model that :meth:`to_state` wrote."""
        model = cls(())
        model.components_ = [ModifiedBetaGeoCNBDk.from_state(part) for part in state["components"]]
        model.shares_ = np.array(state["shares"])
        model.log_likelihood_, model.problem_ = state["log_likelihood"], state["problem"]
        return model


def single_rhythm(histories: Histories) -> ModifiedBetaGeoCNBDk:
    """The model with one k for all that suits customers best.

    Raises:
        NotEnoughData: nobody has bought twice.
    """
    return max((ModifiedBetaGeoCNBDk(k).fit(histories) for k in SINGLE_RHYTHMS), key=lambda m: m.log_likelihood_)


def fitted_rhythm(histories: Histories, single: ModifiedBetaGeoCNBDk) -> RhythmModel:
    """The model with one k for all, or a mixture where that is worth it.

    It is worth it where Schwarz's criterion says so (BIC; Schwarz 1978).

    Args:
        histories: one row per customer, for whom ``log_gap_sum`` is their own.
        single: :func:`single_rhythm` of the same.
    """
    some = histories.sample(CUSTOMERS_FOR_MIXTURE)
    tried = _worth_trying(single, some)
    if not tried:
        return single
    mixture = RhythmMixture(sorted({single.k, *tried})).fit(some).populated(some)
    if len(mixture.components_) > 1:
        mixture = RhythmMixture(mixture.rhythms).fit(some, mixture)
        alone = float(some.weights @ np.logaddexp(*single.log_evidence(some)))
        more = (len(mixture.components_) - 1) * (len(BETA_GEO_PARAMETERS) + 1)
        if 2 * (mixture.log_likelihood_ - alone) > more * np.log(float(some.weights.sum())):
            return mixture
    return single


def _worth_trying(single: ModifiedBetaGeoCNBDk, histories: Histories) -> list[int]:
    """The regularities of which a class of some share, at the parameters of all, gains log-likelihood."""
    alone, tried = np.logaddexp(*single.log_evidence(histories)), []
    for k in RHYTHMS:
        if max(k, single.k) < MIN_RATIO * min(k, single.k):
            continue
        other = ModifiedBetaGeoCNBDk(k)
        other.r_, other.alpha_, other.a_, other.b_ = single.r_, single.alpha_ * single.k / k, single.a_, single.b_
        ratio = np.exp(np.minimum(np.logaddexp(*other.log_evidence(histories)) - alone, MAX_LOG_RATIO))
        share = 0.1
        for _ in range(GAIN_STEPS):  # expectation maximisation of the share alone
            share = float(np.average(share * ratio / (1 - share + share * ratio), weights=histories.weights))
        if histories.weights @ np.log1p(share * (ratio - 1)) > MIN_GAIN:
            tried.append(k)
    return tried


@dataclass(frozen=True)
class _Search:
    """The search for shares and parameters, both as logarithms; times are scaled so that the longest T is 1."""

    rows: Histories
    rhythms: tuple[int, ...]
    center: ModifiedBetaGeoCNBDk

    @cached_property
    def _scale(self) -> float:
        return 1.0 / max(float(self.rows.T_days.max()), 1.0)

    @cached_property
    def _scaled(self) -> Histories:
        rows, scale = self.rows, self._scale
        gaps = rows.log_gap_sum + rows.frequency * np.log(scale)  # else classes of unlike k are not comparable
        return replace(rows.scaled(scale), log_gap_sum=gaps)

    @cached_property
    def _middle(self) -> Floats:
        """The parameters of all customers as those of each class: with k phases to a purchase, k times as fast."""
        one = np.log([self.center.r_, self.center.alpha_ * self._scale, self.center.a_, self.center.b_])
        middle = np.tile(one, (len(self.rhythms), 1))
        middle[:, 1] -= np.log(self.rhythms)
        within: Floats = np.clip(middle, -LOG_BOUND, LOG_BOUND)
        return within

    def start(self, fitted: RhythmMixture | None) -> Floats:
        """Where the search starts: a fit to similar customers, else one class for all and small shares of the rest."""
        if fitted is None:
            rest = (1 - FIRST_SHARE) / max(len(self.rhythms) - 1, 1)
            shares, logs = np.log([FIRST_SHARE, *[rest] * (len(self.rhythms) - 1)]), self._middle
        else:
            shares = np.log(np.maximum(fitted.shares_, 1e-3))
            logs = np.log([[c.r_, c.alpha_ * self._scale, c.a_, c.b_] for c in fitted.components_])
        return np.concatenate([shares, np.clip(logs, -LOG_BOUND, LOG_BOUND).ravel()])

    def parameters(self, found: Floats) -> tuple[Floats, Floats]:
        """Logarithms of the parameters of each class (rows), times in days, and the shares."""
        number = len(self.rhythms)
        logs = found[number:].reshape(number, -1).copy()
        logs[:, 1] -= np.log(self._scale)
        shares: Floats = softmax(found[:number])
        return logs, shares

    def best(self, start: Floats) -> Floats:
        """Where the posterior density is highest."""
        number = len(self.rhythms)
        bounds = [(-12.0, 12.0)] * number + [(-LOG_BOUND, LOG_BOUND)] * (len(start) - number)
        found = scipy.optimize.minimize(
            self._loss,
            start,
            method="L-BFGS-B",
            jac=True,
            bounds=bounds,
            options={"maxiter": MAX_STEPS, "ftol": MIXTURE_TOLERANCE},
        )
        best: Floats = found.x
        return best

    def _loss(self, at: Floats) -> tuple[float, Floats]:
        """Minus the mean log-posterior, and its slope."""
        number, weights = len(self.rhythms), self.rows.weights
        log_shares, logs = log_softmax(at[:number]), at[number:].reshape(number, -1)
        parts = [
            ModifiedBetaGeoCNBDk(k).log_likelihoods_and_slopes(self._scaled, *np.exp(own).tolist())
            for k, own in zip(self.rhythms, logs, strict=True)
        ]
        joint = log_shares[:, None] + np.stack([values for values, _ in parts])
        total = logsumexp(joint, axis=0)
        posterior = np.exp(joint - total) * weights
        slopes = np.stack([np.stack(by) @ own for (_, by), own in zip(parts, posterior, strict=True)]) * np.exp(logs)
        away = (logs - self._middle) / PARAMETER_SPREAD
        by_share = posterior.sum(axis=1) - weights.sum() * np.exp(log_shares)
        # One more customer in every class keeps all shares above 0.
        loss = np.sum(away**2) / 2 - float(weights @ total) - float(log_shares.sum())
        slope = np.concatenate([number * np.exp(log_shares) - 1 - by_share, (away / PARAMETER_SPREAD - slopes).ravel()])
        mass = float(weights.sum())
        return float(loss) / mass, slope / mass


@dataclass(frozen=True)
class RhythmPosterior:
    """The predictions of a mixture for some customers: one value per customer."""

    model: RhythmMixture
    histories: Histories
    _waits: dict[float, Floats] = field(default_factory=dict, init=False, repr=False)
    _expected: dict[float, Floats] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _alive(self) -> Floats:
        """Posterior of each class (rows) together with being alive."""
        alive, dead = self.model.evidence(self.histories)
        return np.exp(alive - logsumexp(np.vstack([alive, dead]), axis=0))

    @cached_property
    def _shares(self) -> Floats:
        """Posterior of each class (rows), given alive."""
        alive, _ = self.model.evidence(self.histories)
        return np.asarray(softmax(alive, axis=0))

    @cached_property
    def probability_alive(self) -> Floats:
        """P(alive)."""
        return np.asarray(self._alive.sum(axis=0))

    def wait_probability(self, horizon_days: float) -> Floats:
        """The chance of a purchase within the horizon, which may be infinite, given alive."""
        if horizon_days not in self._waits:
            rows = np.arange(len(self.histories))
            self._waits[horizon_days] = self._wait(np.full(len(rows), float(horizon_days)), rows)
        return self._waits[horizon_days]

    def wait_by(self, days: Floats) -> Floats:
        """The same by another day for each customer."""
        return self._wait(days, np.arange(len(self.histories)))

    def _wait(self, horizon_days: Floats, rows: np.ndarray) -> Floats:
        """The same of some rows."""
        total = np.zeros(len(rows))
        for component, shares in zip(self.model.components_, self._shares[:, rows], strict=True):
            there = shares > NEGLIGIBLE
            histories = self.histories.take(rows[there])
            total[there] += shares[there] * component.wait_probability(horizon_days[there], histories)
        return np.minimum(total, 1.0)

    def purchase_probability(self, horizon_days: float) -> Floats:
        """F(t): the chance of at least one purchase within the horizon."""
        return self.probability_alive * self.wait_probability(horizon_days)

    def expected_purchases(self, horizon_days: float) -> Floats:
        """Expected purchase days within the horizon."""
        if horizon_days in self._expected:
            return self._expected[horizon_days]
        total = np.zeros(len(self.histories))
        for component, alive in zip(self.model.components_, self._alive, strict=True):
            there = alive > NEGLIGIBLE
            expected = component.expected_while_alive(horizon_days, self.histories.take(there))
            total[there] += alive[there] * expected
        self._expected[horizon_days] = total
        return total

    def wait_quantile(self, probability: Floats) -> Floats:
        """The day by which a customer who is alive has bought with this probability."""
        # From 0 to infinity as a share of a day count near each customer's own.
        scale = 1 + self.histories.T_days

        def gap(share: Floats, rows: np.ndarray, wanted: Floats) -> Floats:
            who = rows.astype(np.intp)
            return self._wait(scale[who] * share / (1 - share), who) - wanted

        rows, wanted = np.arange(len(scale)), np.clip(probability, 0.0, 1 - 1e-9)
        ends = np.zeros(len(scale)), np.full(len(scale), 1 - 1e-12)
        from scipy.optimize import elementwise  # only here, for its import takes long

        found = elementwise.find_root(gap, ends, args=(rows, wanted), tolerances={"xrtol": 1e-9, "xatol": 1e-12})
        days = scale * found.x / (1 - found.x)
        return np.where(probability >= 1, np.inf, np.where(probability <= 0, 0.0, days))


def _compressed(histories: Histories) -> Histories:
    """The same customers, those who share frequency, recency, T and gaps merged: with one gap or none all are known."""
    few = histories.frequency <= 1
    once, more = histories.take(few).distinct[0], histories.take(~few)
    names = ("frequency", "recency_days", "T_days", "log_gap_sum", "weights")
    return Histories(*(np.concatenate([getattr(once, name), getattr(more, name)]) for name in names))


RhythmModel: TypeAlias = ModifiedBetaGeoCNBDk | RhythmMixture
"""A purchase model with one regularity for all customers, or with one for each."""


def fitted_alike(like: RhythmModel, customers: Population, penalizer: float | None = None) -> RhythmModel:
    """A model of the same regularities, fitted to customers; a mixture to a sample of them, from the other's fit.

    Raises:
        NotEnoughData: nobody has bought twice.
    """
    if isinstance(like, ModifiedBetaGeoCNBDk):
        return ModifiedBetaGeoCNBDk(like.k, penalizer).fit(customers.histories)
    sample = Histories.from_table(customers.sample).sample(CUSTOMERS_FOR_MIXTURE)
    return RhythmMixture(like.rhythms).fit(sample, like)


def posterior_of(model: RhythmModel, histories: Histories) -> PurchasePosterior:
    """The predictions of a model for some customers."""
    if isinstance(model, RhythmMixture):
        return RhythmPosterior(model, histories)
    return Posterior(model, histories)


def rhythm_from_state(state: Mapping[str, Any]) -> RhythmModel:
    """The model of its own ``to_state``."""
    kinds: tuple[type[RhythmModel], ...] = (ModifiedBetaGeoCNBDk, RhythmMixture)
    return {kind.name: kind for kind in kinds}[state["name"]].from_state(state)
