"""The gate refuses what is worse or wrong, by name, and does not take noise for either."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.modeling.forecast_names import BG_NBD, OURS
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.policy import Gate, load_policy
from customer_revenue.workflows.evaluation.fold import BacktestFold
from customer_revenue.workflows.evaluation.gate import calibration_error_by_chance, judge
from customer_revenue.workflows.registry.verdict import Verdict

CUTOFF = dt.date(2023, 6, 30)
CUSTOMERS = 4_000
RNG = np.random.default_rng(5)
RATE = RNG.gamma(1.0, 0.8, CUSTOMERS)
BOUGHT = RNG.poisson(RATE).astype(float)
TRUTH = Outcomes(BOUGHT, BOUGHT * 2_000, np.where(BOUGHT > 0, 10.0, np.nan))
NOBODY = np.zeros(CUSTOMERS)


@pytest.fixture
def gate() -> Gate:
    return load_policy().gate


def forecast(rate: np.ndarray, bias: float = 1.0) -> Forecast:
    """What one who knows the rates predicts, times a bias."""
    rate = rate * bias
    high = np.array([np.searchsorted(np.cumsum(np.exp(-r) * r ** np.arange(25) / FACTORIALS), 0.8) for r in rate])
    inside = np.array(
        [
            np.sum(np.exp(-r) * r ** np.arange(25)[: h + 1] / FACTORIALS[: h + 1])
            for r, h in zip(rate, high, strict=True)
        ]
    )
    return Forecast(
        purchases=rate,
        revenue=rate * 2_000,
        probability=1 - np.exp(-rate),
        next_days=np.full(CUSTOMERS, 10.0),
        purchases_interval=(NOBODY, high.astype(float)),
        revenue_interval=(NOBODY, high * 2_000.0),
        interval_mass=inside,
    )


FACTORIALS = np.cumprod([1.0, *range(1, 25)])
GOOD = forecast(RATE)
PEER = forecast(np.full(CUSTOMERS, RATE.mean()))


def origin(ours: Forecast, peer: Forecast = PEER) -> BacktestFold:
    table = pa.table({"customer_id": [str(n) for n in range(CUSTOMERS)]})
    return BacktestFold(CUTOFF, 90, table, Predictor(CUTOFF), table, TRUTH, {OURS: ours, BG_NBD: peer})


def verdict(gate: Gate, ours: Forecast, champion: Forecast | None = None, peer: Forecast = PEER) -> Verdict:
    of_champion = {} if champion is None else {CUTOFF: champion}
    return judge([origin(ours, peer)], gate, None if champion is None else "old", of_champion)


def test_a_good_challenger_passes(gate: Gate) -> None:
    said = verdict(gate, GOOD, champion=GOOD)
    assert said.passed, said.text()
    assert {check.name for check in said.checks} >= {
        "probability_log_loss against the champion",
        "purchases_rmse against BG/NBD + Gamma-Gamma",
        "calibration",
        "coverage of revenue",
    }


def test_one_worse_than_the_champion_is_refused_by_name(gate: Gate) -> None:
    said = verdict(gate, PEER, champion=GOOD)
    assert not said.passed
    assert any("purchases rmse" in text and "the champion has" in text for text in said.refusals)
    assert all("BG/NBD" not in text for text in said.refusals)


def test_one_worse_than_bg_nbd_is_refused(gate: Gate) -> None:
    said = verdict(gate, PEER, peer=GOOD)
    assert any("purchases rmse" in text and "BG/NBD" in text for text in said.refusals)


def test_one_that_ranks_as_well_but_promises_half_is_refused_for_its_calibration(gate: Gate) -> None:
    said = verdict(gate, forecast(RATE, 0.4))
    assert any(text.startswith("calibration error") for text in said.refusals)


def test_intervals_that_do_not_hold_are_refused(gate: Gate) -> None:
    narrow = replace(GOOD, revenue_interval=(NOBODY, NOBODY))
    said = verdict(gate, narrow)
    assert [text[:20] for text in said.refusals] == ["intervals of revenue"]


def test_a_difference_that_chance_explains_is_no_refusal(gate: Gate) -> None:
    few = slice(0, 25)
    ours, theirs = (forecast(RATE * np.exp(np.random.default_rng(seed).normal(0, 0.3, CUSTOMERS))) for seed in (1, 2))
    refused = 0
    for start in range(0, CUSTOMERS, 200):
        few = slice(start, start + 25)
        table = pa.table({"customer_id": [str(n) for n in range(25)]})
        happened = Outcomes(TRUTH.purchases[few], TRUTH.revenue[few], TRUTH.next_days[few])
        sides = {OURS: part(ours, few), BG_NBD: part(theirs, few)}
        one = BacktestFold(CUTOFF, 90, table, Predictor(CUTOFF), table, happened, sides)
        refused += any("BG/NBD" in text for text in judge([one], gate, None, {}).refusals)
    assert refused <= 5  # of 20, with four figures each at 2.5 %; without the interval about half are refused


def part(of: Forecast, rows: slice) -> Forecast:
    def cut(value: Any) -> Any:
        return tuple(v[rows] for v in value) if isinstance(value, tuple) else value[rows]

    return Forecast(**{name: cut(value) for name, value in vars(of).items()})


def test_few_customers_may_be_off_by_what_chance_explains() -> None:
    assert calibration_error_by_chance(np.full(40, 0.5)) > 0.1 > calibration_error_by_chance(np.full(4_000, 0.5))


def test_a_verdict_survives_being_written(gate: Gate) -> None:
    said = verdict(gate, PEER, champion=GOOD)
    assert Verdict.from_document(said.to_document()) == said
