"""Levels: what has to be added to the logarithms or log-odds of a forecast for its total to be what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy
from scipy.special import expit

from customer_revenue.arrays import Floats

MAX_LEVEL = 3.0


@dataclass(frozen=True)
class Level:
    """A level, and the variance of its estimate: customers are independent, and however they scatter."""

    value: float
    variance: float

    @classmethod
    def of_totals(cls, happened: Floats, expected: Floats, weight: Floats | None = None) -> Level:
        """The logarithm of what happened over what was expected, from one value per customer each."""
        if weight is not None:
            happened, expected = weight * happened, weight * expected
        value = log_ratio(float(happened.sum()), float(expected.sum()))
        off = happened - np.exp(value) * expected
        return cls(value, float(off @ off) / max(float(happened.sum()), 1e-9) ** 2)

    @classmethod
    def of_log_odds(cls, log_odds: Floats, happened: npt.NDArray[np.bool_], weight: Floats | None = None) -> Level:
        """The level of log-odds, from one value per customer each."""
        value = log_odds_level(log_odds, happened, weight)
        p = expit(log_odds + value)
        if weight is None:
            return cls(value, 1 / max(float(np.sum(p * (1 - p))), 1e-9))
        scatter = float(np.sum(weight**2 * p * (1 - p)))
        return cls(value, scatter / max(float(np.sum(weight * p * (1 - p))), 1e-9) ** 2)


def shrunk(value: float, variance: float) -> float:
    """A level shrunk by the variance of its estimate: the positive-part estimator (James and Stein, 1961).

    >>> round(shrunk(0.2, 0.01), 3), shrunk(0.1, 0.02)
    (0.15, 0.0)
    """
    return value * max(0.0, 1 - variance / value**2) if value else 0.0


def log_ratio(happened: float, expected: float) -> float:
    """Logarithm of what happened over what was expected; 0 where either is nothing."""
    if happened <= 0 or expected <= 0:
        return 0.0
    return float(np.clip(np.log(happened / expected), -MAX_LEVEL, MAX_LEVEL))


def log_odds_level(log_odds: Floats, happened: npt.NDArray[np.bool_], weight: Floats | None = None) -> float:
    """What has to be added to log-odds for their mean probability to be the share that happened."""
    return _shift(log_odds, float(np.average(happened, weights=weight)), weight)


def log_odds_shift(log_odds: Floats, wanted: Floats) -> float:
    """What has to be added to log-odds for their mean probability to be that of others."""
    return _shift(log_odds, float(expit(wanted).mean()))


def _shift(log_odds: Floats, mean: float, weight: Floats | None = None) -> float:
    def excess(level: float) -> float:
        return float(np.average(expit(log_odds + level), weights=weight) - mean)

    if excess(-MAX_LEVEL) >= 0:
        return -MAX_LEVEL
    if excess(MAX_LEVEL) <= 0:
        return MAX_LEVEL
    return float(scipy.optimize.brentq(excess, -MAX_LEVEL, MAX_LEVEL))
