"""What customers bring by months since their acquisition, and how far each month was above or below that.

A cohort's revenue in a month is its customers times a curve of their age, times the level of the month, times how good
the cohort is. The curve falls by a power of the age, as the mean of customers who drop out at different rates does
(Fader and Hardie, 2009, Probability Models for Customer-Base Analysis, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customer_revenue.arrays import Floats

ROUNDS, ROUNDS_WITHOUT_LEVELS = 8, 3
"""What age and cohort explain is not left to the levels, which come in after some rounds: data alone do not
distinguish the three."""
ORDERS_OF_PRIOR = 50.0
"""A cohort counts as like the others, as if so many of its orders had been as many as expected."""
RECENT_COHORTS = 6
COHORT_SPREAD = 0.2
"""Standard deviation of the logarithm of what cohorts of the same shop bring."""
MONTHS_SEEN_BEFORE = 12.0
"""Age of customers who had bought before the history began, when it began."""
MAX_DECAY = 2.0
DECAY_PRIOR_ORDERS = 20.0


@dataclass(frozen=True)
class CohortCurve:
    """The parts of the revenue that follows the month of acquisition, as of an origin.

    Attributes:
        first: cents of a new customer in the month of acquisition.
        repeat: cents of a customer in the month after, per trading day of it.
        decay: power of the age by which that falls.
        quality: of each cohort.
        recent_quality: mean of the cohorts of the last months, which those to come are taken to be like.
        tenure: months by which each cohort is older than its first order in the history.
        levels: logarithm of each month's level, 0 on the mean.
        noise: variance of the levels for the number of orders behind them.
    """

    first: float
    repeat: float
    decay: float
    quality: Floats
    recent_quality: float
    tenure: Floats
    levels: Floats
    noise: Floats

    def at(self, ages: Floats) -> Floats:
        """Cents of a customer per trading day at ages from one month on; 0 before."""
        return np.where(ages >= 1, self.repeat * np.maximum(ages, 1.0) ** -self.decay, 0.0)


def fit_cohort_curve(
    arrivals: Floats, revenue_cents: Floats, orders: Floats, days: Floats, seen_before: Floats
) -> CohortCurve:
    """The curve of the months so far.

    Args:
        arrivals: customers acquired, one value per month.
        revenue_cents: by month of acquisition (rows) and month.
        orders: likewise.
        days: trading days of the months.
        seen_before: share of each cohort that had bought before the history began.
    """
    months = len(arrivals)
    ages = np.arange(months, dtype=np.float64) - np.arange(months)[:, None]
    later = ages >= 1
    own = np.diagonal(revenue_cents)
    first = _of_recent(own / np.maximum(arrivals, 1.0), arrivals, seen_before)
    tenure = MONTHS_SEEN_BEFORE * seen_before
    ages += tenure[:, None]
    cents, count = np.where(later, revenue_cents, 0.0), np.where(later, orders, 0.0)
    order = cents.sum() / max(count.sum(), 1.0)
    quality, levels = np.ones(months), np.zeros(months)
    repeat, decay = 0.0, 0.5
    exposure = np.where(later, arrivals[:, None] * days, 0.0)
    for round_ in range(ROUNDS if cents.sum() > 0 else 0):
        base = exposure * quality[:, None] * np.exp(levels)
        repeat, decay = power_fit(base, ages, cents, order, decay)
        expected = base * repeat * np.maximum(ages, 1.0) ** -decay
        prior = ORDERS_OF_PRIOR * order
        quality = quality * (cents.sum(axis=1) + prior) / (expected.sum(axis=1) + prior)
        of_month = (exposure * quality[:, None] * repeat * np.maximum(ages, 1.0) ** -decay).sum(axis=0)
        if round_ >= ROUNDS_WITHOUT_LEVELS:
            levels = np.log((cents.sum(axis=0) + order) / (of_month + order))
    like = _of_recent(quality, count.sum(axis=1), seen_before, 1.0)
    return CohortCurve(first, repeat, decay, quality, like, tenure, levels, 2.0 / (1.0 + count.sum(axis=0)))


def _of_recent(values: Floats, counts: Floats, seen_before: Floats, otherwise: float = 0.0) -> float:
    """The mean of the last cohorts.

    A cohort counts by the precision of its value, which more orders or customers raise up to that of one cohort among
    others (DerSimonian and Laird, 1986), and less where few of it are new.
    """
    weights = (1 - seen_before) / (COHORT_SPREAD**2 + 1 / np.maximum(counts, 0.1)) * (counts > 0)
    weights = weights[-RECENT_COHORTS:]
    return float(weights @ values[-RECENT_COHORTS:] / weights.sum()) if weights.sum() else otherwise


def power_fit(base: Floats, ages: Floats, cents: Floats, order: float, decay: float) -> tuple[float, float]:
    """The Poisson fit of ``repeat`` and ``decay``, in orders, by Newton steps on the decay.

    Args:
        base: what ``repeat`` is multiplied by, such as customers times days.
        ages: of each, at least 1 where it counts.
        cents: that came.
        order: cents that vary together, such as a mean order.
        decay: to start from.
    """
    log_age = np.log(np.maximum(ages, 1.0))
    for _ in range(8):
        shape = base * np.exp(-decay * log_age)
        repeat = cents.sum() / max(shape.sum(), 1e-300)
        fitted = shape * repeat
        center = (fitted * log_age).sum() / max(fitted.sum(), 1e-300)
        slope = ((cents - fitted) * log_age).sum() / order + DECAY_PRIOR_ORDERS * (decay - 0.5)
        curvature = (fitted * (log_age - center) ** 2).sum() / order + DECAY_PRIOR_ORDERS
        decay = float(np.clip(decay - slope / curvature, 0.0, MAX_DECAY))
    return repeat, decay
