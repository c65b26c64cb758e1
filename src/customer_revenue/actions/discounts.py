"""For whom a discount pays: what it would bring and cost each customer's purchase in the next 30 days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customer_revenue.actions.situations import Situations
from customer_revenue.arrays import Floats, Marks
from customer_revenue.policy import Offer, Policy

WELCOMED = ("new", "active")
"""Stages in which the buyer of one order is greeted as a new one."""


@dataclass(frozen=True)
class Discounts:
    """The offer that each customer could get, and whether its discount pays.

    Args:
        offers: of each customer.
        gain_cents: expected net value of a purchase times the chance that it comes within 30 days only because of the
            offer.
        cost_cents: the discount on a purchase times the chance that it comes at all.
        likely: who buys within 30 days anyway.
        pays: who is not likely to, and whose discount costs no more than the policy's share of its gain.
    """

    offers: list[Offer]
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
        lowest, rules = policy.segments.active[-1].name, policy.offers
        rows = zip(situations.segment, situations.orders, situations.stage, strict=True)
        offers = [
            rules.first_time_buyer
            if segment == lowest and orders <= 1 and stage in WELCOMED
            else rules.segments[segment]
            for segment, orders, stage in rows
        ]
        discount = np.array([offer.discount_percentage for offer in offers], np.float64) / 100
        extra = np.array([offer.assumed_uplift for offer in offers], np.float64) * situations.persuadable
        gain = situations.expected_purchase_cents * extra
        cost = situations.expected_purchase_cents * discount * (situations.soon + extra)
        likely = situations.soon >= rules.likely_from
        return cls(offers, gain, cost, likely, ~likely & (cost <= rules.most_cost_share * gain))

    @property
    def given(self) -> Marks:
        """Who would get a discount above 0."""
        return self.pays & np.array([offer.discount_percentage > 0 for offer in self.offers], np.bool_)
