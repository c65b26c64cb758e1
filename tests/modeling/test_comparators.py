"""The naive rule."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from customer_revenue.modeling.comparators import naive_forecast
from customer_revenue.modeling.rolling_windows import Window


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
