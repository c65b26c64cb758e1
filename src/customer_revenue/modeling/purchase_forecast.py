"""The forecast of some customers by the fitted models: one curve each, expected purchases, spend and intervals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from customer_revenue.arrays import Floats
from customer_revenue.modeling.baseline_guard import mix
from customer_revenue.modeling.baselines import BaselinePrediction
from customer_revenue.modeling.ensemble import Corrections, FittedEnsemble
from customer_revenue.modeling.predictive_distribution import CountForecast, Dispersion
from customer_revenue.modeling.purchase_curve import Curve
from customer_revenue.modeling.revenue_path import RevenuePaths, between, knot_days
from customer_revenue.modeling.shop_prior import PriorCorrections, ShopPrior
from customer_revenue.periods import DAYS_PER_YEAR

DISCOUNT_STEPS = 4

PRIOR_SHARE = 0.5
"""Share of the prior's corrections where nothing of the shop's own is learned."""


@dataclass(frozen=True)
class PurchaseForecast:
    """One value per customer, each computed once, corrected by the ensemble, or else by the prior, where there is one.

    ``horizon_days`` is the predictor's horizon; the curve passes through it and the short ones.
    """

    baseline: BaselinePrediction
    ensemble: FittedEnsemble | None
    horizon_days: int
    short_horizons_days: tuple[int, ...]
    prior: ShopPrior | None = None

    @cached_property
    def curve(self) -> Curve:
        """F(t), the chance of a purchase within t days."""
        horizons = sorted({*self.short_horizons_days, self.horizon_days})
        return Curve.through(self.baseline.purchases, horizons, [expit(-self._churn_log_odds(h)) for h in horizons])

    def expected_purchases(self, horizon_days: float) -> Floats:
        """Expected purchase days within the horizon, never below the chance of one."""
        if self.ensemble is None or self._corrections is None:
            logs = self.baseline.log_purchases(horizon_days)
            if self._prior is not None:
                logs = logs + PRIOR_SHARE * self._prior.purchases
            logs = self.baseline.with_own_season(logs, horizon_days)
        else:
            logs = self.ensemble.log_purchases(self._corrections, horizon_days)
        return np.maximum(np.exp(logs), self.curve.at(horizon_days))

    @cached_property
    def spend_cents(self) -> Floats:
        """Expected cents of a purchase day."""
        if self.ensemble is None or self._corrections is None:
            spend = self.baseline.spend_cents
            return spend if self._prior is None else spend * np.exp(PRIOR_SHARE * self._prior.spend)
        return np.exp(self.ensemble.log_spend(self._corrections))

    @property
    def dispersion(self) -> Dispersion:
        """How much outcomes scatter."""
        return self.ensemble.dispersion if self.ensemble else Dispersion()

    def counts(self, horizon_days: int) -> CountForecast:
        """The distribution of the purchase days within the horizon."""
        sizes = self.dispersion.sizes(self.baseline.columns["frequency"])
        return CountForecast(self.expected_purchases(horizon_days), self.curve.at(horizon_days), sizes)

    def discounted_share(self, rate_per_year: float, horizon_days: int) -> Floats:
        """Present value of the revenue of a horizon, as a share of it."""
        ends = np.linspace(0, horizon_days, DISCOUNT_STEPS + 1)
        logs = (self.baseline.with_own_season(self.baseline.log_purchases(end), end) for end in ends[1:])
        path = np.stack([np.zeros(len(self.baseline)), *map(np.exp, logs)])
        factors = (1 + rate_per_year) ** (-(ends[1:] + ends[:-1]) / 2 / DAYS_PER_YEAR)
        return np.asarray(factors @ np.diff(path, axis=0) / np.maximum(path[-1], 1e-300))

    def paths(self, as_of_day: dt.date, days: Sequence[int], net_share: Floats) -> RevenuePaths:
        """The path of each customer through some days, by a curve through those at which the models are asked.

        Args:
            as_of_day: the day that the features are of.
            days: wanted, up to three years.
            net_share: of each customer's revenue, what does not come back.
        """
        knots = knot_days(as_of_day)
        asked = np.column_stack([self.expected_purchases(knot) for knot in knots])
        return RevenuePaths(between(knots, asked, days), self.spend_cents, net_share)

    def members(self, horizon_days: int) -> dict[str, tuple[Floats, Floats, Floats]]:
        """Each member of the ensemble alone: expected purchases, expected revenue, chance of a purchase.

        Empty without an ensemble.
        """
        if self.ensemble is None:
            return {}
        size = self.ensemble.count_size
        corrections = self.ensemble.models.predict(self.baseline)
        found = {}
        for name, others in corrections.members(horizon_days).items():
            none = corrections.zero_log_odds(others, horizon_days, size)
            expected = np.exp(self.baseline.with_own_season(others, horizon_days))
            chance = expit(-self.baseline.churn_with_own_season(none, horizon_days))
            found[name] = (expected, expected * self.spend_cents, chance)
        return found

    @cached_property
    def _corrections(self) -> Corrections | None:
        return self.ensemble.models.predict(self.baseline, self.ensemble.used) if self.ensemble else None

    @cached_property
    def _prior(self) -> PriorCorrections | None:
        return self.prior.predict(self.baseline) if self.prior else None

    def _churn_log_odds(self, horizon_days: int) -> Floats:
        if self.ensemble and self._corrections:
            log_odds = self.ensemble.churn_log_odds(self._corrections, horizon_days)
            if log_odds is not None:
                return log_odds
        own = self.baseline.churn_log_odds(horizon_days)
        own = own if self._prior is None else mix(self._prior.churn[horizon_days], own, PRIOR_SHARE)
        return self.baseline.churn_with_own_season(own, horizon_days)
