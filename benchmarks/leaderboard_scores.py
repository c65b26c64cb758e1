"""What the forecasts of the leaderboard are worth: figures of each model, and which differences are more than noise.

Figures are those of ``customer_revenue.modeling.metrics``. Customers are resampled with replacement, the same for
every model, so that differences are paired: ours has won or lost a cell where the 95 % interval of the difference
leaves out 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.leaderboard_runs import LeaderboardShop
from customer_revenue.arrays import Floats
from customer_revenue.modeling.metrics import Forecast, Outcomes, WeightedMetrics
from customer_revenue.modeling.proper_scores import pinball

ACCURACY = {
    "purchases_mae": "MAE",
    "purchases_rmse": "RMSE",
    "purchases_spearman": "Spearman",
    "revenue_mae": "rev. MAE",
    "revenue_rmse": "rev. RMSE",
    "revenue_gini": "rev. Gini",
    "probability_auc": "AUC",
}
CALIBRATION = {
    "purchases_bias": "bias",
    "revenue_bias": "rev. bias",
    "probability_ece": "ECE",
    "probability_log_loss": "log loss",
    "probability_brier": "Brier",
}
SHARPNESS = {"purchases_pinball": "pinball", "revenue_pinball": "rev. pinball"}
FIGURES = {**ACCURACY, **CALIBRATION, **SHARPNESS}
HIGHER = frozenset({"purchases_spearman", "revenue_gini", "probability_auc"})
ABSOLUTE = frozenset({"purchases_bias", "revenue_bias"})
CHANCES = {"low": 0.1, "median": 0.5, "high": 0.9}


@dataclass(frozen=True)
class Scores:
    """The figures of one model, on all customers and on each resample; NaN for what it does not forecast."""

    whole: Mapping[str, float]
    resampled: Mapping[str, Floats]
    intervals: Mapping[str, tuple[float, float]]
    """The share inside the 80 % interval, and its mean width, of ``purchases`` and of ``revenue``."""


def outcomes(orders: pd.DataFrame, shop: LeaderboardShop) -> tuple[pd.Index, Outcomes]:
    """The customers with an order by the cut-off, and what they did in the horizon after it."""
    start = pd.Timestamp(shop.cutoff)
    end = start + pd.Timedelta(days=shop.horizon_days)
    known = pd.Index(np.sort(orders.loc[orders["date"] <= start, "customer_id"].unique()), name="customer_id")
    after = orders[(orders["date"] > start) & (orders["date"] <= end)].groupby("customer_id")
    found = after.agg(n=("date", "nunique"), money=("amount", "sum"), first=("date", "min")).reindex(known)
    days = (found["first"] - start) / pd.Timedelta(days=1)
    purchases, money = (found[name].fillna(0.0).to_numpy(np.float64) for name in ("n", "money"))
    return known, Outcomes(purchases, money, np.asarray(days, dtype=np.float64))


def scores(path: str, known: pd.Index, happened: Outcomes, resamples: int) -> Scores:
    """Everything about one file of forecasts.

    Raises:
        ValueError: a customer is missing or there twice, or a forecast is no number.
    """
    found = pd.read_csv(path, dtype={"customer_id": str}).set_index("customer_id")
    if not found.index.is_unique or set(found.index) != set(known):
        raise ValueError(f"{len(found)} forecasts of {len(known)} customers")
    found = found.loc[known].astype(float)
    if not np.isfinite(found.to_numpy()).all():
        raise ValueError(f"{int((~np.isfinite(found)).any(axis=1).sum())} forecasts are no numbers")
    nothing = np.full(len(known), np.nan)

    def given(name: str) -> Floats:
        return found[name].to_numpy() if name in found else nothing

    forecast = Forecast(given("purchases"), given("revenue"), given("probability"), nothing)
    measured = WeightedMetrics(happened, forecast)
    names = [name for name in {**ACCURACY, **CALIBRATION} if name.partition("_")[0] in found]
    losses = {
        f"{what}_pinball": np.mean(
            [pinball(given(f"{what}_{name}"), getattr(happened, what), chance) for name, chance in CHANCES.items()],
            axis=0,
        )
        for what in ("purchases", "revenue")
        if f"{what}_low" in found
    }

    def figures(weights: Floats) -> dict[str, float]:
        values = dict.fromkeys(FIGURES, float("nan"))
        values |= dict(zip(names, measured.metrics(names, weights).tolist(), strict=True))
        return values | {name: float(weights @ loss / weights.sum()) for name, loss in losses.items()}

    n, rng = len(known), np.random.default_rng(1)
    drawn = [figures(np.bincount(rng.integers(0, n, n), minlength=n).astype(float)) for _ in range(resamples)]
    intervals = {}
    for what in ("purchases", "revenue"):
        low, high, y = given(f"{what}_low"), given(f"{what}_high"), getattr(happened, what)
        if f"{what}_low" in found:
            intervals[what] = (float(((y >= low - 0.005) & (y <= high + 0.005)).mean()), float((high - low).mean()))
    resampled = {name: np.array([one[name] for one in drawn]) for name in FIGURES}
    return Scores(figures(np.ones(n)), resampled, intervals)


def verdict(figure: str, ours: Scores, theirs: Scores) -> str:
    """``won``, ``lost`` or ``even``: what ours is against a rival in one figure; empty where one of them lacks it."""
    if not np.isfinite(ours.whole[figure]) or not np.isfinite(theirs.whole[figure]):
        return ""
    better = _badness(figure, theirs.resampled[figure]) - _badness(figure, ours.resampled[figure])
    low, high = np.nanpercentile(better, (2.5, 97.5))
    return "won" if low > 0 else "lost" if high < 0 else "even"


def _badness(figure: str, values: Floats) -> Floats:
    if figure in ABSOLUTE:
        return np.abs(values)
    return -values if figure in HIGHER else values
