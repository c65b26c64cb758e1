"""A shop's own tables on its own server, read by a mapping."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.store import open_store, parameter

if TYPE_CHECKING:
    from tests.orders.conftest import MakeServerShop

ROWS = """
    INSERT INTO purchases VALUES (1, 7, 10.005, 'Completed', '2023-05-01 20:00:00', 'DE'),
        (2, 7, 5, 'returned', '2023-05-02 00:00:00', NULL), (3, 8, 1.10, 'abandoned', '2023-05-03 10:00:00', 'FR');
    INSERT INTO people VALUES (7, 'Ann'), (8, 'Bob');
    INSERT INTO returns VALUES ('r', 'ANN', 50, '2023-05-04 10:00:00'), ('R', 'ann', 70, '2023-05-04 10:00:00');
"""
SHOP = {
    "postgres": """
        SET TIME ZONE 'UTC';
        CREATE TABLE purchases (number bigint PRIMARY KEY, buyer integer, amount numeric(10, 3), state text,
            bought_at timestamp with time zone, land text);
        CREATE TABLE people (id integer, full_name varchar(40));
        CREATE TABLE returns (id text, buyer text, cents integer, at timestamp with time zone);
    """,
    "mysql": """
        SET time_zone = '+00:00';
        CREATE TABLE purchases (number bigint PRIMARY KEY, buyer integer, amount decimal(10, 3), state text,
            bought_at timestamp NULL, land varchar(2)) CHARACTER SET latin1;
        CREATE TABLE people (id integer, full_name varchar(40)) CHARACTER SET latin1;
        CREATE TABLE returns (id varchar(9), buyer varchar(9), cents integer, at timestamp NULL) CHARACTER SET latin1;
    """,
}
MAPPING = """
[statuses]
completed = "paid"
returned = "refunded"

[tables.orders]
table = "{schema}.purchases"
id = "number"
user_id = "buyer"
total = "amount"
status = "state"
created_at = "bought_at"
country = "land"

[tables.users]
table = "people"
id = "id"
name = "full_name"

[tables.refunds]
table = "returns"
id = "id"
user_id = "buyer"
amount_cents = "cents"
created_at = "at"
"""


def test_a_shops_own_tables(on_server: MakeServerShop, tmp_path: Path) -> None:
    shop = on_server(timezone="Asia/Kolkata", currency="EUR")
    shop.query(SHOP[shop.kind] + ROWS)
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING.format(schema="public" if shop.kind == "postgres" else shop.database))
    with open_store(shop.url, shop.settings.store_options, mapping) as store:
        assert (store.info.orders, store.info.customers, store.info.currency) == (3, 2, "EUR")
        assert store.info.last_day == dt.date(2023, 5, 4)  # of a refund
        orders = store.fetch(store.tables.orders.order_by("id")).to_pylist()
        assert orders[0] == {
            "id": "1", "user_id": "7", "total_cents": 1001, "status": "paid",
            "created_at": dt.datetime(2023, 5, 1, 20), "day": dt.date(2023, 5, 2),
        }  # fmt: skip
        complete = store.fetch(store.table("orders").order_by("id"))
        assert complete.column("country").to_pylist() == ["DE", None, "FR"]
        assert complete.column("channel").null_count == 3
        assert [row["status"] for row in orders] == ["paid", "refunded", "abandoned"]
        users = store.fetch(store.tables.users.order_by("id")).to_pylist()
        assert users == [{"id": "7", "name": "Ann", "email": None}, {"id": "8", "name": "Bob", "email": None}]
        refunds = store.tables.refunds
        of_buyers = refunds.group_by("user_id").agg(cents=refunds.amount_cents.sum()).order_by("user_id")
        assert store.fetch(of_buyers).to_pylist() == [
            {"user_id": "ANN", "cents": 50}, {"user_id": "ann", "cents": 70},
        ]  # fmt: skip
        of_one = store.prepare(refunds.filter(refunds.user_id == parameter("user_id", "string")), ["user_id"])
        assert [row["id"] for row in of_one.rows(user_id="ann")] == ["R"]
        assert store.fetch(store.tables.order_items).num_rows == store.quarantine().num_rows == 0
        assert not store.stale()
        assert not store.reports_changes  # the shop writes to them


def test_what_is_mapped_must_be_there(on_server: MakeServerShop, tmp_path: Path) -> None:
    shop = on_server()
    shop.query(SHOP[shop.kind])
    mapping = tmp_path / "mapping.toml"
    text = MAPPING.format(schema="public" if shop.kind == "postgres" else shop.database)
    for wrong, message in (
        (text.replace("people", "persons"), "no table persons"),
        (text.replace('"cents"', '"sum"'), "returns has no column sum"),
    ):
        mapping.write_text(wrong)
        with pytest.raises(InvalidParameter, match=message):
            open_store(shop.url, shop.settings.store_options, mapping)
