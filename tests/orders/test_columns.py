"""Columns of files are judged as a whole: dates, decimal signs, units, ids; what cannot be decided is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from customer_revenue.errors import CurrencyMismatch, UndecidedColumn
from customer_revenue.orders.files.columns.conventions import AmountUnit, ColumnChoices, DateOrder, DecimalSign

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

TAB = "order_id\tuser_id\tcreated_at\ttotal\tstatus"


def _dates(shop: Shop, texts: Sequence[str], **options: object) -> list[str]:
    shop.load(*(f"{i}\tann\t{text}\t10\tpaid" for i, text in enumerate(texts)), header=TAB, **options)
    return shop.column("SELECT strftime(created_at, '%Y-%m-%d %H:%M') FROM orders ORDER BY CAST(id AS INTEGER)")


def _totals(shop: Shop, texts: Sequence[str], **options: object) -> list[int]:
    shop.load(*(f"{i}\tann\t2024-05-01\t{text}\tpaid" for i, text in enumerate(texts)), header=TAB, **options)
    return shop.column("SELECT total_cents FROM orders ORDER BY CAST(id AS INTEGER)")


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["01/02/2024", "13/02/2024"], ["2024-02-01 00:00", "2024-02-13 00:00"]),
        (["01/02/2024", "02/13/2024"], ["2024-01-02 00:00", "2024-02-13 00:00"]),
        (["1.2.2024 7:05", "2.2.2024 17:05"], ["2024-02-01 07:05", "2024-02-02 17:05"]),
        (["1/2/24", "1/31/24"], ["2024-01-02 00:00", "2024-01-31 00:00"]),
        (["1/2/2024 1:05 AM", "1/31/2024 1:05:09 pm"], ["2024-01-02 01:05", "2024-01-31 13:05"]),
        (["2024-01-02 12:05 AM", "2024-01-31 01:05 PM"], ["2024-01-02 00:05", "2024-01-31 13:05"]),
        (["1709287200", "1709290800"], ["2024-03-01 10:00", "2024-03-01 11:00"]),
        (["1709287200000", "1709290800000"], ["2024-03-01 10:00", "2024-03-01 11:00"]),
        (["45352.5", "45353"], ["2024-03-01 12:00", "2024-03-02 00:00"]),
        (["20240301", "20240302"], ["2024-03-01 00:00", "2024-03-02 00:00"]),
        (["Mar 1, 2024 9:05:00 AM", "Mar 12, 2024 9:05:00 PM"], ["2024-03-01 09:05", "2024-03-12 21:05"]),
        (["1 March 2024", "12 March 2024"], ["2024-03-01 00:00", "2024-03-12 00:00"]),
        (["05/05/2024", "06/06/2024"], ["2024-05-05 00:00", "2024-06-06 00:00"]),
    ],
)
def test_dates_have_the_form_of_their_column(shop: Shop, texts: list[str], days: list[str]) -> None:
    assert _dates(shop, texts) == days


def test_what_was_inferred_is_told_with_its_evidence(shop: Shop) -> None:
    summary = shop.load("1,ann,01/02/2024,10,paid", "2,ann,13/02/2024,10,paid")
    assert summary.inferences == ("file_1.csv: created_at is read as day-first (13/02/2024 has no other reading)",)
    assert summary.inferences[0] in summary.render()


def test_dates_that_can_be_read_in_two_ways_are_refused_with_the_option(shop: Shop) -> None:
    with pytest.raises(UndecidedColumn, match="--dates day-first or --dates month-first"):
        _dates(shop, ["01/02/2024", "03/04/2024"])
    assert not shop.path.exists()
    assert _dates(shop, ["01/02/2024"], choices=ColumnChoices(dates=DateOrder.MONTH_FIRST)) == ["2024-01-02 00:00"]


def test_another_file_of_the_import_decides(shop: Shop) -> None:
    clear = shop.file("1,ann,13/02/2024,10,paid")
    unclear = shop.file("2,ann,03/04/2024,10,paid")
    shop.files(unclear, clear)
    assert shop.column("SELECT CAST(created_at AS DATE) FROM orders ORDER BY id") == [
        dt.date(2024, 2, 13),
        dt.date(2024, 4, 3),
    ]


def test_a_reading_in_the_future_is_none(shop: Shop) -> None:
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    while day.day > 12 or day.day <= day.month:
        day -= dt.timedelta(days=1)
    later = dt.date(day.year + 1, 1, 1) if day.month == 12 else dt.date(day.year, day.day, day.month)
    if later <= dt.datetime.now(dt.UTC).date():
        pytest.skip("today, both readings lie in the past")
    assert _dates(shop, [day.strftime("%d/%m/%Y")]) == [f"{day} 00:00"]


@pytest.mark.parametrize(
    "texts",
    [
        ["13/02/2024", "02/13/2024"],
        ["2024-01-12", "2024-01-11", "13/01/2024", "14/01/2024"],
    ],
)
def test_a_column_that_contradicts_itself_is_refused(shop: Shop, texts: list[str]) -> None:
    with pytest.raises(UndecidedColumn, match="created_at"):
        _dates(shop, texts)


@pytest.mark.parametrize(
    ("texts", "cents"),
    [
        (["12,50", "1.250,00", "980"], [1250, 125000, 98000]),
        (["12,50", "1.250"], [1250, 125000]),
        (["12.50", "1,250.00", "980"], [1250, 125000, 98000]),
        (["1,250", "12.50"], [125000, 1250]),
        (["1 250,00", "7,5"], [125000, 750]),
        (["1'250.00", "7.5"], [125000, 750]),
        (["$1,250.00", "$7"], [125000, 700]),
        (["1,250.00 USD", "7.00 USD"], [125000, 700]),
        (["1.250", "12.5", "1250"], [125, 1250, 125000]),
    ],
)
def test_amounts_have_the_decimal_sign_of_their_column(shop: Shop, texts: list[str], cents: list[int]) -> None:
    assert _totals(shop, texts) == cents


@pytest.mark.parametrize("texts", [["1.250", "980"], ["1,250", "980"], ["12,50", "12.50"]])
def test_amounts_that_can_be_read_in_two_ways_are_refused_with_the_option(shop: Shop, texts: list[str]) -> None:
    with pytest.raises(UndecidedColumn, match="--decimal comma or --decimal point"):
        _totals(shop, texts)


def test_a_chosen_decimal_sign_quarantines_the_other(shop: Shop) -> None:
    assert _totals(shop, ["12,50", "12.50"], choices=ColumnChoices(decimal=DecimalSign.COMMA)) == [1250]
    assert shop.query("SELECT reason, line FROM quarantine") == [("bad_amount", 3)]


def test_a_sign_names_the_currency(shop: Shop) -> None:
    shop.load("1,ann,2024-05-01,€10.00,paid")
    assert shop.column("SELECT currency FROM store_info") == ["EUR"]
    with pytest.raises(CurrencyMismatch, match="is in GBP, the store in EUR"):
        shop.load("2,ann,2024-05-01,£10.00,paid")
    with pytest.raises(CurrencyMismatch, match="several currencies"):
        shop.load("3,ann,2024-05-01,£10.00,paid", "4,ann,2024-05-01,€10.00,paid")


CHARGES = "id,created,amount,amount_refunded,currency,customer,status,captured"


def test_whole_amounts_of_a_warehouse_are_minor_units(shop: Shop) -> None:
    shop.load("a,1709287200,1999,500,usd,cus_1,succeeded,true", header=CHARGES)
    assert shop.column("SELECT total_cents FROM orders") == [1999]
    assert shop.column("SELECT amount_cents FROM refunds") == [500]
    assert shop.column("SELECT created_at FROM orders") == [dt.datetime(2024, 3, 1, 10)]


@pytest.mark.parametrize(("currency", "cents"), [("jpy", 1999), ("kwd", 1999), ("eur", 1999)])
def test_the_smallest_coin_depends_on_the_currency(shop: Shop, currency: str, cents: int) -> None:
    shop.load(f"a,2024-03-01,1999,0,{currency},cus_1,succeeded,true", header=CHARGES)
    assert shop.column("SELECT total_cents FROM orders") == [cents]


def test_amounts_of_a_warehouse_with_decimals_are_not_minor_units(shop: Shop) -> None:
    shop.load("a,2024-03-01,19.99,0,usd,cus_1,succeeded,true", header=CHARGES)
    assert shop.column("SELECT total_cents FROM orders") == [1999]
    shop.load(
        "b,2024-03-01,20,0,usd,cus_1,succeeded,true", header=CHARGES, choices=ColumnChoices(amounts=AmountUnit.MAJOR)
    )
    assert shop.column("SELECT total_cents FROM orders WHERE id = 'b'") == [2000]


def test_ids_as_a_spreadsheet_writes_them(shop: Shop) -> None:
    summary = shop.load("1,17.0,2024-05-01,1,paid", "2,17,2024-05-02,1,paid", "3,4.5E+12,2024-05-02,1,paid")
    assert shop.column("SELECT DISTINCT user_id FROM orders") == ["17"]
    assert summary.quarantined == {"cut_id": 1}


def test_ids_with_a_version_keep_it(shop: Shop) -> None:
    shop.load("1,17.0,2024-05-01,1,paid", "2,17.1,2024-05-02,1,paid")
    assert sorted(shop.column("SELECT user_id FROM orders")) == ["17.0", "17.1"]


@pytest.mark.parametrize("text", ["", "NULL", r"\N", "nan", "None", "(null)", "#N/A", "n/a"])
def test_what_stands_for_nobody_is_no_customer(shop: Shop, text: str) -> None:
    shop.load(f"1,{text},2024-05-01,1,paid", "2,ann,2024-05-02,1,paid")
    assert shop.query("SELECT id, user_id FROM orders ORDER BY id") == [("1", None), ("2", "ann")]
    assert shop.column("SELECT id FROM users") == ["ann"]


def test_a_guest_is_an_id_with_too_many_orders(shop: Shop) -> None:
    lines = [f"{i},0,2024-05-01,1,paid" for i in range(4)] + ["a,ann,2024-05-02,1,paid", "b,bob,2024-05-02,1,paid"]
    summary = shop.load(*lines)
    assert shop.column("SELECT count(*) FROM orders WHERE user_id IS NULL") == [4]
    assert any("'0' is the id of 4 lines" in told for told in summary.inferences)


def test_a_customer_whose_id_is_zero_stays(shop: Shop) -> None:
    shop.load("1,0,2024-05-01,1,paid", "2,1,2024-05-01,1,paid", "3,2,2024-05-01,1,paid")
    assert sorted(shop.column("SELECT user_id FROM orders")) == ["0", "1", "2"]


def test_emails_are_compared_without_case_and_spaces(shop: Shop) -> None:
    shop.load("1, Ann@X.org,2024-05-01,1,paid", "2,ann@x.ORG\u00a0,2024-05-01,1,paid")
    assert shop.column("SELECT DISTINCT user_id FROM orders") == ["ann@x.org"]


def test_one_bad_byte_does_not_change_the_other_names(shop: Shop) -> None:
    path = shop.folder / "bytes.csv"
    text = "order_id,user_id,created_at,total,status\n1,josé,2024-05-01,1,paid\n2,bo?,2024-05-02,1,paid\n"
    path.write_bytes(text.encode().replace(b"?", b"\xe9"))
    summary = shop.files(path)
    assert shop.column("SELECT user_id FROM orders") == ["josé"]
    assert summary.quarantined == {"bad_encoding": 1}


def test_a_file_in_windows_1252_is_read_as_that(shop: Shop) -> None:
    path = shop.folder / "latin.csv"
    path.write_bytes("order_id,user_id,created_at,total,status\n1,josé,2024-05-01,1,paid\n".encode("cp1252"))
    shop.files(path)
    assert shop.column("SELECT user_id FROM orders") == ["josé"]
