"""Fit the ensemble: boosters on rolling windows, and weights chosen by a back-test within the history."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from customer_revenue.arrays import Floats
from customer_revenue.modeling.baseline_guard import LogForecast, Scatter, own_shares
from customer_revenue.modeling.boosters import TREES, OffsetBooster, binned
from customer_revenue.modeling.churn import ChurnClassifier
from customer_revenue.modeling.churn_model import ChurnModel
from customer_revenue.modeling.ensemble import (
    FittedEnsemble,
    Models,
    Weights,
    combine,
    direct_columns,
)
from customer_revenue.modeling.levels import log_odds_level, log_ratio, shrunk
from customer_revenue.modeling.predictive_distribution import fit_dispersion
from customer_revenue.modeling.season import Season, learn_season
from customer_revenue.modeling.shop_prior import ShopPrior
from customer_revenue.modeling.training_windows import TrainingWindow, stack, stack_others

PRIOR_WEIGHTS = Weights(offset=0.6, direct=0.2, pareto=0.2)
"""What the back-test starts from; its choice and this one are averaged, for one window proves little."""

CANDIDATES = (
    PRIOR_WEIGHTS,
    Weights(offset=1.0, direct=0.0, pareto=0.0),
    Weights(offset=0.7, direct=0.3, pareto=0.0),
    Weights(offset=0.5, direct=0.0, pareto=0.5),
    Weights(offset=0.3, direct=0.3, pareto=0.4),
    Weights(offset=0.0, direct=0.0, pareto=1.0),
    Weights(offset=0.0, direct=0.0, pareto=0.5),
)

SPEND_CANDIDATES = (0.0, 0.25, 0.5, 0.75)

CLASSIFIER_CANDIDATES = tuple(share / 20 for share in range(21))
CLASSIFIER_DEVIATION = 0.2
"""Standard deviation of the prior of the classifier's share, whose mean is that of :data:`PRIOR_WEIGHTS`."""

FADING = 0.6
"""A window weighs this much of the next later one."""

SIZES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

LEVEL_SHARE = 0.5
"""Share of each window's own level that the churn classifiers learn."""

MAX_SPEND_CORRECTION = 1.0

MIN_BUYERS = 40
"""Customers who must have bought, and paid, in the latest window and in those before: of nobody nothing is learned."""

MIN_WINDOWS_OF_SCATTER = 3

CUSTOMERS_TO_TRUST = 500
"""Number of customers at which what the shop taught and what others did weigh the same: boosters need many."""

CUSTOMERS_WITHOUT_PRIOR = 20_000
"""From this number of customers on there is no prior: it would weigh less than a fortieth of what is learned."""


def learn(
    training_windows: Sequence[TrainingWindow],
    around_season: Sequence[TrainingWindow],
    horizon_days: int,
    short_horizons_days: Sequence[int],
    seed: int,
    trees: int = TREES,
    *,
    prior: bool = True,
) -> FittedEnsemble:
    """Everything that is learned from earlier windows.

    Args:
        training_windows: those of the longest horizon first, latest first; then shorter ones for the short horizons.
        around_season: what :func:`learn_season` compares.
        horizon_days: the predictor's horizon; the windows' own may be shorter.
        short_horizons_days: at which churn is learned too.
        seed: of everything random.
        trees: of each booster.
        prior: whether a small shop starts from what other shops taught.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:  # LightGBM trains without the interpreter's lock
        testing = pool.submit(_back_test, training_windows, horizon_days, seed, trees, prior=prior)
        models = fit_boosters(training_windows, horizon_days, short_horizons_days, seed, trees)
        tested = testing.result()
    longest = _longest(training_windows)
    taught = _prior(longest[0], horizon_days, models) if prior else None
    models, weights = replace(models, prior=taught), tested.weights if taught else tested.weights.without_prior()
    return replace(tested, models=models, weights=weights, season=learn_season(longest, around_season))


def _prior(window: TrainingWindow, horizon_days: int, models: Models) -> ShopPrior | None:
    """What other shops taught, for a small shop as of a window; None where it would weigh nothing, or does not fit."""
    if len(window.purchases) >= CUSTOMERS_WITHOUT_PRIOR:
        return None
    return ShopPrior.shipped(window.baseline, horizon_days, tuple(models.churn))


def _applied(chosen: Weights, latest: TrainingWindow, horizon_days: int) -> Weights:
    """The weights that a shop's back-test chose, as they are used: shrunk by how few customers chose them."""
    if latest.horizon_days < horizon_days:
        # The back-test cannot see how the members differ beyond its own horizon.
        chosen = replace(PRIOR_WEIGHTS, spend=chosen.spend, classifier=chosen.classifier)
    customers = len(latest.purchases)
    return chosen.shrunk(customers / (customers + CUSTOMERS_TO_TRUST))


def too_little_happened(training_windows: Sequence[TrainingWindow]) -> str:
    """Why nothing can be learned from these windows; empty where something can."""
    latest, *earlier = _longest(training_windows)
    for name, windows in (("the latest past window", [latest]), ("earlier past windows", earlier)):
        if not windows:
            continue
        for what in ("purchases", "revenue"):
            buyers = sum(int(np.sum(getattr(window, what) > 0)) for window in windows)
            if buyers < MIN_BUYERS:
                return f"only {buyers} customers with {what} in {name}; {MIN_BUYERS} are needed to learn from them"
    return ""


def _longest(training_windows: Sequence[TrainingWindow]) -> list[TrainingWindow]:
    return [
        training_window
        for training_window in training_windows
        if training_window.horizon_days == training_windows[0].horizon_days
    ]


def fit_boosters(
    training_windows: Sequence[TrainingWindow],
    horizon_days: int,
    short_horizons_days: Sequence[int],
    seed: int,
    trees: int = TREES,
) -> Models:
    """The boosters, fitted on all windows; churn is learned at the predictor's horizon and at some short ones.

    Purchases and spend are learned with each window's level taken out: what is learned is who buys more than whom. The
    level of purchases in one season says little about the next; that of spend hardly moves, and is kept.
    """
    longest = _longest(training_windows)
    X = np.vstack([s.baseline.matrix for s in longest])
    fading = FADING ** np.arange(len(longest))
    weight = stack([np.full(len(s.purchases), faded) for s, faded in zip(longest, fading, strict=True)])
    if longest[0].others is not None:
        weight = weight * stack_others(longest)
    base = stack([s.baseline.log_purchases(s.horizon_days) + s.purchase_level().value for s in longest])
    spend = stack([np.log(np.maximum(s.baseline.spend_cents, 1.0)) + s.spend_level().value for s in longest])
    purchases, revenue = stack([s.purchases for s in longest]), stack([s.revenue for s in longest])
    categories = longest[0].baseline.categories
    bins = binned(X, seed, categories)
    offset = OffsetBooster("poisson", trees, seed=seed).fit(bins, purchases, base, weight)
    rate = float(np.log(max(np.average(purchases, weights=weight), 1e-9) / longest[0].horizon_days))
    seen = direct_columns(X.shape[1])
    direct = OffsetBooster("poisson", trees, clip=20.0, seed=seed, categories=[seen.index(c) for c in categories])
    # What is binned is let go of before the trees are grown: at a million customers, five grow side by side.
    direct.fit(
        binned(X[:, seen], seed, direct.categories),
        purchases,
        np.full(len(X), rate + np.log(longest[0].horizon_days)),
        weight,
    )
    unit = float(np.mean(spend))
    money = OffsetBooster("tweedie", trees, clip=MAX_SPEND_CORRECTION, seed=seed)
    relative = np.round(revenue / np.exp(unit), 9)  # the same in every unit of money
    customers = np.concatenate([s.customers for s in longest]).astype(str)
    learned = cross_fitted(X, purchases, base, weight, customers, seed, trees, categories)
    expected = base + learned + np.round(spend - unit, 9)
    money.fit(bins, relative, expected, weight)
    # Tweedie's deviance lets the total go for the many who spend little.
    center = log_ratio(float(weight @ relative), float(weight @ np.exp(expected + money.correction(X))))
    del X, bins
    levels = [s.spend_level() for s in longest]
    # The windows share customers, so that their mean is hardly steadier than one of them.
    level, variance = (np.average([getattr(s, of) for s in levels], weights=fading) for of in ("value", "variance"))
    churn = _churn(training_windows, horizon_days, seed, trees, short_horizons_days)
    return Models(offset, direct, rate, money, shrunk(float(level), float(variance)), center, churn)


def cross_fitted(
    X: Floats,
    purchases: Floats,
    base: Floats,
    weight: Floats,
    customers: npt.NDArray[np.str_],
    seed: int,
    trees: int,
    categories: Sequence[int] = (),
) -> Floats:
    """Each row's correction of purchases, learned from half of the customers, to whom the row does not belong.

    A correction that has seen the row expects more of those who bought, so that their revenue would look small.
    """
    _, place = np.unique(customers, return_inverse=True)
    half = (np.random.default_rng(seed).random(int(place.max()) + 1) < 0.5)[place]
    correction = np.zeros(len(X))
    for side in (half, ~half):
        if side.any():
            booster = OffsetBooster("poisson", trees, seed=seed, categories=categories)
            booster.fit(binned(X[side], seed, categories), purchases[side], base[side], weight[side])
            correction[~side] = booster.correction(X[~side])
    return correction


def _churn(
    training_windows: Sequence[TrainingWindow],
    horizon_days: int,
    seed: int,
    trees: int,
    short_horizons_days: Sequence[int],
) -> dict[int, ChurnModel]:
    """One classifier per horizon that the windows have; that of the predictor's horizon learns at the windows' own."""
    classifiers = {}
    for horizon in sorted({*short_horizons_days, horizon_days}):
        own = horizon if horizon != horizon_days else training_windows[0].horizon_days
        usable = [s for s in training_windows if f"purchases_{own}" in s.outcomes]
        if not usable:
            continue
        X = np.vstack([s.baseline.churn_matrix(own, LEVEL_SHARE * s.churn_level(own).value) for s in usable])
        churned = stack([s.outcomes[f"purchases_{own}"] == 0 for s in usable])
        if churned.min() == churned.max():  # all alike: there is nothing to distinguish
            continue
        groups = np.unique(np.concatenate([s.customers for s in usable]).astype(str), return_inverse=True)[1]
        classifier = ChurnClassifier(X.shape[1] - 1, trees, seed=seed, categories=usable[0].baseline.categories)
        weight = None if usable[0].others is None else stack_others(usable)
        classifiers[horizon] = classifier.fit(X, churned.astype(float), groups, weight).fitted
    return classifiers


def _back_test(
    training_windows: Sequence[TrainingWindow], horizon_days: int, seed: int, trees: int, *, prior: bool
) -> FittedEnsemble:
    """The choices that do best on the latest window, for models trained on what had ended before it.

    What is judged against the baseline is the forecast with the weights as they are applied, shrunk and with the prior.
    """
    longest = _longest(training_windows)
    test, earlier = _parted(longest, seed)
    known = longest[0].baseline, pa.chunked_array([pa.array(longest[0].customers, pa.string())])
    earlier = [window.of_others(*known) for window in earlier]
    models = fit_boosters(earlier, test.horizon_days, (), seed, trees)
    corrections = models.predict(test.baseline)
    members = corrections.members(test.horizon_days)
    whole = partial(test.baseline.with_own_season, horizon_days=test.horizon_days)
    best = min(CANDIDATES, key=lambda w: _deviance(test.purchases, whole(combine(members, w))))
    others = corrections.log_purchases(test.horizon_days, _averaged(best, PRIOR_WEIGHTS).centered(members))
    log_purchases = whole(others)
    spend = min(
        SPEND_CANDIDATES,
        key=lambda share: _deviance(test.revenue, log_purchases + corrections.log_spend(replace(best, spend=share))),
    )
    weights = _averaged(replace(best, spend=spend), PRIOR_WEIGHTS)
    none = test.purchases == 0
    mixed = partial(test.baseline.churn_with_own_season, horizon_days=test.horizon_days)
    zero = {size: mixed(corrections.zero_log_odds(others, test.horizon_days, size)) for size in SIZES}
    size = min(SIZES, key=lambda size: _log_loss(none, zero[size]))
    if (classified := corrections.classified.get(test.horizon_days)) is not None:
        weights = replace(weights, classifier=_classifier_share(none, mixed(classified), zero[size]))
    weights = _applied(weights, longest[0], horizon_days)
    taught = _prior(longest[0], test.horizon_days, models) if prior else None
    corrections = replace(corrections, prior=taught.predict(test.baseline) if taught else None)
    here = (weights if taught else weights.without_prior()).centered(corrections.members(test.horizon_days))
    log_purchases = whole(corrections.log_purchases(test.horizon_days, here))
    log_odds = corrections.churn_log_odds(test.horizon_days, here, size)
    log_odds = zero[size] if log_odds is None else mixed(log_odds)
    ours = LogForecast(log_purchases, log_odds, corrections.log_spend(here))
    own = own_shares(test.happened, ours, test.baseline.of_beta_geo(test.horizon_days), seed, _scatter(longest))
    p = expit(-log_odds)
    # Levels are taken out, so that the dispersion is that of single customers.
    purchases = np.maximum(_scaled_to_total(np.exp(log_purchases), test.purchases), p)
    revenue = _scaled_to_total(purchases * np.exp(corrections.log_spend(here)), test.revenue)
    dispersion = fit_dispersion(test.purchases, test.revenue, purchases, revenue, p, test.baseline.columns["frequency"])
    dispersion = dispersion.widened(float(np.mean([s.purchase_level().value ** 2 for s in longest])))
    return FittedEnsemble(models, weights, Season(), dispersion, size, test.horizon_days, own)


def _parted(longest: Sequence[TrainingWindow], seed: int) -> tuple[TrainingWindow, list[TrainingWindow]]:
    """What is tested on, and what is learned from: no customer's outcome is in both, not even in part.

    Windows overlap: those that had ended by the cut-off of the latest are learned from. Without any, half of the
    customers are, in all windows, and the others are tested on.
    """
    latest = longest[0]
    ended = [window for window in longest[1:] if window.lag_days >= latest.lag_days + window.horizon_days]
    if ended:
        return latest, ended
    ids = np.unique(np.concatenate([window.customers for window in longest]).astype(str))
    learned_from = ids[np.random.default_rng(seed).random(len(ids)) < 0.5]
    halves = [np.isin(window.customers.astype(str), learned_from) for window in longest]
    return latest.take(~halves[0]), [window.take(half) for window, half in zip(longest, halves, strict=True)]


def _scatter(windows: Sequence[TrainingWindow]) -> Scatter:
    """How much the levels of windows differ from one to the next; unknown with fewer than three."""
    if len(windows) < MIN_WINDOWS_OF_SCATTER:
        return Scatter()
    levels = [
        tuple(level.value for level in (s.purchase_level(), s.churn_level(s.horizon_days), s.spend_level()))
        for s in windows
    ]
    return Scatter(*np.std(levels, axis=0, ddof=1).tolist())


def _averaged(a: Weights, b: Weights) -> Weights:
    return Weights(**{name: (value + vars(b)[name]) / 2 for name, value in vars(a).items()})


def _classifier_share(none: npt.NDArray[np.bool_], classified: Floats, counted: Floats) -> float:
    """The most likely share of the classifier in the log-odds of no purchase, given its prior.

    The level of one window says nothing of the next: each mixture is judged at its best.
    """

    def surprise(share: float) -> float:
        log_odds = share * classified + (1 - share) * counted
        at_best = log_odds + log_odds_level(log_odds, none)
        return (
            len(none) * _log_loss(none, at_best) + ((share - PRIOR_WEIGHTS.classifier) / CLASSIFIER_DEVIATION) ** 2 / 2
        )

    return min(CLASSIFIER_CANDIDATES, key=surprise)


def _scaled_to_total(expected: Floats, happened: Floats) -> Floats:
    return expected * max(float(happened.sum()), 1e-9) / max(float(expected.sum()), 1e-9)


def _deviance(y: Floats, log_mean: Floats) -> float:
    """Poisson deviance per unit of ``y``, up to a constant, at the best level: only the shape counts."""
    total = max(float(y.sum()), 1e-9)
    level = np.log(total / float(np.exp(log_mean).sum()))
    return float(np.sum(np.exp(log_mean + level) - y * (log_mean + level)) / total)


def _log_loss(happened: npt.NDArray[np.bool_], log_odds: Floats) -> float:
    return float(np.mean(np.logaddexp(0.0, log_odds) - happened * log_odds))
