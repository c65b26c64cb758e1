"""Optional columns: carried by every engine, kept by later imports, gone with the person."""

from __future__ import annotations

from typing import Any

import pytest
from tests.orders.conftest import Shop, SparkFolder

from customer_revenue.orders.imports.remove_personal_data import forget
from customer_revenue.orders.store import open_store

HEADER = (
    "order_id,user_id,created_at,total,status,product_id,quantity,amount_cents,channel,country,discount_code,"
    "discount_cents,campaign,category,cost_cents,accepts_marketing,user_name"
)
LINES = (
    "1,ann,2023-05-01,10,paid,p,1,400,web,GB,SPRING,150,mail,pens,120,yes,Ann",
    "1,ann,2023-05-01,10,paid,q,2,600,,,,,,ink,,,",
    "2,bob,2023-05-02,5,paid,p,1,500,till,,,,,pens,100,no,Bob",
)
ORDERS = "SELECT id, channel, country, discount_code, discount_cents, campaign FROM orders ORDER BY id"
ITEMS = "SELECT order_id, product_id, category, cost_cents FROM order_items ORDER BY order_id, product_id"
USERS = "SELECT id, accepts_marketing FROM users ORDER BY id"
STORED = {
    ORDERS: [("1", "web", "GB", "SPRING", 150, "mail"), ("2", "till", None, None, None, None)],
    ITEMS: [("1", "p", "pens", 120), ("1", "q", "ink", None), ("2", "p", "pens", 100)],
    USERS: [("ann", True), ("bob", False)],
}


def _stored(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    return {sql: shop.query(sql) for sql in STORED}


def test_they_are_kept_by_every_engine_and_by_later_imports(any_shop: Shop) -> None:
    path = any_shop.file(*LINES, header=HEADER)
    assert any_shop.files(path).quarantined == {}
    assert _stored(any_shop) == STORED
    again = any_shop.files(path)
    assert (again.orders_imported, again.orders_updated) == (0, 0)
    plain = any_shop.load(
        "1,ann,2023-05-01,10,refunded,p,1,400",
        "1,ann,2023-05-01,10,refunded,q,2,600",
        "2,bob,2023-05-02,5,paid,p,1,500",
        header="order_id,user_id,created_at,total,status,product_id,quantity,amount_cents",
    )
    assert (plain.orders_updated, plain.orders_unchanged) == (1, 1)
    assert _stored(any_shop) == STORED
    more = any_shop.load(
        "1,ann,2023-05-01,10,refunded,app,", "2,bob,2023-05-02,5,paid,,yes",
        header="order_id,user_id,created_at,total,status,channel,accepts_marketing",
    )  # fmt: skip
    assert (more.orders_updated, more.orders_unchanged) == (1, 1)
    assert any_shop.query("SELECT id, channel, country FROM orders ORDER BY id") == [
        ("1", "app", "GB"),
        ("2", "till", None),
    ]
    assert any_shop.query(USERS) == [("ann", True), ("bob", True)]


def test_they_go_with_the_person(any_shop: Shop) -> None:
    path = any_shop.file(*LINES, header=HEADER)
    any_shop.files(path)
    forget("ann", any_shop.url, "a secret")
    any_shop.files(path, forget_key="a secret")
    assert any_shop.query("SELECT discount_code, channel FROM orders WHERE id = '1'") == [(None, "web")]
    assert any_shop.query("SELECT name, accepts_marketing FROM users WHERE id = 'ann'") == [(None, None)]


def test_a_store_of_the_version_before_gets_them(any_shop: Shop) -> None:
    any_shop.load("1,ann,2023-05-01,10,paid")
    any_shop.age(2)
    any_shop.files(any_shop.file(*LINES, header=HEADER))
    assert _stored(any_shop) == STORED


@pytest.mark.parametrize(("stated", "read"), [("oui", None), ("TRUE", True), ("0", False), ("", None)])
def test_what_cannot_be_read_is_left_empty_and_reported(shop: Shop, stated: str, read: bool | None) -> None:
    header = "order_id,user_id,created_at,total,status,accepts_marketing,discount"
    summary = shop.load(f"1,ann,2023-05-01,10,paid,{stated},much", "2,bob,2023-05-01,10,paid,,1.50", header=header)
    assert summary.orders_imported == 2
    assert shop.query(USERS) == [("ann", read), ("bob", None)]
    assert shop.column("SELECT discount_cents FROM orders ORDER BY id") == [None, 150]
    notes = [note for note in summary.inferences if "left empty" in note]
    assert any("discount is left empty in 1 lines" in note for note in notes)
    assert any("accepts_marketing" in note for note in notes) == (stated == "oui")


def test_a_mapping_names_them_in_files_of_every_format(shop: Shop) -> None:
    mapping = shop.folder / "mapping.toml"
    mapping.write_text('[columns]\nchannel = "Location"\ndiscount = "Rebate"\ncategory = "Vendor"\n')
    header = (
        "Name,Email,Financial Status,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Location,Source,"
        "Rebate,Vendor,Shipping Country,Billing Country,Discount Code,Accepts Marketing,Note Attributes"
    )
    shop.load(
        "#1,a@x.org,paid,10.00,2023-05-01 10:00:00 +0000,1,Pen,10.00,Leeds,web,1.50,Pilot,,GB,SPRING,yes,"
        '"utm_source: mail\nutm_campaign: may sale"',
        header=header,
        mapping=mapping,
    )
    assert shop.query(ORDERS) == [("#1", "Leeds", "GB", "SPRING", 150, "may sale")]
    assert shop.column("SELECT category FROM order_items") == ["Pilot"]
    assert shop.query(USERS) == [("a@x.org", True)]


def test_lines_of_one_order_that_differ_only_in_them_are_one_order(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total,status,product_id,channel"
    summary = shop.load(
        "1,ann,2023-05-01,10,paid,p,web", "1,ann,2023-05-01,10,paid,q,app", "1,ann,2023-05-01,10,paid,r,", header=header
    )
    assert (summary.orders_in_store, summary.quarantined) == (1, {})
    assert shop.column("SELECT channel FROM orders") == ["app"]


def test_a_data_scientist_reads_them(any_shop: Shop) -> None:
    if isinstance(any_shop, SparkFolder):
        pytest.skip("reading needs Spark")
    any_shop.files(any_shop.file(*LINES, header=HEADER))
    with open_store(any_shop.url, any_shop.settings.store_options) as store:
        rows = store.fetch(store.table("orders").order_by("id")).to_pylist()
        items = store.fetch(store.table("order_items").order_by("order_id", "product_id")).to_pylist()
        users = store.fetch(store.table("users").order_by("id")).to_pylist()
    assert [(row["channel"], row["discount_cents"]) for row in rows] == [("web", 150), ("till", None)]
    assert [row["category"] for row in items] == ["pens", "ink", "pens"]
    assert [row["accepts_marketing"] for row in users] == [True, False]


def test_a_shops_own_tables_have_them_by_a_mapping(shop: Shop) -> None:
    shop.execute(
        """
        CREATE TABLE sales AS SELECT 1 AS no, 7 AS who, 10.50 AS paid, 'paid' AS state, TIMESTAMP '2023-05-01' AS at,
            'web' AS via, 1.25 AS off;
        CREATE TABLE lines AS SELECT 1 AS no, 'p' AS sku, 2 AS n, 10.50 AS price, 'pens' AS kind, 4.10 AS cost;
        CREATE TABLE people AS SELECT * FROM (VALUES (7, 'Yes'), (8, 'no'), (9, 'perhaps')) AS p (id, mail)
        """
    )
    mapping = shop.folder / "mapping.toml"
    mapping.write_text(
        """
        [tables.orders]
        table = "sales"
        id = "no"
        user_id = "who"
        total = "paid"
        status = "state"
        created_at = "at"
        channel = "via"
        discount = "off"
        [tables.order_items]
        table = "lines"
        order_id = "no"
        product_id = "sku"
        quantity = "n"
        amount = "price"
        category = "kind"
        cost = "cost"
        [tables.users]
        table = "people"
        id = "id"
        accepts_marketing = "mail"
        """
    )
    with open_store(shop.url, shop.settings.store_options, mapping) as store:
        (order,) = store.fetch(store.table("orders")).to_pylist()
        (item,) = store.fetch(store.table("order_items")).to_pylist()
        users = store.fetch(store.table("users").order_by("id")).to_pylist()
        assert "channel" not in store.fetch(store.tables.orders).column_names
    assert (order["channel"], order["discount_cents"], order["country"]) == ("web", 125, None)
    assert (item["category"], item["cost_cents"]) == ("pens", 410)
    assert [user["accepts_marketing"] for user in users] == [True, False, None]
