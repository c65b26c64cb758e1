"""Exports of platforms and plain logs, in the forms that their public documentation gives."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from customer_revenue.errors import BooksDisagree, InvalidParameter
from customer_revenue.orders.imports.statement import Expectations
from customer_revenue.workflows.quarantine_export import write_quarantine
from customer_revenue.workflows.quarantined_rows import quarantined_rows, render_counts, with_remedies

if TYPE_CHECKING:
    from tests.orders.conftest import Shop


def _orders(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.query("SELECT id, user_id, total_cents, status FROM orders ORDER BY id")


def _refunds(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.query("SELECT order_id, user_id, amount_cents FROM refunds ORDER BY id")


def test_a_log_of_three_columns(shop: Shop) -> None:
    lines = ("7,2024-05-01,10.00", "7,2024-05-01,10.00", "8,2024-05-02,5")
    summary = shop.load(*lines, header="customer,date,amount")
    assert summary.formats == ("log",)
    assert sorted(shop.query("SELECT user_id, total_cents FROM orders")) == [("7", 1000), ("7", 1000), ("8", 500)]
    assert shop.load(*lines, header="customer,date,amount").orders_imported == 0


def test_a_log_with_order_ids_and_statuses(shop: Shop) -> None:
    summary = shop.load(
        "1,7,2024-05-01,10,paid", "2,7,2024-05-02,9,void", header="order,client_id,order date,Total,Status"
    )
    assert summary.formats == ("log_with_orders",)
    assert _orders(shop) == [("1", "7", 1000, "paid"), ("2", "7", 900, "void")]


def test_a_log_without_amounts_has_no_other_columns(shop: Shop) -> None:
    from customer_revenue.errors import UnknownFormat

    assert shop.load("7,2024-05-01", header="id,date").formats == ("log_of_dates",)
    with pytest.raises(UnknownFormat):
        shop.load("7,2024-05-01,12", header="customer,date,netto")


def test_paypal(shop: Shop) -> None:
    header = (
        "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,From Email Address,"
        "To Email Address,Transaction ID,Reference Txn ID"
    )
    shop.load(
        '3/25/2024,23:30:00,PDT,Ann,Website Payment,Completed,USD,"1,200.50",-3,Ann@x.org,shop@x.org,T1,',
        "3/26/2024,10:00:00,PDT,Ann,Payment Refund,Completed,USD,-20.50,0,shop@x.org,ann@x.org,T2,T1",
        "3/26/2024,10:00:00,PDT,,General Withdrawal,Completed,USD,-900.00,0,shop@x.org,,T3,",
        "3/27/2024,10:00:00,PDT,Bob,Express Checkout Payment,Pending,USD,5.00,0,bob@x.org,shop@x.org,T4,",
        "3/27/2024,10:00:00,PDT,Sup,General Payment,Completed,USD,-5.00,0,shop@x.org,sup@x.org,T5,",
        header=header,
    )
    assert _orders(shop) == [("T1", "ann@x.org", 120050, "paid"), ("T4", "bob@x.org", 500, "pending")]
    assert _refunds(shop) == [("T1", "ann@x.org", 2050)]
    assert shop.column("SELECT created_at FROM orders WHERE id = 'T1'") == [dt.datetime(2024, 3, 26, 6, 30)]
    assert shop.column("SELECT DISTINCT reason FROM quarantine") == ["not_a_sale"]


def test_square(shop: Shop) -> None:
    header = "Date,Time,Time Zone,Net Sales,Tax,Tip,Total Collected,Transaction ID,Payment ID,Customer ID,Event Type"
    shop.load(
        "03/25/2024,20:00:00,Eastern Time (US & Canada),$20.00,$2.00,$3.00,$25.00,T1,P1,C1,Payment",
        "03/26/2024,10:00:00,Eastern Time (US & Canada),$10.00,$1.00,$0.00,$11.00,T2,P2,,Payment",
        "03/27/2024,10:00:00,Eastern Time (US & Canada),-$5.00,-$0.50,$0.00,-$5.50,T3,P3,C1,Refund",
        header=header,
    )
    assert _orders(shop) == [("T1", "C1", 2200, "paid"), ("T2", None, 1100, "paid")]
    assert _refunds(shop) == [(None, "C1", 550)]
    assert shop.column("SELECT created_at FROM orders WHERE id = 'T1'") == [dt.datetime(2024, 3, 26)]


def test_woocommerce(shop: Shop) -> None:
    header = "order_id,order_date,status,order_total,order_currency,customer_id,billing_email,refunds"
    shop.load(
        "1,2024-05-01 10:00:00,completed,25.00,EUR,0,Ann@x.org,",
        "2,2024-05-01 10:00:00,wc-processing,25.00,EUR,7,bob@x.org,id:9|amount:-5.00|reason:late",
        "3,2024-05-01 10:00:00,on-hold,25.00,EUR,0,eve@x.org,",
        header=header,
    )
    assert _orders(shop) == [
        ("1", "ann@x.org", 2500, "paid"),
        ("2", "7", 2500, "paid"),
        ("3", "eve@x.org", 2500, "pending"),
    ]
    assert _refunds(shop) == [("2", "7", 500)]


def test_bigcommerce_and_magento(shop: Shop) -> None:
    shop.load(
        "1,Shipped,25/05/2024,12.00,0,a@x.org,2.00",
        "2,Refunded,26/05/2024,12.00,5,b@x.org,12.00",
        "3,Awaiting Payment,26/05/2024,12.00,5,b@x.org,",
        header="Order ID,Order Status,Order Date,Order Total (inc tax),Customer ID,Customer Email,Refunded Amount",
    )
    assert _orders(shop) == [("1", "a@x.org", 1200, "paid"), ("2", "5", 1200, "refunded"), ("3", "5", 1200, "pending")]
    assert _refunds(shop) == [("1", "a@x.org", 200)]
    shop.load(
        '000001,"May 25, 2024 10:00:00 AM","$1,012.00",complete,A@x.org,$12.00',
        '000002,"May 26, 2024 10:00:00 AM",$7.00,canceled,a@x.org,',
        header="ID,Purchase Date,Grand Total (Base),Status,Customer Email,Total Refunded",
    )
    assert _orders(shop)[0] == ("000001", "a@x.org", 101200, "paid")
    assert _refunds(shop)[-1] == ("1", "a@x.org", 200)


def test_amazon_and_etsy(shop: Shop) -> None:
    shop.load(
        "11-1\t2024-05-01T10:00:00+00:00\tShipped\tA\t1\tUSD\t10.00\t1.00",
        "11-1\t2024-05-01T10:00:00+00:00\tShipped\tB\t2\tUSD\t20.00\t2.00",
        "11-2\t2024-05-01T10:00:00+00:00\tCancelled\tB\t1\tUSD\t20.00\t2.00",
        header="amazon-order-id\tpurchase-date\torder-status\tsku\tquantity\tcurrency\titem-price\titem-tax",
    )
    assert _orders(shop) == [("11-1", None, 3300, "paid"), ("11-2", None, 2200, "cancelled")]
    shop.load(
        "05/25/24,9,ann,USD,10.00,12.00,9.00,Shipped",
        header="Sale Date,Order ID,Buyer User ID,Currency,Order Value,Order Total,Adjusted Order Total,Status",
    )
    assert _orders(shop)[-1] == ("9", "ann", 1200, "paid")
    assert _refunds(shop) == [("9", "ann", 300)]


STRIPE = (
    "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Captured,Customer ID,"
    "Mode,Disputed Amount,Dispute Date (UTC),Dispute Status"
)


def test_disputes_authorisations_and_test_mode_of_stripe(shop: Shop) -> None:
    summary = shop.load(
        "a,2024-05-01 10:00,20.00,0.00,usd,Paid,true,c,Live,20.00,2024-05-09 10:00,lost",
        "b,2024-05-01 10:00,20.00,0.00,usd,Paid,true,c,Live,20.00,2024-05-09 10:00,won",
        "c,2024-05-01 10:00,20.00,20.00,usd,Refunded,false,c,Live,,,",
        "d,2024-05-01 10:00,20.00,0.00,usd,Paid,true,t,Test,,,",
        header=STRIPE,
    )
    assert _orders(shop) == [("a", "c", 2000, "paid"), ("b", "c", 2000, "paid"), ("c", "c", 2000, "authorized")]
    assert shop.query("SELECT order_id, amount_cents, created_at FROM refunds") == [
        ("a", 2000, dt.datetime(2024, 5, 9, 10))
    ]
    assert summary.quarantined == {"test_mode": 1}
    shop.load(
        "dp_1,b,2024-06-01 10:00,5.00,usd,lost",
        "dp_2,b,2024-06-01 10:00,5.00,usd,won",
        header="Dispute ID,Charge ID,Dispute Created (UTC),Dispute Amount,Dispute Currency,Dispute Status",
    )
    assert shop.query("SELECT id, order_id, user_id, amount_cents FROM refunds WHERE order_id = 'b'") == [
        ("dispute:dp_1", "b", "c", 500)
    ]


SHOPIFY = (
    "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Cancelled at,Refunded Amount,Id"
)


def _shopify(name: str, email: str, status: str, number: str, cancelled: str = "", refunded: str = "0") -> str:
    return f"{name},{email},{status},USD,20.00,2024-05-01 10:00:00 +0200,1,Pen,20.00,{cancelled},{refunded},{number}"


def test_a_cancelled_order_of_shopify_is_no_sale(shop: Shop) -> None:
    shop.load(
        _shopify("#1", "a@x.org", "paid", "1", cancelled="2024-05-02"),
        _shopify("#2", "a@x.org", "voided", "2", refunded="20.00"),
        header=SHOPIFY,
    )
    assert [status for *_, status in _orders(shop)] == ["cancelled", "voided"]
    assert _refunds(shop) == []


def test_a_corrected_address_moves_the_order_and_is_told(shop: Shop) -> None:
    shop.load(_shopify("#1", "a@old.org", "partially_refunded", "1", refunded="5"), header=SHOPIFY)
    summary = shop.load(_shopify("#1", "a@new.org", "partially_refunded", "1", refunded="5"), header=SHOPIFY)
    assert _orders(shop) == [("1", "a@new.org", 2000, "paid")]
    assert _refunds(shop) == [("1", "a@new.org", 500)]
    assert shop.column("SELECT id FROM users") == ["a@new.org"]
    assert summary.statement.changes == ("1 orders moved to another customer (1 from a@old.org to a@new.org)",)


def test_orders_that_are_stored_by_name_are_not_stored_again_by_id(shop: Shop) -> None:
    shop.load("#1,a@x.org,2024-05-01T08:00:00Z,20,paid")
    with pytest.raises(InvalidParameter, match="holds order #1 under its name"):
        shop.load(_shopify("#1", "a@x.org", "paid", "77"), header=SHOPIFY)


def test_the_statement_says_what_files_and_store_hold(shop: Shop) -> None:
    shop.load("1,ann,2024-05-01,10,paid", "2,bob,2024-05-01,7,refunded")
    header = "order_id,user_id,created_at,total,status,refund_cents"
    summary = shop.load(
        "1,ann,2024-05-01,12,paid,200", "3,eve,2024-05-02,5,paid,", "4,eve,never,5,paid,", header=header
    )
    [file] = summary.statement.files
    assert (file.orders, file.customers, file.gross_cents, file.refunds_cents, file.net_cents) == (
        2,
        2,
        1700,
        200,
        1500,
    )
    before, after = summary.statement.before, summary.statement.after
    assert (before.gross_cents, before.refunds_cents, before.orders) == (1700, 700, 2)
    assert (after.gross_cents, after.refunds_cents, after.orders) == (2400, 900, 3)
    assert summary.statement.changes == ("the total of 1 orders, by 2.00 USD in all (1 10.00 USD to 12.00 USD)",)
    assert all(check.agrees for check in summary.statement.checks)
    assert "3 = 2 imported + 0 repeated + 1 quarantined" in summary.render()


def test_a_dry_run_changes_nothing(shop: Shop) -> None:
    shop.load("1,ann,2024-05-01,10,paid")
    before = shop.contents()
    summary = shop.load("2,ann,2024-05-01,10,paid", dry_run=True)
    assert summary.statement.after.orders == 2
    assert shop.contents() == before


@pytest.mark.parametrize(("gross", "orders"), [("16.99", None), (None, 3)])
def test_files_that_disagree_with_the_books_are_not_imported(shop: Shop, gross: str | None, orders: int | None) -> None:

    lines = ("1,ann,2024-05-01,10,paid", "2,bob,2024-05-01,7,paid")
    amount: Decimal | None = Decimal(gross) if gross else None
    with pytest.raises(BooksDisagree) as caught:
        shop.load(*lines, expectations=Expectations(amount, orders))
    assert caught.value.exit_status == 3
    assert not shop.path.exists()
    shop.load(*lines, expectations=Expectations(Decimal("17.00"), 2))


def test_the_quarantine_is_counted_and_exported_with_remedies(shop: Shop) -> None:
    shop.load("1,ann,2024-05-01,10,paid", "2,=cmd(),never,10,paid", "3,bob,2024-05-01,10,lost")
    rows = quarantined_rows(shop.settings)
    assert "1  bad_date        a date that is missing" in render_counts(rows)
    assert "map it in [statuses] of the mapping" in render_counts(rows)
    assert [row["reason"] for row in quarantined_rows(shop.settings, "unknown_status").to_pylist()] == [
        "unknown_status"
    ]
    write_quarantine(with_remedies(rows), shop.folder / "rows.csv")
    text = (shop.folder / "rows.csv").read_text()
    assert "bad_date,correct the date,2,'=cmd(),never,10,paid" in text
    with pytest.raises(InvalidParameter, match="is not one of"):
        quarantined_rows(shop.settings, "dust")
    shop.path.unlink()
    shop.load("1,ann,2024-05-01,10,paid")
    assert render_counts(quarantined_rows(shop.settings)) == "The quarantine is empty."
