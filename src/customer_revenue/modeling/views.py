"""What the probability models say about each customer: the boosters' starting point, and their features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import logit

from customer_revenue.modeling.histories import Floats, Histories, column
from customer_revenue.modeling.matrix import BASE_NAMES, NAMES, behaviour_matrix, needed_columns
from customer_revenue.modeling.pareto import ParetoNBD
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.posterior import Posterior
from customer_revenue.modeling.purchases import ModifiedBetaGeoCNBDk
from customer_revenue.modeling.spend import GammaGamma

FEATURE_NAMES = (*NAMES, *BASE_NAMES, "churn_log_odds")
"""Columns of a view's matrix. The last is the offset of the churn classifiers, at their own horizon."""

REFERENCE_DAYS = 90
"""Horizon of the purchase model's answers among the features."""

TINY = 1e-9

CUSTOMERS_FOR_PARETO = 10_000
"""Its likelihood is costly, and it is one voice among several: many customers are sampled for it."""


@dataclass(frozen=True)
class Base:
    """The probability models, fitted on one day's histories."""

    purchases: ModifiedBetaGeoCNBDk
    pareto: ParetoNBD | None
    spend: GammaGamma

    @classmethod
    def fitted(
        cls, customers: Population, regularity: int, *, with_pareto: bool = True, penalizer: float | None = None
    ) -> Base:
        """The models fitted on customers as of a day."""
        purchases = ModifiedBetaGeoCNBDk(regularity, penalizer).fit(customers.histories)
        few = Histories.from_table(customers.sample).sample(CUSTOMERS_FOR_PARETO) if with_pareto else None
        return cls(purchases, ParetoNBD(penalizer).fit(few) if few else None, customers.fitted_spend())

    @classmethod
    def of_population(cls, customers: Population) -> Base:
        """The shop's level with a prior for all else, where there are too few repeat customers for a fit."""
        days, total = column(customers.sample, "positive_days"), column(customers.sample, "total_cents")
        spend = GammaGamma().fit(days, total / np.maximum(days, 1))
        return cls(ModifiedBetaGeoCNBDk().fit_level(customers.histories), None, spend)

    def to_state(self) -> dict[str, Any]:
        """The models as JSON-able values."""
        return {
            "purchases": self.purchases.to_state(),
            "pareto": self.pareto.to_state() if self.pareto else None,
            "spend": self.spend.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The models of :meth:`to_state`."""
        return cls(
            ModifiedBetaGeoCNBDk.from_state(state["purchases"]),
            ParetoNBD.from_state(state["pareto"]) if state["pareto"] else None,
            GammaGamma.from_state(state["spend"]),
        )


@dataclass(frozen=True)
class View:
    """Customers as the predictor sees them.

    ``matrix`` has the columns of :data:`FEATURE_NAMES` but the last; ``spend_cents`` is the expected spend of a
    purchase day.
    """

    base: Base
    purchases: Posterior
    matrix: Floats
    spend_cents: Floats

    @classmethod
    def of(cls, features: pa.Table, base: Base) -> View:
        """The view of a table of features."""
        known = needed_columns(features)
        purchases = Posterior(base.purchases, Histories.from_columns(known))
        spend = base.spend.expected_spend(known["spend_days"], known["monetary_cents"])
        own = [
            np.log(np.maximum(purchases.expected_purchases(REFERENCE_DAYS), TINY)),
            log_odds(purchases.purchase_probability(REFERENCE_DAYS)),
            log_odds(purchases.probability_alive),
        ]
        matrix = np.column_stack([behaviour_matrix(known, base.spend.mean_cents_), *own])
        return cls(base, purchases, matrix, spend)

    def __len__(self) -> int:
        return len(self.matrix)

    def take(self, rows: npt.NDArray[np.bool_]) -> View:
        """Some of the customers."""
        purchases = Posterior(self.base.purchases, self.purchases.histories.take(rows))
        return View(self.base, purchases, self.matrix[rows], self.spend_cents[rows])

    def log_pareto(self, horizon_days: float) -> Floats:
        """Logarithm of Pareto/NBD's expected purchases; of the regularity model's where that was left out."""
        if self.base.pareto is None:
            return self.log_purchases(horizon_days)
        while_alive = self.base.pareto.expected_while_alive(horizon_days, self.purchases.histories)
        return np.log(np.maximum(self._pareto_alive * while_alive, TINY))

    @cached_property
    def _pareto_alive(self) -> Floats:
        assert self.base.pareto is not None, "only asked for with Pareto/NBD"
        return self.base.pareto.probability_alive(self.purchases.histories)

    def log_purchases(self, horizon_days: float) -> Floats:
        """Logarithm of the purchase model's expected purchases."""
        return np.log(np.maximum(self.purchases.expected_purchases(horizon_days), TINY))

    def churn_log_odds(self, horizon_days: float) -> Floats:
        """Log-odds of the purchase model's chance of no purchase."""
        return -log_odds(self.purchases.purchase_probability(horizon_days))

    def churn_matrix(self, horizon_days: float, level: float = 0.0) -> Floats:
        """The matrix with the offset of the churn classifier at this horizon, moved by a level."""
        return np.column_stack([self.matrix, self.churn_log_odds(horizon_days) + level])


def log_odds(p: Floats) -> Floats:
    """Log-odds, finite for 0 and 1."""
    return np.asarray(logit(np.clip(p, 1e-6, 1 - 1e-6)))
