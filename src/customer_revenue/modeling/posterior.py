"""The posterior of a purchase model, given the histories of some customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk


class PurchasePosterior(Protocol):
    """What a purchase model predicts for some customers: one value per customer."""

    @property
    def histories(self) -> Histories:
        """Of the customers."""

    @property
    def probability_alive(self) -> Floats:
        """P(alive)."""

    def wait_probability(self, horizon_days: float) -> Floats:
        """The chance of a purchase within the horizon, which may be infinite, given alive."""

    def wait_by(self, days: Floats) -> Floats:
        """The same by another day for each customer."""

    def purchase_probability(self, horizon_days: float) -> Floats:
        """F(t): the chance of at least one purchase within the horizon."""

    def expected_purchases(self, horizon_days: float) -> Floats:
        """Expected purchase days within the horizon."""

    def wait_quantile(self, probability: Floats) -> Floats:
        """The day by which a customer who is alive has bought with this probability."""


@dataclass(frozen=True)
class Posterior:
    """The predictions of a fitted purchase model for some customers: one value per customer, each computed once."""

    model: ModifiedBetaGeoCNBDk
    histories: Histories
    _waits: dict[float, Floats] = field(default_factory=dict, init=False, repr=False)
    _expected: dict[float, Floats] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def probability_alive(self) -> Floats:
        """P(alive)."""
        return self.model.probability_alive(self.histories)

    def wait_probability(self, horizon_days: float) -> Floats:
        """The chance of a purchase within the horizon, which may be infinite, given alive."""
        if horizon_days not in self._waits:
            self._waits[horizon_days] = self.model.wait_probability(horizon_days, self.histories)
        return self._waits[horizon_days]

    def wait_by(self, days: Floats) -> Floats:
        """The same by another day for each customer."""
        return self.model.wait_probability(days, self.histories)

    def purchase_probability(self, horizon_days: float) -> Floats:
        """F(t): the chance of at least one purchase within the horizon."""
        return self.probability_alive * self.wait_probability(horizon_days)

    def expected_purchases(self, horizon_days: float) -> Floats:
        """Expected purchase days within the horizon."""
        if horizon_days not in self._expected:
            while_alive = self.model.expected_while_alive(horizon_days, self.histories)
            self._expected[horizon_days] = np.asarray(self.probability_alive * while_alive)
        return self._expected[horizon_days]

    def wait_quantile(self, probability: Floats) -> Floats:
        """The day by which a customer who is alive has bought with this probability."""
        return self.model.wait_quantile(probability, self.histories)
