"""Training: from the store to a tracked run, a bundle, the gate's verdict and perhaps a new champion."""

from __future__ import annotations

import datetime as dt
import io
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customer_revenue import tracking
from customer_revenue.console import Report
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling import bundle
from customer_revenue.modeling.chunks import one_blas_thread
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.modeling.purchase_models import BetaGeo
from customer_revenue.modeling.rolling_windows import Window
from customer_revenue.orders.store import Store, open_store
from customer_revenue.periods import AsOf
from customer_revenue.policy import load_policy
from customer_revenue.settings import FitOptions, ModelOptions, RegistryOptions, Settings
from customer_revenue.workflows.evaluation.challenge import MAX_CHALLENGE_CUSTOMERS, challenge, recipe_of
from customer_revenue.workflows.evaluation.covariate_choice import CovariateTrial, tried_covariates
from customer_revenue.workflows.evaluation.fold import (
    BacktestFold,
    fold_cutoffs,
    group_document,
    new_predictor,
    predict_from,
)
from customer_revenue.workflows.evaluation.metric_tables import mean_figures
from customer_revenue.workflows.feature_rows import label_rows, population, training_windows
from customer_revenue.workflows.registry.bundles import write_gate
from customer_revenue.workflows.registry.champion import Change, locked, promote, rolled_back, settle
from customer_revenue.workflows.registry.model_card import calibration, run_of, write_run
from customer_revenue.workflows.registry.tracking_delivery import deliver
from customer_revenue.workflows.registry.verdict import Check, Verdict
from customer_revenue.workflows.training.result import TrainingResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKTEST_HORIZON_DAYS = 90
TRACKING_POINTS = 13


def train(
    settings: Settings,
    as_of: dt.date | None,
    report: Report,
    *,
    make_it_current: bool = True,
    before_backtest: Callable[[Predictor, Mapping[str, object]], None] | None = None,
) -> TrainingResult:
    """Fit every model as of a day, back-test at earlier days, track the run and write the bundle.

    Args:
        settings: the store, the folder of models and the variant of the models.
        as_of: last day that training may know; the store's moment by default.
        report: receives progress messages.
        make_it_current: whether the new model answers from now on, if it passes the gate and no person rolled the
            champion back last; an experiment's does not.
        before_backtest: receives the fitted models, and the facts of their manifest, before they are back-tested.

    Raises:
        NotEnoughData: no customer has an order by the day that is asked for.
        ModelBusy: another training is under way.
    """
    started, fit, registry = time.monotonic(), settings.fit_options, settings.registry
    with (
        locked(settings.models, "training", 0),
        open_store(settings.store, settings.store_options) as store,
        ThreadPoolExecutor(max_workers=1) as pool,  # two at once need 0.9 GB more for a million customers, for 5 s
        one_blas_thread(),
    ):
        settle(registry)
        when = store.as_of(as_of or settings.as_of)
        fit, tried = _with_chosen_covariates(store, fit, when, report)
        report("Reading the customers' histories")
        # The back-test runs at the same time as the fit, unless somebody waits for the fitted models.
        testing = _back_test(pool, store, fit, when, report) if before_backtest is None else None
        customers = _population(store, when, fit.options.covariates, asked=(as_of or settings.as_of) is not None)
        windows = training_windows(store, when, settings.ltv_horizon_days, fit.options)
        report("Fitting the models")
        predictor = _fitted(new_predictor(fit, when.day, settings.ltv_horizon_days), customers, windows)
        version = f"{when.day:%Y%m%d}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%f}"
        facts = _facts(store, fit, predictor.horizon_days, when, version)
        if before_backtest is not None:
            before_backtest(predictor, facts)
        if testing is None:
            testing = _back_test(pool, store, fit, when, report)
        # Importing MLflow, Matplotlib and what checks the feed takes seconds, which pass while the back-test goes on.
        tracking.prepare(registry)
        import customer_revenue.plots  # noqa: F401
        from customer_revenue.workflows.monitoring.feed_checks import check_store

        folds = [fold for fold in (future.result() for future in testing) if fold is not None]
        verdict = None
        if make_it_current:
            policy = load_policy(settings.policy)
            feed = [
                Check(found.name, not found.alarm, found.text) for found in check_store(store, when, policy.monitoring)
            ]
            verdict = challenge(store, settings.models, fit, predictor, folds, policy.gate, feed)
            if verdict.warnings:
                predictor.tier_reason_ += f"; in use as the first model, though {'; '.join(verdict.warnings)}"
        extra = {**facts, "recipe": recipe_of(fit), "metrics": mean_figures(folds)}
        extra |= {"covariates_tried": [asdict(trial) for trial in tried]} if tried else {}
        folder = bundle.save(predictor, settings.models / version, {**extra, **_outcome(folds)})
        if verdict is not None:
            write_gate(folder, verdict)
        report("Tracking the run in MLflow")
        record = _record(store, fit, when, folder, predictor, customers, folds, verdict)
        tracking.queue_training(registry, record, challenger=make_it_current)
        write_run(folder, {})  # the training is done, whether or not the tracking server ever answers
        change, held = _settled(registry, version, verdict)
        deliver(registry)
    run = run_of(folder) or {}
    return TrainingResult(
        version=version,
        folder=folder,
        run_id=run.get("run_id"),
        registered_version=run.get("registered_version"),
        customers=customers.customers,
        windows=len(windows),
        predictor=predictor,
        last_fold=folds[-1] if folds else None,
        seconds=time.monotonic() - started,
        verdict=verdict,
        change=change,
        held=held,
        covariates=tuple(tried),
    )


def _with_chosen_covariates(
    store: Store, fit: FitOptions, when: AsOf, report: Report
) -> tuple[FitOptions, list[CovariateTrial]]:
    """The options with those of their covariates that make the back-test better, and what was tried."""
    if not fit.options.covariates:
        return fit, []
    tried = tried_covariates(store, fit, when, BACKTEST_HORIZON_DAYS, report)
    kept = tuple(trial.name for trial in tried if trial.is_kept)
    return fit.model_copy(update={"options": fit.options.model_copy(update={"covariates": kept})}), tried


def _settled(registry: RegistryOptions, version: str, verdict: Verdict | None) -> tuple[Change | None, str]:
    """Promote, if the verdict is good; or why not."""
    if verdict is None:
        return None, ""
    last = rolled_back(registry.models)
    if last is not None:
        return None, f"{last.by} rolled back ({last.why}); `customer-revenue promote` goes on from there"
    why = "the first model; the gate warns" if verdict.warnings else ""
    return (promote(registry, version, why) if verdict.passed else None), ""


def _population(store: Store, when: AsOf, covariates: Sequence[str], *, asked: bool) -> Population:
    """The customers to learn from: nobody where no customer has an order, unless a day was asked for.

    Raises:
        NotEnoughData: no customer has an order by the day that was asked for.
    """
    try:
        return population(store, when, covariates=covariates)
    except NotEnoughData:
        if asked:
            raise
        return Population.nobody()


def _fitted(predictor: Predictor, customers: Population, windows: Sequence[Window]) -> Predictor:
    if not customers.customers:
        predictor.tier_reason_ = "no customer has an order yet"
        return predictor
    return predictor.fit(customers, windows)


def _record(
    store: Store,
    fit: FitOptions,
    when: AsOf,
    folder: Path,
    predictor: Predictor,
    customers: Population,
    folds: Sequence[BacktestFold],
    verdict: Verdict | None,
) -> tracking.TrainingRecord:
    facts = _facts(store, fit, predictor.horizon_days, when, folder.name)
    judged = verdict.word if verdict else "experiment"
    documents = {"predictor.json": predictor.to_state(), "group_scores.json": group_document(folds)}
    return tracking.TrainingRecord(
        bundle=folder,
        parameters={**facts, **_counts(customers), **fitted_values(customers), **_weights(predictor)},
        metrics=mean_figures(folds),
        tags={
            "tier": str(predictor.tier_),
            "tier_reason": predictor.tier_reason_,
            "gate": judged,
            "variant": _variant(fit.options),
        },
        input_schema=customers.sample.schema,
        output_schema=_output_schema(predictor, customers.sample),
        figures=_figures(store, folds[-1]) if folds else {},
        documents=documents | ({"gate.json": verdict.to_document()} if verdict else {}),
        folds=[_fold(store, fold) for fold in folds],
        version_tags={"bundle": folder.name, "gate": judged},
    )


def fitted_values(customers: Population) -> dict[str, float]:
    """The parameters of BG/NBD (time in days) and Gamma-Gamma (money in cents), named as in the tracker.

    Empty where there are no repeat customers to fit them to.
    """
    if not customers.repeats:
        return {}
    purchases, spend = BetaGeo().fit(customers.histories).to_state(), customers.fitted_spend().to_state()
    values = {f"bgnbd_{name}": purchases[name] for name in ("r", "alpha", "a", "b")}
    return values | {f"gg_{name}": spend[name] for name in ("p", "q", "v")}


def _counts(customers: Population) -> dict[str, int]:
    return {"customers": customers.customers, "customers_sampled": customers.sample.num_rows}


def _variant(options: ModelOptions) -> str:
    """The options that differ from the defaults, to distinguish runs at a glance."""
    changed = options.model_dump(mode="json", exclude_defaults=True, exclude={"folds"})
    return ", ".join(f"{name}={value}" for name, value in changed.items()) or "usual"


def _weights(predictor: Predictor) -> dict[str, float]:
    return {f"weight_{name}": value for name, value in predictor.weights().items()}


def _back_test(
    pool: Executor, store: Store, fit: FitOptions, when: AsOf, report: Report
) -> list[Future[BacktestFold | None]]:
    """Origins in the order of their cut-offs; the horizon of the last ends with what is known."""

    def fold(cutoff: dt.date) -> BacktestFold | None:
        report(f"Back-testing at {cutoff}")
        try:
            found = predict_from(store, fit, cutoff, BACKTEST_HORIZON_DAYS, MAX_CHALLENGE_CUSTOMERS)
        except NotEnoughData:
            return None
        return found if found.outcomes is not None else None

    cutoffs = fold_cutoffs(store.info.first_day, when.day, fit.options.folds, BACKTEST_HORIZON_DAYS)
    return [pool.submit(fold, cutoff) for cutoff in cutoffs]


def _fold(store: Store, fold: BacktestFold) -> tracking.FoldRecord:
    """A fold as a run of its own within that of the training."""
    return tracking.FoldRecord(
        name=f"fold {fold.cutoff}",
        parameters={
            "cutoff": fold.cutoff,
            "horizon_days": fold.horizon_days,
            "customers": fold.features.num_rows,
            "data_fingerprint": store.info.fingerprint,
        },
        metrics=mean_figures([fold]),
    )


def _outcome(folds: Sequence[BacktestFold]) -> Mapping[str, object]:
    """What the model card shows of a back-test in addition to its metrics."""
    fold = folds[-1] if folds else None
    if fold is None or fold.outcomes is None:
        return {"backtest": None, "calibration": None}
    probability, bought = column(fold.predictions, "purchase_probability"), fold.outcomes.bought.astype(float)
    return {
        "backtest": {
            "cutoff": fold.cutoff.isoformat(),
            "horizon_days": fold.horizon_days,
            "customers": fold.features.num_rows,
        },
        "calibration": calibration(probability, bought),
    }


def _output_schema(predictor: Predictor, features: pa.Table) -> pa.Schema | None:
    """The columns of predictions; none where there are only facts."""
    try:
        return predictor.predict(features.slice(0, 1)).schema
    except NotEnoughData:
        return None


def _facts(store: Store, fit: FitOptions, ltv_horizon_days: int, when: AsOf, version: str) -> Mapping[str, object]:
    info = store.info
    return {
        "version": version,
        "store": info.url,
        "store_id": info.id,
        "currency": info.currency,
        "timezone": info.timezone,
        "data_fingerprint": info.fingerprint,
        "window_first_day": str(info.first_day),
        "window_last_day": str(when.day),
        "ltv_horizon_days": ltv_horizon_days,
        "discount_rate_per_year": str(fit.discount_rate_per_year),
        "interval_mass": fit.interval_mass,
        "seed": fit.seed,
        **{f"option_{name}": str(value) for name, value in fit.options.model_dump(mode="json").items()},
    }


def _figures(store: Store, fold: BacktestFold) -> dict[str, bytes]:
    from customer_revenue import plots
    from customer_revenue.plots.style import detached_figure

    assert fold.outcomes is not None
    days = np.unique(np.linspace(1, fold.horizon_days, TRACKING_POINTS).astype(int)).tolist()
    labels = label_rows(store, fold.cutoff, days, fold.features.column("customer_id"))
    actual = [float(column(labels, f"purchases_{day}").sum()) for day in days]
    expected = fold.predictor.expected_purchases(fold.features, days).sum(axis=0)
    probability = column(fold.predictions, "purchase_probability")
    (calibrated, left), (tracked, right) = detached_figure(), detached_figure()
    plots.reliability(probability, fold.outcomes.bought, ax=left)
    plots.tracking([0, *days], [0, *actual], [0, *expected], ax=right)
    return {"calibration.png": _png(calibrated), "tracking.png": _png(tracked)}


def _png(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()
