"""Which offer is open to each customer, and the share of its discount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.actions.situations import Situations
from customer_revenue.arrays import Floats, Ints, Marks
from customer_revenue.policy import Offer, Policy

WELCOMED = ("new", "active")
"""Stages in which the buyer of one order is greeted as a new one."""


@dataclass(frozen=True)
class Discounts:
    """The offer that each customer could get: that of their segment.

    A new customer of the lowest segment with one order gets that of first-time buyers.

    Args:
        situations: of the customers.
        policy: the offers.
    """

    situations: Situations
    policy: Policy

    @cached_property
    def catalogue(self) -> Sequence[Offer]:
        """The policy's offers."""
        rules = self.policy.offers
        return [*(rules.segments[name] for name in self._names), rules.first_time_buyer]

    @cached_property
    def place(self) -> Ints:
        """The place of each customer's offer in the catalogue."""
        facts, names = self.situations.facts, self._names
        segment = pc.index_in(facts["customer_segment"], value_set=pa.array(names)).to_numpy()
        welcomed = pc.is_in(facts["lifecycle_stage"], value_set=pa.array(WELCOMED)).to_numpy()
        first = welcomed & (segment == len(names) - 1) & (self.situations.orders <= 1)
        return np.where(first, len(names), segment)

    @cached_property
    def share(self) -> Floats:
        """The share of the price that each customer's discount takes off, 0 to 1."""
        return np.array([offer.discount_percentage for offer in self.catalogue], np.float64)[self.place] / 100

    @cached_property
    def likely(self) -> Marks:
        """Who buys within 30 days anyway."""
        return self.situations.soon >= self.policy.offers.likely_from

    @property
    def open(self) -> Marks:
        """Who may get a discount: there is one, and they are not likely to buy anyway."""
        return np.asarray(~self.likely & (self.share > 0))

    @cached_property
    def _names(self) -> list[str]:
        return [rung.name for rung in self.policy.segments.active]
