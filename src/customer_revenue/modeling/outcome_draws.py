"""What customers may do and spend, drawn from their posterior under a purchase model and Gamma-Gamma."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter
from customer_revenue.modeling.count_distribution import PurchaseModel
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk

SMALLEST_CHANCE = 1e-12


def draw_purchases(
    model: PurchaseModel, histories: Histories, horizon_days: float, draws: int, rng: np.random.Generator
) -> Floats:
    """Purchase days within a horizon, drawn for each customer: whether they are alive, their own rates, and chance.

    Args:
        model: fitted.
        histories: one per customer.
        horizon_days: how far ahead.
        draws: number of draws for each customer.
        rng: source of the draws.

    Returns:
        One row per customer, one column per draw.
    """
    alive = rng.random((len(histories), draws)) < model.probability_alive(histories)[:, None]
    if isinstance(model, ParetoNBD):
        return np.asarray(alive * _pareto_counts(model, histories, horizon_days, draws, rng))
    return np.asarray(alive * _beta_geo_counts(model, histories, horizon_days, draws, rng))


def _beta_geo_counts(
    model: ModifiedBetaGeoCNBDk, histories: Histories, horizon_days: float, draws: int, rng: np.random.Generator
) -> Floats:
    """Of customers who are alive: whole gaps of k phases, until they drop out."""
    size = len(histories), draws
    _, alpha, _, _ = model.parameters_of(histories)
    weights, shapes = model.rates_alive(histories)
    phase = (np.cumsum(weights, axis=0)[:-1, :, None] < rng.random(size)).sum(axis=0)
    shape = np.take_along_axis(shapes.T, phase, axis=1)
    rate = rng.gamma(shape) / (alpha + histories.T_days)[:, None]
    gaps = (phase + rng.poisson(rate * horizon_days)) // model.k
    first, second = model.survival_alive(histories)
    leaving = rng.beta(first[:, None], second[:, None], size)
    return np.asarray(np.minimum(gaps, rng.geometric(np.maximum(leaving, SMALLEST_CHANCE))), dtype=np.float64)


def _pareto_counts(
    model: ParetoNBD, histories: Histories, horizon_days: float, draws: int, rng: np.random.Generator
) -> Floats:
    """Of customers who are alive: a Poisson process until they leave or the horizon ends."""
    size = len(histories), draws
    r, alpha, s, beta = (np.broadcast_to(value, len(histories))[:, None] for value in model.parameters_of(histories))
    age = histories.T_days[:, None]
    rate = rng.gamma(r + histories.frequency[:, None], size=size) / (alpha + age)
    leaving = np.maximum(rng.gamma(s, size=size) / (beta + age), SMALLEST_CHANCE)
    staying = np.minimum(rng.exponential(size=size) / leaving, horizon_days)
    return np.asarray(rng.poisson(rate * staying), dtype=np.float64)


def draw_revenue(
    model: GammaGamma, days: Floats, spend_cents: Floats, purchases: Floats, rng: np.random.Generator
) -> Floats:
    """Revenue of drawn purchases in cents (Fader & Hardie 2013): each customer's own rate of spend, and chance.

    Args:
        model: fitted; where it has no parameters, every purchase is of the expected spend.
        days: purchase days that each customer's mean spend is over.
        spend_cents: mean spend of these days.
        purchases: as :func:`draw_purchases` gives them.
        rng: source of the draws.
    """
    if model.p_ is None or model.q_ is None or model.v_ is None:
        return np.asarray(purchases * model.expected_spend(days, spend_cents)[:, None])
    shape, known = model.q_ + model.p_ * days, model.v_ + days * spend_cents
    rate = rng.gamma(shape[:, None], size=purchases.shape) / known[:, None]
    return np.asarray(rng.gamma(model.p_ * purchases) / rate)


def draw_parameters(
    model: PurchaseModel, covariance: Floats, draws: int, rng: np.random.Generator
) -> Iterator[PurchaseModel]:
    """The model with other parameters, as likely as its covariance says: normal in their logarithms, and in effects.

    Raises:
        InvalidParameter: the fit does not determine the parameters.
    """
    if not np.all(np.isfinite(covariance)):
        raise InvalidParameter("the data do not determine the parameters: set a penalizer, or use a simpler model")
    known = len(model.parameters)
    centre = np.concatenate([np.log(model.all_parameters[:known]), model.effects_])
    for drawn in rng.multivariate_normal(centre, covariance, size=draws, method="eigh"):
        yield with_parameters(model, np.concatenate([np.exp(drawn[:known]), drawn[known:]]))


def with_parameters(model: PurchaseModel, parameters: Floats) -> PurchaseModel:
    """A copy of a model with other parameters, in the order of ``all_parameters``."""
    other = copy.copy(model)
    for name, value in zip(model.parameters, parameters, strict=False):
        setattr(other, f"{name}_", float(value))
    other.effects_ = parameters[len(model.parameters) :]
    return other
