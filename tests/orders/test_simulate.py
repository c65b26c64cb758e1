"""The simulator: orders match the true parameters, whatever the size of the chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from customer_revenue.orders.files import simulate
from customer_revenue.orders.files.simulate import Shop, simulate_orders, write_simulated_orders

CUSTOMERS, DAYS = 60_000, 365


def test_the_file_and_the_table_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "CUSTOMERS_PER_CHUNK", 700)
    table = simulate_orders(2_000, 90, seed=3)
    assert write_simulated_orders(tmp_path / "s.parquet", 2_000, 90, seed=3) == table.num_rows
    assert pq.read_table(tmp_path / "s.parquet").equals(table)
    assert len(set(table.column("order_id").to_pylist())) == table.num_rows
    assert len(set(table.column("user_id").to_pylist())) == 2_000
    assert not simulate_orders(2_000, 90, seed=4).equals(table)


def test_counts_and_spend_have_the_expected_means() -> None:
    shop = Shop(refunded_share=0.1)
    table = simulate_orders(CUSTOMERS, DAYS, seed=5, shop=shop)
    repeats = table.num_rows / CUSTOMERS - 1
    assert repeats == pytest.approx(_expected_repeats(shop), rel=0.03)
    mean_spend = np.mean(table.column("total_cents").to_numpy())
    assert mean_spend == pytest.approx(shop.p * shop.v_cents / (shop.q - 1), rel=0.03)
    refunded = np.mean(np.asarray(table.column("status").to_pylist()) == "refunded")
    assert refunded == pytest.approx(0.1, abs=0.005)


def _expected_repeats(shop: Shop) -> float:
    """E[X(t)] of Fader, Hardie & Lee (2005), equation 9, over uniformly distributed ages t."""
    from scipy.special import hyp2f1

    t = np.linspace(0.5, DAYS - 0.5, DAYS)
    a, b, r, alpha = shop.a, shop.b, shop.r, shop.alpha_days
    curve = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t)))
    return float(curve.mean())
