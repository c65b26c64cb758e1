"""The level of a monthly series, with its trend and its season: a Gaussian process, averaged over its settings.

The logarithms are a level that wanders around a mean and returns to it, a trend that is damped, a season that repeats
every year, and noise (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, sections 2.2 and 5.4). How
large each is is not chosen but averaged over a grid, each setting weighed by how well it predicted every month from
those before it. So a season counts as far as the months so far speak for one, and what is not known yet is in the
spread: a shop of nine months may have any season.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.periods import MONTHS_PER_YEAR

MEAN_VARIANCE = 1.0
"""Of the prior of the mean, in squared logarithms: next to nothing is assumed of it."""

LEVELS = (0.02, 0.06, 0.15, 0.3)
"""Standard deviation of the level around its mean."""
RETURN_MONTHS = (6.0, 36.0)
"""Months until it has returned by 63 %."""
TRENDS = (0.0, 0.02)
"""Standard deviation of the monthly change of the slope."""
TREND_DAMPING = 0.9
SEASONS = (0.0, 0.08, 0.16, 0.32)
SEASON_WIDTH = 0.8
"""Of a peak, in the periodic kernel's units: neighbouring months are alike, those three months apart hardly."""
NOISES = (0.01, 0.04, 0.1, 0.25)
TREND_START_MONTHS = 24


@dataclass(frozen=True)
class LevelForecast:
    """Forecasts from several origins (rows) for several months after each (columns), in logarithms.

    ``season`` and ``trend`` are how much the months until each origin speak for there being one, 0 to 1; ``courses``
    how much for each course, one column each.
    """

    mean: Floats
    sd: Floats
    season: Floats
    trend: Floats
    courses: Floats


@dataclass(frozen=True)
class LevelProcess:
    """The process of a series of ``months``, continued for ``months_ahead``.

    ``noise`` is what is known of each month's variance beforehand, such as that of a count; one value per month, past
    and to come.
    """

    months: int
    months_ahead: int
    noise: Floats

    def forecast(
        self,
        logs: Floats,
        origins: npt.NDArray[np.int64],
        months_ahead: int,
        courses: Floats | None = None,
        log_prior: Floats | None = None,
    ) -> LevelForecast:
        """Forecasts from what was known at each origin.

        Args:
            logs: one row per origin with the series as it was known there, NaN from the origin on.
            origins: number of months that are known.
            months_ahead: forecast after each.
            courses: of the mean of the process, past and to come, one row each; they are averaged like the settings. A
                constant mean if not given.
            log_prior: of each course; equal if not given.
        """
        courses = np.zeros((1, self.months + self.months_ahead)) if courses is None else courses
        prior = np.zeros(len(courses)) if log_prior is None else log_prior
        own, of_course = self._whitened(np.nan_to_num(logs)), self._whitened(courses[:, : self.months])
        constant = self._whitened(np.ones((1, self.months)))
        rows = []
        for row, origin in enumerate(origins.tolist()):
            centers = (logs[row, :origin] - courses[:, :origin]).mean(axis=1)
            past = np.s_[:, :, :origin]
            whitened = own[:, row, None, :origin] - of_course[past] - centers[:, None] * constant[past]
            coming = centers[:, None] + courses[:, origin : origin + months_ahead]
            rows.append(self._from(whitened, coming, prior, origin, months_ahead))
        return LevelForecast(*(np.array(part) for part in zip(*rows, strict=True)))

    def _from(
        self, whitened: Floats, courses: Floats, log_prior: Floats, origin: int, ahead: int
    ) -> tuple[Floats, Floats, float, float, Floats]:
        """From the errors by setting, course and past month, and the courses of the months to come."""
        evidence = -0.5 * (whitened**2).sum(axis=2) - np.log(self._diagonal[:, :origin]).sum(axis=1)[:, None]
        evidence += self._log_prior[:, None] + log_prior
        weights = np.exp(evidence - evidence.max())
        weights /= weights.sum()
        later = self._roots[:, origin : origin + ahead, :origin]
        means = whitened @ later.transpose(0, 2, 1) + courses
        # What noise the months to come have is not known at a past origin.
        coming = usual_noise(self.noise[:origin]) - self.noise[origin : origin + ahead]
        variances = self._variances[:, origin : origin + ahead] - (later**2).sum(axis=2) + coming
        mean = np.einsum("gk,gka->a", weights, means)
        of_settings = weights.sum(axis=1)
        spread = of_settings @ variances + np.einsum("gk,gka->a", weights, (means - mean) ** 2)
        sd = np.sqrt(np.maximum(spread, 1e-12))
        trend, season = (float(of_settings[self._settings[:, place] > 0].sum()) for place in (2, 3))
        return mean, sd, season, trend, weights.sum(axis=0)

    def _whitened(self, logs: Floats) -> Floats:
        """The one-step errors in their standard deviations: setting, origin, month."""
        roots, found = self._roots, np.zeros((len(self._settings), *logs.shape))
        for month in range(self.months):
            known = np.einsum("gm,gom->go", roots[:, month, :month], found[:, :, :month])
            found[:, :, month] = (logs[:, month] - known) / self._diagonal[:, month, None]
        return found

    @cached_property
    def _settings(self) -> Floats:
        return np.array(list(product(LEVELS, RETURN_MONTHS, TRENDS, SEASONS, NOISES)))

    @cached_property
    def _log_prior(self) -> Floats:
        """Even odds of a trend and of a season."""
        shares = np.where(self._settings[:, 3] > 0, 0.5 / (len(SEASONS) - 1), 0.5)
        return np.asarray(np.log(shares))

    @cached_property
    def _covariances(self) -> Floats:
        length = self.months + self.months_ahead
        month = np.arange(length)
        apart = np.abs(month[:, None] - month)
        season = np.exp(-2 * (np.sin(np.pi * apart / MONTHS_PER_YEAR) / SEASON_WIDTH) ** 2)
        trend = _damped_trend(length)
        level, back, slope, seasonal, noise = (column[:, None, None] for column in self._settings.T)
        own = np.eye(length) * (noise**2 + np.diag(self.noise))
        return np.asarray(
            MEAN_VARIANCE + level**2 * np.exp(-apart / back) + slope**2 * trend + seasonal**2 * season + own
        )

    @cached_property
    def _variances(self) -> Floats:
        return np.asarray(np.diagonal(self._covariances, axis1=1, axis2=2))

    @cached_property
    def _roots(self) -> Floats:
        return np.asarray(np.linalg.cholesky(self._covariances), np.float64)

    @cached_property
    def _diagonal(self) -> Floats:
        return np.asarray(np.diagonal(self._roots, axis1=1, axis2=2))


def usual_noise(noise: Floats) -> float:
    """The variance of a month with as many orders as the mean month of the last year.

    Variances of counts are about one over the count, so that this is their harmonic mean: a month without an order has
    a large variance, and months to come are not like it.
    """
    return float(1 / np.mean(1 / noise[-MONTHS_PER_YEAR:]))


def _damped_trend(length: int) -> Floats:
    """Covariance of a level whose slope changes at random every month and is damped (Gardner and McKenzie, 1985)."""
    lag = np.arange(length + TREND_START_MONTHS)
    after = np.maximum(lag[:, None] - lag, 0)
    gains = TREND_DAMPING * (1 - TREND_DAMPING**after) / (1 - TREND_DAMPING)
    path = gains[TREND_START_MONTHS:] - gains[TREND_START_MONTHS]
    return np.asarray(path @ path.T)
