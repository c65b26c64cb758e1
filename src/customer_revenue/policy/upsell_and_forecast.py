"""The sections ``upsell`` and ``forecast``: the thresholds of opportunities and of sufficient history."""

from __future__ import annotations

from pydantic import Field, model_validator

from customer_revenue.policy.section import Section, check_template


class Upsell(Section):
    """Which opportunities are worth naming.

    ``orders_from``: minimum number of orders. ``least_probability``: of reaching the next
    segment. ``replenished_from_days``: on which a product must have been bought. ``least_support``, ``least_lift``:
    customers who bought both products, and how many times as many as by chance.
    """

    orders_from: int = Field(ge=1)
    least_probability: float = Field(ge=0, le=1)
    most_products: int = Field(ge=0)
    least_support: int = Field(ge=1)
    least_lift: float = Field(gt=0)
    replenished_from_days: int = Field(ge=2)
    replenishment_reason: str = Field(min_length=1)
    upgrade_reason: str = Field(min_length=1)
    cross_sell_reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Upsell:
        check_template(self.upgrade_reason, {"orders", "segment", "next_segment", "missing"}, "upgrade_reason")
        again = {"product", "times", "rhythm", "silence"}
        check_template(self.replenishment_reason, again, "replenishment_reason")
        words = {"product", "because_of", "customers", "share", "times"}
        check_template(self.cross_sell_reason, words, "cross_sell_reason")
        return self


class ForecastRules(Section):
    """The minimum history for a trend and for seasons, and the tolerance of a forecast.

    ``significance``: highest chance of seeing such a trend or season where there is none.
    """

    trend_from_months: int = Field(ge=4)
    seasons_from_months: int = Field(ge=24)
    significance: float = Field(gt=0, lt=1)
    tolerance_percent: int = Field(gt=0, le=100)
