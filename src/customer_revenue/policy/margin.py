"""The section ``margin``: what remains of revenue after the cost of what was sold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from customer_revenue.policy.section import Section

Percent = Annotated[int, Field(ge=0, le=100)]


class Margin(Section):
    """Margins, in percent of revenue, where the orders state no cost.

    ``by_product`` counts before ``by_category``. ``assumed_percent`` is for everything else, and figures that rest
    on it are called assumed.
    """

    assumed_percent: Percent
    by_category: dict[str, Percent] = Field(default_factory=dict)
    by_product: dict[str, Percent] = Field(default_factory=dict)
