"""What a new customer is expected to bring, by what is known of them on their first day.

The value within some days is the first day's revenue plus, age by age, the mean of those customers whose age is over:
nobody is left out for being young, and no cohort has to be complete (Bang and Tsiatis, 2000, Biometrika 87, the
partitioned estimator). What was observed lately counts more. Months of acquisition are better or worse than others; a
customer to come is like those of the last months. Ages that nobody has reached continue the curve by a power of the
age. What months and groups have more or less than all is shrunk by how far they differ beyond chance (Buehlmann and
Straub, 1970).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from customer_revenue.arrays import Floats, numbers_of
from customer_revenue.modeling.cohort_curve import RECENT_COHORTS, power_fit
from customer_revenue.modeling.shop_outlook import NORMAL_90
from customer_revenue.periods import DAYS_PER_YEAR, MONTHS_PER_YEAR

AGE_ENDS = (0, *range(30, 361, 30), 365, *range(425, 726, 60), 730)
"""Last days of the ages, the first of which is the day of the first order."""

FIT_ROUNDS = 6
MONTHS_UNTIL_NEW = 3.0
SEEN_BEFORE_VARIANCE, SEEN_BEFORE_MONTHS = 1.0, 2.0
"""The first months of a history count customers as new who had bought before it began: how little they say, in squared
logarithms, and the months in which that passes."""

VALUE_DAYS = (30, 90, 180, 365, 730)
"""Horizons that are reported."""

WINDOW_DAYS = 5 * DAYS_PER_YEAR
"""An age counts that was over within so many days; what was over lately counts more."""

MIN_CUSTOMERS_OF_AGE = 20
"""An age of fewer customers continues the curve."""

MIN_CUSTOMERS_OF_LEVEL = 30
"""Groups of fewer customers are one group together."""

OTHER = "(other)"

SHARE_UNKNOWN = 0.3
"""Standard deviation of what nobody's age has shown yet, as a share of it."""

DAYS_PER_AGE_UNIT = 30.0

LEAST_EFFECT = 0.05


@dataclass(frozen=True)
class ShrunkEffects:
    """Effects of groups: what each has as a multiple of all, shrunk to 1.

    Attributes:
        effect: one value per group.
        variance: of the effect, after it was seen.
        between: variance between groups beyond chance.
    """

    effect: Floats
    variance: Floats
    between: float

    @classmethod
    def of(cls, came: Floats, expected: Floats, dispersion: float) -> ShrunkEffects:
        """Effects from what came and what was expected, in cents by group.

        Args:
            came: of each group.
            expected: of each group, if it were like all.
            dispersion: variance of what came, per cent expected.
        """
        weight = np.maximum(expected, 0.0)
        ratio = np.where(weight > 0, came / np.maximum(weight, 1e-9), 1.0)
        total = weight.sum()
        free = total - (weight**2).sum() / max(total, 1e-9)
        groups = int((weight > 0).sum())
        excess = (weight * (ratio - 1) ** 2).sum() - (groups - 1) * dispersion
        between = float(max(excess / free, 0.0)) if groups > 1 and free > 0 else 0.0
        trust = weight * between / (weight * between + dispersion) if between > 0 else np.zeros_like(weight)
        return cls(1 + trust * (ratio - 1), (1 - trust) * between, between)


@dataclass(frozen=True)
class AgeCurve:
    """What customers bring at some ages.

    Attributes:
        increments: mean cents of a customer to come at each age.
        cohorts: what each month of acquisition brought as a multiple of that.
        between: variance between the months beyond chance.
        unsure: variance of each month's multiple, after it was seen.
    """

    increments: Floats
    cohorts: Floats
    between: float
    unsure: Floats

    @classmethod
    def of(cls, exposure: Floats, net_cents: Floats, weights: Floats, recent: Floats, dispersion: float) -> Self:
        """The curve from cells by month of acquisition (rows) and age (columns).

        Args:
            exposure: customers whose age was over.
            net_cents: what they brought at it.
            weights: of the cells.
            recent: of the months of acquisition; a customer to come is like their mean.
            dispersion: variance of what came, per cent expected.
        """
        early = np.arange(len(recent)) < MONTHS_UNTIL_NEW
        effects, increments, between = np.ones(len(recent)), np.zeros(exposure.shape[1]), 0.0
        variance = np.zeros(len(recent))
        weighted, came, brought = weights * exposure, (weights * net_cents).sum(axis=0), net_cents.sum(axis=1)
        for _ in range(FIT_ROUNDS):
            counted = effects @ weighted
            increments = np.where(counted > 0, came / np.maximum(counted, 1e-9), 0.0)
            expected = exposure @ increments
            seen_before, unsure = _seen_before_effects(brought, expected, early, dispersion)
            shrunk = ShrunkEffects.of(brought, expected * seen_before, dispersion)
            effects, between = np.maximum(seen_before * shrunk.effect, LEAST_EFFECT), shrunk.between + unsure
            variance = shrunk.variance + unsure
        like = float(recent @ effects / recent.sum()) if recent.sum() else 1.0
        return cls(increments * like, effects / like, between, variance / like**2)


def _seen_before_effects(
    came: Floats, expected: Floats, early: npt.NDArray[np.bool_], dispersion: float
) -> tuple[Floats, float]:
    """What the first months and the later ones bring as multiples of all, and the variance of the later ones' effect.

    Those whose first order is in the first months of a history may have bought before it began, and can be quite unlike
    customers who are new.
    """
    effects, unsure = np.ones(len(came)), 0.0
    if early.all():
        return effects, unsure
    for months in (early, ~early):
        weight = max(float(expected[months].sum()), 0.0)
        trust = weight * SEEN_BEFORE_VARIANCE / (weight * SEEN_BEFORE_VARIANCE + dispersion)
        ratio = came[months].sum() / weight if weight > 0 else 1.0
        effects[months] = 1 + trust * (ratio - 1)
        unsure = (1 - trust) * SEEN_BEFORE_VARIANCE
    return effects, unsure


@dataclass(frozen=True)
class NewCustomerValue:
    """The value of a new customer, of all and by group.

    Attributes:
        levels: the groups, in the order of the rows.
        exposure: customers by group, month of acquisition and age whose age was over within the window.
        net_cents: what these brought at the age.
        acquired: customers by group and month of acquisition.
        first_cohort: month index of the first of these.
        dispersion: variance per cent expected, of the first day and of later.
    """

    levels: tuple[str | None, ...]
    exposure: Floats
    net_cents: Floats
    acquired: Floats
    dispersion: tuple[float, float]
    first_cohort: int = 0

    @classmethod
    def of(cls, acquired: pa.Table, values: pa.Table, spread: pa.Table, window_days: int = WINDOW_DAYS) -> Self:
        """The value from the rows of ``acquired_by_day``, ``value_by_age`` and ``spread_of_value``."""
        names, counts = acquired["level"].to_pylist(), numbers_of(acquired["customers"]).astype(np.float64)
        merged = _merged_levels(names, counts)
        levels = tuple(sorted(set(merged.values()), key=lambda name: (name is None, name == OTHER, name)))
        place = {name: levels.index(level) for name, level in merged.items()}
        months = numbers_of(acquired["cohort"]).astype(np.int64)
        first = months.min(initial=np.iinfo(np.int64).max)
        shape = (len(levels), int(months.max(initial=first) - first) + 1, len(AGE_ENDS))
        row, column = np.array([place[name] for name in names], np.int64), months - first
        ends, observed = np.array(AGE_ENDS), numbers_of(acquired["observed_days"])[:, None]
        over = (ends <= observed) & (observed - ends < window_days)
        exposure, net, of_month = np.zeros(shape), np.zeros(shape), np.zeros(shape[:2])
        np.add.at(exposure, (row, column), over * counts[:, None])
        np.add.at(of_month, (row, column), counts)
        own = np.array([place[name] for name in values["level"].to_pylist()], np.int64)
        cell = (own, numbers_of(values["cohort"]) - first, np.searchsorted(ends, numbers_of(values["age_end"])))
        np.add.at(net, cell, numbers_of(values["net_cents"]).astype(np.float64))
        dispersion = {0: 1.0, 1: 1.0}
        for part in spread.to_pylist():
            dispersion[part["is_first"]] = max(part["squares"] / max(part["net_cents"], 1.0), 1.0)
        return cls(levels, exposure, net, of_month, (dispersion[1], dispersion[0]), int(first))

    @property
    def customers(self) -> npt.NDArray[np.int64]:
        """Number of customers of each group."""
        return np.asarray(self.acquired.sum(axis=1).astype(np.int64))

    @cached_property
    def seen(self) -> npt.NDArray[np.bool_]:
        """Whether enough customers have shown an age, and all before it."""
        enough = self.exposure.sum(axis=(0, 1)) >= MIN_CUSTOMERS_OF_AGE
        return np.asarray(np.logical_and.accumulate(enough | (np.arange(len(AGE_ENDS)) == 0)))

    @cached_property
    def increments(self) -> Floats:
        """Mean cents of a customer at each age; of ages that nobody has shown, by the curve."""
        lengths = np.diff(AGE_ENDS, prepend=0).astype(np.float64)
        middle = np.maximum((np.array(AGE_ENDS) - lengths / 2) / DAYS_PER_AGE_UNIT, 0.5)
        means = np.concatenate([self._curves[0].increments, self._curves[1].increments])
        later = self.seen & (lengths > 0)
        base = self.exposure.sum(axis=(0, 1)) * lengths
        cents = np.maximum(means, 0.0) * self.exposure.sum(axis=(0, 1))
        continued = np.zeros(len(AGE_ENDS))
        if cents[later].sum() > 0:
            repeat, decay = power_fit(base[later], middle[later], cents[later], self.dispersion[1], 0.5)
            continued = repeat * middle**-decay * lengths
        return np.where(self.seen, means, continued)

    @cached_property
    def first(self) -> ShrunkEffects:
        """Effects of the groups on the first day's revenue."""
        return self._effects(0, slice(0, 1))

    @cached_property
    def later(self) -> ShrunkEffects:
        """Effects of the groups on what comes later."""
        return self._effects(1, slice(1, int(self.seen.sum())))

    def cumulative(self, days: Sequence[int] = AGE_ENDS) -> Floats:
        """Expected net cents of a new customer of each group (rows) within each of some days (columns)."""
        first = self.first.effect[:, None] * self.increments[0]
        return np.asarray(first + self.later.effect[:, None] * self._later_within(days))

    def standard_deviations(self, days: Sequence[int]) -> Floats:
        """Standard deviations of :meth:`cumulative` as a forecast of the mean of a coming month's customers."""
        first, later = self.increments[0], self._later_within(days)
        of_first = self.first.variance + self._curves[0].between
        of_later = self.later.variance + self._curves[1].between
        count = np.maximum(self.exposure.sum(axis=(0, 1)), 1.0)
        inside = np.arange(len(AGE_ENDS)) > 0
        sampling = np.where(self.seen & inside, self.dispersion[1] * np.maximum(self.increments, 0.0) / count, 0.0)
        unseen = np.where(self.seen, 0.0, self.increments) * SHARE_UNKNOWN
        known = self._within(sampling, days) + self._within(unseen, days) ** 2
        known = known + self.dispersion[0] * max(first, 0.0) / count[0]
        variance = of_first[:, None] * first**2 + of_later[:, None] * later**2 + known
        # The first months hold those who had bought before the history began: they say little about others.
        seen_before = SEEN_BEFORE_VARIANCE * np.exp(-self.acquired.shape[1] / SEEN_BEFORE_MONTHS)
        return np.asarray(np.sqrt(variance + seen_before * (first + later) ** 2))

    def interval(self, days: Sequence[int]) -> tuple[Floats, Floats]:
        """The ends of the 80 % interval of the mean of a coming month's customers."""
        middle, sd = self.cumulative(days), self.standard_deviations(days)
        return np.maximum(middle - NORMAL_90 * sd, 0.0), middle + NORMAL_90 * sd

    def is_observed(self, days: int) -> bool:
        """Whether enough customers have been known for so many days."""
        return bool(self.seen[np.searchsorted(AGE_ENDS, days)])

    @property
    def curves(self) -> tuple[AgeCurve, AgeCurve]:
        """Of the first day, and of the ages after it; of ages that nobody has shown, the increments are 0."""
        return self._curves

    @cached_property
    def _curves(self) -> tuple[AgeCurve, AgeCurve]:
        """Of the first day, and of the ages after it."""
        exposure, net = self.exposure.sum(axis=0), self.net_cents.sum(axis=0)
        months = np.arange(exposure.shape[0], dtype=np.float64)
        # The first months hold those who had bought before the history began: they count less.
        known_as_new = 1 - np.exp(-(months + 1) / MONTHS_UNTIL_NEW)
        past = months[-1] - months
        ago = np.maximum(past[:, None] - np.array(AGE_ENDS) * MONTHS_PER_YEAR / DAYS_PER_YEAR, 0.0)
        weights = known_as_new[:, None] * np.exp(-ago / RECENT_COHORTS)
        recent = self.acquired.sum(axis=0) * known_as_new * np.exp(-past / RECENT_COHORTS)
        if recent[months >= MONTHS_UNTIL_NEW].sum() > 0:
            recent = np.where(months >= MONTHS_UNTIL_NEW, recent, 0.0)
        last = int(self.seen.sum())
        first = AgeCurve.of(exposure[:, :1], net[:, :1], weights[:, :1], recent, self.dispersion[0])
        shown = AgeCurve.of(exposure[:, 1:last], net[:, 1:last], weights[:, 1:last], recent, self.dispersion[1])
        rest = np.zeros(exposure.shape[1] - last)
        return first, replace(shown, increments=np.concatenate([shown.increments, rest]))

    def _effects(self, part: int, ages: slice) -> ShrunkEffects:
        curve = self._curves[part]
        expected = (curve.cohorts @ self.exposure[:, :, ages]) @ self.increments[ages]
        return ShrunkEffects.of(self.net_cents[:, :, ages].sum(axis=(1, 2)), expected, self.dispersion[part])

    def _later_within(self, days: Sequence[int]) -> Floats:
        return self._within(np.where(np.arange(len(AGE_ENDS)) > 0, self.increments, 0.0), days)

    @staticmethod
    def _within(parts: Floats, days: Sequence[int]) -> Floats:
        return np.asarray(np.interp(np.asarray(days, np.float64), AGE_ENDS, np.cumsum(parts)))


def _merged_levels(names: Sequence[str | None], counts: Floats) -> dict[str | None, str | None]:
    """Each group's name, or the common one of those with few customers."""
    sizes: dict[str | None, float] = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        sizes[name] = sizes.get(name, 0.0) + count
    few = [name for name, size in sizes.items() if size < MIN_CUSTOMERS_OF_LEVEL]
    return {name: OTHER if name in few and len(sizes) > 1 else name for name in sizes}
