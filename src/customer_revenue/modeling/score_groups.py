"""Proper scores, coverage and sharpness by group of customers: purchase days, silence, value.

A mean over all customers is that of the many who never return; what is wrong for the few who buy often does not show.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import scipy

from customer_revenue.arrays import Floats, Marks, central_coverage
from customer_revenue.modeling.metrics import PROBABILITY_FLOOR, Forecast, Outcomes
from customer_revenue.modeling.proper_scores import (
    count_crps,
    count_pit,
    interval_score,
    pinball,
    pit_histogram,
    pit_uniformity,
    revenue_crps,
    revenue_pit,
)
from customer_revenue.modeling.purchase_histories import column

EVERYBODY = "all customers"
PURCHASE_DAYS = ((1, 1), (2, 3), (4, 10), (11, np.inf))
QUARTERS = 4

DATE_MASS = 0.8
"""Between the earliest and the latest date that are published, of a purchase within the horizon."""


def customer_groups(features: pa.Table) -> dict[str, Marks]:
    """The groups by which forecasts are scored, by name: each is a mask over the rows, and none is empty.

    Purchase days so far are 1, 2–3, 4–10 or more. Silence (days since the last purchase) and value (revenue so far) are
    in quarters of the customers; ties are never split.
    """
    days = column(features, "frequency") + 1
    groups = {_days_name(low, high): (days >= low) & (days <= high) for low, high in PURCHASE_DAYS}
    for name, of in (("silence", "silence_days"), ("value", "total_cents")):
        values = column(features, of)
        quarter = np.minimum((scipy.stats.rankdata(values) - 0.5) / len(values) * QUARTERS, QUARTERS - 1).astype(int)
        groups |= {f"{name}, quarter {q + 1}": quarter == q for q in range(QUARTERS)}
    return {name: rows for name, rows in groups.items() if rows.any()}


def customer_losses(happened: Outcomes, forecast: Forecast) -> dict[str, Floats]:
    """The losses of each customer whose means are compared by group, by the name of the metric.

    Those named ``rmse`` are squared errors. The CRPS is there where the forecast has distributions.
    """
    p = np.clip(forecast.probability, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    purchases, revenue = forecast.purchases - happened.purchases, forecast.revenue - happened.revenue
    losses = {
        "probability_log_loss": np.where(happened.bought, -np.log(p), -np.log1p(-p)),
        "probability_brier": (forecast.probability - happened.bought) ** 2,
        "purchases_mae": np.abs(purchases),
        "purchases_rmse": purchases**2,
        "revenue_mae": np.abs(revenue),
        "revenue_rmse": revenue**2,
    }
    if forecast.counts is not None and forecast.amounts is not None:
        losses["purchases_crps"] = count_crps(forecast.counts, happened.purchases)
        losses["revenue_crps"] = revenue_crps(forecast.amounts, happened.revenue)
    return losses


def customer_scores(happened: Outcomes, forecast: Forecast) -> dict[str, Floats]:
    """The scores of each customer by name; empty without distributions, NaN where a date has not come.

    Each of ``purchases``, ``revenue`` (cents) and ``date`` (days, of those who bought) has ``pinball`` (the mean over
    the published quantiles), ``interval_score``, ``covered``, ``stated``, ``width``, and the ``below_low``,
    ``below_median`` and ``above_high`` of its quantiles; purchases and revenue have ``crps`` and ``pit`` too.
    """
    if forecast.counts is None or forecast.amounts is None or forecast.interval_mass is None:
        return {}
    mass = forecast.interval_mass
    stated = central_coverage(forecast.probability, mass)
    scores = {
        "purchases_crps": count_crps(forecast.counts, happened.purchases),
        "revenue_crps": revenue_crps(forecast.amounts, happened.revenue),
        "purchases_pit": count_pit(forecast.counts, happened.purchases),
        "revenue_pit": revenue_pit(forecast.amounts, happened.revenue),
    }
    quantiles = (
        ("purchases", happened.purchases, forecast.purchases_interval, forecast.purchases_median, mass, stated, 0.0),
        ("revenue", happened.revenue, forecast.revenue_interval, forecast.revenue_median, mass, stated, 0.5),
        ("date", happened.next_days, forecast.next_days_interval, forecast.next_days, *_of_dates(len(mass)), 0.0),
    )
    for name, y, interval, median, between, held, slack in quantiles:
        if interval is not None and median is not None:
            found = _quantile_scores(y, interval, median, between, slack) | {"stated": held}
            scores |= {f"{name}_{score}": np.where(np.isnan(y), np.nan, value) for score, value in found.items()}
    return scores


def scores_by_group(
    features: pa.Table, happened: Outcomes, scores: Mapping[str, Floats]
) -> dict[str, dict[str, float]]:
    """The means of the scores of all customers and of each group, with ``customers``, ``buyers`` and the PIT.

    The PIT is ten shares ``…_pit_1`` to ``…_pit_10``, and ``…_pit_p``, the chance of so uneven ones by chance alone.
    """
    if not scores:
        return {}
    everybody = {EVERYBODY: np.ones(features.num_rows, dtype=bool)}
    return {
        name: {
            "customers": float(rows.sum()),
            "buyers": float(happened.bought[rows].sum()),
            **_means({score: values[rows] for score, values in scores.items()}),
        }
        for name, rows in (everybody | customer_groups(features)).items()
    }


def _days_name(low: float, high: float) -> str:
    if not np.isfinite(high):
        return f"over {low - 1:.0f} purchase days"
    return "1 purchase day" if high == 1 else f"{low:.0f}–{high:.0f} purchase days"


def _of_dates(customers: int) -> tuple[Floats, Floats]:
    return np.full(customers, DATE_MASS), np.full(customers, DATE_MASS)


def _quantile_scores(
    y: Floats, interval: tuple[Floats, Floats], median: Floats, mass: Floats, slack: float
) -> dict[str, Floats]:
    low, high = interval
    tail = (1 - mass) / 2
    losses = pinball(low, y, tail) + pinball(median, y, 0.5) + pinball(high, y, 1 - tail)
    return {
        "pinball": losses / 3,
        "interval_score": interval_score(low, high, y, mass),
        "covered": ((y >= low - slack) & (y <= high + slack)).astype(np.float64),
        "width": high - low,
        "below_low": (y < low - slack).astype(np.float64),
        "below_median": (y < median - slack).astype(np.float64),
        "above_high": (y > high + slack).astype(np.float64),
    }


def _means(scores: Mapping[str, Floats]) -> dict[str, float]:
    means: dict[str, float] = {}
    for name, values in scores.items():
        known = values[~np.isnan(values)]
        if name.endswith("_pit"):
            shares = pit_histogram(known).tolist()
            means |= {f"{name}_{place}": share for place, share in enumerate(shares, 1)}
            means[f"{name}_p"] = pit_uniformity(known)
        else:
            means[name] = float(known.mean()) if len(known) else float("nan")
    return means
