"""How sure a probability model is of each customer: of what it expects, and of what will happen."""

from __future__ import annotations

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter
from customer_revenue.library.fitted_probability import FittedProbability
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.outcome_draws import draw_parameters, draw_purchases, draw_revenue
from customer_revenue.modeling.purchase_histories import Histories

DRAWS_OF_OUTCOMES = 1_000
DRAWS_OF_PARAMETERS = 200
CUSTOMERS_AT_ONCE = 10_000
SEED = 20_240

KINDS_OF_UNCERTAINTY = ("parameters", "outcome")

Spends = tuple[Floats, Floats]
"""Days that each customer's mean spend is over, and the mean in cents."""


def uncertain(
    fitted: FittedProbability,
    histories: Histories,
    spends: Spends | None,
    horizon_days: float,
    kind: str,
    mass: float,
) -> dict[str, Floats]:
    """Quantiles per customer, by the names of their columns.

    Args:
        fitted: the models.
        histories: one per customer.
        spends: of the customers, where revenue is wanted.
        horizon_days: how far ahead.
        kind: ``parameters`` for those of what is expected, over the parameters that the data allow; ``outcome`` for
            those of what will happen, at the fitted parameters.
        mass: probability between the lower and the upper quantile.

    Raises:
        InvalidParameter: another kind, a mass outside 0 to 1, or parameters that the data do not determine.
    """
    if kind not in KINDS_OF_UNCERTAINTY:
        names = list(KINDS_OF_UNCERTAINTY)
        raise InvalidParameter(f"uncertainty is one of {', '.join(names)}, not {str(kind)[:40]!r}", names)
    if not 0 < mass < 1:
        raise InvalidParameter(f"interval_mass must be between 0 and 1, not {mass}")
    of = _of_parameters if kind == "parameters" else _of_outcome
    parts = []
    for start in range(0, max(len(histories), 1), CUSTOMERS_AT_ONCE):
        some = slice(start, start + CUSTOMERS_AT_ONCE)
        paid = None if spends is None else (spends[0][some], spends[1][some])
        parts.append(of(fitted, histories.take(some), paid, horizon_days, mass))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_outcome(
    fitted: FittedProbability, histories: Histories, spends: Spends | None, horizon_days: float, mass: float
) -> dict[str, Floats]:
    rng = np.random.default_rng(SEED)
    purchases = draw_purchases(fitted.purchases, histories, horizon_days, DRAWS_OF_OUTCOMES, rng)
    drawn = {"purchases_{}": purchases}
    if spends is not None:
        drawn["revenue_{}_cents"] = draw_revenue(fitted.spend, *spends, purchases, rng)
    chances = {"low": (1 - mass) / 2, "median": 0.5, "high": (1 + mass) / 2}
    found: dict[str, Floats] = {}
    for name, values in drawn.items():
        quantiles = np.quantile(values, list(chances.values()), axis=1, method="inverted_cdf")
        found |= {name.format(which): row for which, row in zip(chances, quantiles, strict=True)}
    return found


def _of_parameters(
    fitted: FittedProbability, histories: Histories, spends: Spends | None, horizon_days: float, mass: float
) -> dict[str, Floats]:
    rng = np.random.default_rng(SEED)
    models = list(draw_parameters(fitted.purchases, fitted.covariance, DRAWS_OF_PARAMETERS, rng))
    purchases = np.array([model.expected_purchases(horizon_days, histories) for model in models])
    drawn = {"expected_purchases_{}": purchases}
    if spends is not None:
        spend = np.array([model.expected_spend(*spends) for model in _spend_models(fitted, rng)])
        drawn["expected_revenue_{}_cents"] = purchases * spend
    found: dict[str, Floats] = {}
    for name, values in drawn.items():
        low, high = np.quantile(values, [(1 - mass) / 2, (1 + mass) / 2], axis=0)
        found |= {name.format("low"): low, name.format("high"): high}
    return found


def _spend_models(fitted: FittedProbability, rng: np.random.Generator) -> list[GammaGamma]:
    """The spend model with other parameters; the fitted one where it has none, and uses the shop's mean."""
    spend, covariance = fitted.spend, fitted.spend_covariance
    if covariance is None:
        return [spend]
    if not np.all(np.isfinite(covariance)):
        raise InvalidParameter("the data do not determine the parameters of spend: set spend_penalizer")
    centre = np.log(np.array([spend.p_, spend.q_, spend.v_], dtype=np.float64))
    drawn = np.exp(rng.multivariate_normal(centre, covariance, size=DRAWS_OF_PARAMETERS, method="eigh"))
    return [spend.with_parameters(*(float(value) for value in row)) for row in drawn]
