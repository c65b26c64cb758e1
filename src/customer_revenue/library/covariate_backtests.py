"""What each covariate adds to a probability model: measured on customers' future, not on their fit."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from customer_revenue.errors import InvalidParameter
from customer_revenue.library.covariate_rows import with_columns
from customer_revenue.library.customers import CustomerModel
from customer_revenue.library.frame_columns import DayLike, as_day, as_frame, as_table
from customer_revenue.library.orders import Orders
from customer_revenue.library.probability import FitWarning, ProbabilityModel
from customer_revenue.modeling.bootstrap import paired_bootstrap
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.settings import ModelOptions
from customer_revenue.workflows.evaluation.backtest import choose_origins
from customer_revenue.workflows.evaluation.covariate_choice import KEPT, LOSSES, verdict

CUSTOMER_MODEL = "customer_model"


@dataclass(frozen=True)
class CovariateBacktest:
    """What each covariate adds, and which are kept.

    Attributes:
        model: name of the probability model.
        cutoff: the last day that the fits knew.
        horizon_days: days after it that were predicted.
        added: one row per covariate, in the order in which they were tried: the change of the log loss and of the root
            mean square error of revenue, each with its 95 % interval over resampled customers, whether the covariate
            is kept, and why. Lower is better.
        kept: the covariates that add something.

    >>> import customer_revenue as cr
    >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
    ...     result = cr.backtest_covariates(orders, ["order_cents"], "mbg_nbd", draws=50)
    >>> result.model, result.added.index.tolist()
    ('mbg_nbd', ['order_cents'])
    """

    model: str
    cutoff: dt.date
    horizon_days: int
    added: pd.DataFrame
    kept: tuple[str, ...]


def backtest_covariates(
    orders: Orders,
    covariates: Sequence[str],
    model: str = "pareto_nbd",
    horizon_days: int = 90,
    *,
    cutoff: DayLike | None = None,
    values: pd.DataFrame | None = None,
    draws: int = 200,
    seed: int = 0,
    options: ModelOptions | None = None,
) -> CovariateBacktest:
    """Fit with and without each covariate at a cut-off, and compare the forecasts of the horizon that follows.

    A covariate is tried next to those that were kept before it. It is kept if the log loss or the error of revenue
    falls by more than chance would have it, and neither rises by more than that.

    Args:
        orders: the store.
        covariates: columns, in the order in which they are tried.
        model: a name of ``ProbabilityModel``, or ``customer_model`` for :class:`CustomerModel`.
        horizon_days: length of the horizon.
        cutoff: last day of the fits; by default the last one whose horizon is over.
        values: the columns, one row per ``customer_id``, as they were known on each customer's first day; by default
            ``Orders.first_orders``. Customers who are not among them have missing values.
        draws: number of bootstrap samples.
        seed: seed of the samples.
        options: variant of ``customer_model``.

    Raises:
        NotEnoughData: the history is not longer than the horizon, or nobody has bought on two days.
        InvalidParameter: a column is missing, or the horizon is not over.

    >>> import customer_revenue as cr, pandas as pd
    >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
    ...     ids = orders.features()["customer_id"]
    ...     values = pd.DataFrame({"customer_id": ids, "luck": ids.str[-1].isin(list("13579"))})
    ...     result = cr.backtest_covariates(orders, ["luck"], "mbg_nbd", values=values, draws=50)
    >>> result.added["reason"].to_dict(), result.kept
    ({'luck': 'adds nothing beyond noise'}, ())
    """
    day = as_day(cutoff) or choose_origins(orders.store, 1, horizon_days)[-1]
    happened = orders.outcomes(day, horizon_days)
    outcomes = Outcomes(
        happened["purchases"].to_numpy(dtype=np.float64),
        happened["revenue_cents"].to_numpy(dtype=np.float64),
        np.full(len(happened), np.nan),
    )
    if isinstance(covariates, str) or not covariates:
        raise InvalidParameter('name the covariates in a list, such as ["channel"]')
    columns = orders.arrow.first_orders(day) if values is None else as_table(values)
    rows = with_columns(orders.arrow.features(day), columns, covariates)
    forecast = partial(_forecast, model, rows=rows, horizon_days=horizon_days)
    if model == CUSTOMER_MODEL:
        forecast = partial(_learned_forecast, orders, day, columns, horizon_days=horizon_days, options=options)
    kept: list[str] = []
    best = forecast(kept)
    added = {}
    for name in covariates:
        try:
            tried = forecast([*kept, name])
        except InvalidParameter as problem:
            added[name] = [*[np.nan] * 6, False, problem.message]
            continue
        changes = paired_bootstrap(outcomes, tried, best, draws, seed, LOSSES)
        reason = verdict(changes)
        added[name] = [*(number for loss in LOSSES for number in changes[loss]), reason == KEPT, reason]
        if reason == KEPT:
            kept, best = [*kept, name], tried
    shown = [f"{loss}{end}" for loss in LOSSES for end in ("", "_low", "_high")]
    frame = pd.DataFrame.from_dict(added, orient="index", columns=[*shown, "kept", "reason"])
    return CovariateBacktest(model, day, horizon_days, frame.rename_axis("covariate"), tuple(kept))


def _learned_forecast(
    orders: Orders,
    day: dt.date,
    values: pa.Table,
    covariates: Sequence[str],
    horizon_days: int,
    options: ModelOptions | None,
) -> Forecast:
    model = CustomerModel(horizon_days, options=options, covariates=covariates)
    return _of_predictions(model.fit(orders, day, values=values).predict(orders))


def _forecast(model: str, covariates: Sequence[str], rows: pa.Table, horizon_days: int) -> Forecast:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # what is judged is the forecast
        fitted = ProbabilityModel(model, covariates=covariates).fit(rows)
        return _of_predictions(as_frame(as_table(fitted.predict(rows, horizon_days))))


def _of_predictions(found: pd.DataFrame) -> Forecast:
    purchases, revenue, chance = (
        found[name].to_numpy(dtype=np.float64)
        for name in ("expected_purchases", "expected_revenue_cents", "purchase_probability")
    )
    return Forecast(purchases, revenue, chance, np.full(len(found), np.nan))
