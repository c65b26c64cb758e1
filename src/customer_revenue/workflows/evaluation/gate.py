"""The gate: whether a challenger is good enough to become champion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from customer_revenue.modeling.metrics import (
    HIGHER_IS_BETTER,
    METRICS,
    Forecast,
    coverage,
    expected_calibration_error,
    paired_bootstrap,
)
from customer_revenue.modeling.purchase_histories import Floats
from customer_revenue.policy import Gate
from customer_revenue.workflows.evaluation.fold import BG_NBD, OURS, Origin

CHANCE_DRAWS = 200
CHANCE_QUANTILE = 0.95
CHANCE_Z = 1.96


@dataclass(frozen=True)
class Check:
    """One figure of a challenger, what it may be, and whether it is."""

    name: str
    passed: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a challenger.

    Attributes:
        checks: all that was looked at.
        champion: version of the champion that it was compared with, if there is one.
        cutoffs: of the back-test; none where there is too little data for one.
    """

    checks: tuple[Check, ...]
    champion: str | None
    cutoffs: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it may become champion."""
        return all(check.passed for check in self.checks)

    @property
    def refusals(self) -> tuple[str, ...]:
        """What failed, in words."""
        return tuple(check.text for check in self.checks if not check.passed)

    def text(self) -> str:
        """Lines for people."""
        measured = f"on {len(self.cutoffs)} cut-offs ({', '.join(self.cutoffs)})" if self.cutoffs else "no back-test"
        lines = [f"  {'ok     ' if check.passed else 'REFUSED'} {check.text}" for check in self.checks]
        return "\n".join([f"Gate, {measured}, champion {self.champion or 'none'}:", *lines])

    def to_document(self) -> dict[str, Any]:
        """The verdict as JSON-able values."""
        return {"passed": self.passed, **asdict(self)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Verdict:
        """The verdict of :meth:`to_document`."""
        checks = tuple(Check(**check) for check in document["checks"])
        return cls(checks, document["champion"], tuple(document["cutoffs"]))


def judge(
    origins: Sequence[Origin],
    gate: Gate,
    champion: str | None,
    of_champion: Mapping[dt.date, Forecast],
    others: Sequence[Check] = (),
) -> Verdict:
    """Compare a challenger with the champion and with BG/NBD + Gamma-Gamma, and look at its own calibration.

    Args:
        origins: of the challenger's back-test, with outcomes.
        gate: margins and bounds.
        champion: its version.
        of_champion: the champion's forecast by cut-off, for the same customers in the same order.
        others: what was found elsewhere, such as in the data.
    """
    checks = list(others)
    if origins:
        checks += _comparisons(origins, gate, BG_NBD, {o.cutoff: o.forecasts[BG_NBD] for o in origins})
        if champion is not None and len(of_champion) == len(origins):
            checks += _comparisons(origins, gate, "the champion", of_champion)
        checks += [_calibration(origins, gate), *_coverages(origins, gate)]
    return Verdict(tuple(checks), champion, tuple(str(origin.cutoff) for origin in origins))


def _comparisons(origins: Sequence[Origin], gate: Gate, name: str, theirs: Mapping[dt.date, Forecast]) -> list[Check]:
    """Each metric of ours against another's: worse counts beyond the margin, and beyond chance.

    The differences' 95 % intervals are averaged like the differences: the origins share their customers, so that
    several of them make no interval narrower.
    """
    gaps = {
        origin.cutoff: paired_bootstrap(
            _outcomes(origin), origin.forecasts[OURS], theirs[origin.cutoff], metrics=tuple(gate.margins)
        )
        for origin in origins
    }
    checks = []
    for metric, margin in gate.margins.items():
        ours, other = (
            float(np.mean([METRICS[metric](_outcomes(o), side[o.cutoff]) for o in origins]))
            for side in ({o.cutoff: o.forecasts[OURS] for o in origins}, theirs)
        )
        sign = -1 if metric in HIGHER_IS_BETTER else 1
        worst_case = np.mean([gaps[o.cutoff][metric][1 if sign > 0 else 2] for o in origins]) * sign
        worse = sign * (ours - other)
        passed = not (worse > margin * abs(other) and worst_case > 0)
        words = metric.replace("_", " ")
        text = f"{words} {ours:,.4g}, {name} has {other:,.4g}, may be {margin:.0%} worse"
        checks.append(Check(f"{metric} against {name}", passed, text))
    return checks


def _calibration(origins: Sequence[Origin], gate: Gate) -> Check:
    errors, chances = [], []
    for origin in origins:
        probability = origin.forecasts[OURS].probability
        errors.append(expected_calibration_error(_outcomes(origin).purchases, probability))
        chances.append(calibration_error_by_chance(probability))
    error, most = float(np.mean(errors)), max(gate.calibration_error, float(np.mean(chances)))
    text = f"calibration error {error:.3f}, at most {most:.3f}"
    return Check("calibration", error <= most, text)


def calibration_error_by_chance(probability: Floats, draws: int = CHANCE_DRAWS, seed: int = 0) -> float:
    """The calibration error that perfectly calibrated probabilities stay below in 95 of 100 cases."""
    rng = np.random.default_rng(seed)
    errors = [
        expected_calibration_error((rng.random(len(probability)) < probability).astype(float), probability)
        for _ in range(draws)
    ]
    return float(np.quantile(errors, CHANCE_QUANTILE))


def _coverages(origins: Sequence[Origin], gate: Gate) -> list[Check]:
    figures = [coverage(_outcomes(origin), origin.forecasts[OURS]) for origin in origins]
    customers = min(origin.features.num_rows for origin in origins)
    stated = float(np.mean([f["interval_mass"] for f in figures]))
    most = gate.coverage_gap + CHANCE_Z * float(np.sqrt(stated * (1 - stated) / customers))
    checks = []
    for what in ("purchases", "revenue"):
        held = float(np.mean([f[f"{what}_coverage"] for f in figures]))
        text = f"intervals of {what} held for {held:.1%} and state {stated:.1%}, may differ by {most:.1%}"
        checks.append(Check(f"coverage of {what}", abs(held - stated) <= most, text))
    return checks


def _outcomes(origin: Origin) -> Any:
    assert origin.outcomes is not None, "the gate is shown origins whose horizon is over"
    return origin.outcomes
