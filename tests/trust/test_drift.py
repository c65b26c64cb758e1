"""Drift is what goes beyond the usual: customers get older, and that alone is none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.monitoring.drift import drift
from customer_revenue.monitoring.findings import Finding
from customer_revenue.policy import Monitoring, load_policy

CUSTOMERS = 5_000


@pytest.fixture(scope="module")
def policy() -> Monitoring:
    return load_policy().monitoring


def customers(shift: float, seed: int, spread: float = 1.0) -> pa.Table:
    values = np.random.default_rng(seed).normal(shift, spread, CUSTOMERS)
    return pa.table({"age": values})


def found(policy: Monitoring, before: pa.Table | None, training: pa.Table, now: pa.Table) -> Finding:
    (finding,) = drift(["age"], before, training, now, policy, "customers'")
    return finding


def test_no_change_is_no_drift(policy: Monitoring) -> None:
    for seed in range(30):
        one = found(policy, customers(0, seed), customers(0, seed + 100), customers(0, seed + 200))
        assert not one.alarm
        assert one.value < 0.06


def test_the_usual_change_is_no_drift(policy: Monitoring) -> None:
    finding = found(policy, customers(0, 1), customers(0.5, 2), customers(1.0, 3))
    assert finding.value > policy.drift.distance
    assert not finding.alarm


def test_a_change_beyond_the_usual_is_drift(policy: Monitoring) -> None:
    finding = found(policy, customers(0, 1), customers(0.1, 2), customers(1.0, 3))
    assert finding.alarm
    assert "0.0" in finding.text


def test_without_a_past_to_compare_with_there_is_no_alarm(policy: Monitoring) -> None:
    training, now = customers(0, 1), customers(2, 2)
    assert not found(policy, None, training, now).alarm
    assert not found(policy, customers(0, 1, spread=0), customers(0, 1, spread=0), now).alarm, "no season yet last year"
