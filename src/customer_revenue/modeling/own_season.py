"""The own season of customers who buy at the same time of each year, such as before Christmas.

Each repeat purchase of a customer lies within 90 days after an anniversary of the as-of day or not. Of customers
without a season a quarter do; of those whose season comes nearly all. The share of the latter in the shop is found by
expectation maximisation, a customer's posterior from their own purchases, and their chance to buy this season from the
seasons in which they did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from customer_revenue.arrays import Floats
from customer_revenue.modeling.design_matrix import seasons_known
from customer_revenue.modeling.posterior import PurchasePosterior
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.periods import DAYS_PER_YEAR
from customer_revenue.tables import SEASON_WINDOWS

FIRST_DAYS, SEASON_LENGTH_DAYS = SEASON_WINDOWS

IN_SEASON = 0.95
"""Share of the purchases of customers with a season that lie in it."""

BY_CHANCE = SEASON_LENGTH_DAYS / DAYS_PER_YEAR

PRIOR_SEASONS = 2.0
"""A customer's own seasons are shrunk to those of the shop by that many."""

PRIOR_CUSTOMERS = 20.0
"""The share of those who first bought in a season is shrunk to that of all by so many customers."""

MIN_SEASON_GAIN = 5.0
MIN_SEASON_CUSTOMERS = 20.0
"""Evidence and customers without which a shop has no customers with a season."""

EM_STEPS = 50
BOUGHT_ALREADY_DAYS = 60
"""Who bought so recently has had this season."""

LAST_YEARS = 2.0
"""Customers with a season who pass so many of them are taken for gone."""

HALVINGS = 60
LEAST = 1e-9


@dataclass(frozen=True)
class OwnSeason:
    """Customers with a season of their own in a shop as of a day.

    ``share`` is theirs of all, ``yearly`` the chance that one buys in a season and ``early`` the share of those
    purchases that come in its first 30 days. ``shares`` are theirs of those who first bought in the season's first 30
    days, later in it, and outside; empty for the share of all.
    """

    share: float
    yearly: float
    early: float
    shares: tuple[float, ...] = ()

    @classmethod
    def fitted(cls, columns: Mapping[str, Floats]) -> OwnSeason | None:
        """The season of some of a shop's customers, from the columns of their features; None where nobody has one."""
        known = seasons_known(columns) > 0
        if not known.any():
            return None
        first, whole = columns[f"season_years_{FIRST_DAYS}"], columns[f"season_years_{SEASON_LENGTH_DAYS}"]
        share, early = 0.05, FIRST_DAYS / SEASON_LENGTH_DAYS
        for _ in range(EM_STEPS):
            log_ratio = _log_ratio(columns, early)
            belongs = np.where(known, expit(logit(share) + log_ratio), 0.0)
            share = float(np.clip(belongs[known].mean(), 1e-6, 1 - 1e-6))
            early = float((belongs @ first + 1) / (belongs @ whole + 3))  # as if one more in three had been early
        gain = float(np.logaddexp(np.log1p(-share), np.log(share) + log_ratio)[known].sum())
        if gain < MIN_SEASON_GAIN or belongs.sum() < MIN_SEASON_CUSTOMERS:
            return None
        shares = _shares_by_first(columns, log_ratio, known, share)
        belongs = np.where(known, expit(logit(np.array(shares))[first_in_season(columns)] + log_ratio), 0.0)
        yearly = float(belongs @ whole) / max(float(belongs @ seasons_known(columns)), 1e-9)
        return cls(share, min(yearly, 1.0), early, shares)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> OwnSeason:
        """The season from its fields as JSON has them."""
        return cls(**{**state, "shares": tuple(state.get("shares", ()))})

    def membership(self, columns: Mapping[str, Floats]) -> Floats:
        """Each customer's posterior of having a season, whether or not it can come again."""
        shares = np.array(self.shares)[first_in_season(columns)] if self.shares else self.share
        return np.asarray(expit(logit(shares) + _log_ratio(columns, self.early)))

    def posterior(self, base: PurchasePosterior, columns: Mapping[str, Floats]) -> SeasonPosterior:
        """The predictions of a purchase model and of the season together."""
        years, first, whole = (
            seasons_known(columns),
            columns[f"season_years_{FIRST_DAYS}"],
            columns[f"season_years_{SEASON_LENGTH_DAYS}"],
        )
        has_had_one = (years > 0) | (columns["T_days"] > DAYS_PER_YEAR - SEASON_LENGTH_DAYS)
        can = has_had_one & (columns["silence_days"] > BOUGHT_ALREADY_DAYS)
        belongs = np.where(can, self.membership(columns), 0.0)
        yearly = np.minimum((whole + PRIOR_SEASONS * self.yearly) / (np.maximum(years, whole) + PRIOR_SEASONS), 1.0)
        early = (first + PRIOR_SEASONS * self.early) / (whole + PRIOR_SEASONS)
        return SeasonPosterior(base, belongs, yearly, early)


def first_in_season(columns: Mapping[str, Floats]) -> npt.NDArray[np.intp]:
    """Whether each customer first bought in a season's first 30 days (0), later in it (1), or outside (2)."""
    since_anniversary = -columns["T_days"] % DAYS_PER_YEAR
    return np.searchsorted(np.array(SEASON_WINDOWS, dtype=np.float64), since_anniversary)


def _shares_by_first(
    columns: Mapping[str, Floats], log_ratio: Floats, known: npt.NDArray[np.bool_], share: float
) -> tuple[float, ...]:
    """The share of customers with a season by when they first bought, each shrunk to that of all."""
    first = first_in_season(columns)[known]
    customers, shares = np.bincount(first, minlength=3), np.full(3, share)
    for _ in range(EM_STEPS):
        belongs = np.bincount(first, expit(logit(shares)[first] + log_ratio[known]), minlength=3)
        shares = np.clip((belongs + PRIOR_CUSTOMERS * share) / (customers + PRIOR_CUSTOMERS), 1e-6, 1 - 1e-6)
    return tuple(shares.tolist())


def _log_ratio(columns: Mapping[str, Floats], early: float) -> Floats:
    """Log-likelihood of the purchases with a season over that without: early in it, later in it, and outside."""
    first = columns[f"season_years_{FIRST_DAYS}"]
    later = np.maximum(columns[f"season_years_{SEASON_LENGTH_DAYS}"] - first, 0)
    outside = np.maximum(columns["frequency"] - first - later, 0)
    early_share = FIRST_DAYS / SEASON_LENGTH_DAYS
    inside = np.log(IN_SEASON / BY_CHANCE)
    return np.asarray(
        first * (inside + np.log(early / early_share))
        + later * (inside + np.log((1 - early) / (1 - early_share)))
        + outside * np.log((1 - IN_SEASON) / (1 - BY_CHANCE))
    )


@dataclass(frozen=True)
class SeasonPosterior:
    """A purchase model's predictions, and those for customers with a season: one value per customer.

    ``belongs`` is the posterior of having a season, ``yearly`` the chance to buy in it and ``early`` the share of that
    in its first 30 days.
    """

    base: PurchasePosterior
    belongs: Floats
    yearly: Floats
    early: Floats

    @property
    def histories(self) -> Histories:
        """Of the customers."""
        return self.base.histories

    def with_purchases(self, log_purchases: Floats, horizon_days: float) -> Floats:
        """Logarithm of the expected purchases where those given are of customers without a season."""
        season = self.belongs * self._season_purchases(horizon_days)
        return np.asarray(np.log(np.maximum((1 - self.belongs) * np.exp(log_purchases) + season, LEAST)))

    def with_churn(self, log_odds: Floats, horizon_days: float) -> Floats:
        """Log-odds of no purchase where those given are of customers without a season."""
        season = self._in_season(np.full(len(self.belongs), float(horizon_days)))
        none = (1 - self.belongs) * expit(log_odds) + self.belongs * (1 - season)
        return np.asarray(logit(np.clip(none, LEAST, 1 - LEAST)))

    def _season_purchases(self, horizon_days: float) -> Floats:
        """Expected purchase days of customers with a season: one in each that is bought in."""
        years = max(horizon_days / DAYS_PER_YEAR, 1.0)
        return self._in_season(np.full(len(self.belongs), min(float(horizon_days), DAYS_PER_YEAR))) * years

    def _in_season(self, days: Floats) -> Floats:
        """F(t) of customers with a season; between seasons nothing is bought."""
        early = self.early * np.minimum(days / FIRST_DAYS, 1)
        late = (1 - self.early) * np.clip((days - FIRST_DAYS) / (SEASON_LENGTH_DAYS - FIRST_DAYS), 0, 1)
        years = np.clip(days / DAYS_PER_YEAR, 1, LAST_YEARS)
        return np.where(days <= DAYS_PER_YEAR, self.yearly * (early + late), 1 - (1 - self.yearly) ** years)

    @cached_property
    def probability_alive(self) -> Floats:
        """P(alive)."""
        forever = self._in_season(np.full(len(self.belongs), np.inf))
        return (1 - self.belongs) * self.base.probability_alive + self.belongs * forever

    def wait_probability(self, horizon_days: float) -> Floats:
        """The chance of a purchase within the horizon, which may be infinite, given alive."""
        return self.wait_by(np.full(len(self.belongs), float(horizon_days)))

    def wait_by(self, days: Floats) -> Floats:
        """The same by another day for each customer."""
        base = self.base.probability_alive * self.base.wait_by(days)
        chance = (1 - self.belongs) * base + self.belongs * self._in_season(days)
        return np.asarray(np.minimum(chance / np.maximum(self.probability_alive, 1e-300), 1.0))

    def purchase_probability(self, horizon_days: float) -> Floats:
        """F(t): the chance of at least one purchase within the horizon."""
        return self.probability_alive * self.wait_probability(horizon_days)

    def expected_purchases(self, horizon_days: float) -> Floats:
        """Expected purchase days within the horizon."""
        season = self.belongs * self._season_purchases(horizon_days)
        return (1 - self.belongs) * self.base.expected_purchases(horizon_days) + season

    def wait_quantile(self, probability: Floats) -> Floats:
        """The day by which a customer who is alive has bought with this probability."""
        # From 0 to infinity as a share of a day count near each customer's own.
        scale, low, high = 1 + self.histories.T_days, np.zeros(len(probability)), np.ones(len(probability))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_early = self.wait_by(scale * middle / (1 - middle)) < probability
            low, high = np.where(is_early, middle, low), np.where(is_early, high, middle)
        days = scale * high / np.maximum(1 - high, 1e-12)
        return np.where(probability >= 1, np.inf, np.where(probability <= 0, 0.0, days))
