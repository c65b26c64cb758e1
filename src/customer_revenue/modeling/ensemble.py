"""The learned part of a predictor: views of the future that err differently, and how much each is trusted.

Three members say how often each customer will buy. The *offset* member starts from the regularity model's expectation
and corrects it. The *direct* member knows no dying: it reads the rate off what similar customers did in earlier
windows. Pareto/NBD lets customers die at any time. The first learns best, the second forecasts too much over long
horizons and the other two too little, so that their geometric mean is steadier than any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from customer_revenue.modeling.boosters import OffsetBooster
from customer_revenue.modeling.churn import ChurnClassifier
from customer_revenue.modeling.distribution import Spread
from customer_revenue.modeling.histories import Floats
from customer_revenue.modeling.views import FEATURE_NAMES, View

AGE_NAMES = ("T_days", "recency_days")
"""What the direct member does not see: in a growing shop no earlier window has customers as old as today's."""

DIRECT_COLUMNS = [i for i, name in enumerate(FEATURE_NAMES[:-1]) if name not in AGE_NAMES]


@dataclass(frozen=True)
class Weights:
    """Shares of the members in the logarithm of expected purchases; what is missing to 1 is the base model's."""

    offset: float
    direct: float
    pareto: float

    @property
    def base(self) -> float:
        """The share of the regularity model, uncorrected."""
        return 1 - self.offset - self.direct - self.pareto


@dataclass(frozen=True)
class Season:
    """Logarithms by which this season is above the purchase models, learned from the same season of prior years.

    ``churn`` is in log-odds. All are 0 without a prior year.
    """

    purchases: float = 0.0
    spend: float = 0.0
    churn: float = 0.0


@dataclass(frozen=True)
class Models:
    """The boosters. ``direct_rate`` is the logarithm of the mean purchases a day that the direct member starts from."""

    offset: OffsetBooster
    direct: OffsetBooster
    direct_rate: float
    spend: OffsetBooster
    churn: dict[int, ChurnClassifier]

    def members(self, view: View, horizon_days: float) -> dict[str, Floats]:
        """Logarithm of each member's expected purchases, by its name."""
        base = view.log_purchases(horizon_days)
        direct = self.direct_rate + np.log(horizon_days) + self.direct.correction(view.matrix[:, DIRECT_COLUMNS])
        return {
            "base": base,
            "offset": base + self.offset.correction(view.matrix),
            "direct": direct,
            "pareto": view.log_pareto(horizon_days),
        }

    def log_spend(self, view: View) -> Floats:
        """Logarithm of the expected cents of a purchase day."""
        return np.log(np.maximum(view.spend_cents, 1.0)) + self.spend.correction(view.matrix)


@dataclass(frozen=True)
class Learned:
    """The boosters with what the back-test made of them.

    ``date_share`` is the share of F(H) at which the next purchase is predicted: the median is at one half.
    """

    models: Models
    weights: Weights
    season: Season
    spread: Spread
    date_share: float

    def log_purchases(self, view: View, horizon_days: float) -> Floats:
        """Logarithm of the expected purchases."""
        return combine(self.models.members(view, horizon_days), self.weights) + self.season.purchases

    def log_spend(self, view: View) -> Floats:
        """Logarithm of the expected cents of a purchase day."""
        return self.models.log_spend(view) + self.season.spend

    def churn_log_odds(self, view: View, horizon_days: int) -> Floats | None:
        """Log-odds of no purchase at a horizon that was learned, else None."""
        classifier = self.models.churn.get(horizon_days)
        if classifier is None:
            return None
        return classifier.decision_function(view.churn_matrix(horizon_days)) + self.season.churn

    def to_state(self) -> dict[str, Any]:
        """Everything but the trees, as JSON-able values."""
        models = self.models
        return {
            "offset": models.offset.to_state(),
            "direct": models.direct.to_state(),
            "direct_rate": models.direct_rate,
            "spend": models.spend.to_state(),
            "churn": {str(h): c.to_state() for h, c in models.churn.items()},
            "weights": asdict(self.weights),
            "season": asdict(self.season),
            "spread": asdict(self.spread),
            "date_share": self.date_share,
        }

    def to_texts(self) -> dict[str, str]:
        """The trees in LightGBM's text format, by name."""
        models = self.models
        churn = {f"churn_{h}": c.booster_.to_text() for h, c in models.churn.items()}
        amounts = {"offset": models.offset, "direct": models.direct, "spend": models.spend}
        return {name: booster.to_text() for name, booster in amounts.items()} | churn

    @classmethod
    def from_state(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """What :meth:`to_state` and :meth:`to_texts` wrote."""
        boosters = {name: OffsetBooster.from_state(state[name], texts[name]) for name in ("offset", "direct", "spend")}
        churn = {int(h): ChurnClassifier.from_state(c, texts[f"churn_{h}"]) for h, c in state["churn"].items()}
        return cls(
            models=Models(direct_rate=state["direct_rate"], churn=churn, **boosters),
            weights=Weights(**state["weights"]),
            season=Season(**state["season"]),
            spread=Spread(**state["spread"]),
            date_share=state["date_share"],
        )


def combine(members: Mapping[str, Floats], weights: Weights) -> Floats:
    """The weighted mean of the members' logarithms."""
    shares = {"base": weights.base, **asdict(weights)}
    return np.asarray(sum(shares[name] * logs for name, logs in members.items()))
