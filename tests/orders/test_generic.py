"""The generic format: what its rows become, and why some are quarantined."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_revenue.errors import CurrencyMismatch, NothingImported
from customer_revenue.orders.files.columns.conventions import ColumnChoices, DecimalSign
from customer_revenue.orders.files.quarantine import REASONS

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

GOOD = "good,ann,2023-05-01,10.00,paid"
FUTURE = "2999-01-01"


def test_a_row_becomes_an_order(shop: Shop) -> None:
    summary = shop.load("A-1, ann ,2023-05-01T12:30:00Z,19.99,Paid")
    assert shop.query("SELECT id, user_id, total_cents, status, created_at FROM orders") == [
        ("A-1", "ann", 1999, "paid", dt.datetime(2023, 5, 1, 12, 30))
    ]
    assert shop.query("SELECT id, name, email FROM users") == [("ann", None, None)]
    assert (summary.orders_imported, summary.customers_in_store, summary.currency) == (1, 1, "USD")
    assert summary.first_day == summary.last_day == dt.date(2023, 5, 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1e+3,ann,2023-05-01,10,paid", "cut_id"),
        ("1,6.54321E+12,2023-05-01,10,paid", "cut_id"),
        (",ann,2023-05-01,10,paid", "missing_order_id"),
        ("1,ann,,10,paid", "bad_date"),
        ("1,ann,2023-02-30,10,paid", "bad_date"),
        ("1,ann,yesterday,10,paid", "bad_date"),
        ("1,ann,infinity,10,paid", "bad_date"),
        ("1,ann,epoch,10,paid", "bad_date"),
        ("1,ann,0023-05-01,10,paid", "bad_date"),
        (f"1,ann,{FUTURE},10,paid", "future_date"),
        ("1,ann,2023-05-01,,paid", "bad_amount"),
        ("1,ann,2023-05-01,ten,paid", "bad_amount"),
        ("1,ann,2023-05-01,NaN,paid", "bad_amount"),
        ("1,ann,2023-05-01,inf,paid", "bad_amount"),
        ("1,ann,2023-05-01,1e40,paid", "bad_amount"),
        ("1,ann,2023-05-01,-0.01,paid", "negative_total"),
        ("1,ann,2023-05-01,10,", "unknown_status"),
        ("1,ann,2023-05-01,10,lost in the post", "unknown_status"),
        ("1,ann,2023-05-01,10", "unreadable_line"),
        ("1,ann,2023-05-01,10,paid,extra", "unreadable_line"),
    ],
)
def test_a_bad_row_is_quarantined_with_its_line_and_text(shop: Shop, line: str, reason: str) -> None:
    summary = shop.load(GOOD, line, GOOD.replace("good", "good2"))
    assert summary.quarantined == {reason: 1}
    assert summary.orders_imported == 2
    assert summary.lines == 3
    [(source, at, why, raw)] = shop.query("SELECT source, line, reason, raw FROM quarantine")
    assert (source, at, why) == ("file_1.csv", 3, reason)
    assert raw == ",".join(cell for cell in line.split(","))
    assert reason in REASONS


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("quantity", "1.5", "bad_quantity"),
        ("amount_cents", "12.5", "bad_amount"),
        ("refund_cents", "-1", "negative_refund"),
        ("refund_cents", "1001", "refund_exceeds_total"),
        ("refund_cents", "some", "bad_amount"),
        ("refunded_at", "later", "bad_date"),
        ("currency", "EUR", "other_currency"),
    ],
)
def test_a_bad_optional_value_is_quarantined_too(
    make_shop: Callable[..., Shop], column: str, cell: str, reason: str
) -> None:
    shop = make_shop(currency="USD")
    header = f"order_id,user_id,created_at,total,status,{column}"
    summary = shop.load(f"{GOOD},", f"1,ann,2023-05-01,10,paid,{cell}", header=header)
    assert summary.quarantined == {reason: 1}
    assert summary.orders_imported == 1


def test_one_id_with_two_contents_in_one_file_is_not_trusted(shop: Shop) -> None:
    summary = shop.load(
        GOOD,
        "1,ann,2023-05-01,10,paid",
        "1,ann,2023-05-01,11,paid",
        "2,ann,2023-05-01,5,paid",
        "2,bob,2023-05-01,5,paid",
    )
    assert summary.quarantined == {"duplicate_id": 4}
    assert shop.column("SELECT id FROM orders") == ["good"]
    assert shop.column("SELECT line FROM quarantine ORDER BY 1") == [3, 4, 5, 6]


def test_lines_after_unreadable_ones_keep_their_numbers(shop: Shop) -> None:
    shop.load(
        "short",
        "1,ann,2023-05-99,10,paid",
        "too,short",
        "short",
        GOOD,
        "2,ann,2023-05-99,10,paid",
        "a,b,c,d,e,f",
        "3,ann,2023-05-99,1,paid",
    )
    found = shop.query("SELECT line, reason FROM quarantine ORDER BY line")
    assert [line for line, reason in found if reason == "unreadable_line"] == [2, 4, 5, 8]
    assert [line for line, reason in found if reason == "bad_date"] == [3, 7, 9]


def test_rows_that_say_the_same_are_one_order(shop: Shop) -> None:
    summary = shop.load(GOOD, GOOD)
    assert (summary.orders_in_store, summary.lines, summary.quarantined) == (1, 2, {})


def test_lines_of_one_order_are_its_items(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total_cents,status,product_id,product_name,quantity,amount_cents"
    shop.load(
        "1,ann,2023-05-01,3000,paid,p1,Pen,2,1000",
        "1,ann,2023-05-01,3000,paid,p2,Ink,1,2000",
        "2,ann,2023-05-02,500,paid,,Nib,,",
        "3,ann,2023-05-02,500,paid,,,,",
        header=header,
    )
    assert shop.query("SELECT * EXCLUDE (category, cost_cents) FROM order_items ORDER BY ALL") == [
        ("1", "p1", "Pen", 2, 1000, "ann"),
        ("1", "p2", "Ink", 1, 2000, "ann"),
        ("2", "Nib", "Nib", None, 500, "ann"),
    ]
    assert shop.query("SELECT id, total_cents FROM orders ORDER BY id") == [("1", 3000), ("2", 500), ("3", 500)]


def test_names_and_addresses_are_the_last_ones_given(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total,status,user_name,user_email"
    shop.load("1,ann,2023-05-01,1,paid,Ann,a@x.org", "2,ann,2023-05-02,1,paid,Ann Lee,", header=header)
    assert shop.query("SELECT id, name, email FROM users") == [("ann", "Ann Lee", "a@x.org")]
    shop.load("3,ann,2023-05-03,1,paid")
    assert shop.query("SELECT id, name, email FROM users") == [("ann", "Ann Lee", "a@x.org")]


def test_a_partial_refund_beside_the_order(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total_cents,status,refund_cents,refunded_at"
    shop.load(
        "1,ann,2023-05-01,1000,paid,250,2023-06-02",
        "2,ann,2023-05-01,1000,paid,1000,",
        "3,ann,2023-05-01,1000,paid,0,",
        header=header,
    )
    assert shop.query("SELECT id, order_id, user_id, amount_cents, created_at FROM refunds ORDER BY id") == [
        ("refund:1", "1", "ann", 250, dt.datetime(2023, 6, 2)),
        ("refund:2", "2", "ann", 1000, dt.datetime(2023, 5, 1)),
    ]


@pytest.mark.parametrize("status", ["pending", "cancelled", "Canceled", "FAILED"])
def test_statuses_that_never_count_are_stored_under_their_name(shop: Shop, status: str) -> None:
    shop.load(GOOD, f"1,ann,2023-05-02,10,{status}")
    assert shop.column("SELECT status FROM orders WHERE id = '1'") == [status.lower()]


def test_only_bad_rows_change_nothing(shop: Shop) -> None:
    shop.load(GOOD)
    before = shop.contents()
    with pytest.raises(NothingImported, match=r"bad_date 1, missing_order_id 1"):
        shop.load("1,ann,never,1,paid", ",ann,2023-05-01,1,paid")
    assert shop.contents() == before
    assert shop.leftovers() == []


ODD_IDS = [
    "é/ü",
    "客户",
    "a b",
    "'; DROP TABLE orders; --",
    '"quoted"',
    "%2F",
    "🙂",
    "x" * 5000,
    "0",
    "‮rtl",
    "$u",
]


def test_odd_ids_come_back_as_they_are(shop: Shop) -> None:
    table = pa.table(
        {
            "order_id": ODD_IDS,
            "user_id": ODD_IDS,
            "created_at": ["2023-05-01"] * len(ODD_IDS),
            "total_cents": [100] * len(ODD_IDS),
            "status": ["paid"] * len(ODD_IDS),
        }
    )
    pq.write_table(table, shop.folder / "odd.parquet")
    shop.files(shop.folder / "odd.parquet")
    assert sorted(shop.column("SELECT user_id FROM orders WHERE id = user_id")) == sorted(ODD_IDS)


@pytest.mark.parametrize(
    "times",
    [
        pa.array([dt.date(2023, 5, 1)], pa.date32()),
        pa.array([dt.datetime(2023, 5, 1)], pa.timestamp("us")),
        pa.array([dt.datetime(2023, 5, 1)], pa.timestamp("ns")),
        pa.array([dt.datetime(2023, 5, 1)], pa.timestamp("s")),
        pa.array([dt.datetime(2023, 5, 1)], pa.timestamp("ms", "UTC")),
        pa.array(["2023-05-01"]),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "totals",
    [pa.array([19.99]), pa.array([19.99], pa.float32()), pa.array([Decimal("19.99")]), pa.array(["19.99"])],
    ids=lambda array: str(array.type),
)
def test_parquet_columns_of_any_type(shop: Shop, times: pa.Array, totals: pa.Array) -> None:
    table = pa.table({"order_id": [7], "user_id": [12], "created_at": times, "total": totals, "status": ["paid"]})
    pq.write_table(table, shop.folder / "typed.parquet")
    shop.files(shop.folder / "typed.parquet")
    assert shop.query("SELECT id, user_id, total_cents, status, created_at FROM orders") == [
        ("7", "12", 1999, "paid", dt.datetime(2023, 5, 1))
    ]


@given(
    st.lists(
        st.decimals(min_value=0, max_value=10**12, places=6).map(lambda amount: format(amount, "f")),
        min_size=1,
        max_size=50,
    )
)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decimal_money_is_exact(shop: Shop, amounts: list[str]) -> None:
    shop.path.unlink(missing_ok=True)
    shop.load(*(f"{i},ann,2023-05-01,{amount},paid" for i, amount in enumerate(amounts)))
    cents = {int(i): total for i, total in shop.query("SELECT id, total_cents FROM orders")}
    for i, amount in enumerate(amounts):
        assert cents[i] == int((Decimal(amount) * 100).quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(("text", "cents"), [("0.005", 1), ("1.005", 101), ("2.675", 268), ("1e2", 10000), (".5", 50)])
def test_half_a_cent_goes_away_from_zero(shop: Shop, text: str, cents: int) -> None:
    shop.load(f"1,ann,2023-05-01,{text},paid", choices=ColumnChoices(decimal=DecimalSign.POINT))
    assert shop.column("SELECT total_cents FROM orders") == [cents]


@pytest.mark.parametrize(
    ("zone", "text", "moment"),
    [
        ("UTC", "2023-05-01 12:00", dt.datetime(2023, 5, 1, 12)),
        ("Asia/Kolkata", "2023-05-01", dt.datetime(2023, 4, 30, 18, 30)),
        ("Asia/Kolkata", "2023-05-01T00:00:00Z", dt.datetime(2023, 5, 1)),
        ("America/New_York", "2023-03-12 12:00:00", dt.datetime(2023, 3, 12, 16)),
        ("America/New_York", "2023-01-12 12:00:00", dt.datetime(2023, 1, 12, 17)),
        ("America/New_York", "2023-01-12 12:00:00+02:00", dt.datetime(2023, 1, 12, 10)),
        ("UTC", "2023-01-12 12:00:00 -0500", dt.datetime(2023, 1, 12, 17)),
        ("UTC", "2023-01-12 12:00:00 -05:00", dt.datetime(2023, 1, 12, 17)),
        ("UTC", "2024-02-29T23:59:59.999999+00:00", dt.datetime(2024, 2, 29, 23, 59, 59, 999999)),
    ],
)
def test_a_time_without_a_zone_is_in_the_reporting_zone(
    make_shop: Callable[..., Shop], zone: str, text: str, moment: dt.datetime
) -> None:
    shop = make_shop(timezone=zone)
    shop.load(f"1,ann,{text},1,paid")
    assert shop.column("SELECT created_at FROM orders") == [moment]


def test_several_currencies_need_a_choice(make_shop: Callable[..., Shop]) -> None:
    header = "order_id,user_id,created_at,total,status,currency"
    lines = ("1,ann,2023-05-01,1,paid,EUR", "2,ann,2023-05-01,1,paid,usd", "3,ann,2023-05-01,1,paid,EUR")
    undecided = make_shop()
    with pytest.raises(CurrencyMismatch, match=r"EUR \(2 lines\), USD \(1 lines\)"):
        undecided.load(*lines, header=header)
    assert not undecided.path.exists()
    decided = make_shop("eur", currency="EUR")
    summary = decided.load(*lines, header=header)
    assert (summary.orders_imported, summary.quarantined, summary.currency) == (2, {"other_currency": 1}, "EUR")


def test_the_only_currency_of_a_file_is_the_stores(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total,status,currency"
    assert shop.load("1,ann,2023-05-01,1,paid,chf", header=header).currency == "CHF"
    assert shop.load("2,ann,2023-05-01,1,paid,EUR", "3,ann,2023-05-01,1,paid,CHF", header=header).quarantined == {
        "other_currency": 1
    }


def test_refunds_come_in_a_file_of_their_own(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", "2,bob,2023-05-01,10,paid")
    summary = shop.load(
        "r1,ann,2023-06-01,400,1",
        "r2,ann,2023-06-02,600,1",
        "r3,ann,2023-06-03,1,1",
        "r4,ann,2023-06-03,5,2",
        "r5,eve,2023-06-03,5,",
        "r6,eve,2023-06-03,0,",
        "r7,eve,2023-06-03,5,unknown",
        "r8,eve,2023-06-03,5,",
        "r8,eve,2023-06-03,6,",
        ",eve,2023-06-03,6,",
        header="refund_id,user_id,created_at,amount_cents,order_id",
    )
    assert shop.column("SELECT id FROM refunds ORDER BY id") == ["r1", "r2", "r5", "r7"]
    assert summary.refunds_imported == 4
    assert dict(summary.quarantined) == {
        "refund_exceeds_total": 1,
        "refund_of_other_customer": 1,
        "negative_refund": 1,
        "duplicate_id": 2,
        "missing_refund_id": 1,
    }
    assert shop.column("SELECT id FROM users ORDER BY id") == ["ann", "bob", "eve"]


def test_refunds_of_an_order_add_up_over_imports(shop: Shop) -> None:
    header = "refund_id,user_id,created_at,amount_cents,order_id"
    shop.load("1,ann,2023-05-01,10,paid")
    shop.load("r1,ann,2023-06-01,900,1", header=header)
    again = shop.load("r1,ann,2023-06-01,900,1", "r2,ann,2023-06-02,101,1", header=header)
    assert again.quarantined == {"refund_exceeds_total": 1}
    assert shop.column("SELECT sum(amount_cents) FROM refunds") == [900]
