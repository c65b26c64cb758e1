"""One fold of a back-test: our predictor and its comparators, trained on the same past, on the same future."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.modeling.comparators import beta_geo_forecast, naive_forecast, outcomes
from customer_revenue.modeling.forecast_names import BG_NBD, NAIVE, OURS
from customer_revenue.modeling.metrics import Forecast, Outcomes, evaluate, select
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.modeling.score_groups import customer_scores, scores_by_group
from customer_revenue.orders.store import Store
from customer_revenue.settings import FitOptions
from customer_revenue.workflows.feature_rows import feature_rows, label_rows, population, training_windows


@dataclass(frozen=True)
class BacktestFold:
    """What was predicted at a cut-off, and what happened.

    Attributes:
        cutoff: the last day that training knew.
        horizon_days: how far was predicted.
        features: the customers' rows at the cut-off.
        predictor: ours, trained at the cut-off.
        predictions: its predictions, in the order of the features.
        outcomes: what happened, in the same order; ``None`` while the horizon is not over.
        forecasts: of each model by name, in the same order; empty without outcomes.
        currency: of the amounts; its code.
    """

    cutoff: dt.date
    horizon_days: int
    features: pa.Table
    predictor: Predictor
    predictions: pa.Table
    outcomes: Outcomes | None
    forecasts: Mapping[str, Forecast]
    currency: str = ""

    def metrics(self) -> dict[str, dict[str, float]]:
        """Every figure of every model."""
        if self.outcomes is None:
            return {}
        return {name: evaluate(self.outcomes, forecast) for name, forecast in self.forecasts.items()}

    @cached_property
    def group_scores(self) -> dict[str, dict[str, float]]:
        """Our proper scores, coverage and sharpness of all customers and by group; empty without outcomes."""
        if self.outcomes is None:
            return {}
        scores = customer_scores(self.outcomes, self.forecasts[OURS])
        return scores_by_group(self.features, self.outcomes, scores)


def fold_cutoffs(first_day: dt.date | None, last_day: dt.date, number: int, horizon_days: int) -> list[dt.date]:
    """Cut-offs back from the end, a horizon apart or closer where the history is short; earliest first.

    Empty where the history is not longer than the horizon.

    Args:
        first_day: of the orders; None for none.
        last_day: with which the horizon of the last cut-off ends.
        number: of cut-offs.
        horizon_days: that is predicted from each.

    >>> [str(day) for day in fold_cutoffs(dt.date(2023, 1, 1), dt.date(2023, 12, 31), 2, 90)]
    ['2023-07-26', '2023-10-02']
    """
    if first_day is None or (room := (last_day - first_day).days - horizon_days) < 1:
        return []
    latest = last_day - dt.timedelta(days=horizon_days)
    step = min(horizon_days, room // (2 * number))
    return [latest - dt.timedelta(days=step * back) for back in range(number - 1, -1, -1) if step or not back]


def new_predictor(fit: FitOptions, as_of_day: dt.date, horizon_days: int) -> Predictor:
    """A predictor that is not fitted yet."""
    return Predictor(
        as_of_day,
        horizon_days=horizon_days,
        interval_mass=fit.interval_mass,
        discount_rate_per_year=float(fit.discount_rate_per_year),
        seed=fit.seed,
        options=fit.options,
        covariates=fit.options.covariates,
    )


def predict_from(
    store: Store, fit: FitOptions, cutoff: dt.date, horizon_days: int, max_customers: int | None = None
) -> BacktestFold:
    """Train on what was known at the cut-off, predict the horizon after it, and look up what happened.

    With ``max_customers`` a random sample of that size stands for all customers.

    Raises:
        NotEnoughData: no customer has an order by the cut-off.
    """
    then = store.as_of(cutoff)
    features = feature_rows(store, then, max_customers, fit.options.covariates)
    windows = training_windows(store, then, horizon_days, fit.options)
    everybody = features if max_customers is None or store.info.customers <= max_customers else None
    customers = population(store, then, rows=everybody, covariates=fit.options.covariates)
    predictor = new_predictor(fit, cutoff, horizon_days).fit(customers, windows)
    predictions = predictor.predict(features)
    happened, forecasts = None, {}
    if cutoff + dt.timedelta(days=horizon_days) <= store.as_of().day:
        labels = label_rows(store, cutoff, [horizon_days], features.column("customer_id"))
        happened = outcomes(features, labels, horizon_days)
        forecasts[OURS] = forecast_of(predictor, features, predictions)
        forecasts[BG_NBD] = beta_geo_forecast(features, horizon_days)
        if windows:
            forecasts[NAIVE] = naive_forecast(features, windows[0], horizon_days)
        known = np.flatnonzero(np.isfinite(happened.purchases))
        assert len(known) == features.num_rows, "every customer with an order by the cut-off has a label"
    return BacktestFold(
        cutoff, horizon_days, features, predictor, predictions, happened, forecasts, store.info.currency
    )


def forecast_of(predictor: Predictor, features: pa.Table, predictions: pa.Table) -> Forecast:
    """A predictor's predictions as of its day in the form that the evaluation compares."""
    counts, amounts = predictor.distributions(features, predictions)

    def days(name: str) -> Floats:
        return _days_after(predictions, f"next_purchase_date{name}", predictor.as_of_day)

    return Forecast(
        purchases=column(predictions, "expected_purchases"),
        revenue=column(predictions, "expected_revenue_cents"),
        probability=column(predictions, "purchase_probability"),
        next_days=days(""),
        purchases_interval=(column(predictions, "purchases_low"), column(predictions, "purchases_high")),
        revenue_interval=(column(predictions, "revenue_low_cents"), column(predictions, "revenue_high_cents")),
        interval_mass=column(predictions, "interval_mass"),
        purchases_median=column(predictions, "purchases_median"),
        revenue_median=column(predictions, "revenue_median_cents"),
        next_days_interval=(days("_low"), days("_high")),
        counts=counts,
        amounts=amounts,
    )


def group_document(folds: Sequence[BacktestFold]) -> dict[str, dict[str, dict[str, float | None]]]:
    """The scores by group of each cut-off as JSON-able values, None for what is not known."""
    return {
        str(fold.cutoff): {
            group: {name: value if np.isfinite(value) else None for name, value in scores.items()}
            for group, scores in fold.group_scores.items()
        }
        for fold in folds
    }


def slice_metrics(fold: BacktestFold, rows: np.ndarray) -> dict[str, dict[str, float]]:
    """Every figure of every model, for some of the customers."""
    assert fold.outcomes is not None
    happened = select(fold.outcomes, rows)
    return {name: evaluate(happened, select(forecast, rows)) for name, forecast in fold.forecasts.items()}


def _days_after(table: pa.Table, name: str, day: dt.date) -> Floats:
    dates = table.column(name).to_numpy().astype("datetime64[D]")
    days = (dates - np.datetime64(day, "D")).astype(np.float64)
    return np.where(np.isnat(dates), np.inf, days)
