"""The words of the reasons."""

from __future__ import annotations

import pytest

from customer_revenue.modeling.shap_reasons import TEXTS


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
