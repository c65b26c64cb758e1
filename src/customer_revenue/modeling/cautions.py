"""Cautions: when not to trust a fit of the probability models, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.count_distribution import PurchaseModel
from customer_revenue.modeling.fitting import maximise
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk
from customer_revenue.modeling.uncertainty import Estimate

MIN_REPEAT_BUYERS = 100
"""Four parameters from fewer repeat buyers than this move with every one of them."""

DROPOUT_PARAMETERS = 2
"""A model with drop-out has two parameters more; by Akaike's criterion they must gain that much log-likelihood."""

MAX_CORRELATION = 0.3
"""Correlation of frequency and mean spend above which Gamma-Gamma's assumption of independence counts as violated."""

GAPS_IN_WINDOW = 2.0
"""The longest observation shall hold this many typical gaps between purchases."""

MAX_RELATIVE_ERROR = 1.0


@dataclass(frozen=True)
class Caution:
    """A reason not to trust a fit.

    Attributes:
        code: stable, for programs.
        message: what is wrong, with its numbers.
        remedy: what to do about it.

    >>> print(Caution("few_repeat_buyers", "Only 12 customers have bought again", "Take a longer history."))
    Only 12 customers have bought again. Take a longer history.
    """

    code: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}"


def purchase_cautions(model: PurchaseModel, histories: Histories, estimates: Sequence[Estimate]) -> Iterator[Caution]:
    """The cautions about a purchase model that was fitted to these histories."""
    repeats = int(histories.weights[histories.frequency > 0].sum())
    if repeats < MIN_REPEAT_BUYERS:
        yield Caution(
            "few_repeat_buyers",
            f"Only {repeats} customers have bought again; {MIN_REPEAT_BUYERS} are wanted",
            "Take a longer history, or a penalizer such as 0.01, and read totals rather than single customers.",
        )
    if model.problem_:
        yield Caution(
            "no_maximum",
            f"The likelihood has no proper maximum: {model.problem_}",
            "Set a penalizer such as 0.01, a larger one if it has one, or take a simpler model: MBG/NBD needs less.",
        )
    own = [e for e in estimates if e.name in model.parameters]  # an effect of a covariate may well be none
    unsure = [e.name for e in own if e.standard_error > MAX_RELATIVE_ERROR * e.value]
    if unsure:
        yield Caution(
            "unidentified",
            f"The data hardly determine {', '.join(unsure)}: the standard error is larger than the value",
            "Judge predictions by a back-test instead of reading these parameters, or set a penalizer such as 0.01.",
        )
    plain = model.log_likelihood_without_covariates_ if len(model.effects_) else model.log_likelihood_
    gain = plain - log_likelihood_without_dropout(model, histories.with_covariates(None))
    if gain < DROPOUT_PARAMETERS:
        yield Caution(
            "no_dropout",
            f"No sign that customers drop out: it gains {max(gain, 0):.1f} in log-likelihood, less than it costs",
            "Its probability of being alive says little here; take a longer window, or read expected purchases only.",
        )
    gap, longest = model.k * model.typical_alpha(histories) / model.r_, float(histories.T_days.max())
    if longest < GAPS_IN_WINDOW * gap:
        yield Caution(
            "short_window",
            f"The longest history has {longest:.0f} days, and customers buy every {gap:.0f} days on average",
            f"Take orders of at least {GAPS_IN_WINDOW * gap:.0f} days, or predict no further than was observed.",
        )


def spend_cautions(problem: str, frequency: Floats, spend_cents: Floats) -> Iterator[Caution]:
    """Cautions about a Gamma-Gamma fit to these mean spends over these numbers of days."""
    if problem:
        yield Caution(
            "no_spend_model",
            f"Gamma-Gamma is not in use: {problem}",
            "Look for outliers and zero totals among the orders, or set a penalizer such as 0.01.",
        )
    correlation = spend_correlation(frequency, spend_cents)
    if abs(correlation) > MAX_CORRELATION:
        yield Caution(
            "spend_depends_on_frequency",
            f"Frequent buyers spend {'more' if correlation > 0 else 'less'} each time (correlation {correlation:.2f}), "
            "but Gamma-Gamma takes the two for independent",
            "Use CustomerModel, which learns spend from behaviour, or fit groups of customers apart.",
        )


def spend_correlation(frequency: Floats, spend_cents: Floats) -> float:
    """Correlation of purchase days and mean spend among repeat buyers; 0 where either is constant."""
    known = (frequency > 0) & (spend_cents > 0)
    x, m = frequency[known], spend_cents[known]
    if len(x) < 3 or not np.ptp(x) or not np.ptp(m):
        return 0.0
    return float(np.corrcoef(x, m)[0, 1])


def log_likelihood_without_dropout(model: PurchaseModel, histories: Histories) -> float:
    """The maximum log-likelihood of the same purchase process without dropout: r and alpha alone."""
    rows, _ = histories.distinct
    scale = 1.0 / max(float(rows.T_days.max()), 1.0)
    if isinstance(model, ParetoNBD):
        poisson = ModifiedBetaGeoCNBDk(k=1)
        return _max_without_dropout(poisson, rows, scale)
    return _max_without_dropout(model, rows, scale)


def _max_without_dropout(model: ModifiedBetaGeoCNBDk, rows: Histories, scale: float) -> float:
    scaled = rows.scaled(scale)
    fit = maximise(lambda p: model.log_likelihood_alive(scaled, p), ((0.5, 0.1), (1.0, 0.3)), float(rows.weights.sum()))
    if not fit.found:
        return -np.inf
    return model.log_likelihood_alive(rows, np.array([fit.parameters[0], fit.parameters[1] / scale]))
