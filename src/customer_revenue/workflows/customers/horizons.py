"""One customer's predictions at any horizons, all from one curve and one revenue path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customers.response import COUNT_DECIMALS, PROBABILITY_DECIMALS

if TYPE_CHECKING:
    from customer_revenue.modeling.predictor import Predictor


def horizon_bodies(predictor: Predictor, features: pa.Table, horizons_days: Sequence[int]) -> list[Body]:
    """The ``horizons`` of a customer's predictions, each once and the shortest first.

    Args:
        predictor: for features of their as-of day.
        features: the customer's row.
        horizons_days: the horizons, in days.

    Raises:
        NotEnoughData: there are facts but no predictions.
    """
    return [_horizon(predictor, features, days) for days in sorted(set(horizons_days))]


def _horizon(predictor: Predictor, features: pa.Table, days: int) -> Body:
    (row,) = predictor.predict(features, days).to_pylist()
    return {
        "days": days,
        "purchase_probability": round(row["purchase_probability"], PROBABILITY_DECIMALS),
        "expected_purchases": round(row["expected_purchases"], COUNT_DECIMALS),
        "expected_revenue_cents": round(row["expected_revenue_cents"]),
        "revenue_low_cents": round(row["revenue_low_cents"]),
        "revenue_high_cents": round(row["revenue_high_cents"]),
        "ltv_cents": round(float(predictor.lifetime_value(features, days)[0])),
    }
