"""The comparators of a predictor: BG/NBD with Gamma-Gamma, and the naive rule of recency deciles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.arrays import Floats
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.posterior import Posterior
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_curve import Curve
from customer_revenue.modeling.purchase_histories import Histories, column
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeo
from customer_revenue.modeling.rolling_windows import Window

DECILES = 10


def outcomes(features: pa.Table, labels: pa.Table, horizon_days: int) -> Outcomes:
    """What the customers of a table of features did, from a table of labels, in the order of the features."""
    labels = aligned(labels, features)
    next_days = column(labels, "days_to_next_purchase")
    return Outcomes(
        purchases=column(labels, f"purchases_{horizon_days}"),
        revenue=column(labels, f"revenue_cents_{horizon_days}"),
        next_days=np.where(next_days <= horizon_days, next_days, np.nan),
    )


def aligned(table: pa.Table, features: pa.Table) -> pa.Table:
    """A table's rows in the order of the features' customers."""
    places = pc.index_in(features.column("customer_id"), value_set=table.column("customer_id").combine_chunks())
    return table.take(places)


def probability_forecast(name: str, features: pa.Table, horizon_days: int) -> Forecast:
    """A purchase model with Gamma-Gamma, its date the median given a purchase within the horizon.

    Args:
        name: ``bg_nbd``, ``mbg_nbd`` or ``pareto_nbd``; the last has no date.
        features: to fit to and to predict from.
        horizon_days: how far ahead.
    """
    histories = Histories.from_table(features)
    model = {kind.name: kind for kind in (BetaGeo, ModifiedBetaGeo, ParetoNBD)}[name]().fit(histories)
    n, cents = column(features, "spend_days"), column(features, "monetary_cents")
    purchases = model.expected_purchases(horizon_days, histories)
    probability = model.purchase_probability(horizon_days, histories)
    next_days = np.full(len(histories), np.nan)
    if not isinstance(model, ParetoNBD):
        curve = Curve.through(Posterior(model, histories), [horizon_days], [probability])
        next_days = np.ceil(curve.when(curve.at(horizon_days) / 2))
    return Forecast(
        purchases=purchases,
        revenue=purchases * GammaGamma().fit(n, cents).expected_spend(n, cents),
        probability=probability,
        next_days=next_days,
    )


def beta_geo_forecast(features: pa.Table, horizon_days: int) -> Forecast:
    """BG/NBD with Gamma-Gamma, the usual comparator."""
    return probability_forecast(BetaGeo.name, features, horizon_days)


def member_forecasts(predictor: Predictor, features: pa.Table, horizon_days: int) -> dict[str, Forecast]:
    """Each member of a predictor's ensemble alone, by name; none of them has a date of its own."""
    never = np.full(features.num_rows, np.inf)
    members = predictor.members(features, horizon_days)
    return {name: Forecast(purchases, revenue, p, never) for name, (purchases, revenue, p) in members.items()}


def naive_forecast(features: pa.Table, window: Window, horizon_days: int) -> Forecast:
    """Means, and the median days, of the customers in the same decile of recency one window earlier.

    A window shorter than the horizon is scaled up to it; its purchase rates are kept.
    """
    happened = outcomes(window.features, window.labels, window.horizon_days)
    then, now = _deciles(column(window.features, "silence_days")), _deciles(column(features, "silence_days"))
    scale = horizon_days / window.horizon_days
    median = np.full(DECILES, window.horizon_days / 2)
    for decile in range(DECILES):
        days = happened.next_days[(then == decile) & np.isfinite(happened.next_days)]
        median[decile] = np.median(days) if len(days) else median[decile]
    return Forecast(
        purchases=_means(happened.purchases, then)[now] * scale,
        revenue=_means(happened.revenue, then)[now] * scale,
        probability=_means(happened.bought.astype(np.float64), then)[now],
        next_days=median[now],
    )


def _deciles(silence: Floats) -> npt.NDArray[np.intp]:
    """Recency decile of each customer, from the latest buyers on; ties share a decile."""
    edges = np.quantile(silence, np.arange(1, DECILES) / DECILES)
    return np.searchsorted(edges, silence, side="right")


def _means(values: Floats, decile: npt.NDArray[np.intp]) -> Floats:
    counts = np.bincount(decile, minlength=DECILES)
    sums = np.bincount(decile, values, minlength=DECILES)
    return np.where(counts > 0, sums / np.maximum(counts, 1), values.mean())
