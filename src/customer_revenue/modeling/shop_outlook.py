"""The forecast of the shop from its months alone: known customers, customers to come, and how far off it has been.

It is made as of the end of every past month, too, from what was known then; those errors set the width of the bands and
are what the confidence score counts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.cohort_curve import CohortCurve, fit_cohort_curve
from customer_revenue.modeling.level_process import LevelForecast, LevelProcess, usual_noise
from customer_revenue.modeling.shop_history import ShopHistory

FIRST_ORIGIN = 3
"""Number of months that are known where the first forecast of the past is made."""
MAX_ORIGINS = 24
MAX_CALIBRATED_MONTHS = 24
"""Leads beyond are not measured."""
MONTHS_OF_ORDERS = 12
"""Recent months whose first orders say what a first order is."""
MONTHS_WITHOUT_ARRIVALS = 3
"""After so many months without a new customer, none is expected any more."""
SEEN_BEFORE = (2.0, 10.0, 50.0, 250.0, np.inf)
"""Customers who had bought before the history began and are counted as new in its first month, for each who is new."""
SEEN_BEFORE_SHAPES = (0.5, 1.0, 2.0)
SEEN_BEFORE_SCALES = (0.5, 2.0, 6.0)
"""Shape and scale (months) of the rates at which they buy, by which their first orders since then become fewer."""
PRIOR_MONTHS = 4.0
"""The process's own widths count as if so many past months had been as far off as it says."""
SCALES = (0.8, 4.0)
MONTHS_UNTIL_FORGOTTEN = 6.0
"""After so many months an error counts for a third: what surprised a young shop, such as its season, is known later."""
MONTHS_OF_MEAN = 3
"""Whose mean is the simplest forecast."""
POWER_OF_ERRORS = 2
CORRELATION = 0.5
"""Of the errors of the level and of the arrivals: what brings new customers brings the known ones, too."""
NORMAL_90 = 1.2815515655446004


@dataclass(frozen=True)
class OutlookParts:
    """Cents by origin (rows) and months ahead (columns), and the standard deviations of their logarithms.

    Attributes:
        known: of customers known at the origin.
        first: of customers to come, in the month in which they come.
        repeat: of customers to come, later.
        level_sd: of the level, which known customers and the repeat purchases of others have.
        arrivals_sd: of the number of customers to come.
    """

    known: Floats
    first: Floats
    repeat: Floats
    level_sd: Floats
    arrivals_sd: Floats

    @property
    def new(self) -> Floats:
        """Customers to come."""
        return self.first + self.repeat

    @property
    def total(self) -> Floats:
        """Known customers and customers to come."""
        return self.known + self.new

    @property
    def last(self) -> OutlookParts:
        """Those of the last origin, the present."""
        return OutlookParts(*(getattr(self, field.name)[-1] for field in fields(self)))

    def times(self, factors: Floats) -> OutlookParts:
        """All amounts multiplied."""
        return replace(self, known=self.known * factors, first=self.first * factors, repeat=self.repeat * factors)

    @property
    def new_sd(self) -> Floats:
        """Of the customers to come."""
        of_level = self.repeat / np.maximum(self.new, 1e-9)
        return _together(of_level * self.level_sd, self.arrivals_sd)

    def total_sd(self, level_scale: Floats | float = 1.0, arrivals_scale: Floats | float = 1.0) -> Floats:
        """Of the total, with the standard deviations of the parts multiplied."""
        total = np.maximum(self.total, 1e-9)
        of_level, of_arrivals = (self.known + self.repeat) / total, self.new / total
        return _together(of_level * self.level_sd * level_scale, of_arrivals * self.arrivals_sd * arrivals_scale)


def _together(level: Floats, arrivals: Floats) -> Floats:
    return np.asarray(np.sqrt(level**2 + arrivals**2 + 2 * CORRELATION * level * arrivals))


@dataclass(frozen=True)
class Measured:
    """How many of the past months of a shop lay inside of the band that was forecast for them.

    ``months`` are distinct months, ``forecasts`` those of them from every origin; ``share`` is None without any.
    """

    share: float | None
    months: int
    forecasts: int


@dataclass(frozen=True)
class ShopOutlook:
    """The forecast of a shop from its monthly history, for ``months_ahead`` months."""

    history: ShopHistory
    months_ahead: int

    @cached_property
    def origins(self) -> list[int]:
        """Numbers of months that are known: of past origins, and last of the present."""
        last = self.history.months
        return [*range(max(FIRST_ORIGIN, last - MAX_ORIGINS), last), last]

    @cached_property
    def curves(self) -> list[CohortCurve]:
        """The cohort curve as of each origin."""
        past = self.history
        return [
            fit_cohort_curve(
                past.arrivals[:o], past.revenue_cents[:o, :o], past.orders[:o, :o], past.days[o, :o], seen[:o]
            )
            for o, seen in zip(self.origins, self.seen_before, strict=True)
        ]

    @cached_property
    def levels(self) -> LevelForecast:
        """Logarithm of the level of what customers bring after the month of acquisition."""
        months = self.history.months
        logs = np.full((len(self.origins), months), np.nan)
        for row, (origin, curve) in enumerate(zip(self.origins, self.curves, strict=True)):
            logs[row, :origin] = curve.levels
        return self._process(self.curves[-1].noise).forecast(logs, np.array(self.origins), self.months_ahead)

    @cached_property
    def arrivals(self) -> LevelForecast:
        """Logarithm of the new customers per trading day."""
        past, months = self.history, self.history.months
        own = np.log((past.arrivals + 0.5) / past.days[self.origins, :months])
        logs = np.where(np.arange(months) < np.array(self.origins)[:, None], own, np.nan)
        courses, log_prior, _ = arrival_courses(months + self.months_ahead)
        process = self._process(1 / (past.arrivals + 0.5))
        return process.forecast(logs, np.array(self.origins), self.months_ahead, courses, log_prior)

    @cached_property
    def seen_before(self) -> Floats:
        """Share of those who first ordered in each month (columns) that had bought before, as of each origin."""
        return np.asarray(self.arrivals.courses @ arrival_courses(self.history.months)[2])

    @cached_property
    def new_customers(self) -> Floats:
        """Expected new customers by origin and months ahead."""
        past = self.history
        counts = np.exp(self.arrivals.mean) * self._days
        over = [past.arrivals[max(o - MONTHS_WITHOUT_ARRIVALS, 0) : o].sum() == 0 for o in self.origins]
        return np.where(np.array(over)[:, None], 0.0, counts)

    @cached_property
    def parts(self) -> OutlookParts:
        """Known and new, as of each origin: what the months say, joined in logarithms with their recent mean."""
        order = self._mean_order
        ratio = (self._recent_mean + order) / (self.of_months.total + order)
        return self.of_months.times(ratio**self.share_of_mean)

    @cached_property
    def of_months(self) -> OutlookParts:
        """Known and new by curve, level and arrivals alone."""
        rows = range(len(self.origins))
        known = np.stack([self._known(row) for row in rows])
        first = np.array([curve.first for curve in self.curves])[:, None] * self.new_customers
        level = np.exp(self.levels.mean) * self._days
        repeat = level * np.stack([self._repeat_of_new(row) for row in rows])
        return OutlookParts(known, first, repeat, self.levels.sd, self.arrivals.sd)

    @cached_property
    def share_of_mean(self) -> Floats:
        """Of the mean of the last months in the logarithm of the forecast, by origin and months ahead.

        Forecast and mean each count by a power of the inverse of their mean squared error from the origins before, up
        to so many months ahead (Stock and Watson, Journal of Forecasting 23, 2004). Without errors each has a half.
        """
        over, order = self._over(MAX_CALIBRATED_MONTHS), self._mean_order
        came = np.where(over, self.actual["total"], 0.0) + order
        made = np.stack([self.of_months.total, self._recent_mean])
        squared = np.where(over, np.log(came / (made + order)) ** 2, 0.0)
        shares = np.full(over.shape, 0.5)
        for row, origin in enumerate(self.origins):
            usable = over & (self._target <= origin)
            count = np.cumsum(usable.sum(axis=0))
            months = np.minimum(count, np.unique(self._target[usable]).size)
            mean = np.cumsum((squared * usable).sum(axis=1), axis=1) / np.maximum(count, 1)
            shrunk = PRIOR_MONTHS * mean.mean(axis=0) + months * mean + 1e-12
            precision = (shrunk / shrunk.sum(axis=0)) ** -POWER_OF_ERRORS
            shares[row] = np.where(count > 0, precision[1] / precision.sum(axis=0), 0.5)
        return shares

    @cached_property
    def _recent_mean(self) -> Floats:
        """Revenue at the mean of the last months per trading day, by origin and months ahead."""
        past, total = self.history, self.history.revenue_cents.sum(axis=0)
        recent = [slice(max(origin - MONTHS_OF_MEAN, 0), origin) for origin in self.origins]
        per_day = [
            total[months].sum() / past.days[o, months].sum() for o, months in zip(self.origins, recent, strict=True)
        ]
        return np.asarray(np.array(per_day)[:, None] * self._days)

    @cached_property
    def _target(self) -> npt.NDArray[np.int64]:
        """Number of the month that is forecast, by origin and months ahead."""
        return np.asarray(np.array(self.origins)[:, None] + 1 + np.arange(self.months_ahead))

    @cached_property
    def new_orders(self) -> Floats:
        """Expected orders of customers to come, by months ahead from the present."""
        past = self.history
        recent = slice(max(past.months - MONTHS_OF_ORDERS, 0), None)
        own_orders, own_cents = np.diagonal(past.orders)[recent].sum(), np.diagonal(past.revenue_cents)[recent].sum()
        parts = self.parts.last
        return np.asarray(parts.first * own_orders / max(own_cents, 1.0) + parts.repeat / max(self._mean_order, 1.0))

    def scales(self, until: int | None = None) -> tuple[float, float]:
        """By how much the widths have to be multiplied for the errors so far: of the level and of the arrivals."""
        parts = self.parts
        widths = ("known", parts.known, parts.level_sd), ("new", parts.new, parts.new_sd)
        found = [self._scale(*self._errors(*width), until or self.history.months) for width in widths]
        return found[0], found[1]

    @staticmethod
    def _scale(errors: Floats, target: npt.NDArray[np.int64], until: int) -> float:
        usable = target <= until
        ago = np.exp((target[usable] - until) / MONTHS_UNTIL_FORGOTTEN)
        months = float(np.exp((np.unique(target[usable]) - until) / MONTHS_UNTIL_FORGOTTEN).sum())
        mean = float(ago @ errors[usable] ** 2 / ago.sum()) if months else 1.0
        return float(np.clip(np.sqrt((PRIOR_MONTHS + months * mean) / (PRIOR_MONTHS + months)), *SCALES))

    def measured(self, months_ahead: int) -> Measured:
        """How many past months lay inside of their 80 % band, forecast up to ``months_ahead`` before their end."""
        scales = np.array([self.scales(origin) for origin in self.origins])
        sd = self.parts.total_sd(scales[:, :1], scales[:, 1:])
        errors, target = self._errors("total", self.parts.total, sd, months_ahead)
        share = float((np.abs(errors) <= NORMAL_90).mean()) if len(errors) else None
        return Measured(share, len(np.unique(target)), len(errors))

    @cached_property
    def actual(self) -> dict[str, Floats]:
        """What came, by past origin and months ahead, of ``known`` and ``new`` customers and in ``total``.

        NaN where it is not over.
        """
        past = self.history
        months = past.months
        known, total = (np.full((len(self.origins), self.months_ahead), np.nan) for _ in range(2))
        for row, origin in enumerate(self.origins):
            over = min(months - origin, self.months_ahead)
            known[row, :over] = past.revenue_cents[:origin, origin : origin + over].sum(axis=0)
            total[row, :over] = past.revenue_cents[:, origin : origin + over].sum(axis=0)
        return {"known": known, "new": total - known, "total": total}

    def _errors(
        self, kind: str, forecast: Floats, sd: Floats, months_ahead: int = MAX_CALIBRATED_MONTHS
    ) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Logarithms of actual over forecast in standard deviations, and the month of each."""
        over, order = self._over(months_ahead), self._mean_order
        errors = np.log((self.actual[kind][over] + order) / (forecast[over] + order)) / sd[over]
        return errors, self._target[over]

    def _over(self, months_ahead: int) -> npt.NDArray[np.bool_]:
        within = np.arange(self.months_ahead) < months_ahead
        return np.asarray(np.isfinite(self.actual["total"]) & within)

    @cached_property
    def _mean_order(self) -> float:
        return float(self.history.revenue_cents.sum() / max(self.history.orders.sum(), 1.0))

    @cached_property
    def _days(self) -> Floats:
        """Trading days by origin and months ahead."""
        ahead = np.arange(self.months_ahead)
        origins = np.array(self.origins)[:, None]
        return np.asarray(self.history.days[origins, origins + ahead])

    def _known(self, row: int) -> Floats:
        origin, curve = self.origins[row], self.curves[row]
        ahead = np.arange(1.0, self.months_ahead + 1)
        ages = origin - 1 + ahead - np.arange(origin)[:, None] + curve.tenure[:, None]
        of_cohorts = (self.history.arrivals[:origin] * curve.quality) @ curve.at(ages)
        return np.asarray(of_cohorts * np.exp(self.levels.mean[row]) * self._days[row])

    def _repeat_of_new(self, row: int) -> Floats:
        """Cents per trading day of customers to come, after their month of acquisition, at a level of 1."""
        ahead = np.arange(self.months_ahead, dtype=np.float64)
        per_customer = self.curves[row].at(ahead[:, None] - ahead)
        return np.asarray(self.curves[row].recent_quality * (per_customer @ self.new_customers[row]))

    def _process(self, noise: Floats) -> LevelProcess:
        months = self.history.months
        coming = np.full(self.months_ahead, usual_noise(noise))
        return LevelProcess(months, self.months_ahead, np.concatenate([noise[:months], coming]))


def arrival_courses(months: int) -> tuple[Floats, Floats, Floats]:
    """Courses of the logarithm of the customers who look new, the logarithm of their prior, and who of them is not new.

    Whoever had bought before the history began looks new at their first order in it. With rates of a gamma distribution
    such first orders become fewer like the density of Lomax (Fader and Hardie, 2009, section 3), and what is left of
    them are the new ones. There may be no such customers, or nobody else, as in a panel. Even odds of the first.

    Returns:
        One row for each course and one column for each month; one value for each course; as the first, shares.
    """
    scales, shapes, ratios = (
        part.ravel()[:, None] for part in np.meshgrid(SEEN_BEFORE_SCALES, SEEN_BEFORE_SHAPES, SEEN_BEFORE)
    )
    fewer = -(shapes + 1) * np.log1p(np.arange(months) / scales)
    nobody_else = np.isinf(ratios)
    old = np.where(nobody_else, 1.0, ratios) * np.exp(fewer)
    courses = np.where(nobody_else, fewer, np.log1p(old))
    shares = np.where(nobody_else, 1.0, old / (1 + old))
    prior = np.array([0.5, *np.full(len(courses), 0.5 / len(courses))])
    nothing = np.zeros((1, months))
    return np.vstack([nothing, courses]), np.log(prior), np.vstack([nothing, shares])
