"""The overview of the page: figures and charts of one period and some segments, aggregated by the engine."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from customer_revenue.choices import CohortUnit
from customer_revenue.orders.recipe import Recipe
from customer_revenue.periods import MONTHS_PER_YEAR, Period
from customer_revenue.revenue.cohorts import TriangleRow, cohort_label
from customer_revenue.revenue.distribution import concentration, distribution, lorenz_points
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.base_queries import cells_of_rfm, groups_of_rfm
from customer_revenue.workflows.customer_base.filters import CustomerFilter
from customer_revenue.workflows.customer_base.headline_metrics import (
    ComparisonPeriods,
    HeadlineMetrics,
    headline_metrics,
    known_headline,
    known_unattributed,
)
from customer_revenue.workflows.known_tables import first_day_of

MONTHS_OF_MONTHLY_COHORTS = 24
"""A history longer than this has quarterly cohorts, so that the heat map stays readable."""
MAX_COHORTS = 24


class Part(StrEnum):
    """The parts of the overview: the figures are there long before the charts of a large store."""

    METRICS = "metrics"
    CHARTS = "charts"


class Overview:
    """Everything on the page's first view."""

    def __init__(self, customer_filter: CustomerFilter) -> None:
        self._filter = customer_filter

    def of(self, period: Period, segments: Collection[str], parts: Collection[Part] = ()) -> Body:
        """The figures and charts of one period and some segments; none stands for all of them, and of parts likewise.

        Raises:
            InvalidParameter: an unknown segment.
        """
        names = self._filter.checked(segments)
        windows = ComparisonPeriods.of(period, self._filter.base.when.day)
        body: Body = {
            "period": period.value,
            "segments": list(names),
            "first_day": None
            if period is Period.ALL_TIME
            else period.first_day(self._filter.base.when.day).isoformat(),
            "last_day": self._filter.base.when.day.isoformat(),
            "compared_with": windows.comparison(self._filter.store.info.first_day),
        }
        if not parts or Part.METRICS in parts:
            now, before = self._figures(names, windows)
            body["metrics"] = now.with_previous(before)
            if not names:
                body |= self._unattributed(windows)
        if not parts or Part.CHARTS in parts:
            body |= self._charts(period, names)
        return body

    def _charts(self, period: Period, segments: tuple[str, ...]) -> Body:
        shares = self._filter.rows(period, segments, concentration)
        return {
            "monthly": self._months(period, segments),
            "segment_shares": self._filter.rows(period, (), distribution),
            "concentration": shares[0] if shares else None,
            "lorenz": self._filter.rows(period, segments, lorenz_points),
            "cohorts": self._cohorts(period, segments),
            "rfm": self._rfm(period, segments),
        }

    def _figures(
        self, segments: tuple[str, ...], windows: ComparisonPeriods
    ) -> tuple[HeadlineMetrics, HeadlineMetrics | None]:
        policy, base = self._filter.policy.segments, self._filter.base
        if segments:
            (row,) = base.rows(headline_metrics(self._filter.known_of(segments), windows, policy))
        else:
            parameters = {"moment": base.when.moment_utc_naive, **windows.parameters()}
            (row,) = base.store.fetch(Recipe(known_headline, (policy,)), **parameters).to_pylist()
        return windows.figures(row, self._filter.store.info.first_day)

    def _unattributed(self, windows: ComparisonPeriods) -> Body:
        """Revenue of the period's orders without a customer, which no other figure contains; empty without any."""
        moment, now = self._filter.base.when.moment_utc_naive, windows.now
        (row,) = self._filter.store.fetch(
            Recipe(known_unattributed), moment=moment, now_first=now.first, now_last=now.last
        ).to_pylist()
        return {name: value for name, value in row.items() if value is not None}

    def _months(self, period: Period, segments: tuple[str, ...]) -> list[Row]:
        base = self._filter.base
        if period is Period.ALL_TIME and not segments:
            return base.all_months
        return base.months(self._filter.known_of(segments), first_day_of(period, base.when))

    def _triangle(self, unit: CohortUnit, segments: tuple[str, ...]) -> list[TriangleRow]:
        base = self._filter.base
        return base.triangle(self._filter.known_of(segments), unit) if segments else base.whole_triangle(unit)

    def _cohorts(self, period: Period, segments: tuple[str, ...]) -> Body:
        """The newest cohorts, with the cells whose month is in the period."""
        day, info = self._filter.base.when.day, self._filter.store.info
        months = (
            0 if info.first_day is None else (day.year - info.first_day.year) * 12 + day.month - info.first_day.month
        )
        unit = CohortUnit.MONTH if months < MONTHS_OF_MONTHLY_COHORTS else CohortUnit.QUARTER
        start = period.first_day(day)
        first = start.year * MONTHS_PER_YEAR + start.month - 1
        cohorts: dict[int, Row] = {}
        for cell in self._triangle(unit, segments):
            cohort = cohorts.setdefault(
                cell.cohort_index,
                {"cohort": cohort_label(cell.cohort_index, unit), "customers": cell.customers, "cells": []},
            )
            if cell.cohort_index + (cell.age + 1) * unit.months > first:
                cohort["cells"].append(
                    {
                        "age": cell.age,
                        "active_customers": cell.active_customers,
                        "retention_percent": cell.retention_percent,
                        "revenue_cents": cell.revenue_cents,
                    }
                )
        newest = [cohort for _, cohort in sorted(cohorts.items())][-MAX_COHORTS:]
        return {"unit": unit.value, "left_out": len(cohorts) - len(newest), "rows": newest}

    def _rfm(self, period: Period, segments: tuple[str, ...]) -> Body:
        """Groups, and the map of recency by frequency. Scores are among all customers of the period."""
        policy = self._filter.policy.rfm
        return {
            "groups": self._filter.rows(period, (), groups_of_rfm, policy, segments),
            "cells": self._filter.rows(period, (), cells_of_rfm, policy, segments),
        }
