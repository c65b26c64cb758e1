"""The learned part of a predictor: an ensemble of members whose errors differ, and the weight of each.

Four members predict how often each customer will buy. The *offset* member starts from the regularity model's
expectation and corrects it. The *direct* member has no dropout process: it learns the rate from what similar customers
did in earlier windows. In Pareto/NBD customers drop out at any time. The first learns best, the second forecasts too
much over long horizons and the other two too little, so that their geometric mean is steadier than any of them. The
*prior* member starts from the regularity model too and corrects it by what other shops taught: it counts for as much as
the shop's own evidence lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import compress
from typing import Any, Self

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.baseline_guard import OwnShares, mix
from customer_revenue.modeling.baselines import FEATURE_NAMES, BaselinePrediction
from customer_revenue.modeling.boosters import OffsetBooster
from customer_revenue.modeling.churn_model import ChurnModel
from customer_revenue.modeling.forest import Forest
from customer_revenue.modeling.predictive_distribution import Dispersion
from customer_revenue.modeling.season import Season
from customer_revenue.modeling.shop_prior import PriorCorrections, ShopPrior

AGE_NAMES = ("T_days", "recency_days")
"""Features left out of the direct member: in a growing shop no earlier window has customers as old as today's."""

AMOUNTS = ("offset", "direct", "spend")
"""The boosters of purchases and spend."""

PRIOR_SPEND_SHARE = 0.5
"""Share of the prior's correction of spend that is used where nothing of spend is learned: shops differ in it most."""

DIRECT_COLUMNS = [i for i, name in enumerate(FEATURE_NAMES[:-1]) if name not in AGE_NAMES]


def direct_columns(width: int) -> list[int]:
    """The columns of a matrix of this width that the direct member sees."""
    return [*DIRECT_COLUMNS, *range(len(FEATURE_NAMES) - 1, width)]


@dataclass(frozen=True)
class Weights:
    """How much each member counts.

    ``offset``, ``direct``, ``pareto`` and ``prior`` are shares in the logarithm of expected purchases; the rest to 1 is
    the regularity model's. ``spend`` and ``prior_spend`` are the shares of the learned correction of spend and of the
    prior's that are used, ``classifier`` and ``prior_churn`` the classifier's and the prior's share in the log-odds of
    churn; the rest is that of the purchase counts.

    ``center`` is added to the logarithm of expected purchases. A mean of logarithms is below each customer's mean where
    the members disagree, so that its total would be below that of every member.
    """

    offset: float
    direct: float
    pareto: float
    spend: float = 0.5
    classifier: float = 2 / 3
    prior: float = 0.0
    prior_spend: float = 0.0
    prior_churn: float = 0.0
    center: float = 0.0

    @property
    def base(self) -> float:
        """The share of the regularity model, uncorrected."""
        return 1 - self.offset - self.direct - self.pareto - self.prior

    def named(self) -> dict[str, float]:
        """The shares by their names."""
        return {"base": self.base, **{name: share for name, share in vars(self).items() if name != "center"}}

    def shrunk(self, factor: float) -> Weights:
        """The weights of everything learned times a factor, 0 to 1; the prior takes over the rest."""
        return replace(
            self,
            offset=factor * self.offset,
            direct=factor * self.direct,
            spend=factor * self.spend,
            classifier=factor * self.classifier,
            prior=self.prior + (1 - factor) * (self.offset + self.direct),
            prior_spend=self.prior_spend + (1 - factor) * PRIOR_SPEND_SHARE,
            prior_churn=self.prior_churn + (1 - factor) * self.classifier,
        )

    def centered(self, members: Mapping[str, Floats]) -> Weights:
        """The same weights, by which the customers' total is the weighted geometric mean of the members' totals.

        Args:
            members: logarithms of their expected purchases, one value per customer.
        """
        totals = {name: np.log(np.exp(logs).sum()) for name, logs in members.items()}
        uncentered = replace(self, center=0.0)
        below = combine(totals, uncentered) - np.log(np.exp(combine(members, uncentered)).sum())
        return replace(self, center=float(below))

    def without_prior(self) -> Weights:
        """The same where there is no prior; the purchase models take over its part."""
        return replace(self, prior=0.0, prior_spend=0.0, prior_churn=0.0)


@dataclass(frozen=True)
class Used:
    """The boosters whose corrections are in use, by what they are of."""

    purchases: bool = True
    spend: bool = True
    churn: bool = True


@dataclass(frozen=True)
class Models:
    """The boosters.

    ``direct_rate`` is the logarithm of the mean purchases per day that the direct member starts from, ``spend_level``
    the one by which spend per purchase was above Gamma-Gamma's, and ``spend_center`` the one that is added to the spend
    booster's corrections for their total to be what was spent.
    """

    offset: OffsetBooster
    direct: OffsetBooster
    direct_rate: float
    spend: OffsetBooster
    spend_level: float
    spend_center: float
    churn: dict[int, ChurnModel]
    prior: ShopPrior | None = None

    @property
    def boosters(self) -> list[OffsetBooster]:
        """All boosters, the classifiers' last."""
        return [self.offset, self.direct, self.spend, *(classifier.booster_ for classifier in self.churn.values())]

    @cached_property
    def _forests(self) -> dict[Used, Forest]:
        """The trees of the boosters in use over the columns of a baseline's matrix, then each classifier's offset."""
        return {}

    def _forest(self, used: Used) -> Forest:
        if used not in self._forests:
            shared = list(range(self.spend.features))
            classified = ([*shared, len(shared) + i] for i in range(len(self.churn)))
            columns = [shared, direct_columns(len(shared)), shared, *classified]
            chosen = compress(zip(self.boosters, columns, strict=True), self._in_use(used))
            self._forests[used] = Forest([(booster.grown, own) for booster, own in chosen])
        return self._forests[used]

    def _in_use(self, used: Used) -> list[bool]:
        """Whether each booster is in use."""
        return [used.purchases, used.purchases, used.spend, *([used.churn] * len(self.churn))]

    def predict(self, baseline: BaselinePrediction, used: Used = Used()) -> Corrections:
        """The boosters' corrections of some customers; NaN from those that are not in use."""
        starts = {horizon: baseline.churn_log_odds(horizon) for horizon in self.churn}
        sums = np.full((len(self.boosters), len(baseline)), np.nan)
        if any(self._in_use(used)):
            sums[self._in_use(used)] = self._forest(used).sums([*baseline.matrix.T, *starts.values()])
        offset, direct, spend, *churn = (b.clipped(own) for b, own in zip(self.boosters, sums, strict=True))
        log_odds = {
            horizon: classifier.calibrated(starts[horizon], own)
            for (horizon, classifier), own in zip(self.churn.items(), churn, strict=True)
        }
        prior = self.prior.predict(baseline) if self.prior else None
        return Corrections(self, baseline, offset, direct, spend + self.spend_center, log_odds, prior)


@dataclass(frozen=True)
class Corrections:
    """The boosters' corrections of some customers: logarithms, one per customer.

    ``classified`` are the classifiers' log-odds of churn, by their horizon, ``prior`` what other shops taught.
    """

    models: Models
    baseline: BaselinePrediction
    offset: Floats
    direct: Floats
    spend: Floats
    classified: Mapping[int, Floats]
    prior: PriorCorrections | None = None

    def members(self, horizon_days: float) -> dict[str, Floats]:
        """Logarithm of each member's expected purchases, by its name."""
        base = self.baseline.log_purchases(horizon_days)
        members = {
            "base": base,
            "offset": base + self.offset,
            "direct": self.models.direct_rate + np.log(horizon_days) + self.direct,
            "pareto": self.baseline.log_pareto(horizon_days),
        }
        return members if self.prior is None else {**members, "prior": base + self.prior.purchases}

    def log_purchases(self, horizon_days: float, weights: Weights) -> Floats:
        """Weighted mean of the members' logarithms."""
        return combine(self.members(horizon_days), weights)

    def log_spend(self, weights: Weights) -> Floats:
        """Logarithm of the expected cents of a purchase day."""
        known = np.log(np.maximum(self.baseline.spend_cents, 1.0))
        logs = known + self.models.spend_level + weights.spend * self.spend
        return np.asarray(logs if self.prior is None else logs + weights.prior_spend * self.prior.spend)

    def churn_log_odds(self, horizon_days: int, weights: Weights, size: float) -> Floats | None:
        """Log-odds of no purchase: classifier's, prior's and counts', or None at a horizon that was not learned.

        The counts' chance of none is that of a negative binomial of the given size around the expected purchases.
        """
        own = self.classified.get(horizon_days)
        if own is None:
            return None
        counts = self.zero_log_odds(self.log_purchases(horizon_days, weights), horizon_days, size)
        learned, share = weights.classifier * own, weights.classifier
        if self.prior is not None:
            learned, share = learned + weights.prior_churn * self.prior.churn[horizon_days], share + weights.prior_churn
        return learned + (1 - share) * counts

    def zero_log_odds(self, log_mean: Floats, horizon_days: float, size: float) -> Floats:
        """Log-odds of no purchase by the expected purchases.

        A negative binomial knows no rhythm. Where customers have one, it only says by how much the chance of none
        moves with the mean: one payment a month is no Poisson count of mean 1.
        """
        counts = zero_count_log_odds(log_mean, size)
        if not self.baseline.models.has_own_rhythms:
            return counts
        unmoved = zero_count_log_odds(self.baseline.log_purchases(horizon_days), size)
        return self.baseline.churn_log_odds(horizon_days) + counts - unmoved


def zero_count_log_odds(log_mean: Floats, size: float) -> Floats:
    """Log-odds of a negative binomial count of 0."""
    silence = -size * np.log1p(np.exp(log_mean) / size)
    return np.asarray(silence - np.log(-np.expm1(np.minimum(silence, -1e-12))))


@dataclass(frozen=True)
class FittedEnsemble:
    """The boosters, with the weights and the dispersion that the back-test chose.

    ``count_size`` is the negative binomial size that turns expected purchases into a chance of none, and
    ``horizon_days`` the longest horizon that was learned. ``own`` says how far all of it is trusted beyond BG/NBD.
    """

    models: Models
    weights: Weights
    season: Season
    dispersion: Dispersion
    count_size: float
    horizon_days: int
    own: OwnShares

    @property
    def used(self) -> Used:
        """The boosters that the guard has left in use: where a share is 0, the baseline's forecast is all there is."""
        own = self.own
        return Used(purchases=own.purchases > 0 or own.probability > 0, spend=own.spend > 0, churn=own.probability > 0)

    def log_purchases(self, corrections: Corrections, horizon_days: float) -> Floats:
        """Logarithm of the expected purchases."""
        share, baseline = self.own.purchases, corrections.baseline
        if share == 0:
            return baseline.beta_geo_log_purchases(horizon_days)
        others = corrections.log_purchases(horizon_days, self.weights) + self.season.purchases
        ours = baseline.with_own_season(others, horizon_days)
        return ours if share == 1 else mix(ours, baseline.beta_geo_log_purchases(horizon_days), share)

    def centered(self, baseline: BaselinePrediction, horizon_days: int) -> FittedEnsemble:
        """The same with weights that are centered on some customers."""
        if not self.used.purchases:
            return self
        members = self.models.predict(baseline, self.used).members(horizon_days)
        return replace(self, weights=self.weights.centered(members))

    def log_spend(self, corrections: Corrections) -> Floats:
        """Logarithm of the expected cents of a purchase day."""
        share, theirs = self.own.spend, np.log(np.maximum(corrections.baseline.spend_cents, 1.0))
        if share == 0:
            return theirs
        own_season = corrections.baseline.own_season
        season = self.season.spend if own_season is None else (1 - own_season.belongs) * self.season.spend
        return mix(corrections.log_spend(self.weights) + season, theirs, share)

    def churn_log_odds(self, corrections: Corrections, horizon_days: int) -> Floats | None:
        """Log-odds of no purchase at a horizon that was learned, else None."""
        share, baseline = self.own.probability, corrections.baseline
        if share == 0 and horizon_days in corrections.classified:
            return baseline.beta_geo_churn_log_odds(horizon_days)
        log_odds = corrections.churn_log_odds(horizon_days, self.weights, self.count_size)
        if log_odds is None:
            return None
        ours = baseline.churn_with_own_season(log_odds + self.season.churn, horizon_days)
        return ours if share == 1 else mix(ours, baseline.beta_geo_churn_log_odds(horizon_days), share)

    def to_state(self) -> dict[str, Any]:
        """Everything but the trees, as JSON-able values."""
        models = self.models
        return {
            "offset": models.offset.to_state(),
            "direct": models.direct.to_state(),
            "direct_rate": models.direct_rate,
            "spend": models.spend.to_state(),
            "spend_level": models.spend_level,
            "spend_center": models.spend_center,
            "churn": {str(h): c.to_state() for h, c in models.churn.items()},
            "prior": models.prior.to_state() if models.prior else None,
            "weights": asdict(self.weights),
            "season": asdict(self.season),
            "spread": asdict(self.dispersion),
            "count_size": self.count_size,
            "horizon_days": self.horizon_days,
            "own": asdict(self.own),
        }

    def to_texts(self) -> dict[str, str]:
        """The trees in LightGBM's text format, by name."""
        models = self.models
        churn = {f"churn_{h}": c.booster_.to_text() for h, c in models.churn.items()}
        amounts = {"offset": models.offset, "direct": models.direct, "spend": models.spend}
        prior = models.prior.to_texts() if models.prior else {}
        return {name: booster.to_text() for name, booster in amounts.items()} | churn | prior

    @classmethod
    def from_state(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """What :meth:`to_state` and :meth:`to_texts` wrote."""
        offset, direct, spend = (OffsetBooster.from_state(state[name], texts[name]) for name in AMOUNTS)
        return cls(
            models=Models(
                offset=offset,
                direct=direct,
                direct_rate=state["direct_rate"],
                spend=spend,
                spend_level=state["spend_level"],
                spend_center=state["spend_center"],
                churn={int(h): ChurnModel.from_state(c, texts[f"churn_{h}"]) for h, c in state["churn"].items()},
                prior=ShopPrior.from_state(state["prior"], texts) if state["prior"] else None,
            ),
            weights=Weights(**state["weights"]),
            season=Season(**state["season"]),
            dispersion=Dispersion(**state["spread"]),
            count_size=state["count_size"],
            horizon_days=state["horizon_days"],
            own=OwnShares(**state["own"]),
        )


def combine(members: Mapping[str, Floats], weights: Weights) -> Floats:
    """The weighted mean of the members' logarithms."""
    shares = {"base": weights.base, **{name: getattr(weights, name) for name in members if name != "base"}}
    return np.asarray(sum(shares[name] * logs for name, logs in members.items()) + weights.center)
