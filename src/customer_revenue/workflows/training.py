"""Training: from the store to a tracked run, a bundle and a champion."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customer_revenue import plots, tracking
from customer_revenue.console import Report
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling import bundle
from customer_revenue.modeling.histories import Histories, column
from customer_revenue.modeling.predictor import FITTED_COLUMNS, Predictor
from customer_revenue.modeling.purchases import BetaGeo
from customer_revenue.modeling.spend import GammaGamma
from customer_revenue.orders.store import Store, open_store
from customer_revenue.periods import AsOf
from customer_revenue.plots.style import detached_figure
from customer_revenue.settings import Settings
from customer_revenue.workflows.comparison import Origin, new_predictor, predict_from
from customer_revenue.workflows.figures import mean_figures, origin_table
from customer_revenue.workflows.folds import fold_cutoffs
from customer_revenue.workflows.frames import feature_rows, features_of, label_rows, training_windows
from customer_revenue.workflows.model_card import calibration, write_run
from customer_revenue.workflows.models import make_current

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKTEST_HORIZON_DAYS = 90
MOST_BACKTEST_CUSTOMERS = 50_000
"""A sample of so many tells as much as all of them."""

EXAMPLE_ROWS = 5
TRACKING_POINTS = 13


@dataclass(frozen=True)
class TrainingResult:
    """What a training run made."""

    version: str
    folder: Path
    run_id: str
    registered_version: str
    customers: int
    windows: int
    predictor: Predictor
    origin: Origin | None
    seconds: float
    is_current: bool = True

    def text(self) -> str:
        """Lines for people."""
        lines = [
            f"Trained on {self.customers:,} customers and {self.windows} earlier windows in {self.seconds:.1f} s",
            f"Predictions rest on: {self.predictor.tier_} ({self.predictor.tier_reason_})",
            f"Bundle: {self.folder}",
            f"MLflow: run {self.run_id}, version {self.registered_version}"
            + (", champion" if self.is_current else "; the model in use stays as it is"),
        ]
        if self.origin is None:
            return "\n".join([*lines, "No back-test: there is too little data for one"])
        return "\n".join([*lines, "", origin_table(self.origin)])


def train(settings: Settings, as_of: dt.date | None, report: Report, *, make_it_current: bool = True) -> TrainingResult:
    """Fit every model as of a day, back-test at earlier days, track the run and write the bundle.

    Args:
        settings: the store, the folder of models and the variant of the models.
        as_of: last day that training may know; the store's moment by default.
        report: is told what is being done.
        make_it_current: whether the new model answers from now on; an experiment's does not.

    Raises:
        NotEnoughData: the store has no customer with an order by then.
    """
    started = time.monotonic()
    with open_store(settings.store, settings) as store:
        when = store.as_of(as_of or settings.as_of)
        report("Reading the customers' histories")
        features = feature_rows(store, when, FITTED_COLUMNS)
        windows = training_windows(store, when, settings.ltv_horizon_days, settings.options.windows)
        report("Fitting the models")
        predictor = new_predictor(settings, when.day, settings.ltv_horizon_days).fit(features, windows)
        folds = _back_test(store, settings, when, report)
        origin = folds[-1] if folds else None
        version = f"{when.day:%Y%m%d}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%f}"
        facts = _facts(store, settings, when, version)
        metrics = mean_figures(folds)
        folder = bundle.save(predictor, settings.models / version, {**facts, "metrics": metrics, **_outcome(origin)})
        report("Tracking the run in MLflow")
        example = features_of(store, when, features.column("customer_id").slice(0, EXAMPLE_ROWS).to_pylist())
        run_id, registered = tracking.log_training(
            settings,
            tracking.TrainingRecord(
                bundle=folder,
                parameters={**facts, **fitted_values(features), **_weights(predictor)},
                metrics=metrics,
                tags={"tier": str(predictor.tier_), "tier_reason": predictor.tier_reason_},
                input_example=example,
                output_example=_example(predictor, example),
                figures=_figures(store, origin) if origin else {},
                documents={"predictor.json": predictor.to_state()},
                folds=[_fold(store, fold) for fold in folds],
            ),
            champion=make_it_current,
        )
        write_run(folder, {**tracking.run_address(settings, run_id), "registered_version": registered})
    if make_it_current:
        make_current(settings.models, version)
    seconds = time.monotonic() - started
    return TrainingResult(
        version,
        folder,
        run_id,
        registered,
        features.num_rows,
        len(windows),
        predictor,
        origin,
        seconds,
        make_it_current,
    )


def fitted_values(features: pa.Table) -> dict[str, float]:
    """The parameters of BG/NBD (time in days) and Gamma-Gamma (money in cents), named as in the tracker.

    Empty where there are no repeat customers to fit them to.
    """
    histories = Histories.from_table(features)
    if not histories.frequency.any():
        return {}
    purchases = BetaGeo().fit(histories).to_state()
    spend = GammaGamma().fit(column(features, "spend_days"), column(features, "monetary_cents")).to_state()
    values = {f"bgnbd_{name}": purchases[name] for name in ("r", "alpha", "a", "b")}
    return values | {f"gg_{name}": spend[name] for name in ("p", "q", "v")}


def _weights(predictor: Predictor) -> dict[str, float]:
    return {f"weight_{name}": value for name, value in predictor.weights().items()}


def _back_test(store: Store, settings: Settings, when: AsOf, report: Report) -> list[Origin]:
    """Origins in the order of their cut-offs; the horizon of the last ends with what is known."""
    origins = []
    for cutoff in fold_cutoffs(store.info.first_day, when.day, settings.options.folds, BACKTEST_HORIZON_DAYS):
        report(f"Back-testing at {cutoff}")
        try:
            origin = predict_from(store, settings, cutoff, BACKTEST_HORIZON_DAYS, MOST_BACKTEST_CUSTOMERS)
        except NotEnoughData:
            continue
        if origin.outcomes is not None:
            origins.append(origin)
    return origins


def _fold(store: Store, origin: Origin) -> tracking.FoldRecord:
    """A fold as a run of its own within that of the training."""
    return tracking.FoldRecord(
        name=f"fold {origin.cutoff}",
        parameters={
            "cutoff": origin.cutoff,
            "horizon_days": origin.horizon_days,
            "customers": origin.features.num_rows,
            "data_fingerprint": store.info.fingerprint,
        },
        metrics=mean_figures([origin]),
    )


def _outcome(origin: Origin | None) -> Mapping[str, object]:
    """What the model card shows of a back-test beside its metrics."""
    if origin is None or origin.outcomes is None:
        return {"backtest": None, "calibration": None}
    probability, bought = column(origin.predictions, "purchase_probability"), origin.outcomes.bought.astype(float)
    return {
        "backtest": {
            "cutoff": origin.cutoff.isoformat(),
            "horizon_days": origin.horizon_days,
            "customers": origin.features.num_rows,
        },
        "calibration": calibration(probability, bought),
    }


def _example(predictor: Predictor, features: pa.Table) -> pa.Table | None:
    """Predictions of a few rows; none where there are only facts."""
    try:
        return predictor.predict(features)
    except NotEnoughData:
        return None


def _facts(store: Store, settings: Settings, when: AsOf, version: str) -> Mapping[str, object]:
    info = store.info
    return {
        "version": version,
        "store": settings.store,
        "currency": info.currency,
        "timezone": info.timezone,
        "data_fingerprint": info.fingerprint,
        "window_first_day": str(info.first_day),
        "window_last_day": str(when.day),
        "ltv_horizon_days": settings.ltv_horizon_days,
        "discount_rate_per_year": str(settings.discount_rate_per_year),
        "interval_mass": settings.interval_mass,
        "seed": settings.seed,
        **{f"option_{name}": str(value) for name, value in settings.options.model_dump().items()},
    }


def _figures(store: Store, origin: Origin) -> dict[str, Figure]:
    assert origin.outcomes is not None
    days = np.unique(np.linspace(1, origin.horizon_days, TRACKING_POINTS).astype(int)).tolist()
    labels = label_rows(store, origin.cutoff, days, origin.features.column("customer_id"))
    actual = [float(column(labels, f"purchases_{day}").sum()) for day in days]
    expected = origin.predictor.expected_purchases(origin.features, days).sum(axis=0)
    probability = column(origin.predictions, "purchase_probability")
    (calibrated, left), (tracked, right) = detached_figure(), detached_figure()
    plots.reliability(probability, origin.outcomes.bought, ax=left)
    plots.tracking([0, *days], [0, *actual], [0, *expected], ax=right)
    return {"calibration.png": calibrated, "tracking.png": tracked}
