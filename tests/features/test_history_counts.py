"""Customers counted by their histories, and the shop day by day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from customer_revenue.features.daily import daily
from customer_revenue.features.history_counts import counts
from customer_revenue.modeling.population import Population

COLUMNS = (
    "frequency",
    "recency_days",
    "T_days",
    "log_gap_sum",
    "spend_days",
    "monetary_cents",
    "total_cents",
    "refund_cents",
)
CUSTOMERS = [
    (0, 0, 50, 0.0, 0, 0.0, 900, 0),
    (0, 0, 50, 0.0, 0, 0.0, 100, 100),
    (2, 30, 60, 1.0, 2, 250.0, 750, 0),
    (2, 30, 60, 4.0, 2, 250.0, 800, 50),
    (1, 30, 60, 3.0, 1, 400.0, 500, 0),
]


def run(expr: ir.Table, **tables: pa.Table) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        for name, rows in tables.items():
            con.register(name, rows)
        found: list[dict[str, Any]] = con.sql(ibis.to_sql(expr, dialect="duckdb")).to_arrow_table().to_pylist()
        return found


def test_customers_with_the_same_history_or_spend_are_counted_together() -> None:
    rows = pa.table(dict(zip(COLUMNS, zip(*CUSTOMERS, strict=True), strict=True)))
    counted = counts(ibis.table(ibis.Schema.from_pyarrow(rows.schema), name="rows"))
    totals, histories, spends = (run(expr, rows=rows) for expr in (counted.totals, counted.histories, counted.spends))
    assert totals == [{"customers": 5, "total_cents": 3_050, "refund_cents": 150}]
    assert sorted(tuple(row.values()) for row in histories) == [
        (0, 0, 50, 2, 0.0),
        (1, 30, 60, 1, 3.0),
        (2, 30, 60, 2, 2.5),
    ]
    assert list(histories[0]) == ["frequency", "recency_days", "T_days", "weights", "log_gap_sum"]
    assert sorted(tuple(row.values()) for row in spends) == [(1, 400.0, 1), (2, 250.0, 2)]
    assert list(spends[0]) == ["spend_days", "monetary_cents", "weights"]

    counted_rows = [pa.Table.from_pylist(found) for found in (totals, histories, spends)]
    of_all = Population.counted(counted_rows[0], counted_rows[1], counted_rows[2], rows)
    assert (of_all.customers, of_all.total_cents, of_all.refund_cents) == (5, 3_050.0, 150.0)
    assert (of_all.purchase_days, of_all.repeats, of_all.sample) == (10.0, 3, rows)
    found = zip(of_all.spend_days.tolist(), of_all.spend_cents.tolist(), of_all.spend_weights.tolist(), strict=True)
    assert sorted(found) == [(1.0, 400.0, 1.0), (2.0, 250.0, 2.0)]


def test_a_count_over_nobody_is_zero() -> None:
    nothing = pa.table({name: pa.array([], pa.float64()) for name in COLUMNS})
    none = pa.table(
        {"customers": [0], "total_cents": pa.array([None], pa.int64()), "refund_cents": pa.array([None], pa.int64())}
    )
    weighted = nothing.append_column("weights", pa.array([], pa.int64()))
    nobody = Population.counted(none, weighted, weighted, nothing)
    assert (nobody.customers, nobody.total_cents, nobody.refund_cents) == (0, 0.0, 0.0)


def test_new_customers_and_repeat_purchases_of_each_day() -> None:
    days = [dt.date(2023, 1, day) for day in (1, 1, 1, 3, 3, 4, 4)]
    orders = pa.table(
        {
            "id": [str(place) for place in range(7)],
            "user_id": ["a", "a", "b", "a", "c", "c", "d"],
            "total_cents": [1] * 7,
            "status": ["paid", "paid", "refunded", "paid", "paid", "paid", "cancelled"],
            "day": days,
        }
    )
    found = run(daily(ibis.table(ibis.Schema.from_pyarrow(orders.schema), name="orders")), orders=orders)
    assert sorted(tuple(row.values()) for row in found) == [(days[0], 2, 0), (days[3], 1, 1), (days[5], 0, 1)]
    assert list(found[0]) == ["day", "new_customers", "repeat_purchases"]
