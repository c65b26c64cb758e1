"""A challenger's back-test, and the champion's forecasts at the same days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from customer_revenue.errors import ModelError, NotEnoughData
from customer_revenue.modeling import bundle
from customer_revenue.modeling.forecast_names import OURS
from customer_revenue.modeling.manifest import read_manifest
from customer_revenue.modeling.metrics import Forecast
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.tiers import Tier
from customer_revenue.orders.store import Store
from customer_revenue.policy import Gate
from customer_revenue.settings import FitOptions
from customer_revenue.workflows.evaluation.fold import BacktestFold, forecast_of, predict_from
from customer_revenue.workflows.evaluation.gate import judge
from customer_revenue.workflows.feature_rows import feature_rows
from customer_revenue.workflows.registry.bundles import CURRENT, current_version
from customer_revenue.workflows.registry.verdict import Check, Verdict

TIERS = (Tier.FULL, Tier.PROBABILITY_MODELS, Tier.POPULATION, Tier.FACTS_ONLY)
"""From the best to the poorest."""

FITTED_TIERS = (Tier.FULL, Tier.PROBABILITY_MODELS)

MAX_CHALLENGE_CUSTOMERS = 50_000
"""Maximum number of customers compared; a sample of this size is enough, and it is the same each time."""

RECIPE = {"interval_mass", "seed", "options"}
"""Settings that decide how a model is fitted to what it is given."""


def recipe_of(fit: FitOptions) -> dict[str, Any]:
    """How a model is fitted, for its manifest."""
    return fit.model_dump(mode="json", include=RECIPE, exclude={"options": {"folds"}})


def challenge(
    store: Store,
    models: Path,
    fit: FitOptions,
    predictor: Predictor,
    folds: Sequence[BacktestFold],
    gate: Gate,
    others: Sequence[Check] = (),
) -> Verdict:
    """The gate's verdict on a predictor by its back-test, against the champion that is there now.

    An fold at which there was too little for what the predictor rests on says nothing about it and is left out;
    averages of the population, all that a small shop can have, claim no skill that could be measured. Where no model
    answers yet, what fails is a warning.
    """
    fitted = predictor.tier_ in FITTED_TIERS
    folds = [fold for fold in folds if fitted and not _lower(fold.predictor, predictor)]
    version = current_version(models)
    if version is None:
        return replace(judge(folds, gate, None, {}, others), first=True)
    try:
        champion = bundle.load(models / CURRENT)
    except ModelError:  # one that cannot answer is as good as none
        return replace(judge(folds, gate, version, {}, others), first=True)
    forecasts = _forecasts(store, fit, champion, folds, _recipe_in(models) or recipe_of(fit))
    return judge(folds, gate, version, forecasts, [*others, _tier(predictor, champion)])


def _rows_for(predictor: Predictor, store: Store, fold: BacktestFold) -> pa.Table:
    """The fold's customers with the covariates of another predictor."""
    if set(predictor.covariates) <= set(fold.features.column_names):
        return fold.features
    return feature_rows(store, store.as_of(fold.cutoff), MAX_CHALLENGE_CUSTOMERS, predictor.covariates)


def _recipe_in(models: Path) -> Mapping[str, Any] | None:
    recipe: Mapping[str, Any] | None = read_manifest(models / CURRENT).get("recipe")
    return recipe


def _tier(predictor: Predictor, champion: Predictor) -> Check:
    text = f"predictions rest on {predictor.tier_}, the champion's on {champion.tier_}"
    return Check("tier", not _lower(predictor, champion), text)


def _lower(one: Predictor, other: Predictor) -> bool:
    return TIERS.index(one.tier_) > TIERS.index(other.tier_)


def _forecasts(
    store: Store, fit: FitOptions, champion: Predictor, folds: Sequence[BacktestFold], recipe: Mapping[str, Any]
) -> dict[dt.date, Forecast]:
    """The champion's forecasts by cut-off.

    A champion that was trained by the cut-off predicts as it is. One that was trained later knows what is to be
    predicted; its settings are fitted anew to what was known, which for equal settings is the challenger itself.
    """
    forecasts = {}
    for fold in folds:
        if champion.as_of_day <= fold.cutoff:
            try:
                then = champion.as_of(fold.cutoff)
                predicted = then.predict(_rows_for(then, store, fold), fold.horizon_days)
            except NotEnoughData:
                continue
            forecasts[fold.cutoff] = forecast_of(then, fold.features, predicted)
        elif recipe == recipe_of(fit):
            forecasts[fold.cutoff] = fold.forecasts[OURS]
        else:
            own = FitOptions.model_validate({**fit.model_dump(), **recipe})
            anew = predict_from(store, own, fold.cutoff, fold.horizon_days, MAX_CHALLENGE_CUSTOMERS)
            forecasts[fold.cutoff] = anew.forecasts[OURS]
    return forecasts
