"""For whom a discount pays: what it would bring and cost each customer's purchase in the next 30 days."""

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
    """The offer that each customer could get, and whether its discount pays.

    Args:
        catalogue: the policy's offers.
        place: of each customer's in the catalogue.
        gain_cents: expected net value of a purchase times the chance that it comes within 30 days only because of the
            offer.
        cost_cents: the discount on a purchase times the chance that it comes at all.
        likely: who buys within 30 days anyway.
        pays: who is not likely to, and whose discount costs no more than the policy's share of its gain.
    """

    catalogue: Sequence[Offer]
    place: Ints
    gain_cents: Floats
    cost_cents: Floats
    likely: Marks
    pays: Marks

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
        discount = np.array([offer.discount_percentage for offer in catalogue], np.float64)[place] / 100
        extra = np.array([offer.assumed_uplift for offer in catalogue], np.float64)[place] * situations.persuadable
        gain = situations.expected_purchase_cents * extra
        cost = situations.expected_purchase_cents * discount * (situations.soon + extra)
        likely = situations.soon >= rules.likely_from
        return cls(catalogue, place, gain, cost, likely, ~likely & (cost <= rules.most_cost_share * gain))

    @property
    def given(self) -> Marks:
        """Who would get a discount above 0."""
        has_discount = np.array([offer.discount_percentage > 0 for offer in self.catalogue])
        return np.asarray(self.pays & has_discount[self.place])
