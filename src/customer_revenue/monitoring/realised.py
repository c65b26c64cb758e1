"""What was predicted against what customers then did, by horizon, week and segment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.arrays import Floats, central_coverage
from customer_revenue.monitoring.bands import NOWHERE, Band, ranking_band, ratio_band, risk_per_figure, share_band
from customer_revenue.policy import Monitoring

EVERYONE = "all"
ALARM_FIGURES = ("buyers", "purchases", "revenue", "purchases_coverage", "revenue_coverage")
"""Those that may raise an alarm; the ranking is only reported."""


@dataclass(frozen=True)
class RealisedGroup:
    """Customers of a segment who were predicted for in the same week.

    Attributes:
        horizon_days: of the predictions.
        week: its Monday.
        segment: of value, or everyone.
        customers: how many.
        versions: of the models that predicted.
        totals: predicted and actual totals, by ``buyers``, ``purchases`` and ``revenue_cents``.
        bands: actual over predicted for ``buyers``, ``purchases`` and ``revenue``; shares that intervals held for;
            ``ranking``, the area under the ROC curve.
        stated: the stated probability of the intervals.
        alarms: figures that are wrong beyond chance and tolerance.
    """

    horizon_days: int
    week: dt.date
    segment: str
    customers: int
    versions: tuple[str, ...]
    totals: Mapping[str, tuple[float, float]]
    bands: Mapping[str, Band]
    stated: float
    alarms: tuple[str, ...]


def realised(
    logged: pa.Table, outcomes: Mapping[tuple[dt.date, int], pa.Table], policy: Monitoring
) -> list[RealisedGroup]:
    """Compare predictions whose horizon is over with what happened, latest week first.

    Args:
        logged: rows of the prediction log; a customer's first prediction of a week counts.
        outcomes: by as-of day and horizon, what customers did: ``customer_id``, ``purchases`` and ``revenue_cents``.
        policy: tolerances, and how many false alarms a year may have.
    """
    joined = [
        _with_outcomes(logged.filter((pc.field("as_of") == day) & (pc.field("horizon_days") == horizon)), happened)
        for (day, horizon), happened in outcomes.items()
    ]
    rows = pa.concat_tables([table for table in joined if table.num_rows] or joined[:1]) if joined else None
    if rows is None or not rows.num_rows:
        return []
    groups = list(_groups(rows))
    risk = risk_per_figure(policy.false_alarms_per_year, policy.looks_per_year, len(groups) * len(ALARM_FIGURES))
    found = [_group(*key, part, risk, policy) for key, part in groups]
    return sorted(found, key=lambda g: (g.week, -g.horizon_days, g.segment == EVERYONE, g.customers), reverse=True)


def _with_outcomes(logged: pa.Table, happened: pa.Table) -> pa.Table:
    """The rows joined with what happened; customers who are no longer in the store are left out."""
    ids = happened.column("customer_id").combine_chunks()
    places = pc.index_in(logged.column("customer_id"), value_set=ids)
    known = pc.is_valid(places)
    logged, places = logged.filter(known), places.filter(known)
    week = pc.floor_temporal(logged.column("as_of"), unit="week")
    return (
        logged.append_column("week", week)
        .append_column("actual_purchases", happened.column("purchases").take(places).cast(pa.float64()))
        .append_column("actual_revenue_cents", happened.column("revenue_cents").take(places).cast(pa.float64()))
    )


def _groups(rows: pa.Table) -> Iterator[tuple[tuple[int, dt.date, str], pa.Table]]:
    keys = rows.select(["horizon_days", "week"]).group_by(["horizon_days", "week"]).aggregate([]).to_pylist()
    for key in sorted(keys, key=lambda k: (k["horizon_days"], k["week"])):
        part = rows.filter((pc.field("horizon_days") == key["horizon_days"]) & (pc.field("week") == key["week"]))
        part = _first_of_each(part)
        yield (key["horizon_days"], key["week"], EVERYONE), part
        for segment in sorted(pc.unique(part.column("segment")).to_pylist()):
            yield (key["horizon_days"], key["week"], segment), part.filter(pc.field("segment") == segment)


def _first_of_each(rows: pa.Table) -> pa.Table:
    rows = rows.sort_by([("as_of", "ascending"), ("predicted_at", "ascending")])
    places = pa.array(np.arange(rows.num_rows))
    first = rows.select(["customer_id"]).append_column("place", places).group_by("customer_id")
    return rows.take(first.aggregate([("place", "min")]).column("place_min"))


def _group(horizon: int, week: dt.date, segment: str, rows: pa.Table, risk: float, policy: Monitoring) -> RealisedGroup:
    p, count, money = (
        _column(rows, name) for name in ("purchase_probability", "actual_purchases", "actual_revenue_cents")
    )
    bought = count > 0
    bands = {"buyers": ratio_band(bought.astype(float), p, risk), "ranking": ranking_band(bought, p, risk)}
    totals = {"buyers": (float(p.sum()), float(bought.sum()))}
    is_predicted = ~np.isnan(_column(rows, "expected_purchases"))
    stated = float("nan")
    if is_predicted.any():
        expected, revenue = (_column(rows, f"expected_{name}")[is_predicted] for name in ("purchases", "revenue_cents"))
        totals |= {
            "purchases": (float(expected.sum()), float(count[is_predicted].sum())),
            "revenue_cents": (float(revenue.sum()), float(money[is_predicted].sum())),
        }
        inside = {
            name: _inside(rows, name, actual)[is_predicted]
            for name, actual in (("purchases", count), ("revenue", money))
        }
        stated = float(np.mean(central_coverage(p, _column(rows, "interval_mass"))[is_predicted]))
        bands |= {
            "purchases": ratio_band(count[is_predicted], expected, risk),
            "revenue": ratio_band(money[is_predicted], revenue, risk),
            **{f"{name}_coverage": share_band(held, risk) for name, held in inside.items()},
        }
    alarms = _alarms(bands, stated, totals, policy)
    versions = tuple(sorted(pc.unique(rows.column("model_version")).to_pylist()))
    return RealisedGroup(horizon, week, segment, rows.num_rows, versions, totals, bands, stated, alarms)


def _alarms(
    bands: Mapping[str, Band], stated: float, totals: Mapping[str, tuple[float, float]], policy: Monitoring
) -> tuple[str, ...]:
    """Figures whose whole band is outside of what is tolerated; too few buyers, predicted or actual, raise none."""
    if max(totals["buyers"]) < policy.least_buyers:
        return ()
    limit = 1 + policy.ratio_tolerance
    tolerated = dict.fromkeys(("buyers", "purchases", "revenue"), (1 / limit, limit))
    gap = policy.coverage_gap
    # Counts are whole, so that their intervals may hold more than they state.
    tolerated |= {"purchases_coverage": (stated - gap, 1.0), "revenue_coverage": (stated - gap, stated + gap)}
    return tuple(name for name in ALARM_FIGURES if bands.get(name, NOWHERE).outside(*tolerated[name]))


def _inside(rows: pa.Table, name: str, actual: Floats) -> np.ndarray:
    slack = 0.5 if name == "revenue" else 0.0  # cents are whole, the bounds of revenue are not
    low, high = (_column(rows, f"{name}_{end}{'_cents' if name == 'revenue' else ''}") for end in ("low", "high"))
    return np.asarray((actual >= low - slack) & (actual <= high + slack))


def _column(rows: pa.Table, name: str) -> Floats:
    return np.asarray(pc.fill_null(rows.column(name).cast(pa.float64()), float("nan")).to_numpy(), np.float64)
