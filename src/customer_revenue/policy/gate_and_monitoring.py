"""The sections ``gate`` and ``monitoring``: the requirements on a challenger, and the limits of alarms."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, field_validator

from customer_revenue.errors import InvalidParameter
from customer_revenue.policy.section import Section
from customer_revenue.public_holidays import PLACE, public_holidays

GateMetric = Literal[
    "purchases_mae",
    "purchases_rmse",
    "purchases_spearman",
    "revenue_mae",
    "revenue_rmse",
    "revenue_gini",
    "probability_auc",
    "probability_log_loss",
    "probability_brier",
]

GroupMetric = Literal[
    "purchases_crps",
    "purchases_mae",
    "purchases_rmse",
    "revenue_crps",
    "revenue_mae",
    "revenue_rmse",
    "probability_log_loss",
    "probability_brier",
]

FeedCheck = Literal[
    "day_missing",
    "orders_doubled",
    "amounts_changed",
    "status_vanished",
    "hours_shifted",
    "ids_reformatted",
    "customers_unknown",
]


class Gate(Section):
    """When a challenger may become champion.

    ``margins``: by which share of the other's figure, on the same back-test, a challenger's may be worse than the
    champion's and than BG/NBD with Gamma-Gamma's. ``calibration_error`` and ``coverage_gap``: the maximum of its
    own, beyond chance. ``group_margins`` and ``group_customers``: the margins within groups of customers, and how many
    customers a group must have to be compared.
    """

    margins: dict[GateMetric, float] = Field(min_length=1)
    group_margins: dict[GroupMetric, float]
    group_customers: int = Field(ge=1)
    calibration_error: float = Field(gt=0, lt=1)
    coverage_gap: float = Field(gt=0, lt=1)


class Feed(Section):
    """When the orders of the feed are anomalous.

    ``window_days``: the days that are checked; ``baseline_days``: the days before them, to compare with.
    ``closed_days``: days without sales; days without orders next to them raise no alarm either. ``country``: its public
    holidays are like them here, and count in the forecast of the shop where they differ from other days. ``accepted``:
    checks whose findings are known and raise no alarm. The others are minimum sizes of a finding, however significant
    it is.
    """

    window_days: int = Field(ge=7)
    baseline_days: int = Field(ge=21)
    closed_days: tuple[dt.date, ...]
    country: str = Field(pattern=PLACE)
    accepted: tuple[FeedCheck, ...]
    least_orders_share: float = Field(gt=0, lt=1)
    twins_share: float = Field(gt=0, lt=1)
    amounts_factor: float = Field(gt=1)
    shift_hours: int = Field(ge=1, le=12)
    new_ids_share: float = Field(gt=0, lt=1)

    @field_validator("country")
    @classmethod
    def _has_holidays(cls, place: str) -> str:
        try:
            public_holidays(place, dt.date(2025, 1, 1), dt.date(2025, 12, 31))
        except InvalidParameter as error:
            raise ValueError(error.message) from None
        return place


class Drift(Section):
    """When customers, or what is predicted for them, have changed since training.

    ``distance``: Kolmogorov and Smirnov's, from 0 to 1. ``times_usual``: as many times as in the same span before.
    """

    distance: float = Field(gt=0, lt=1)
    times_usual: float = Field(ge=1)


class Monitoring(Section):
    """When predictions have been wrong, and how many false alarms a year may have.

    ``ratio_tolerance``: the factor by which a total may exceed its prediction or fall below it. ``coverage_gap``: the
    tolerated difference between how often intervals held and their stated probability. ``least_buyers``: fewer raise
    no alarm. ``lookback_days``: how long ago horizons may have ended.
    """

    false_alarms_per_year: float = Field(gt=0)
    looks_per_year: int = Field(ge=1)
    lookback_days: int = Field(ge=7)
    least_buyers: int = Field(ge=1)
    ratio_tolerance: float = Field(gt=0)
    coverage_gap: float = Field(gt=0, lt=1)
    feed: Feed
    drift: Drift
