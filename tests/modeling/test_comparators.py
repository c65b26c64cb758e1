"""The naive rule, histories from columns, and the words of the reasons."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.modeling.comparators import naive_forecast
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.rolling_windows import Window
from customer_revenue.modeling.shap_reasons import TEXTS


def silent(days: list[float]) -> pa.Table:
    return pa.table({"customer_id": [str(place) for place in range(len(days))], "silence_days": days})


def test_the_naive_rule_is_what_the_same_decile_did_one_window_earlier() -> None:
    # 20 customers, two in each decile of silence. In the first decile one came after 4 days and one after 8; in the
    # second one after 10; in the others nobody did.
    before = silent([float(place // 2) for place in range(20)])
    purchases, revenue, days = ([0] * 20, [0] * 20, [None] * 20)
    purchases[:3], revenue[:3], days[:3] = [1, 3, 1], [100, 500, 300], [4, 8, 10]  # type: ignore[list-item]
    labels = pa.table(
        {
            "customer_id": before["customer_id"],
            "purchases_30": purchases,
            "revenue_cents_30": revenue,
            "days_to_next_purchase": pa.array(days, pa.int64()),
        }
    )
    window = Window(dt.date(2023, 1, 1), 30, before, labels)
    found, deciles = naive_forecast(before, window, 60), [0, 2, 19]
    np.testing.assert_allclose(found.purchases[deciles], [4.0, 1.0, 0.0])
    np.testing.assert_allclose(found.revenue[deciles], [600.0, 300.0, 0.0])
    np.testing.assert_allclose(found.probability[deciles], [1.0, 0.5, 0.0])
    np.testing.assert_allclose(found.next_days[deciles], [6.0, 10.0, 15.0])
    assert found.next_days.dtype == np.float64


@pytest.mark.parametrize(
    ("theme", "frequency", "words"),
    [
        ("frequency", 2.0, "bought on 3 days, 1 of them in the last 90"),
        ("frequency", 0.0, "bought on 1 day, 1 of them in the last 90"),
        ("silence", 2.0, "no purchase for 7 days, where 20 days are usual"),
        ("silence", 0.0, "no purchase for 7 days after a single one"),
        ("rhythm", 2.0, "gaps between purchases up to 30 days, the last one 10 days"),
        ("rhythm", 0.0, "no second purchase yet"),
        ("spend", 2.0, "spends 15.00 USD on a purchase day, 12.00 USD on the last"),
        ("refunds", 2.0, "20% of the revenue was refunded"),
        ("tenure", 2.0, "a customer for 1 day"),
    ],
)
def test_reasons_are_in_the_customers_own_numbers(theme: str, frequency: float, words: str) -> None:
    row = {
        "frequency": frequency,
        "purchases_90": 1.0,
        "silence_days": 7.0,
        "recency_days": 40.0,
        "max_gap_days": 30.0,
        "last_gap_days": 10.0,
        "total_cents": 4_500.0,
        "positive_days": 3.0,
        "last_day_cents": 1_200.0,
        "refund_cents": 900.0,
        "T_days": 1.0,
        "currency": "USD",
    }
    assert TEXTS[theme](row) == words


def test_histories_take_their_gaps_and_weights_from_the_columns() -> None:
    known = {name: np.array([2.0, 1.0]) for name in ("frequency", "recency_days", "T_days")}
    plain = Histories.from_columns(known)
    assert (plain.log_gap_sum.tolist(), plain.weights.tolist()) == ([0.0, 0.0], [1.0, 1.0])
    given = known | {"log_gap_sum": np.array([0.5, 0.0]), "weights": np.array([3.0, 4.0])}
    assert Histories.from_columns(given).log_gap_sum.tolist() == [0.5, 0.0]
    assert Histories.from_columns(given).weights.tolist() == [3.0, 4.0]


@pytest.mark.parametrize(("most", "kept"), [(20, 20), (19, 10), (10, 10), (7, 7), (1, 1)])
def test_a_sample_of_a_window_is_every_nth_customer(most: int, kept: int) -> None:
    rows = silent([float(place) for place in range(20)])
    window = Window(dt.date(2023, 1, 1), 30, rows, rows)
    found = window.sample(most).features["silence_days"].to_pylist()
    assert len(found) == kept
    assert found == list(range(0, 20, -(-20 // most)))
