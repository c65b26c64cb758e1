"""The models beside which ours is measured, each trained on what was known at the cut-off.

BG/NBD, MBG/NBD and Pareto/NBD with Gamma-Gamma are the project's own models; their distributions are simulated from the
posterior of each customer. The naive rule is that of the back-test. LightGBM learns outcomes directly from features.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.modeling.comparators import outcomes, probability_forecast
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.proper_scores import pinball
from customer_revenue.modeling.purchase_histories import Histories, column
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeo
from customer_revenue.modeling.rolling_windows import Window
from customer_revenue.tables import FEATURE_COLUMNS

PROBABILITY_MODELS: dict[str, type[BetaGeo] | type[ModifiedBetaGeo] | type[ParetoNBD]] = {
    "BG/NBD + Gamma-Gamma": BetaGeo,
    "MBG/NBD + Gamma-Gamma": ModifiedBetaGeo,
    "Pareto/NBD + Gamma-Gamma": ParetoNBD,
}
LIGHTGBM = "LightGBM, direct"
SIMULATED = 500
"""Futures of each customer."""
CHUNK = 4_000
CHANCES = (0.1, 0.5, 0.9)
LIGHTGBM_PARAMETERS = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "num_threads": 1,
    "verbosity": -1,
    "seed": 0,
    "deterministic": True,
}
ROUNDS = 100


@dataclass(frozen=True)
class Simulated:
    """Scores of simulated distributions: CRPS, and the mean pinball loss of the published quantiles."""

    purchases_crps: Floats
    purchases_pinball: Floats
    revenue_crps: Floats
    revenue_pinball: Floats


def probability_model(name: str, features: pa.Table, horizon_days: int) -> Forecast:
    """One of :data:`PROBABILITY_MODELS`."""
    return probability_forecast(PROBABILITY_MODELS[name].name, features, horizon_days)


def simulated_scores(name: str, features: pa.Table, horizon_days: int, happened: Outcomes) -> Simulated:
    """The scores of a probability model's simulated futures, some customers at a time."""
    histories = Histories.from_table(features)
    model = PROBABILITY_MODELS[name]().fit(histories)
    n, cents = column(features, "spend_days"), column(features, "monetary_cents")
    spend = GammaGamma().fit(n, cents)
    rng = np.random.default_rng(0)
    parts = []
    for start in range(0, len(histories), CHUNK):
        rows = slice(start, start + CHUNK)
        counts = futures(model, histories.take(rows), horizon_days, rng)
        money = amounts(spend, counts, n[rows], cents[rows], rng)
        scores = [*ensemble_scores(counts, happened.purchases[rows]), *ensemble_scores(money, happened.revenue[rows])]
        parts.append(np.stack(scores))
    return Simulated(*np.concatenate(parts, axis=1))


def futures(
    model: BetaGeo | ModifiedBetaGeo | ParetoNBD, histories: Histories, days: int, rng: np.random.Generator
) -> Floats:
    """Simulated purchases within the days: customers in rows, futures in columns.

    Given alive, rate and dropout are independent, and each has the conjugate posterior.
    """
    x, age = histories.frequency[:, None], histories.T_days[:, None]
    size = (len(histories), SIMULATED)
    alive = rng.random(size) < model.probability_alive(histories)[:, None]
    rate = rng.gamma(np.broadcast_to(model.r_ + x, size)) / (model.alpha_ + age)
    if isinstance(model, ParetoNBD):
        dropout = rng.gamma(model.s_, size=size) / (model.beta_ + age)
        lived = np.minimum(rng.exponential(size=size) / np.maximum(dropout, 1e-300), days)
        return np.asarray(np.where(alive, rng.poisson(rate * lived), 0), dtype=np.float64)
    survived = x + 1 if model.dropout_after_first_purchase else x
    chance = rng.beta(model.a_, np.broadcast_to(model.b_ + survived, size))
    until_dropout = rng.geometric(np.clip(chance, 1e-12, 1.0))
    return np.asarray(np.where(alive, np.minimum(rng.poisson(rate * days), until_dropout), 0), dtype=np.float64)


def amounts(spend: GammaGamma, counts: Floats, n: Floats, cents: Floats, rng: np.random.Generator) -> Floats:
    """Simulated revenue of simulated purchases; NaN where Gamma-Gamma has no fit."""
    if spend.p_ is None or spend.q_ is None or spend.v_ is None:
        return np.full(counts.shape, np.nan)
    shape, rate = spend.q_ + spend.p_ * n[:, None], spend.v_ + (n * cents)[:, None]
    nu = rng.gamma(np.broadcast_to(shape, counts.shape)) / rate
    bought = np.maximum(counts, 1.0)
    return np.where(counts > 0, rng.gamma(spend.p_ * bought) / np.maximum(nu, 1e-300), 0.0)


def ensemble_scores(futures: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The unbiased CRPS of an ensemble (Ferro 2014), and the mean pinball loss of its quantiles."""
    ordered, m = np.sort(futures, axis=1), futures.shape[1]
    ranks = 2 * np.arange(1, m + 1) - m - 1
    between = 2 * (ordered @ ranks) / (m * (m - 1))
    crps = np.abs(ordered - y[:, None]).mean(axis=1) - between / 2
    quantiles = (ordered[:, int(np.ceil(chance * m)) - 1] for chance in CHANCES)
    losses = [pinball(quantile, y, chance) for quantile, chance in zip(quantiles, CHANCES, strict=True)]
    return crps, np.mean(losses, axis=0)


def lightgbm_forecast(features: pa.Table, window: Window, horizon_days: int) -> Forecast:
    """LightGBM from features to outcomes, trained on the window before.

    A shorter window is scaled up to the horizon: counts and revenue by the ratio, the chance of none to its power.
    """
    happened = outcomes(window.features, window.labels, window.horizon_days)
    before, now = (np.column_stack([column(t, c) for c in FEATURE_COLUMNS[1:]]) for t in (window.features, features))
    scale = horizon_days / window.horizon_days

    def learned(objective: str, y: Floats) -> Floats:
        data = lgb.Dataset(before, label=y)
        booster = lgb.train({**LIGHTGBM_PARAMETERS, "objective": objective}, data, num_boost_round=ROUNDS)
        return np.asarray(booster.predict(now, num_threads=1), dtype=np.float64)

    chance = learned("binary", happened.bought.astype(np.float64))
    return Forecast(
        purchases=learned("poisson", happened.purchases) * scale,
        revenue=learned("tweedie", happened.revenue) * scale,
        probability=1 - (1 - chance) ** scale,
        next_days=np.full(features.num_rows, np.inf),
    )
