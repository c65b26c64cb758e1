"""Corrections that other shops taught: what a shop starts from that has too few customers to learn from.

Three boosters, trained by ``benchmarks/prior.py`` on many other shops and shipped as text: by how much the purchase
model and Gamma-Gamma are off for a customer with such a history. Shops sell coffee or furniture, so that the features
have a unit neither of money nor of time: amounts are relative to the shop's mean, days to the shop's mean gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Self

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.baselines import FEATURE_NAMES, BaselinePrediction
from customer_revenue.modeling.boosters import OffsetBooster
from customer_revenue.modeling.design_matrix import SAME_DECIMALS
from customer_revenue.modeling.forest import Forest
from customer_revenue.modeling.levels import log_odds_shift, log_ratio
from customer_revenue.modeling.purchase_histories import Histories

TREES_FOLDER = files("customer_revenue.modeling") / "prior_trees"
"""Where the shipped trees are, a file for each booster."""

OBJECTIVES = {"purchases": "poisson", "churn": "binary", "spend": "tweedie"}
"""What is corrected, by the objective of its booster; each has a file of trees."""

MAX_PRIOR_CORRECTION = 1.5

HISTORY_NAMES = (
    "frequency",
    "recency_per_age",
    "silence_per_gap",
    "silence_per_max_gap",
    "silence_per_shop_gap",
    "age_per_shop_gap",
    "gap_variation",
    "gap_regularity",
    "last_gap_per_gap",
    "probability_alive",
    "purchases_30_per_expected",
    "purchases_90_per_expected",
    "purchases_180_per_expected",
    "expected_spend",
    "spend_per_day",
    "last_spend",
    "first_spend",
    "max_spend",
    "spend_trend",
    "spend_variation",
)
"""Columns of the matrix that are the same at every horizon."""

AT_HORIZON_NAMES = ("horizon_per_shop_gap", "purchases", "churn_log_odds")
"""Columns that depend on the horizon: its length, and the purchase model's predictions."""

COMPARED_DAYS = (30, 90, 180)
HALF_A_PURCHASE = 0.5
"""Added to purchases and expectations that are compared, so that none is 0."""

MIN_GAP_DAYS, MAX_GAP_DAYS = 1.0, 3650.0


def shop_gap_days(histories: Histories) -> float:
    """The mean gap between the purchases of a shop's customers."""
    gaps = float(histories.weights @ histories.frequency)
    days = float(histories.weights @ histories.recency_days)
    return float(np.clip(days / max(gaps, 1.0), MIN_GAP_DAYS, MAX_GAP_DAYS))


def history_columns(baseline: BaselinePrediction, gap_days: float) -> list[Floats]:
    """The columns of :data:`HISTORY_NAMES`; what a customer has no value for is NaN."""
    f, own = baseline.columns, dict(zip(FEATURE_NAMES, baseline.matrix.T, strict=False))
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [
            f["frequency"],
            f["recency_days"] / np.maximum(f["T_days"], 1.0),
            own["silence_per_gap"],
            own["silence_per_max_gap"],
            f["silence_days"] / gap_days,
            f["T_days"] / gap_days,
            own["gap_variation"],
            own["gap_regularity"],
            f["last_gap_days"] * f["frequency"] / f["recency_days"],
            own["probability_alive"],
            *(_per_expected(baseline, days) for days in COMPARED_DAYS),
            np.log(np.maximum(baseline.spend_cents, 1.0) / max(baseline.models.spend.mean_cents_, 1e-9)),
            own["spend_per_day"],
            own["last_spend"] - own["spend_per_day"],
            own["first_spend"] - own["spend_per_day"],
            own["max_spend"] - own["spend_per_day"],
            own["spend_trend"],
            own["spend_variation"],
        ]
    return [np.asarray(np.round(column, SAME_DECIMALS)) for column in columns]


def _per_expected(baseline: BaselinePrediction, days: int) -> Floats:
    """Purchases of the last days over those that are expected of the next, for who is a customer that long."""
    expected = np.exp(baseline.log_purchases(days))
    ratio = np.log((baseline.columns[f"purchases_{days}"] + HALF_A_PURCHASE) / (expected + HALF_A_PURCHASE))
    return np.where(baseline.columns["T_days"] >= days, ratio, np.nan)


def horizon_columns(baseline: BaselinePrediction, gap_days: float, horizon_days: float) -> list[Floats]:
    """The columns of :data:`AT_HORIZON_NAMES`."""
    columns = [
        np.full(len(baseline), horizon_days / gap_days),
        baseline.log_purchases(horizon_days),
        baseline.churn_log_odds(horizon_days),
    ]
    return [np.asarray(np.round(column, SAME_DECIMALS)) for column in columns]


@dataclass(frozen=True)
class PriorCorrections:
    """The prior's forecast of some customers.

    ``purchases`` and ``spend`` are corrections of logarithms, ``churn`` the corrected log-odds of no purchase, by
    horizon.
    """

    purchases: Floats
    spend: Floats
    churn: Mapping[int, Floats]


@dataclass(frozen=True)
class ShopPrior:
    """The boosters of other shops, for one shop.

    ``gap_days`` is the shop's mean gap between purchases, ``horizon_days`` the horizon at which purchases and spend are
    corrected; as those of the ensemble, the corrections then hold at every horizon. The centers are added to the
    corrections: which customers are above and which below is known from other shops, the level is the shop's own.
    """

    boosters: Mapping[str, OffsetBooster]
    gap_days: float
    horizon_days: int
    horizons_days: Sequence[int]
    purchases_center: float = 0.0
    spend_center: float = 0.0
    churn_centers: Mapping[int, float] | None = None

    @classmethod
    def shipped(cls, baseline: BaselinePrediction, horizon_days: int, horizons_days: Sequence[int]) -> Self | None:
        """The prior that the package ships, for the shop of some customers.

        None where customers have rhythms of their own: other shops taught what models without them do not know.

        Args:
            baseline: of the shop's customers.
            horizon_days: at which purchases and spend are corrected.
            horizons_days: at which churn is, besides that one.
        """
        if baseline.models.has_own_rhythms or baseline.models.season is not None:
            return None
        gap_days = shop_gap_days(baseline.purchases.histories)
        horizons = tuple(sorted({*horizons_days, horizon_days}))
        return cls(shipped_boosters(), gap_days, horizon_days, horizons).centered(baseline)

    def centered(self, baseline: BaselinePrediction) -> Self:
        """The same with centers that leave the totals of these customers as they are."""
        raw = replace(self, purchases_center=0.0, spend_center=0.0, churn_centers=None).predict(baseline)
        base = baseline.log_purchases(self.horizon_days)
        expected, corrected = np.exp(base), np.exp(base + raw.purchases)
        cents = np.maximum(baseline.spend_cents, 1.0)
        return replace(
            self,
            purchases_center=log_ratio(float(expected.sum()), float(corrected.sum())),
            spend_center=log_ratio(float(corrected @ cents), float(corrected @ (cents * np.exp(raw.spend)))),
            churn_centers={h: log_odds_shift(odds, baseline.churn_log_odds(h)) for h, odds in raw.churn.items()},
        )

    @cached_property
    def _forest(self) -> Forest:
        """Purchases and spend at the horizon, then churn at each of its horizons."""
        history, width = list(range(len(HISTORY_NAMES))), len(AT_HORIZON_NAMES)
        starts = [len(history) + width * i for i in range(1 + len(self.horizons_days))]
        columns = [[*history, *range(start, start + width)] for start in starts]
        trees = {name: booster.grown for name, booster in self.boosters.items()}
        first = [(trees["purchases"], columns[0]), (trees["spend"], columns[0])]
        return Forest([*first, *((trees["churn"], own) for own in columns[1:])])

    def predict(self, baseline: BaselinePrediction) -> PriorCorrections:
        """The corrections of some customers."""
        columns = history_columns(baseline, self.gap_days)
        for horizon in (self.horizon_days, *self.horizons_days):
            columns += horizon_columns(baseline, self.gap_days, horizon)
        purchases, spend, *churn = self._forest.sums(columns)
        centers = self.churn_centers or {}
        return PriorCorrections(
            self.boosters["purchases"].clipped(purchases) + self.purchases_center,
            self.boosters["spend"].clipped(spend) + self.spend_center,
            {
                horizon: baseline.churn_log_odds(horizon)
                + self.boosters["churn"].clipped(own)
                + centers.get(horizon, 0.0)
                for horizon, own in zip(self.horizons_days, churn, strict=True)
            },
        )

    def to_state(self) -> dict[str, Any]:
        """Everything but the trees, as JSON-able values."""
        state = {name: value for name, value in asdict(replace(self, boosters={})).items() if name != "boosters"}
        centers = {str(horizon): value for horizon, value in (self.churn_centers or {}).items()}
        return {**state, "horizons_days": list(self.horizons_days), "churn_centers": centers}

    def to_texts(self) -> dict[str, str]:
        """The trees in LightGBM's text format, by name."""
        return {f"prior_{name}": booster.to_text() for name, booster in self.boosters.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """What :meth:`to_state` and :meth:`to_texts` wrote."""
        centers = {int(horizon): value for horizon, value in state["churn_centers"].items()}
        boosters = {name: prior_booster(name, texts[f"prior_{name}"]) for name in OBJECTIVES}
        return cls(**{**state, "churn_centers": centers, "boosters": boosters})


@lru_cache(maxsize=1)
def shipped_boosters() -> Mapping[str, OffsetBooster]:
    """The boosters that the package ships, by what they correct."""
    return {name: prior_booster(name, (TREES_FOLDER / f"{name}.txt").read_text("ascii")) for name in OBJECTIVES}


def prior_booster(name: str, text: str) -> OffsetBooster:
    """The booster that corrects one thing, from its trees."""
    state = {"objective": OBJECTIVES[name], "trees": 0, "clip": MAX_PRIOR_CORRECTION, "seed": 0}
    return OffsetBooster.from_state(state, text)
