"""The sections ``offers`` and ``retention``: the offer and the retention strategy of each segment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pydantic import Field, model_validator

from customer_revenue.policy.section import PolicyError, Section, check_template

SITUATIONS = ("new", "active", "declining", "at_risk", "churned")
"""The situations of the retention strategies: the lifecycle stage, ``at_risk`` split by the activity status."""


class Offer(Section):
    """One offer; ``{discount}`` in the message is the percentage.

    ``assumed_uplift``, the share of those who would not buy within 30 days that buy because of it, takes the place of
    the effect of the rules that give it.
    """

    offer_type: str = Field(min_length=1)
    discount_percentage: int = Field(ge=0, le=100)
    message: str = Field(min_length=1)
    assumed_uplift: float | None = Field(None, gt=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Offer:
        check_template(self.message, {"discount"}, "message")
        return self


class NoOffer(Section):
    """The offer where the guard withholds the discount."""

    offer_type: str = Field(min_length=1)
    message: str = Field(min_length=1)


class OfferReasons(Section):
    """Reasons of an offer, and of none: the customer is likely to buy, it costs too much, or they are left alone."""

    given: str = Field(min_length=1)
    likely: str = Field(min_length=1)
    costly: str = Field(min_length=1)
    alone: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> OfferReasons:
        for key in ("given", "likely", "costly", "alone"):
            check_template(getattr(self, key), {"soon", "gain", "cost"}, key)
        return self


class Offers(Section):
    """Offers by segment, the first-time buyer's, and the guard.

    ``likely_from``: a customer who buys within 30 days with this probability needs no discount. ``most_cost_share``:
    the discount may cost at most this share of the revenue that it is expected to bring.
    """

    likely_from: float = Field(gt=0, le=1)
    most_cost_share: float = Field(gt=0)
    none: NoOffer
    reasons: OfferReasons
    first_time_buyer: Offer
    segments: dict[str, Offer]

    def check_ladder(self, ladder: Sequence[str]) -> None:
        """Refuse a ladder, from the highest segment down, that lacks an offer or in which a higher one gets less.

        Raises:
            PolicyError: names the segment.
        """
        for name in ladder:
            if name not in self.segments:
                raise PolicyError(f"the segment {name!r} has no offer", "segments")
        for higher, lower in pairwise(ladder):
            if self.segments[higher].discount_percentage < self.segments[lower].discount_percentage:
                raise PolicyError(f"{higher!r} gets a smaller discount than {lower!r}", "segments", higher)


class Retention(Section):
    """Strategies by ``segment_situation``, such as ``high_value_at_risk``."""

    strategies: dict[str, str]

    def check_ladder(self, ladder: Sequence[str]) -> None:
        """Refuse a ladder of which a segment has no strategy in one of the situations.

        Raises:
            PolicyError: names the missing key.
        """
        for segment in ladder:
            for situation in SITUATIONS:
                key = f"{segment}_{situation}"
                if not self.strategies.get(key):
                    raise PolicyError("is missing", "strategies", key)
