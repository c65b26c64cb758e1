"""The design matrix of the boosters: features without a unit of currency, and the purchase model's predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.modeling.purchase_histories import columns
from customer_revenue.periods import DAYS_PER_YEAR
from customer_revenue.tables import FEATURE_COLUMNS, SEASON_WINDOWS, SEASON_YEARS, check_columns

UNUSED_COLUMNS = ("purchases_365", "cents_30", "cents_180", "cents_365", "refunds")

INPUT_COLUMNS = tuple(name for name in FEATURE_COLUMNS if name not in UNUSED_COLUMNS)
"""The features that the models read."""

MATRIX_NAMES = (
    "frequency",
    "recency_days",
    "T_days",
    "silence_days",
    "purchases_30",
    "purchases_90",
    "purchases_180",
    "decayed_purchases_30",
    "decayed_purchases_120",
    "decayed_purchases_365",
    "purchases_season",
    *(f"season_share_{n}" for n in SEASON_WINDOWS),
    "orders_per_day",
    "mean_gap_days",
    "gap_variation",
    "gap_regularity",
    "last_gap_days",
    "max_gap_days",
    "silence_per_gap",
    "silence_per_max_gap",
    "spend_per_day",
    "last_spend",
    "first_spend",
    "max_spend",
    "spend_90",
    "spend_trend",
    "spend_variation",
    "refund_share",
)
"""Columns of the matrix, before those of the purchase model."""

DECIMALS = 4
"""Significant digits of amounts: enough to rank customers, too few to reveal the unit of currency."""

SAME_DECIMALS = 9
"""Of every column: what the same orders give on every engine."""

BASELINE_NAMES = ("base_purchases", "base_probability", "probability_alive")
"""Columns that the purchase model adds: log expected purchases, log-odds of any, log-odds of being alive."""


def needed_columns(table: pa.Table) -> dict[str, Floats]:
    """The numbers of a table of features that the models read, by name.

    Raises:
        TypeError: a column is missing.
    """
    check_columns(table, INPUT_COLUMNS, "the table of features")
    return columns(table, INPUT_COLUMNS[1:])


def behaviour_matrix(f: Mapping[str, Floats], mean_cents: float) -> Floats:
    """The matrix of :data:`MATRIX_NAMES`, one row per customer; what a customer has no value for is NaN.

    Money enters as a logarithm relative to ``mean_cents``, the shop's mean spend of a purchase day, rounded so that
    another currency unit gives the same numbers.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        known = {**f, **_rhythm(f), **_season(f), **_spend(f, mean_cents)}
    # Engines sum in different orders, so that the last digits differ; a tree could split on them.
    return np.asarray(np.round(np.column_stack([known[name] for name in MATRIX_NAMES]), SAME_DECIMALS))


def _rhythm(f: Mapping[str, Floats]) -> dict[str, Floats]:
    x = np.where(f["frequency"] > 0, f["frequency"], np.nan)
    mean_gap = f["recency_days"] / x
    variance = np.maximum(f["gap_square_sum"] / x - mean_gap**2, 0)
    return {
        "orders_per_day": f["orders"] / (f["frequency"] + 1),
        "mean_gap_days": mean_gap,
        "gap_variation": np.where(x > 1, np.sqrt(variance) / mean_gap, np.nan),
        # Mean log gap less log mean gap: 0 for a perfect rhythm, the statistic of the Erlang shape.
        "gap_regularity": np.where(x > 1, f["log_gap_sum"] / x - np.log(mean_gap), np.nan),
        "silence_per_gap": f["silence_days"] / mean_gap,
        "silence_per_max_gap": f["silence_days"] / f["max_gap_days"],
    }


def seasons_known(f: Mapping[str, Floats]) -> Floats:
    """Anniversaries of the as-of day at which each customer was one already."""
    return np.minimum(f["T_days"] // DAYS_PER_YEAR, SEASON_YEARS)


def _season(f: Mapping[str, Floats]) -> dict[str, Floats]:
    """The share of the years known in which the customer bought in the season that comes; NaN in their first year."""
    years = seasons_known(f)
    known = np.where(years > 0, years, np.nan)
    return {f"season_share_{n}": np.minimum(f[f"season_years_{n}"] / known, 1.0) for n in SEASON_WINDOWS}


def _spend(f: Mapping[str, Floats], mean_cents: float) -> dict[str, Floats]:
    def relative(cents: Floats) -> Floats:
        return np.asarray(np.round(np.log(np.maximum(cents / max(mean_cents, 1e-9), 1e-3)), DECIMALS))

    n = np.where(f["positive_days"] > 0, f["positive_days"], np.nan)
    per_day = f["total_cents"] / n
    log_mean = f["log_cents_sum"] / n
    variance = np.maximum(f["log_cents_square_sum"] / n - log_mean**2, 0)
    recent = f["decayed_cents_120"] / f["decayed_purchases_120"]
    return {
        "spend_per_day": relative(per_day),
        "last_spend": relative(f["last_day_cents"]),
        "first_spend": relative(f["first_day_cents"]),
        "max_spend": relative(f["max_day_cents"]),
        "spend_90": relative(f["cents_90"]),
        "spend_trend": np.asarray(np.round(np.log(np.maximum(recent, 1e-9) / per_day), DECIMALS)),
        "spend_variation": np.where(n > 1, np.round(np.sqrt(variance), DECIMALS), math.nan),
        "refund_share": np.round(f["refund_cents"] / np.maximum(f["total_cents"], 1), DECIMALS),
    }
