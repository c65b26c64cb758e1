"""Predictions as the fields of the response."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pyarrow as pa

from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.shap_reasons import Grounds

PROBABILITY_DECIMALS = 6
COUNT_DECIMALS = 4


def predictor_as_of(predictor: Predictor, day: dt.date) -> Predictor:
    """The same predictor for features of another day than those that it was trained on."""
    moved = copy.copy(predictor)
    moved.as_of_day = day
    return moved


def prediction_fields(predictor: Predictor, predictions: pa.Table, grounds: Grounds) -> list[dict[str, object]]:
    """The ``predictions`` object of each customer in a table of predictions, in its order, which is the grounds'."""
    rows, reasons = predictions.to_pylist(), predictor.reasons(grounds)
    return [_fields(row, words, predictor, predictor.as_of_day) for row, words in zip(rows, reasons, strict=True)]


def _fields(row: dict[str, Any], reasons: list[str], predictor: Predictor, as_of_day: dt.date) -> dict[str, object]:
    return {
        "estimated_ltv_cents": round(row["estimated_ltv_cents"]),
        "next_purchase_probability": _probability(row["next_purchase_probability"]),
        "next_purchase_predicted_date": _day(row["next_purchase_date"]),
        "churn_risk_score": _probability(row["churn_risk_score"]),
        "recommended_actions": [],
        "probability_alive": _probability(row["probability_alive"]),
        "purchase_probability": _probability(row["purchase_probability"]),
        "next_purchase_date_low": _day(row["next_purchase_date_low"]),
        "next_purchase_date_high": _day(row["next_purchase_date_high"]),
        "expected_purchases": round(row["expected_purchases"], COUNT_DECIMALS),
        "purchases_low": row["purchases_low"],
        "purchases_high": row["purchases_high"],
        "expected_revenue_cents": round(row["expected_revenue_cents"]),
        "revenue_low_cents": round(row["revenue_low_cents"]),
        "revenue_high_cents": round(row["revenue_high_cents"]),
        "interval_mass": _probability(row["interval_mass"]),
        "ltv_low_cents": round(row["ltv_low_cents"]),
        "ltv_high_cents": round(row["ltv_high_cents"]),
        "churn_reasons": reasons,
        "horizon_days": predictor.horizon_days,
        "as_of": as_of_day.isoformat(),
        "tier": row["tier"],
        "tier_reason": predictor.tier_reason_,
    }


def _probability(value: float) -> float:
    return round(value, PROBABILITY_DECIMALS)


def _day(value: dt.date | None) -> str | None:
    return None if value is None else value.isoformat()
