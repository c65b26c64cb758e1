"""Training of the boosters on rolling windows, and the choices that a back-test inside the history makes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from customer_revenue.modeling.boosters import OffsetBooster
from customer_revenue.modeling.churn import ChurnClassifier
from customer_revenue.modeling.curve import Curve
from customer_revenue.modeling.distribution import fit_spread
from customer_revenue.modeling.ensemble import DIRECT_COLUMNS, Learned, Models, Season, Weights, combine
from customer_revenue.modeling.histories import Floats
from customer_revenue.modeling.scenes import Scene, stack
from customer_revenue.modeling.views import FEATURE_NAMES
from customer_revenue.modeling.windows import SHORT_HORIZONS_DAYS

PRIOR_WEIGHTS = Weights(offset=0.6, direct=0.2, pareto=0.2)
"""What the back-test starts from; its choice and this one are averaged, for one window proves little."""

CANDIDATES = (
    PRIOR_WEIGHTS,
    Weights(1.0, 0.0, 0.0),
    Weights(0.5, 0.5, 0.0),
    Weights(0.5, 0.0, 0.5),
    Weights(0.0, 0.0, 1.0),
    Weights(0.0, 0.0, 0.5),
    Weights(0.0, 0.5, 0.5),
)

FADING = 0.6
"""A window weighs this much of the next later one."""

DATE_SHARES = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)

WIDEST_SPEND_CORRECTION = 1.0


def learn(scenes: Sequence[Scene], horizon_days: int, seed: int) -> Learned:
    """Everything that is learned from earlier windows.

    Args:
        scenes: those of the longest horizon first, latest first; then shorter ones for the short horizons.
        horizon_days: the predictor's horizon; the windows' own may be shorter.
        seed: of everything random.
    """
    back_test = _back_test(scenes, seed)
    models = train(scenes, horizon_days, seed)
    return Learned(models, back_test.weights, _season(_longest(scenes)), back_test.spread, back_test.date_share)


def _longest(scenes: Sequence[Scene]) -> list[Scene]:
    return [scene for scene in scenes if scene.horizon_days == scenes[0].horizon_days]


def train(scenes: Sequence[Scene], horizon_days: int, seed: int) -> Models:
    """The boosters, on all scenes.

    The offset member sees each window with its level taken out: what it learns is who buys more than whom, for the
    level of one season says little about the next. Spend a purchase keeps its level, which hardly moves.
    """
    longest = _longest(scenes)
    X = np.vstack([s.view.matrix for s in longest])
    weight = stack([np.full(len(s.purchases), FADING**i) for i, s in enumerate(longest)])
    base = stack([s.view.log_purchases(s.horizon_days) + s.purchase_level() for s in longest])
    spend = stack([np.log(np.maximum(s.view.spend_cents, 1.0)) for s in longest])
    purchases, revenue = stack([s.purchases for s in longest]), stack([s.revenue for s in longest])
    unit = float(np.mean(spend))
    offset = OffsetBooster("poisson", seed=seed).fit(X, purchases, base, weight)
    rate = float(np.log(max(np.average(purchases, weights=weight), 1e-9) / longest[0].horizon_days))
    direct = OffsetBooster("poisson", clip=20.0, seed=seed)
    direct.fit(X[:, DIRECT_COLUMNS], purchases, np.full(len(X), rate + np.log(longest[0].horizon_days)), weight)
    money = OffsetBooster("tweedie", clip=WIDEST_SPEND_CORRECTION, seed=seed)
    money.fit(X, revenue / np.exp(unit), base + offset.correction(X) + spend - unit, weight)
    return Models(offset, direct, rate, money, _churn(scenes, horizon_days, seed))


def _churn(scenes: Sequence[Scene], horizon_days: int, seed: int) -> dict[int, ChurnClassifier]:
    """A classifier for each horizon that the windows know; that of the predictor's learns at the windows' own."""
    classifiers = {}
    for horizon in sorted({*SHORT_HORIZONS_DAYS, horizon_days}):
        own = horizon if horizon != horizon_days else scenes[0].horizon_days
        usable = sorted((s for s in scenes if f"purchases_{own}" in s.outcomes), key=lambda s: s.lag_days)
        if not usable:
            continue
        X = np.vstack([s.view.churn_matrix(own) for s in usable])
        churned = stack([s.outcomes[f"purchases_{own}"] == 0 for s in usable])
        weight = stack([np.full(len(s.purchases), FADING**i) for i, s in enumerate(usable)])
        groups = np.unique(np.concatenate([s.customers for s in usable]).astype(str), return_inverse=True)[1]
        classifier = ChurnClassifier(offset_column=len(FEATURE_NAMES) - 1, seed=seed)
        classifiers[horizon] = classifier.fit(X, churned.astype(float), groups, weight)
    return classifiers


def _season(scenes: Sequence[Scene]) -> Season:
    """This season's levels less those of the other seasons, shrunk by the number of years that show them."""
    same, other = [s for s in scenes if s.same_season()], [s for s in scenes if not s.same_season()]
    if not same or not other:
        return Season()
    kept = len(same) / (len(same) + 0.5)

    def contrast(levels: Sequence[float], others: Sequence[float]) -> float:
        return float(kept * (np.mean(levels) - np.mean(others)))

    return Season(
        purchases=contrast([s.purchase_level() for s in same], [s.purchase_level() for s in other]),
        spend=contrast([s.spend_level() for s in same], [s.spend_level() for s in other]),
        churn=contrast([s.churn_level(s.horizon_days) for s in same], [s.churn_level(s.horizon_days) for s in other]),
    )


def _back_test(scenes: Sequence[Scene], seed: int) -> Learned:
    """The choices that do best on the latest window, for models trained on the earlier ones.

    With a single window they are trained on half of its customers and tested on the others.
    """
    longest = _longest(scenes)
    test, earlier = longest[0], longest[1:]
    if not earlier:
        half = np.random.default_rng(seed).random(len(test.purchases)) < 0.5
        test, earlier = test.take(half), [test.take(~half)]
    models = train(earlier, test.horizon_days, seed)
    members = models.members(test.view, test.horizon_days)
    weights = min(CANDIDATES, key=lambda w: _deviance(test.purchases, combine(members, w)))
    weights = _between(weights, PRIOR_WEIGHTS)
    churn = models.churn[test.horizon_days].decision_function(test.view.churn_matrix(test.horizon_days))
    p = expit(-churn)
    # Levels are taken out, since the scatter of single customers is what is asked for.
    purchases = np.maximum(_to_total(np.exp(combine(members, weights)), test.purchases), p)
    revenue = _to_total(purchases * np.exp(models.log_spend(test.view)), test.revenue)
    spread = fit_spread(test.purchases, test.revenue, purchases, revenue, p)
    return Learned(models, weights, Season(), spread, _date_share(test, p))


def _between(a: Weights, b: Weights) -> Weights:
    return Weights((a.offset + b.offset) / 2, (a.direct + b.direct) / 2, (a.pareto + b.pareto) / 2)


def _to_total(expected: Floats, happened: Floats) -> Floats:
    return expected * max(float(happened.sum()), 1e-9) / max(float(expected.sum()), 1e-9)


def _deviance(y: Floats, log_mean: Floats) -> float:
    """Poisson deviance, up to a constant, at the best level: what counts is the shape."""
    level = np.log(max(float(y.sum()), 1e-9) / float(np.exp(log_mean).sum()))
    return float(np.mean(np.exp(log_mean + level) - y * (log_mean + level)))


def _date_share(test: Scene, p: Floats) -> float:
    """The share of F(H) at which the dates had the least typical error; the median unless another is better."""
    days = test.next_days
    bought = np.isfinite(days)
    if not bought.any():
        return 0.5
    curve = Curve.through(test.view.base.purchases, test.view.histories, [test.horizon_days], [p])
    errors = {share: float(np.median(np.abs(np.ceil(curve.when(p * share)) - days)[bought])) for share in DATE_SHARES}
    return min(DATE_SHARES, key=lambda share: (errors[share], -share))
