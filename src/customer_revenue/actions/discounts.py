"""Which offer is open to each customer, and the share of its discount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """The offer that each customer could get.

    Args:
        catalogue: the policy's offers.
        place: of each customer's in the catalogue.
        share: of the price that its discount takes off, 0 to 1.
        likely: who buys within 30 days anyway.
    """

    catalogue: Sequence[Offer]
    place: Ints
    share: Floats
    likely: Marks

    @classmethod
    def of(cls, situations: Situations, policy: Policy) -> Discounts:
        """Those of some customers.

        A customer gets the offer of their segment; a new customer of the lowest segment with one order gets that of
        first-time buyers.
        """
        rules, names = policy.offers, [rung.name for rung in policy.segments.active]
        catalogue = [*(rules.segments[name] for name in names), rules.first_time_buyer]
        segment = pc.index_in(situations.facts["customer_segment"], value_set=pa.array(names)).to_numpy()
        welcomed = pc.is_in(situations.facts["lifecycle_stage"], value_set=pa.array(WELCOMED)).to_numpy()
        first = welcomed & (segment == len(names) - 1) & (situations.orders <= 1)
        place = np.where(first, len(names), segment)
        share = np.array([offer.discount_percentage for offer in catalogue], np.float64)[place] / 100
        return cls(catalogue, place, share, situations.soon >= rules.likely_from)

    @property
    def open(self) -> Marks:
        """Who may get a discount: there is one, and they are not likely to buy anyway."""
        return np.asarray(~self.likely & (self.share > 0))
