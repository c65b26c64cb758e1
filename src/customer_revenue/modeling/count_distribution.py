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


def repeat_distribution(model: PurchaseModel, T_days: Floats, max_purchases: int) -> Floats:
    """P(X(T) = 0, 1, …, max_purchases - 1, max_purchases or more) of customers who were acquired T days ago.

    Args:
        model: fitted.
        T_days: one per customer.
        max_purchases: the last column is for this many purchases or more.

    Returns:
        One row per customer, one column per number of repeat purchases; each row adds up to 1.
    """

    def tail(n: int) -> Floats:
        return _pareto_tail(model, ages, n) if isinstance(model, ParetoNBD) else _beta_geo_tail(model, ages, n)

    ages, place = np.unique(np.asarray(T_days, dtype=np.float64), return_inverse=True)
    at_least = np.column_stack([np.ones(len(ages)), *(tail(n) for n in range(1, max_purchases + 1))])
    return np.asarray(-np.diff(at_least, axis=1, append=0.0))[place]


def expected_newcomer(model: PurchaseModel, days: Floats) -> Floats:
    """E[X(t)]: the repeat purchases that a new customer makes within t days of their first purchase, for each t."""
    nobody_yet = Histories.of([0], [0], [0])
    return np.array([float(model.expected_purchases(float(day), nobody_yet)[0]) if day > 0 else 0.0 for day in days])


def _beta_geo_tail(model: ModifiedBetaGeoCNBDk, age: Floats, n: int) -> Floats:
    """P(X >= n): n Erlang-k gaps fit into the time, and the customer survives n - 1 or n dropout opportunities.

    The rate of the gaps is gamma-distributed over customers.
    """
    survived = n if model.dropout_after_first_purchase else n - 1
    alive = np.exp(betaln(model.a_, model.b_ + survived) - betaln(model.a_, model.b_))
    return np.asarray(alive * betainc(n * model.k, model.r_, age / (model.alpha_ + age)))


def _pareto_tail(model: ParetoNBD, age: Floats, n: int) -> Floats:
    """P(X >= n): a negative binomial count over the time alive, which ends at the age or at an earlier dropout.

    The integral over the dropout time is taken over the survival probability, in which dropouts are uniform.
    """
    alive = np.exp(-model.s_ * np.log1p(age / model.beta_))
    total = alive * betainc(n, model.r_, age / (model.alpha_ + age))
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        dropout = model.beta_ * np.expm1(-np.log(alive + node * (1 - alive)) / model.s_)
        total += weight * (1 - alive) * betainc(n, model.r_, dropout / (model.alpha_ + dropout))
    return np.asarray(total)
