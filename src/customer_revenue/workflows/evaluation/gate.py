"""The gate: whether a challenger is good enough to become champion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.bootstrap import paired_bootstrap
from customer_revenue.modeling.forecast_names import BG_NBD, OURS
from customer_revenue.modeling.metrics import (
    HIGHER_IS_BETTER,
    Forecast,
    Ties,
    calibration_error,
    coverage,
    expected_calibration_error,
    measure,
)
from customer_revenue.policy import Gate
from customer_revenue.workflows.evaluation.fold import BacktestFold
from customer_revenue.workflows.evaluation.group_gate import group_comparison, group_coverage
from customer_revenue.workflows.registry.verdict import Check, Verdict

CHANCE_DRAWS = 200
CHANCE_QUANTILE = 0.95
CHANCE_Z = 1.96


def judge(
    folds: Sequence[BacktestFold],
    gate: Gate,
    champion: str | None,
    of_champion: Mapping[dt.date, Forecast],
    others: Sequence[Check] = (),
) -> Verdict:
    """Compare a challenger with the champion and with BG/NBD + Gamma-Gamma, and look at its own calibration.

    Args:
        folds: of the challenger's back-test, with outcomes.
        gate: margins and bounds.
        champion: its version.
        of_champion: the champion's forecast by cut-off, for the same customers in the same order.
        others: what was found elsewhere, such as in the data.
    """
    checks = list(others)
    if folds:
        peers: dict[str, Mapping[dt.date, Forecast]] = {BG_NBD: {o.cutoff: o.forecasts[BG_NBD] for o in folds}}
        if champion is not None and len(of_champion) == len(folds):
            peers["the champion"] = of_champion
        for name, theirs in peers.items():
            checks += _comparisons(folds, gate, name, theirs)
            checks += group_comparison(folds, gate, name, theirs)
        checks += [_calibration(folds, gate), *_coverages(folds, gate), *group_coverage(folds, gate)]
    return Verdict(tuple(checks), champion, tuple(str(fold.cutoff) for fold in folds))


def _comparisons(
    folds: Sequence[BacktestFold], gate: Gate, name: str, theirs: Mapping[dt.date, Forecast]
) -> list[Check]:
    """Each metric of ours against another's: worse counts beyond the margin, and beyond chance.

    The differences' 95 % intervals are averaged like the differences: the folds share their customers, so that
    several of them make no interval narrower.
    """
    gaps = {
        fold.cutoff: paired_bootstrap(
            _outcomes(fold), fold.forecasts[OURS], theirs[fold.cutoff], metrics=tuple(gate.margins)
        )
        for fold in folds
    }
    checks = []
    for metric, margin in gate.margins.items():
        ours, other = (
            float(np.mean([measure(metric, _outcomes(o), side[o.cutoff]) for o in folds]))
            for side in ({o.cutoff: o.forecasts[OURS] for o in folds}, theirs)
        )
        sign = -1 if metric in HIGHER_IS_BETTER else 1
        worst_case = np.mean([gaps[o.cutoff][metric][1 if sign > 0 else 2] for o in folds]) * sign
        worse = sign * (ours - other)
        passed = not (worse > margin * abs(other) and worst_case > 0)
        words = metric.replace("_", " ")
        text = f"{words} {ours:,.4g}, {name} has {other:,.4g}, may be {margin:.0%} worse"
        checks.append(Check(f"{metric} against {name}", passed, text))
    return checks


def _calibration(folds: Sequence[BacktestFold], gate: Gate) -> Check:
    errors, chances = [], []
    for fold in folds:
        probability = fold.forecasts[OURS].probability
        errors.append(expected_calibration_error(_outcomes(fold).purchases, probability))
        chances.append(calibration_error_by_chance(probability))
    error, most = float(np.mean(errors)), max(gate.calibration_error, float(np.mean(chances)))
    text = f"calibration error {error:.3f}, at most {most:.3f}"
    return Check("calibration", error <= most, text)


def calibration_error_by_chance(probability: Floats, draws: int = CHANCE_DRAWS, seed: int = 0) -> float:
    """The calibration error that perfectly calibrated probabilities stay below in 95 of 100 cases."""
    rng, ties, one = np.random.default_rng(seed), Ties(probability), np.ones(len(probability))
    errors = [
        calibration_error(ties, (rng.random(len(probability)) < probability).astype(float), one) for _ in range(draws)
    ]
    return float(np.quantile(errors, CHANCE_QUANTILE))


def _coverages(folds: Sequence[BacktestFold], gate: Gate) -> list[Check]:
    figures = [coverage(_outcomes(fold), fold.forecasts[OURS]) for fold in folds]
    customers = min(fold.features.num_rows for fold in folds)
    stated = float(np.mean([f["interval_mass"] for f in figures]))
    most = gate.coverage_gap + CHANCE_Z * float(np.sqrt(stated * (1 - stated) / customers))
    checks = []
    for what in ("purchases", "revenue"):
        held = float(np.mean([f[f"{what}_coverage"] for f in figures]))
        text = f"intervals of {what} held for {held:.1%} and state {stated:.1%}, may differ by {most:.1%}"
        # Counts are whole: where few of them have all the chance, their intervals hold more.
        wrong = stated - held if what == "purchases" else abs(held - stated)
        checks.append(Check(f"coverage of {what}", wrong <= most, text))
    return checks


def _outcomes(fold: BacktestFold) -> Any:
    assert fold.outcomes is not None, "the gate is shown folds whose horizon is over"
    return fold.outcomes
