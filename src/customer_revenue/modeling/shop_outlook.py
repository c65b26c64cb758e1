"""The forecast of the shop from its months alone: known customers, customers to come, and how far off it has been.

It is made as of the end of every past month, too, from what was known then; those errors set the width of the bands and
are what the confidence score counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.cohort_curve import CohortCurve, fit_cohort_curve
from customer_revenue.modeling.level_process import LevelForecast, LevelProcess
from customer_revenue.modeling.shop_history import ShopHistory
from customer_revenue.periods import MONTHS_PER_YEAR

FIRST_ORIGIN = 3
"""Number of months that are known where the first forecast of the past is made."""
MAX_ORIGINS = 24
MAX_CALIBRATED_MONTHS = 24
"""Leads beyond are not measured."""
MONTHS_OF_ORDERS = 12
"""Recent months whose first orders say what a first order is."""
MONTHS_WITHOUT_ARRIVALS = 3
"""After so many months without a new customer, none is expected any more."""
SEEN_BEFORE_VARIANCE, SEEN_BEFORE_MONTHS = 1.0, 2.0
"""The first months of a history count customers as new who had bought before it began: how little they say, in squared
logarithms, and the months in which that passes."""
PRIOR_MONTHS = 4.0
"""The process's own widths count as if so many past months had been as far off as it says."""
SCALES = (0.8, 4.0)
CORRELATION = 0.5
"""Of the errors of the level and of the arrivals: what brings new customers brings the known ones, too."""
NORMAL_90 = 1.2815515655446004


@dataclass(frozen=True)
class OutlookParts:
    """Cents by origin (rows) and months ahead (columns), and the standard deviations of their logarithms."""

    known: Floats
    new: Floats
    known_sd: Floats
    total_sd: Floats

    @property
    def total(self) -> Floats:
        """Known customers and customers to come."""
        return self.known + self.new

    @property
    def last(self) -> OutlookParts:
        """Those of the last origin, the present."""
        return OutlookParts(self.known[-1], self.new[-1], self.known_sd[-1], self.total_sd[-1])


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
            fit_cohort_curve(past.arrivals[:o], past.revenue_cents[:o, :o], past.orders[:o, :o], past.days[o, :o])
            for o in self.origins
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
        noise = 1 / (past.arrivals + 0.5) + SEEN_BEFORE_VARIANCE * np.exp(-np.arange(months) / SEEN_BEFORE_MONTHS)
        return self._process(noise).forecast(logs, np.array(self.origins), self.months_ahead)

    @cached_property
    def new_customers(self) -> Floats:
        """Expected new customers by origin and months ahead."""
        past = self.history
        counts = np.exp(self.arrivals.mean) * self._days
        over = [past.arrivals[max(o - MONTHS_WITHOUT_ARRIVALS, 0) : o].sum() == 0 for o in self.origins]
        return np.where(np.array(over)[:, None], 0.0, counts)

    @cached_property
    def parts(self) -> OutlookParts:
        """Known and new, as of each origin."""
        return self.with_known(np.stack([self._known(row) for row in range(len(self.origins))]))

    def with_known(self, known: Floats) -> OutlookParts:
        """The parts with another forecast of the known customers, in cents by origin and months ahead."""
        level = np.exp(self.levels.mean) * self._days
        first = np.array([curve.first for curve in self.curves])[:, None] * self.new_customers
        repeat = level * np.stack([self._repeat_of_new(row) for row in range(len(self.origins))])
        total = np.maximum(known + first + repeat, 1e-9)
        by_level, by_arrivals = (known + repeat) / total, (first + repeat) / total
        return OutlookParts(
            known,
            first + repeat,
            self.levels.sd,
            self._together(by_level * self.levels.sd, by_arrivals * self.arrivals.sd),
        )

    @staticmethod
    def _together(level: Floats, arrivals: Floats) -> Floats:
        return np.asarray(np.sqrt(level**2 + arrivals**2 + 2 * CORRELATION * level * arrivals))

    @cached_property
    def new_orders(self) -> Floats:
        """Expected orders of customers to come, by months ahead from the present."""
        past = self.history
        recent = slice(max(past.months - MONTHS_OF_ORDERS, 0), None)
        own_orders, own_cents = np.diagonal(past.orders)[recent].sum(), np.diagonal(past.revenue_cents)[recent].sum()
        first = self.curves[-1].first * self.new_customers[-1]
        repeat = self.parts.new[-1] - first
        return np.asarray(first * own_orders / max(own_cents, 1.0) + repeat / max(self._mean_order, 1.0))

    def scale(self, kind: str, until: int | None = None) -> float:
        """By how much the widths have to be multiplied for the errors so far, of ``known`` or ``total``."""
        until = self.history.months if until is None else until
        errors, target = self._errors(kind)
        usable = target <= until
        months = len(np.unique(target[usable]))
        mean = float(np.mean(errors[usable] ** 2)) if months else 1.0
        squared = (PRIOR_MONTHS + months * mean) / (PRIOR_MONTHS + months)
        return float(np.clip(np.sqrt(squared), *SCALES))

    def measured(self, kind: str, months_ahead: int) -> Measured:
        """How many past months lay inside of their 80 % band, forecast up to ``months_ahead`` before their end."""
        errors, target = self._errors(kind, months_ahead)
        origin = self._origin_of(months_ahead)
        scales = {int(o): self.scale(kind, int(o)) for o in np.unique(origin)}
        inside = np.abs(errors) <= NORMAL_90 * np.array([scales[int(o)] for o in origin])
        share = float(inside.mean()) if len(inside) else None
        return Measured(share, len(np.unique(target)), len(inside))

    @cached_property
    def actual(self) -> dict[str, Floats]:
        """What came, by past origin and months ahead: of ``known`` customers and in ``total``; NaN where not over."""
        past = self.history
        months = past.months
        known, total = (np.full((len(self.origins), self.months_ahead), np.nan) for _ in range(2))
        for row, origin in enumerate(self.origins):
            over = min(months - origin, self.months_ahead)
            known[row, :over] = past.revenue_cents[:origin, origin : origin + over].sum(axis=0)
            total[row, :over] = past.revenue_cents[:, origin : origin + over].sum(axis=0)
        return {"known": known, "total": total}

    def _errors(self, kind: str, months_ahead: int = MAX_CALIBRATED_MONTHS) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Logarithms of actual over forecast in standard deviations, and the month of each."""
        over = self._over(months_ahead)
        parts = self.parts
        forecast, sd = (parts.known, parts.known_sd) if kind == "known" else (parts.total, parts.total_sd)
        order = self._mean_order
        errors = np.log((self.actual[kind][over] + order) / (forecast[over] + order)) / sd[over]
        target = (np.array(self.origins)[:, None] + 1 + np.arange(self.months_ahead))[over]
        return errors, target

    def _origin_of(self, months_ahead: int) -> npt.NDArray[np.int64]:
        over = self._over(months_ahead)
        return np.asarray(np.broadcast_to(np.array(self.origins)[:, None], over.shape)[over])

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
        ages = origin - 1 + ahead - np.arange(origin)[:, None]
        of_cohorts = (self.history.arrivals[:origin] * curve.quality) @ curve.at(ages)
        return np.asarray(of_cohorts * np.exp(self.levels.mean[row]) * self._days[row])

    def _repeat_of_new(self, row: int) -> Floats:
        """Cents per trading day of customers to come, after their month of acquisition, at a level of 1."""
        ahead = np.arange(self.months_ahead, dtype=np.float64)
        per_customer = self.curves[row].at(ahead[:, None] - ahead)
        return np.asarray(self.curves[row].recent_quality * (per_customer @ self.new_customers[row]))

    def _process(self, noise: Floats) -> LevelProcess:
        months = self.history.months
        coming = np.full(self.months_ahead, noise[-MONTHS_PER_YEAR:].mean())
        return LevelProcess(months, self.months_ahead, np.concatenate([noise[:months], coming]))
