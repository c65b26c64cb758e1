"""Orders by their number in their customer's history, against hand-written SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import customer_revenue as cr
from customer_revenue.revenue.order_sequence import LAG_DAYS, LAST_ORDER_NUMBER, order_sequence

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop


def test_the_sequence_equals_its_twin(shop: Shop) -> None:
    table = order_sequence(shop.known, shop.as_of_day)
    lags = ", ".join(
        f"count(*) FILTER (age >= {days}) AS old_{days},"
        f" count(*) FILTER (age >= {days} AND gap <= {days}) AS followed_{days}"
        for days in LAG_DAYS
    )
    expected = shop.twin(f"""
        WITH placed AS (
            SELECT total_cents, day, row_number() OVER own AS place, lead(day) OVER own - day AS gap,
                DATE '{shop.as_of}' - day AS age
            FROM counted WINDOW own AS (PARTITION BY user_id ORDER BY created_at, id)
        )
        SELECT least(place, {LAST_ORDER_NUMBER}), count(*), sum(total_cents)::BIGINT, count(gap),
            coalesce(sum(gap), 0)::BIGINT, {lags}, (2 * sum(total_cents) + count(*)) // (2 * count(*))
        FROM placed GROUP BY 1 ORDER BY 1""")
    assert shop.rows(table) == expected
    assert len(expected) in (0, LAST_ORDER_NUMBER)


def test_an_order_counts_for_a_lag_once_it_is_so_old() -> None:
    rows = [("a", "2024-01-01"), ("a", "2024-01-20"), ("b", "2024-01-01"), ("c", "2024-02-20"), ("c", "2024-02-21")]
    log = pd.DataFrame(rows, columns=["customer", "date"]).assign(amount=10)
    with cr.load_orders(log, as_of="2024-03-01") as orders:
        first = cr.order_sequence(orders).iloc[0]
    assert (first["orders"], first["followed_orders"], first["mean_days_to_next"]) == (3, 2, 10.0)
    assert first[["within_7_days", "within_30_days"]].tolist() == [pytest.approx(33.33), 50.0]


def test_all_orders_and_their_money_are_in_it() -> None:
    with cr.load_cdnow(sample=True) as cdnow:
        sequence, orders = cr.order_sequence(cdnow), cdnow.table("orders")
    assert (sequence["orders"].sum(), sequence["revenue_cents"].sum()) == (len(orders), orders["total_cents"].sum())
    assert (sequence["orders"].iloc[1:-1].to_numpy() == sequence["followed_orders"].iloc[:-2].to_numpy()).all()


def test_before_the_first_order_the_reports_are_empty_frames() -> None:
    with cr.load_cdnow(sample=True) as cdnow:
        found = (
            cr.order_sequence(cdnow, as_of="1996-12-01"),
            cr.refunds_to_come(cdnow, as_of="1996-12-01"),
            cr.segment_flows(cdnow, "1996-11-01", as_of="1996-12-01"),
        )
        later = (cr.order_sequence(cdnow), cr.refunds_to_come(cdnow), cr.segment_flows(cdnow, "1997-06-30"))
    assert [len(frame) for frame in found] == [0, 0, 0]
    assert [list(frame.columns) for frame in found] == [list(frame.columns) for frame in later]
