"""Exports of shop systems, and files with a shop's own names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from customer_revenue.errors import InvalidParameter

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Created at,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Lineitem discount,Billing Name,Refunded Amount,Id"
)
SHOPIFY_LINES = (
    "#1001,Ann@X.org,paid,2023-05-01,USD,30.00,5.00,2,37.00,0,2023-05-01 22:30:00 -0400,2,Pen,10.00,PEN,0,Ann Lee,0,77",
    "#1001,Ann@X.org,,,,,,,,,,1,Ink blue,10.00,,1.50,,,",
    "#1002,bob@x.org,partially_refunded,,USD,20.00,0,0,20.00,0,2023-05-02 09:00:00 -0400,1,Pen,20.00,PEN,0,Bob,7.25,78",
    "#1003,bob@x.org,refunded,,USD,20.00,0,0,20.00,0,2023-05-03 09:00:00 -0400,1,Pen,20.00,PEN,0,Bob,20.00,79",
    "#1004,eve@x.org,pending,,USD,20.00,0,0,20.00,0,2023-05-03 09:00:00 -0400,1,Pen,20.00,PEN,0,Eve,0,80",
    "#1005,,paid,,USD,20.00,0,0,20.00,0,2023-05-03 09:00:00 -0400,1,Pen,20.00,PEN,0,,0,81",
    "#1006,eve@x.org,paid,,EUR,20.00,0,0,20.00,0,2023-05-03 09:00:00 -0400,1,Pen,20.00,PEN,0,Eve,0,82",
    "#1007,eve@x.org,paid,,USD,20.00,0,0,20.00,0,2023-05-03 09:00:00 -0400,1,Pen,2o,PEN,0,Eve,0,83",
    "#1008,eve@x.org,partially_refunded,,USD,20.00,0,0,20.00,0,2023-05-03 09:00:00 -0400,1,Pen,20,PEN,0,Eve,21,84",
)
STRIPE = "id,Description,Created (UTC),Amount,Amount Refunded,Currency,Status,Captured,Customer ID,Customer Email,Fee"
STRIPE_LINES = (
    "ch_1,Order,2023-05-01 22:30,19.99,0.00,usd,Paid,TRUE,cus_1,a@x.org,0.88",
    "ch_2,Order,2023-05-02 10:00,20.00,5.00,usd,Paid,TRUE,,B@x.org,0.88",
    "ch_3,Order,2023-05-02 10:00,20.00,20.00,usd,Refunded,TRUE,cus_1,a@x.org,0.88",
    "ch_4,Order,2023-05-02 10:00,20.00,0.00,usd,Failed,FALSE,cus_1,a@x.org,0.88",
    "ch_5,Order,2023-05-02 10:00,20.00,0.00,usd,Paid,FALSE,cus_1,a@x.org,0.88",
    "ch_6,Order,2023-05-02 10:00,20.00,0.00,usd,Paid,TRUE,,,0.88",
    "ch_7,Order,2023-05-02 10:00,20.00,some,usd,Paid,TRUE,cus_1,,0.88",
    "ch_8,Order,2023-05-02 10:00,20.00,0,usd,Disputed,TRUE,cus_1,,0.88",
)


def _mapping(folder: Path, text: str) -> Path:
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shopify(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(currency="USD")
    summary = shop.load(*SHOPIFY_LINES, header=SHOPIFY)
    assert summary.formats == ("shopify",)
    assert shop.query("SELECT id, user_id, total_cents, status FROM orders ORDER BY id") == [
        ("77", "ann@x.org", 3700, "paid"),
        ("78", "bob@x.org", 2000, "paid"),
        ("79", "bob@x.org", 2000, "refunded"),
        ("80", "eve@x.org", 2000, "pending"),
        ("81", None, 2000, "paid"),
    ]
    assert shop.column("SELECT created_at FROM orders WHERE id = '77'") == [dt.datetime(2023, 5, 2, 2, 30)]
    assert shop.query(
        "SELECT product_id, product_name, quantity, amount_cents FROM order_items WHERE order_id = '77' ORDER BY ALL"
    ) == [
        ("Ink blue", "Ink blue", 1, 850),
        ("PEN", "Pen", 2, 2000),
    ]
    assert shop.query("SELECT order_id, user_id, amount_cents FROM refunds") == [("78", "bob@x.org", 725)]
    assert shop.query("SELECT name, email FROM users WHERE id = 'ann@x.org'") == [("Ann Lee", "ann@x.org")]
    assert summary.quarantined == {
        "bad_amount": 1,
        "other_currency": 1,
        "refund_exceeds_total": 1,
    }


def test_shopify_without_tax_and_shipping_if_the_mapping_says_so(shop: Shop) -> None:
    mapping = _mapping(shop.folder, '[columns]\ntotal = "Subtotal"\n')
    shop.load(*SHOPIFY_LINES[:3], header=SHOPIFY, mapping=mapping)
    assert shop.query("SELECT id, total_cents FROM orders ORDER BY id") == [("77", 3000), ("78", 2000)]


def test_stripe(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(timezone="America/New_York")
    summary = shop.load(*STRIPE_LINES, header=STRIPE)
    assert (summary.formats, summary.currency) == (("stripe",), "USD")
    assert shop.query("SELECT id, user_id, total_cents, status FROM orders ORDER BY id") == [
        ("ch_1", "cus_1", 1999, "paid"),
        ("ch_2", "b@x.org", 2000, "paid"),
        ("ch_3", "cus_1", 2000, "refunded"),
        ("ch_4", "cus_1", 2000, "failed"),
        ("ch_5", "cus_1", 2000, "authorized"),
        ("ch_6", None, 2000, "paid"),
    ]
    assert shop.column("SELECT created_at FROM orders WHERE id = 'ch_1'") == [dt.datetime(2023, 5, 1, 22, 30)]
    assert shop.query("SELECT order_id, amount_cents FROM refunds") == [("ch_2", 500)]
    assert summary.quarantined == {"bad_amount": 1, "unknown_status": 1}


def test_any_file_by_a_mapping(shop: Shop) -> None:
    mapping = _mapping(
        shop.folder,
        """
        [statuses]
        Completed = "paid"
        "sent back" = "refunded"
        lost = "ignored"

        [columns]
        order_id = "Bestellung Nr."
        user_id = "Kunde"
        created_at = "Datum"
        total = "Summe (€)"
        status = "Zustand"
        """,
    )
    header = "Bestellung Nr.;Kunde;Datum;Summe (€);Zustand;total"
    lines = (
        "1;ann;2023-05-01;10.50;COMPLETED;9",
        "2;ann;2023-05-02;1;sent back;9",
        "3;ann;2023-05-02;1;Lost;9",
        "4;a;2023-05-02;1;new;9",
    )
    summary = shop.load(*lines, header=header, mapping=mapping)
    assert shop.query("SELECT id, total_cents, status FROM orders ORDER BY id") == [
        ("1", 1050, "paid"), ("2", 100, "refunded"), ("3", 100, "lost"),
    ]  # fmt: skip
    assert summary.quarantined == {"unknown_status": 1}


def test_a_table_of_rates_brings_currencies_together(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(currency="USD")
    mapping = _mapping(shop.folder, '[rates]\nEUR = "1.085"\nJPY = "0.0067"\n')
    header = "order_id,user_id,created_at,total,status,currency,product_id,amount_cents,refund_cents"
    summary = shop.load(
        "1,ann,2023-05-01,10.00,paid,eur,p,1000,100",
        "2,ann,2023-05-01,10.00,paid,USD,p,1000,",
        "3,ann,2023-05-01,10.00,paid,,p,1000,",
        "4,ann,2023-05-01,5000,paid,JPY,p,,",
        "5,ann,2023-05-01,10.00,paid,GBP,p,1000,",
        header=header,
        mapping=mapping,
    )
    assert summary.quarantined == {"other_currency": 1}
    assert shop.column("SELECT total_cents FROM orders ORDER BY id") == [1085, 1000, 1000, 3350]
    assert shop.column("SELECT amount_cents FROM order_items ORDER BY order_id") == [1085, 1000, 1000, 3350]
    assert shop.column("SELECT amount_cents FROM refunds") == [109]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "cannot read the mapping"),
        ("[statuses]\nnew = 'great'", "statuses.new"),
        ("[rates]\nEUR = '-1'", "rates.EUR"),
        ("[words]", "words"),
        ("[tables.users]\ntable = 'x'\nid = 'y'", "tables.orders is missing"),
        ("[tables.orders]\ntable = 'x'\nid = 'y'", "tables.orders lacks user_id"),
        ("[tables.orders]\ncolour = 'x'", "tables.orders has no colour"),
    ],
)
def test_mappings_that_break_a_rule(shop: Shop, text: str, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        shop.load("1,ann,2023-05-01,10,paid", mapping=_mapping(shop.folder, text))
    with pytest.raises(InvalidParameter, match="cannot read"):
        shop.load("1,ann,2023-05-01,10,paid", mapping=shop.folder / "nowhere.toml")


def test_nothing_is_imported_into_a_shops_own_tables(shop: Shop) -> None:
    columns = "\n".join(f"{name} = 'x'" for name in ("table", "id", "user_id", "total", "status", "created_at"))
    with pytest.raises(InvalidParameter, match="nothing is imported"):
        shop.load("1,ann,2023-05-01,10,paid", mapping=_mapping(shop.folder, f"[tables.orders]\n{columns}\n"))
