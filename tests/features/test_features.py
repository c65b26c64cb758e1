"""The feature queries against hand-written answers and the properties that keep the future out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.errors import InvalidParameter
from customer_revenue.features.behaviour import features
from customer_revenue.features.labels import labels
from customer_revenue.features.rfm import rfm_features
from customer_revenue.tables import CANONICAL, FEATURE_COLUMNS

AS_OF = dt.date(2023, 3, 31)

# Ana: three days, two orders on one of them. Bo: once. Cy: after the as-of day only. Di: a zero order and a refund.
ORDERS = [
    ("1", "ana", 1_000, "paid", "2023-01-01"),
    ("2", "ana", 2_000, "paid", "2023-01-11"),
    ("3", "ana", 500, "paid", "2023-01-11"),
    ("4", "ana", 3_500, "refunded", "2023-03-02"),
    ("5", "bo", 700, "paid", "2023-03-31"),
    ("6", "cy", 900, "paid", "2023-04-01"),
    ("7", "di", 400, "paid", "2023-02-01"),
    ("8", "di", 0, "paid", "2023-02-05"),
    ("9", "di", 999, "cancelled", "2023-02-20"),
    ("10", "ana", 800, "paid", "2023-04-10"),
]
REFUNDS = [
    ("r1", "4", "ana", 3_500, "2023-03-10"),
    ("r2", None, "di", 150, "2023-02-10"),
    ("r3", None, "di", 50, "2023-04-10"),
]


Tables = tuple[ir.Table, ir.Table]


def _table(name: str) -> ir.Table:
    table = ibis.table(CANONICAL[name], name=name)
    return table.mutate(day=table.created_at.date())


@pytest.fixture
def tables() -> Tables:
    return _table("orders"), _table("refunds")


@pytest.fixture
def run() -> Iterator[Callable[..., pa.Table]]:
    """Runs a query on the orders and refunds above; values of its parameters may be bound."""
    connection = duckdb.connect()
    connection.execute(
        "create table orders (id varchar, user_id varchar, total_cents bigint, status varchar, created_at timestamp)"
    )
    connection.execute(
        "create table refunds"
        " (id varchar, order_id varchar, user_id varchar, amount_cents bigint, created_at timestamp)"
    )
    connection.executemany("insert into orders values (?, ?, ?, ?, ?)", ORDERS)
    connection.executemany("insert into refunds values (?, ?, ?, ?, ?)", REFUNDS)

    def run(query: ir.Table, **kwargs: Any) -> pa.Table:
        return connection.sql(ibis.to_sql(query.order_by("customer_id"), dialect="duckdb", **kwargs)).to_arrow_table()

    yield run
    connection.close()


def _features(tables: Tables) -> ir.Table:
    return features(tables[0], tables[1], AS_OF)


def _rows(table: pa.Table) -> dict[str, dict[str, object]]:
    return {row["customer_id"]: row for row in table.to_pylist()}


def test_rfm_counts_days_and_leaves_zero_totals_out_of_the_mean(tables, run):
    rows = _rows(run(rfm_features(tables[0], AS_OF)))
    assert set(rows) == {"ana", "bo", "di"}
    assert rows["ana"] == {
        "customer_id": "ana",
        "frequency": 2,
        "recency_days": 60,
        "T_days": 89,
        "monetary_cents": pytest.approx((2_500 + 3_500) / 2),
    }
    assert rows["bo"] == {
        "customer_id": "bo", "frequency": 0, "recency_days": 0, "T_days": 0, "monetary_cents": 0.0
    }  # fmt: skip
    assert rows["di"]["frequency"] == 1
    assert rows["di"]["monetary_cents"] == 0.0


def test_features_of_a_customer_by_hand(tables, run):
    table = run(_features(tables))
    assert tuple(table.column_names) == FEATURE_COLUMNS
    ana = _rows(table)["ana"]
    assert ana["silence_days"] == 29
    assert (ana["orders"], ana["purchases_30"], ana["purchases_90"]) == (4, 1, 3)
    assert (ana["first_day_cents"], ana["last_day_cents"], ana["max_day_cents"]) == (1_000, 3_500, 3_500)
    assert (ana["max_gap_days"], ana["last_gap_days"]) == (50, 50)
    assert ana["log_gap_sum"] == pytest.approx(np.log(10) + np.log(50))
    assert ana["gap_square_sum"] == pytest.approx(2_600)
    assert ana["decayed_purchases_30"] == pytest.approx(np.exp(-np.array([89, 79, 29]) / 30).sum())


def test_a_day_without_revenue_is_a_purchase_and_no_spend(tables, run):
    rows = _rows(run(_features(tables)))
    ana, bo, di = (rows[name] for name in ("ana", "bo", "di"))
    assert (di["frequency"], di["orders"], di["spend_days"], di["positive_days"]) == (1, 2, 0, 1)
    assert (di["monetary_cents"], di["total_cents"], di["first_day_cents"], di["last_day_cents"]) == (0.0, 400, 400, 0)
    assert (di["log_cents_sum"], di["log_cents_square_sum"]) == pytest.approx((np.log(400), np.log(400) ** 2))
    assert (di["refund_cents"], di["refunds"]) == (150, 1)
    # Order 4 was refunded as a whole, so that its refund r1 is part of the same money.
    assert (ana["refund_cents"], ana["refunds"], bo["refund_cents"], bo["refunds"]) == (3_500, 0, 0, 0)
    assert (ana["spend_days"], ana["positive_days"], ana["monetary_cents"]) == (2, 3, 3_000.0)
    assert ana["log_cents_sum"] == pytest.approx(np.log([1_000, 2_500, 3_500]).sum())


def test_a_single_cent_is_spend(run, tables):
    with duckdb.connect() as connection:
        connection.execute(
            "create table orders as select '1' id, 'a' user_id, 1 total_cents, 'paid' status, "
            "timestamp '2023-03-01' created_at"
        )
        connection.execute(
            "create table refunds as select '' id, '' order_id, '' user_id, 1 amount_cents, "
            "timestamp '2023-03-01' created_at where false"
        )
        (row,) = connection.sql(ibis.to_sql(_features(tables), dialect="duckdb")).to_arrow_table().to_pylist()
    assert (row["positive_days"], row["total_cents"], row["log_cents_sum"]) == (1, 1, 0.0)


def test_the_own_season_counts_the_years_that_had_it():
    as_of = dt.date(2024, 11, 25)
    days = [
        *("2021-12-10", "2021-12-12"),  # the first purchase makes no season, the next one does
        *("2022-12-05", "2022-12-24", "2023-02-20"),  # two within 30 days, three within 90: one year
        "2023-06-01",
        "2023-12-27",  # on day 31 after the anniversary
    ]
    bought = pa.array([dt.datetime.fromisoformat(day) for day in days], pa.timestamp("us"))
    rows = {"id": [f"s{i}" for i in range(len(days))], "user_id": ["sam"] * len(days), "created_at": bought}
    table = pa.table({**rows, "total_cents": [100] * len(days), "status": ["paid"] * len(days)})
    connection = duckdb.connect()
    connection.register("orders", table)
    connection.execute(
        "create table refunds"
        " (id varchar, order_id varchar, user_id varchar, amount_cents bigint, created_at timestamp)"
    )
    orders, refunds = (ibis.table(CANONICAL[name], name=name) for name in ("orders", "refunds"))
    query = features(orders.mutate(day=orders.created_at.date()), refunds.mutate(day=refunds.created_at.date()), as_of)
    (sam,) = connection.sql(ibis.to_sql(query, dialect="duckdb")).to_arrow_table().to_pylist()
    connection.close()
    assert (sam["season_years_30"], sam["season_years_90"]) == (2, 3)


def test_a_refund_is_counted_once_and_only_when_known(tables, run):
    rows = _rows(run(_features(tables)))
    assert rows["ana"]["refund_cents"] == 3_500  # the order's status and its refund row are the same money
    assert rows["di"]["refund_cents"] == 150
    assert rows["bo"]["refund_cents"] == 0


def test_gaps_of_one_time_buyers_are_null(tables, run):
    bo = _rows(run(_features(tables)))["bo"]
    assert bo["max_gap_days"] is None
    assert bo["last_gap_days"] is None
    assert bo["log_gap_sum"] == 0


def test_rfm_is_part_of_the_features(tables, run):
    names = ["customer_id", "frequency", "recency_days", "T_days", "monetary_cents"]
    whole = run(_features(tables)).select(names)
    assert whole.to_pylist() == run(rfm_features(tables[0], AS_OF)).to_pylist()


def test_later_rows_change_nothing(tables, run):
    orders, refunds = tables
    earlier = features(orders.filter(orders.day <= AS_OF), refunds.filter(refunds.day <= AS_OF), AS_OF)
    whole = run(features(orders, refunds, AS_OF))
    assert whole.equals(run(earlier))


def test_one_customer_has_the_row_of_the_batch(tables, run):
    orders, refunds = tables
    one = features(orders.filter(orders.user_id == "di"), refunds.filter(refunds.user_id == "di"), AS_OF)
    assert run(one).to_pylist() == [_rows(run(features(orders, refunds, AS_OF)))["di"]]


def test_the_day_can_be_bound_later(tables, run):
    day = ibis.param("date")
    bound = run(features(tables[0], tables[1], day), params={day: AS_OF})
    assert bound.equals(run(_features(tables)))


def test_labels_count_the_days_after_the_cutoff(tables, run):
    rows = _rows(run(labels(tables[0], dt.date(2023, 1, 11), (50, 90))))
    assert rows == {
        "ana": {
            "customer_id": "ana",
            "purchases_50": 1,
            "purchases_90": 2,
            "revenue_cents_50": 3_500,
            "revenue_cents_90": 4_300,
            "days_to_next_purchase": 50,
        }
    }


def test_labels_and_features_share_the_population(tables, run):
    labelled = run(labels(tables[0], AS_OF, (30,)))
    assert set(_rows(labelled)) == {"ana", "bo", "di"}
    assert _rows(labelled)["bo"]["days_to_next_purchase"] is None


@pytest.mark.parametrize("horizons", [(), (0,), (30, -1)])
def test_impossible_horizons_are_refused(tables, horizons):
    with pytest.raises(InvalidParameter, match="at least 1"):
        labels(tables[0], AS_OF, horizons)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "mysql"])
def test_the_queries_compile_for_each_engine(tables, dialect):
    for query in (rfm_features(tables[0], AS_OF), _features(tables), labels(tables[0], AS_OF, (30, 90))):
        assert "SELECT" in ibis.to_sql(query, dialect=dialect)
