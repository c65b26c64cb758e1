"""The distribution of the repeat purchases that a new customer makes within a time, for every purchase model."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from scipy.special import betainc, betaln

from customer_revenue.arrays import Floats
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk

PurchaseModel: TypeAlias = ModifiedBetaGeoCNBDk | ParetoNBD

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
NODES, NODE_WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


def repeat_distribution(
    model: PurchaseModel, T_days: Floats, max_purchases: int, covariates: Floats | None = None
) -> Floats:
    """P(X(T) = 0, 1, …, max_purchases - 1, max_purchases or more) of customers who were acquired T days ago.

    Args:
        model: fitted.
        T_days: one per customer.
        max_purchases: the last column is for this many purchases or more.
        covariates: one row per customer, for a model with effects.

    Returns:
        One row per customer, one column per number of repeat purchases; each row adds up to 1.
    """

    def tail(n: int) -> Floats:
        return _pareto_tail(model, rows, n) if isinstance(model, ParetoNBD) else _beta_geo_tail(model, rows, n)

    rows, place = Histories.of(0, 0, T_days).with_covariates(covariates).distinct
    at_least = np.column_stack([np.ones(len(rows)), *(tail(n) for n in range(1, max_purchases + 1))])
    return np.asarray(-np.diff(at_least, axis=1, append=0.0))[place]


def expected_newcomer(model: PurchaseModel, days: Floats, newcomers: Histories | None = None) -> Floats:
    """E[X(t)]: the repeat purchases that a new customer makes within t days of their first purchase, for each t.

    Args:
        model: fitted.
        days: each t.
        newcomers: empty histories with the covariates and weights to average over, for a model with effects.
    """
    new = Histories.of([0], [0], [0]) if newcomers is None else newcomers
    shares = new.weights / new.weights.sum()
    return np.array([float(shares @ model.expected_purchases(float(day), new)) if day > 0 else 0.0 for day in days])


def _beta_geo_tail(model: ModifiedBetaGeoCNBDk, rows: Histories, n: int) -> Floats:
    """P(X >= n): n Erlang-k gaps fit into the time, and the customer survives n - 1 or n dropout opportunities.

    The rate of the gaps is gamma-distributed over customers.
    """
    survived = n if model.dropout_after_first_purchase else n - 1
    r, alpha, a, b = model.parameters_of(rows)
    alive = np.exp(betaln(a, b + survived) - betaln(a, b))
    return np.asarray(alive * betainc(n * model.k, r, rows.T_days / (alpha + rows.T_days)))


def _pareto_tail(model: ParetoNBD, rows: Histories, n: int) -> Floats:
    """P(X >= n): a negative binomial count over the time alive, which ends at the age or at an earlier dropout.

    The integral over the dropout time is taken over the survival probability, in which dropouts are uniform.
    """
    r, alpha, s, beta = model.parameters_of(rows)
    age = rows.T_days
    alive = np.exp(-s * np.log1p(age / beta))
    total = alive * betainc(n, r, age / (alpha + age))
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        dropout = beta * np.expm1(-np.log(alive + node * (1 - alive)) / s)
        total += weight * (1 - alive) * betainc(n, r, dropout / (alpha + dropout))
    return np.asarray(total)
