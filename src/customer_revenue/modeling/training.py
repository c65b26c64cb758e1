"""Training of the boosters on rolling windows, and the choice of their weight by back-test inside the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from customer_revenue.modeling.boosters import OffsetBooster
from customer_revenue.modeling.churn import ChurnClassifier
from customer_revenue.modeling.distribution import Spread, fit_spread
from customer_revenue.modeling.histories import Floats, column
from customer_revenue.modeling.views import FEATURE_NAMES, Base, View
from customer_revenue.modeling.windows import SHORT_HORIZONS_DAYS, Window

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Scene:
    """A window seen through the probability models of its own cut-off, with what came after."""

    view: View
    horizon_days: int
    customers: npt.NDArray[np.object_]
    outcomes: dict[str, Floats]

    @classmethod
    def of(cls, window: Window, regularity: int) -> Scene:
        """A window, its labels put in the order of its features."""
        ids = window.features.column("customer_id")
        labels = window.labels.take(pc.index_in(ids, value_set=window.labels.column("customer_id").combine_chunks()))
        outcomes = {name: column(labels, name) for name in labels.column_names if name != "customer_id"}
        view = View.of(window.features, Base.fitted(window.features, regularity))
        return cls(view, window.horizon_days, np.asarray(ids.to_pylist(), dtype=object), outcomes)

    @property
    def purchases(self) -> Floats:
        """Purchase days within the window's horizon."""
        return self.outcomes[f"purchases_{self.horizon_days}"]

    @property
    def revenue(self) -> Floats:
        """Gross revenue within the window's horizon, in cents."""
        return self.outcomes[f"revenue_cents_{self.horizon_days}"]


@dataclass(frozen=True)
class Learned:
    """The boosted corrections and their weights, each in [0, 1]; ``churn`` by horizon in days."""

    purchases: OffsetBooster
    revenue: OffsetBooster
    churn: dict[int, ChurnClassifier]
    weights: dict[str, float]
    spread: Spread


def learn(scenes: Sequence[Scene], horizon_days: int, seed: int) -> Learned:
    """Boosters on all windows, with weights that did best on the latest when trained on the others.

    Args:
        scenes: the windows, latest first.
        horizon_days: the predictor's horizon; the windows' own may be shorter.
        seed: of everything random.
    """
    purchases, revenue = _amounts(scenes, seed)
    weights, spread = _back_test(scenes, seed)
    churn = {}
    for horizon in sorted({*SHORT_HORIZONS_DAYS, horizon_days}):
        own = _churn(scenes, horizon if horizon in SHORT_HORIZONS_DAYS and horizon < horizon_days else None, seed)
        if own is not None:
            churn[horizon] = own
    return Learned(purchases, revenue, churn, weights, spread)


def _amounts(scenes: Sequence[Scene], seed: int) -> tuple[OffsetBooster, OffsetBooster]:
    X = np.vstack([s.view.matrix for s in scenes])
    log_purchases = np.concatenate([s.view.log_purchases(s.horizon_days) for s in scenes])
    log_spend = np.concatenate([np.log(np.maximum(s.view.spend_cents, 1.0)) for s in scenes])
    purchases = OffsetBooster("poisson", seed=seed).fit(X, np.concatenate([s.purchases for s in scenes]), log_purchases)
    offset = log_purchases + log_spend
    money = np.exp(np.mean(log_spend))
    revenue = OffsetBooster("tweedie", seed=seed)
    revenue.fit(X, np.concatenate([s.revenue for s in scenes]) / money, offset - np.log(money))
    return purchases, revenue


def _churn(scenes: Sequence[Scene], horizon_days: int | None, seed: int) -> ChurnClassifier | None:
    """The classifier of one horizon, or of each window's own where None is given."""
    usable = [s for s in scenes if horizon_days is None or f"purchases_{horizon_days}" in s.outcomes]
    if not usable:
        return None
    days = [s.horizon_days if horizon_days is None else horizon_days for s in usable]
    X = np.vstack([s.view.churn_matrix(d) for s, d in zip(usable, days, strict=True)])
    y = np.concatenate([s.outcomes[f"purchases_{d}"] == 0 for s, d in zip(usable, days, strict=True)])
    groups = np.unique(np.concatenate([s.customers for s in usable]).astype(str), return_inverse=True)[1]
    return ChurnClassifier(offset_column=len(FEATURE_NAMES) - 1, seed=seed).fit(X, y.astype(float), groups)


def _back_test(scenes: Sequence[Scene], seed: int) -> tuple[dict[str, float], Spread]:
    """Weights and scatter measured on the latest window, by boosters trained on the earlier ones."""
    test, train = scenes[0], scenes[1:]
    log_purchases = test.view.log_purchases(test.horizon_days)
    log_revenue = log_purchases + np.log(np.maximum(test.view.spend_cents, 1.0))
    weights = {"purchases": 0.0, "revenue": 0.0}
    if train:
        purchases, revenue = _amounts(train, seed)
        count_gain, money_gain = purchases.correction(test.view.matrix), revenue.correction(test.view.matrix)
        weights["purchases"] = _best_weight(test.purchases, log_purchases, count_gain)
        weights["revenue"] = _best_weight(test.revenue, log_revenue, money_gain)
        log_purchases = log_purchases + weights["purchases"] * count_gain
        log_revenue = log_revenue + weights["revenue"] * money_gain
    p = 1 - 1 / (1 + np.exp(-test.view.churn_log_odds(test.horizon_days)))
    spread = fit_spread(test.purchases, test.revenue, np.exp(log_purchases), np.exp(log_revenue), p)
    return weights, spread


def _best_weight(y: Floats, offset: Floats, gain: Floats) -> float:
    """The weight of the correction with the least Poisson deviance, scaled by the mean."""
    scale = max(float(y.mean()), 1e-9)

    def deviance(weight: float) -> float:
        log_mean = offset + weight * gain
        return float(np.mean(np.exp(log_mean) / scale - y / scale * log_mean))

    return min(WEIGHTS, key=deviance)
