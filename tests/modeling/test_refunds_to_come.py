"""Refunds to come are learned from the delays of past ones, on simulated orders and on real ones."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import customer_revenue as cr
from customer_revenue.arrays import Floats, Ints
from customer_revenue.modeling.refunds_to_come import RefundRates


def log_with_refunds(seed: int, days: int = 500, per_day: int = 8) -> pd.DataFrame:
    """Orders of 50 or so, a tenth of which come back whole, on average 25 days later."""
    rng = np.random.default_rng(seed)
    day = np.repeat(pd.date_range("2024-01-01", periods=days), per_day)
    total = np.round(rng.gamma(4, 12.5, len(day)), 2) + 1
    back = day + pd.to_timedelta(rng.exponential(25, len(day)).astype(int), unit="D")
    refunded = rng.random(len(day)) < 0.1
    return pd.DataFrame({"day": day, "total": total, "back": back, "refunded": refunded})


def rates_of(log: pd.DataFrame, now: pd.Timestamp) -> RefundRates:
    known = log[log["refunded"] & (log["back"] <= now)]
    refund = known["total"].to_numpy() * 100
    delay = days(known["back"] - known["day"])
    return RefundRates.of(days(now - log["day"]), cents(log), delay, days(now - known["day"]), refund, refund**2)


def days(difference: pd.Series[pd.Timedelta]) -> Ints:
    return difference.dt.days.to_numpy().astype(np.int64)


def cents(log: pd.DataFrame) -> Floats:
    return log["total"].to_numpy(dtype=np.float64) * 100


def test_the_mean_is_unbiased_and_the_interval_covers() -> None:
    expected, came, covered = [], [], []
    for seed in range(60):
        log = log_with_refunds(seed)
        now = log["day"].max()
        mean, low, high = rates_of(log, now).to_come(days(now - log["day"]), cents(log))
        later = log["refunded"] & (log["back"] > now) & ((log["back"] - log["day"]).dt.days < 365)
        expected.append(mean)
        came.append(cents(log)[later].sum())
        covered.append(low <= came[-1] <= high)
        assert low < mean < high
    bias = np.array(expected) - np.array(came)
    assert abs(bias.mean()) < 2 * bias.std() / np.sqrt(len(bias))
    assert 0.8 - 2 * 0.052 <= np.mean(covered) <= 0.8 + 2 * 0.052


def test_a_young_shop_says_how_far_it_sees() -> None:
    log = log_with_refunds(1, days=40)
    rates = rates_of(log, log["day"].max())
    assert rates.learned_days == 40
    assert rates.rates[:40].sum() > 0
    assert not rates.rates[40:].any()


def test_a_refund_without_an_order_belongs_to_the_latest_order(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "order_id,user_id,created_at,total_cents,status,refund_cents,refund_date\n"
        "o1,ann,2025-01-01,10000,paid,,\no2,ann,2025-03-01,20000,paid,,\no3,bob,2025-03-05,30000,paid,,\n"
    )
    refunds = tmp_path / "refunds.csv"
    refunds.write_text(
        "refund_id,user_id,created_at,amount_cents,order_id\n"
        "r1,ann,2025-03-11,500,\nr2,ann,2025-03-12,700,o1\nr3,bob,2025-02-01,900,\n"
    )
    with cr.load_orders([orders, refunds], as_of="2025-04-30") as found:
        months = cr.refunds_to_come(found).set_index("month")
    assert months["refunds_so_far_cents"].to_dict() == {"2025-01": 700, "2025-03": 500}
    assert months["revenue_cents"].to_dict() == {"2025-01": 10_000, "2025-03": 50_000}


def test_nothing_refunded_is_nothing_to_come() -> None:
    with cr.load_cdnow(sample=True) as cdnow:
        found = cr.refunds_to_come(cdnow)
    assert not found[["refunds_so_far_cents", "refunds_to_come_cents", "refunds_high_cents"]].to_numpy().any()
    assert (found["expected_net_revenue_cents"] == found["revenue_cents"]).all()


@pytest.mark.slow
def test_what_came_on_real_orders_is_in_the_interval(online_retail: Path) -> None:
    with warnings.catch_warnings(category=cr.NotImported, action="ignore"), cr.load_orders(online_retail) as orders:
        final = cr.refunds_to_come(orders).set_index("month")["refunds_so_far_cents"]
        inside = []
        for day in ("2011-03-31", "2011-05-31", "2011-07-31", "2011-08-31", "2011-09-30"):
            then = cr.refunds_to_come(orders, as_of=day)
            so_far = then.set_index("month")["refunds_so_far_cents"]
            came, total = (final - so_far).sum(), then.attrs["total"]
            inside.append(total["refunds_low_cents"] <= came <= total["refunds_high_cents"])
    assert sum(inside) >= 3, inside
