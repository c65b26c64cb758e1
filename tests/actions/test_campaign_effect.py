"""The hold-out and the measurement: shares kept, no effect found where there is none, a planted one covered."""

from __future__ import annotations

import numpy as np
import pytest

from customer_revenue.actions.campaign_effect import difference, half_width
from customer_revenue.actions.holdout import detectable_points, held_out, power_of

CUSTOMERS = 600
REPLAYS = 400


def test_the_share_is_held_out_in_every_stratum_by_the_key_alone() -> None:
    ids = [f"u{n}" for n in range(1_000)]
    strata = np.arange(1_000) % 7
    found = held_out(ids, strata, 0.2, b"key")
    assert found.sum() in (199, 200, 201)
    assert all(abs(found[strata == n].mean() - 0.2) < 0.02 for n in range(7))
    back = np.argsort(np.argsort(ids[::-1]))
    assert (held_out(ids[::-1], strata[::-1], 0.2, b"key")[::-1] == found).all()
    assert len(back) == 1_000
    assert (held_out(ids, strata, 0.2, b"other") != found).any()


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_everybody_may_be_held_out(share: float) -> None:
    ids = [f"u{n}" for n in range(50)]
    times = sum(held_out(ids, np.zeros(50, np.int64), share, str(n).encode()).astype(int) for n in range(600))
    assert np.asarray(times).min() > 600 * share * 0.6


def test_what_can_be_found_is_what_is_found_with_a_chance_of_80_percent() -> None:
    points = detectable_points(0.1, 4_000, 1_000)
    assert power_of(points, 0.1, 4_000, 1_000) == pytest.approx(0.8, abs=0.03)
    assert power_of(0.0, 0.1, 4_000, 1_000) == pytest.approx(0.025, abs=0.001)


def test_intervals_cover_and_predictions_cut_their_width() -> None:
    rng = np.random.default_rng(1)
    covered = alarms = 0
    cuts = []
    for _ in range(REPLAYS):
        rate = rng.gamma(1.0, 1.0, CUSTOMERS)
        treated = rng.random(CUSTOMERS) < 0.7
        outcome = rng.poisson(rate * 3) + 0.4 * treated
        found = difference(outcome.astype(float), treated, rate[:, None])
        covered += found.low <= 0.4 <= found.high
        alarms += difference(outcome - 0.4 * treated, treated, rate[:, None]).is_significant
        cuts.append(found.variance_cut)
    assert covered / REPLAYS == pytest.approx(0.95, abs=0.035)
    assert alarms / REPLAYS < 0.085
    assert np.mean(cuts) > 0.5


def test_looking_every_day_raises_no_more_alarms_than_stated() -> None:
    rng = np.random.default_rng(2)
    alarms = naive = 0
    for _ in range(REPLAYS):
        steps = rng.normal(size=30)
        sums, variances = np.cumsum(steps), np.arange(1.0, 31.0)
        alarms += bool((np.abs(sums) > [half_width(variance, 30.0) for variance in variances]).any())
        naive += bool((np.abs(sums) > [half_width(variance) for variance in variances]).any())
    assert alarms / REPLAYS < 0.065
    assert naive / REPLAYS > 0.15
