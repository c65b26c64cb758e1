"""Reasons for a churn score from SHAP values, in words with the customer's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.currencies import in_units, minor_digits
from customer_revenue.modeling.baselines import FEATURE_NAMES, BaselinePrediction
from customer_revenue.modeling.churn_model import ChurnModel
from customer_revenue.modeling.covariates import NO_COVARIATES, CovariateColumns
from customer_revenue.modeling.purchase_histories import columns
from customer_revenue.tables import SEASON_WINDOWS

MAX_REASONS = 3
MIN_EFFECT = 0.05
"""Log-odds below which a theme is not worth a line."""

THEMES: Mapping[str, tuple[str, ...]] = {
    "silence": (
        "silence_days",
        "recency_days",
        "silence_per_gap",
        "silence_per_max_gap",
        "purchases_30",
        "decayed_purchases_30",
        "base_purchases",
        "base_probability",
        "probability_alive",
        "churn_log_odds",
    ),
    "frequency": (
        "frequency",
        "purchases_90",
        "purchases_180",
        "decayed_purchases_120",
        "decayed_purchases_365",
        "purchases_season",
        *(f"season_share_{n}" for n in SEASON_WINDOWS),
        "orders_per_day",
    ),
    "rhythm": ("mean_gap_days", "gap_variation", "gap_regularity", "last_gap_days", "max_gap_days"),
    "spend": (
        "spend_per_day",
        "last_spend",
        "first_spend",
        "max_spend",
        "spend_90",
        "spend_trend",
        "spend_variation",
    ),
    "refunds": ("refund_share",),
    "tenure": ("T_days",),
}
"""Columns of the matrix by what they are about; each is in exactly one theme."""

_OF_THEME = np.array([[float(name in names) for names in THEMES.values()] for name in FEATURE_NAMES])
"""Which theme (columns) each feature (rows) is about."""

COVARIATES_FROM = len(FEATURE_NAMES) - 1
"""The place of the first covariate in the classifier's matrix; the offset comes last."""

REASON_COLUMNS = (
    "frequency",
    "recency_days",
    "T_days",
    "silence_days",
    "purchases_90",
    "max_gap_days",
    "last_gap_days",
    "positive_days",
    "total_cents",
    "last_day_cents",
    "refund_cents",
)
"""Features that the reasons mention."""


@dataclass(frozen=True)
class ReasonInputs:
    """The inputs of the reasons, one row per customer.

    Args:
        matrix: what the churn classifier sees, the columns of ``FEATURE_NAMES``, the covariates before the last;
            ``None`` without one.
        values: the columns of :data:`REASON_COLUMNS`.
        covariates: what the covariates' codes mean.
    """

    matrix: Floats | None
    values: Floats
    covariates: CovariateColumns = NO_COVARIATES

    @classmethod
    def of(cls, features: pa.Table, baseline: BaselinePrediction, horizon_days: int | None) -> ReasonInputs:
        """Those of the customers in a table of features, for a classifier of this horizon or for none."""
        matrix = None if horizon_days is None else baseline.churn_matrix(horizon_days)
        values = np.column_stack(list(columns(features, REASON_COLUMNS).values()))
        return cls(matrix, values, baseline.models.covariates)

    @classmethod
    def joined(cls, parts: Sequence[ReasonInputs]) -> ReasonInputs:
        """The customers of several, in order."""
        matrices = [part.matrix for part in parts if part.matrix is not None]
        values = np.concatenate([part.values for part in parts])
        return cls(np.concatenate(matrices) if matrices else None, values, parts[0].covariates)

    def at(self, place: int) -> ReasonInputs:
        """One of the customers."""
        one = slice(place, place + 1)
        return ReasonInputs(None if self.matrix is None else self.matrix[one], self.values[one], self.covariates)


def churn_reasons(inputs: ReasonInputs, classifier: ChurnModel | None, currency: str = "") -> list[list[str]]:
    """The drivers of each customer's churn score, strongest first, ties in the order of :data:`THEMES`.

    They are LightGBM's own contributions, summed by theme, each covariate a theme of its own after the others; where
    the classifier starts from the purchase model, its distance from the average customer counts as silence. Without a
    classifier, the reasons name silence and frequency.
    """
    rows = [{**dict(zip(REASON_COLUMNS, row, strict=True)), "currency": currency} for row in inputs.values.tolist()]
    if classifier is None or inputs.matrix is None:
        return [[TEXTS["silence"](row), TEXTS["frequency"](row)] for row in rows]
    parts = contributions(inputs.matrix, classifier)
    own, more = np.concatenate([parts[:, :COVARIATES_FROM], parts[:, -1:]], axis=1), parts[:, COVARIATES_FROM:-1]
    effects = np.concatenate([own @ _OF_THEME, more], axis=1).tolist()
    codes = inputs.matrix[:, COVARIATES_FROM:-1].tolist()
    return [
        _words([*(partial(text, row) for text in TEXTS.values()), *inputs.covariates.texts(own_codes)], own_effects)
        for row, own_codes, own_effects in zip(rows, codes, effects, strict=True)
    ]


def contributions(matrix: Floats, classifier: ChurnModel) -> Floats:
    """Each feature's part of a customer's log-odds before calibration, next to those of the average customer.

    What the classifier starts from, the purchase model's own log-odds, counts with the column that holds it.
    """
    parts = classifier.booster_.contributions(matrix)[:, :-1]
    parts[:, -1] += matrix[:, -1] - classifier.base_
    return parts


def _words(texts: Sequence[Callable[[], str]], effects: Sequence[float]) -> list[str]:
    strongest = sorted(range(len(effects)), key=lambda i: -abs(effects[i]))[:MAX_REASONS]
    return [
        f"{texts[i]()}: {'higher' if effects[i] > 0 else 'lower'} risk than the average customer"
        for i in strongest
        if abs(effects[i]) >= MIN_EFFECT
    ]


def _days(number: float) -> str:
    return f"{number:.0f} day" + ("" if round(number) == 1 else "s")


def _silence(row: Mapping[str, Any]) -> str:
    since = f"no purchase for {_days(row['silence_days'])}"
    if not row["frequency"]:
        return f"{since} after a single one"
    return f"{since}, where {_days(row['recency_days'] / row['frequency'])} are usual"


def _frequency(row: Mapping[str, Any]) -> str:
    return f"bought on {_days(row['frequency'] + 1)}, {row['purchases_90']:.0f} of them in the last 90"


def _rhythm(row: Mapping[str, Any]) -> str:
    if not row["frequency"]:
        return "no second purchase yet"
    return f"gaps between purchases up to {_days(row['max_gap_days'])}, the last one {_days(row['last_gap_days'])}"


def _spend(row: Mapping[str, Any]) -> str:
    currency = row["currency"]
    usual, last = (
        f"{in_units(cents, currency):,.{minor_digits(currency)}f} {currency}".rstrip()
        for cents in (row["total_cents"] / max(row["positive_days"], 1), row["last_day_cents"])
    )
    return f"spends {usual} on a purchase day, {last} on the last"


def _refunds(row: Mapping[str, Any]) -> str:
    return f"{row['refund_cents'] / max(row['total_cents'], 1):.0%} of the revenue was refunded"


def _tenure(row: Mapping[str, Any]) -> str:
    return f"a customer for {_days(row['T_days'])}"


TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "silence": _silence,
    "frequency": _frequency,
    "rhythm": _rhythm,
    "spend": _spend,
    "refunds": _refunds,
    "tenure": _tenure,
}
