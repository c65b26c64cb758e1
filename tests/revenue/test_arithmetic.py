"""Shares, their order, and the ends of months: what figures of the whole customer base are computed with."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ibis
import pyarrow as pa
import pytest

from customer_revenue.revenue.arithmetic import first_of_month, group_shares, is_over, percentage

Row = dict[str, Any]


def of(columns: dict[str, list[Any]]) -> ibis.Table:
    return ibis.memtable(pa.table(columns))


def test_percentages_have_two_decimals_with_halves_rounded_up_and_are_0_of_nothing() -> None:
    table = of({"part": [1, 2, 1, 1, 0, 7, 123_456_789], "whole": [3, 3, 16, 80_000, 0, 7, 1_000_000_000]})
    found = percentage(table.part, table.whole).name("share").to_pyarrow().to_pylist()
    assert found == [33.33, 66.67, 6.25, 0.0, 0.0, 100.0, 12.35]
    halves = of({"part": [5, 15], "whole": [100_000, 100_000]})
    assert percentage(halves.part, halves.whole).name("share").to_pyarrow().to_pylist() == [0.01, 0.02]


def test_groups_are_in_the_order_of_their_revenue_and_then_of_their_names() -> None:
    customers = of({"segment": ["b", "a", "c", "a", "d"], "cents": [50, 20, 101, 30, 0]})
    rows: list[Row] = group_shares(customers, "segment", customers.cents).to_pyarrow().to_pylist()
    assert [row["segment"] for row in rows] == ["c", "a", "b", "d"]
    assert rows[1] == {
        "segment": "a",
        "customer_count": 2,
        "total_revenue_cents": 50,
        "avg_revenue_per_customer_cents": 25,
        "percentage_of_total_revenue": 24.88,
        "percentage_of_customers": 40.0,
    }


@pytest.mark.parametrize(("index", "day"), [
    (2023 * 12, dt.date(2023, 1, 1)),
    (2023 * 12 + 11, dt.date(2023, 12, 1)),
])  # fmt: skip
def test_a_months_index_gives_its_first_day(index: int, day: dt.date) -> None:
    assert first_of_month(index) == day


@pytest.mark.parametrize(("day", "over"), [
    (dt.date(2024, 2, 28), False),
    (dt.date(2024, 2, 29), True),
    (dt.date(2024, 3, 1), True),
])  # fmt: skip
def test_a_month_is_over_at_the_end_of_its_last_day(day: dt.date, over: bool) -> None:
    assert is_over(2024 * 12 + 2, day) is over
