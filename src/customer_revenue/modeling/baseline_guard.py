"""The guard against losing to the baseline: how far each forecast is trusted beyond BG/NBD with Gamma-Gamma.

Both forecast a past window of the shop that neither was trained on. What loses there by more than chance explains is
shrunk to the baseline, in logarithms or log-odds, as little as is needed not to lose; at worst it is replaced by it.
A level that is off by no more than the levels of the shop's windows scatter is the window's own, and is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from customer_revenue.arrays import Floats
from customer_revenue.modeling.bootstrap import paired_bootstrap
from customer_revenue.modeling.levels import log_odds_level, log_ratio
from customer_revenue.modeling.metrics import Forecast, Outcomes

LEVEL_DEVIATIONS = 1.96
"""A level within so many standard deviations is a common one."""

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of our own forecast that are tried, in this order."""

PURCHASES = ("purchases_mae", "purchases_rmse", "purchases_bias")
PROBABILITY = ("probability_log_loss",)
REVENUE = ("revenue_mae", "revenue_rmse", "revenue_gini", "revenue_bias")


@dataclass(frozen=True)
class OwnShares:
    """The share of our own forecast of each quantity; the rest to 1 is the baseline's."""

    purchases: float = 1.0
    probability: float = 1.0
    spend: float = 1.0

    @property
    def all_own(self) -> bool:
        """Whether the baseline is not needed."""
        return all(share == 1.0 for share in asdict(self).values())

    @property
    def reason(self) -> str:
        """What was shrunk or replaced, in words; empty where nothing was."""
        words = [
            f"{name} {'replaced by' if share == 0 else f'shrunk by {1 - share:.0%} to'}"
            for name, share in asdict(self).items()
            if share < 1
        ]
        if not words:
            return ""
        return f"{', '.join(words)} BG/NBD with Gamma-Gamma, which did better on the latest past window"


@dataclass(frozen=True)
class Scatter:
    """Standard deviations of the levels of the shop's past windows, in logarithms and log-odds; 0 for unknown."""

    purchases: float = 0.0
    churn_log_odds: float = 0.0
    spend: float = 0.0


@dataclass(frozen=True)
class LogForecast:
    """A forecast of some customers on the scales on which two are mixed: logarithms, and log-odds of no purchase."""

    purchases: Floats
    churn_log_odds: Floats
    spend: Floats

    def mixed(self, other: LogForecast, own: OwnShares) -> LogForecast:
        """This forecast's shares and the other's rest."""
        return LogForecast(
            mix(self.purchases, other.purchases, own.purchases),
            mix(self.churn_log_odds, other.churn_log_odds, own.probability),
            mix(self.spend, other.spend, own.spend),
        )

    def at_level(self, happened: Outcomes, scatter: Scatter) -> LogForecast:
        """The forecast at the level that the window had, where its own is off by no more than windows scatter."""

        def judged(level: float, deviation: float) -> float:
            return level if abs(level) <= LEVEL_DEVIATIONS * deviation else 0.0

        expected = np.exp(self.purchases)
        level = log_ratio(float(happened.purchases.sum()), float(expected.sum()))
        spend = log_ratio(float(happened.revenue.sum()), float(expected @ np.exp(self.spend))) - level
        churn = log_odds_level(self.churn_log_odds, ~happened.bought)
        return LogForecast(
            self.purchases + judged(level, scatter.purchases),
            self.churn_log_odds + judged(churn, scatter.churn_log_odds),
            self.spend + judged(spend, scatter.spend),
        )

    def forecast(self) -> Forecast:
        """The same as purchases, revenue and probabilities; a purchase is expected at least as often as its chance."""
        probability = expit(-self.churn_log_odds)
        purchases = np.maximum(np.exp(self.purchases), probability)
        never = np.full(len(purchases), np.inf)
        return Forecast(purchases, purchases * np.exp(self.spend), probability, never)


def mix(ours: Floats, theirs: Floats, share: float) -> Floats:
    """The weighted mean of two logarithms; ours where the share is 1."""
    return ours if share == 1.0 else np.asarray(share * ours + (1 - share) * theirs)


def own_shares(
    happened: Outcomes, ours: LogForecast, baseline: LogForecast, seed: int, scatter: Scatter = Scatter()
) -> OwnShares:
    """The largest shares of ours that do not lose to the baseline, chosen quantity by quantity.

    Args:
        happened: what the customers did.
        ours: forecast by models that did not know it.
        baseline: BG/NBD with Gamma-Gamma, likewise.
        seed: of the bootstrap over customers.
        scatter: of the levels of the shop's windows.
    """
    ours, baseline = (side.at_level(happened, scatter) for side in (ours, baseline))
    theirs = baseline.forecast()

    def largest(metrics: Sequence[str], with_share: Callable[[float], OwnShares]) -> OwnShares:
        for share in SHARES[:-1]:
            own = with_share(share)
            if not loses(happened, ours.mixed(baseline, own).forecast(), theirs, metrics, seed):
                return own
        return with_share(SHARES[-1])

    own = largest(PROBABILITY, lambda share: OwnShares(probability=share))
    own = largest(PURCHASES, lambda share: _changed(own, purchases=share))
    return largest(REVENUE, lambda share: _changed(own, spend=share))


def loses(happened: Outcomes, ours: Forecast, theirs: Forecast, metrics: Sequence[str], seed: int) -> bool:
    """Whether ours is worse by one of the metrics beyond chance, and better by none.

    The lower of two forecasts of rare purchases has the smaller absolute error, even if its total is too low: an error
    that is the price of a smaller bias, or the reverse, is no loss.
    """
    gaps = paired_bootstrap(happened, ours, theirs, metrics=metrics, seed=seed)
    worse = [low > 0 for _, low, _ in gaps.values()]
    better = [high < 0 for _, _, high in gaps.values()]
    return any(worse) and not any(better)


def _changed(own: OwnShares, **shares: Any) -> OwnShares:
    return OwnShares(**{**asdict(own), **shares})
