"""A store on a real server, PostgreSQL or MariaDB: the same contents and answers as the embedded one."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import ibis
import pyarrow as pa
import pytest
from tests.servers import RUNNING, DatabaseServer

from customer_revenue.errors import (
    CustomerReassigned,
    NothingImported,
    StoreBusy,
    StoreError,
    StoreNotFound,
    StoreNotUsable,
)
from customer_revenue.orders import store_info
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.files.samples import cdnow_path
from customer_revenue.orders.store import Store, open_store, parameter
from customer_revenue.settings import load_settings

if TYPE_CHECKING:
    from tests.orders.conftest import MakeServerShop, Shop

MakeShop = Callable[..., "Shop"]

ITEMS = (
    "order_id,user_id,created_at,total,status,product_id,product_name,quantity,amount_cents,user_name,user_email,"
    "refund_cents"
)
FILES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        ITEMS,
        (
            "1,ann,2023-05-01T20:00:00Z,10,paid,p,Pen,1,400,Ann,a@x.org,",
            "1,ann,2023-05-01T20:00:00Z,10,paid,q,,2,600,Ann,a@x.org,",
            '2,"o\'neill, ""x""",2023-06-01,20.0050,pending,,,,,,,',
            "3,客户,2023-07-01,5,paid,p,Pen 100%,1,,,,100",
            "4,ann,never,5,paid,,,,,,,",
        ),
    ),
    (
        "order_id,user_id,created_at,total,status",
        ("1,ann,2023-05-01T20:00:00Z,10,refunded", "5,eve,2024-02-29,1,paid", "short"),
    ),
    (ITEMS, ("1,ann,2023-05-01T20:00:00Z,10,refunded,r,Ink,1,1000,Ann Lee,,",)),
    ("refund_id,user_id,created_at,amount_cents,order_id", ("r1,eve,2024-03-01,50,5", "r2,eve,2024-03-01,51,5")),
    ("refund_id,user_id,created_at,amount_cents,order_id", ("r1,eve,2024-03-01,60,5",)),
)


def _load_all(shop: Shop) -> None:
    for position, (header, lines) in enumerate(FILES):
        shop.files(shop.file(*lines, header=header, name=f"{position}.csv"))


def test_the_same_imports_give_the_same_store(on_server: MakeServerShop, make_shop: MakeShop) -> None:
    server, embedded = on_server(timezone="Asia/Kolkata"), make_shop(timezone="Asia/Kolkata")
    _load_all(server)
    _load_all(embedded)
    assert server.contents() == embedded.contents()
    with server.open() as store, embedded.open() as twin:
        assert store.info.fingerprint == twin.info.fingerprint
        assert (store.info.orders, store.info.customers, store.info.refunds) == (4, 4, 2)
        for table in ("orders", "order_items", "refunds", "users"):
            assert _rows(store, table) == _rows(twin, table)
        assert store.quarantine().equals(twin.quarantine())


def _rows(store: Store, table: str) -> list[dict[str, object]]:
    return sorted(store.fetch(getattr(store.tables, table)).to_pylist(), key=repr)


def test_the_same_file_twice_changes_nothing(on_server: MakeServerShop) -> None:
    shop = on_server()
    _load_all(shop)
    before = shop.contents()
    header, lines = FILES[-1]
    again = shop.files(shop.file(*lines, header=header, name="4.csv"))
    assert again.refunds_imported == 0
    assert shop.contents() == before


def test_cdnow_and_its_orders_per_customer(on_server: MakeServerShop, shop: Shop) -> None:
    server = on_server()
    assert server.files(cdnow_path()).orders_in_store == 69_659
    shop.files(cdnow_path())
    counts = []
    for each in (server, shop):
        with each.open() as store:
            orders = store.tables.orders
            totals = orders.group_by("user_id").agg(
                n=orders.count(), cents=orders.total_cents.sum(), last=orders.day.max()
            )
            counts.append(store.fetch(totals.order_by("user_id")))
    assert counts[0].equals(counts[1])


def test_a_refused_import_changes_nothing(on_server: MakeServerShop) -> None:
    shop = on_server()
    _load_all(shop)
    before = shop.contents()
    with pytest.raises(CustomerReassigned):
        shop.load("1,bob,2023-05-01,10,paid")
    with pytest.raises(NothingImported):
        shop.load("7,ann,never,10,paid")
    bad = {"bad": lambda tables, day: ibis.table({"x": "int"}, name="nonsense")}
    with pytest.raises(StoreError, match="nonsense"):
        shop.load("9,ann,2023-05-01,10,paid", views=bad)
    assert shop.contents() == before


def test_one_writer_at_a_time(on_server: MakeServerShop) -> None:
    shop = on_server()
    with open_target(shop.url), pytest.raises(StoreBusy):
        shop.load("1,ann,2023-05-01,10,paid")


def test_prepared_queries(on_server: MakeServerShop) -> None:
    shop = on_server(timezone="America/New_York")
    _load_all(shop)
    with shop.open() as store:
        orders = store.tables.orders
        chosen = orders.filter(
            orders.user_id == parameter("user_id", "string"),
            orders.created_at <= parameter("moment", "timestamp"),
            orders.day >= parameter("day", "date"),
        )
        totals = chosen.aggregate(n=chosen.count(), cents=chosen.total_cents.sum(), mean=chosen.total_cents.mean())
        query = store.prepare(totals, ["user_id", "moment", "day"])
        values = {"moment": dt.datetime(2025, 1, 1), "day": dt.date(2023, 1, 1)}
        for _ in range(8):  # the server prepares a statement after a few runs
            assert query.run(user_id='o\'neill, "x"', **values).to_pylist() == [{"n": 1, "cents": 2001, "mean": 2001.0}]
        assert query.rows(user_id="ann", **values) == query.run(user_id="ann", **values).to_pylist()
        assert query.run(user_id="' OR 1=1 --", **values).to_pylist() == [{"n": 0, "cents": None, "mean": None}]
        assert query.run(user_id="100%s %(day)s", **values).to_pylist()[0]["n"] == 0
        percent = store.prepare(store.tables.order_items.filter(store.tables.order_items.product_name.contains("0%")))
        assert percent.run().num_rows == 1


def test_tables_in_memory_and_batches(on_server: MakeServerShop) -> None:
    shop = on_server()
    _load_all(shop)
    with shop.open() as store:
        wanted = ibis.memtable(pa.table({"user_id": ["eve", "客户", 'a,"b"']}))
        found = store.fetch(store.tables.orders.semi_join(wanted, "user_id").select("id").order_by("id"))
        assert found.column("id").to_pylist() == ["3", "5"]
        batches = list(store.batches(store.tables.orders.select("id", "created_at", "day"), rows=3))
        assert [batch.num_rows for batch in batches] == [3, 1]
        assert store.fetch(store.tables.orders.filter(store.tables.orders.id == "none")).num_rows == 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_the_day_of_an_order_is_the_reporting_zones(
    on_server: MakeServerShop, zone: str, midnights: tuple[str, ...]
) -> None:
    shop = on_server(timezone=zone)
    shop.load(*midnights)
    with shop.open() as store:
        for row in store.fetch(store.tables.orders).to_pylist():
            aware = row["created_at"].replace(tzinfo=dt.UTC)
            assert row["day"] == aware.astimezone(shop.settings.zone).date()


def test_an_older_store_is_upgraded_by_an_import(on_server: MakeServerShop) -> None:
    shop = on_server()
    shop.load("1,ann,2023-05-01,10,paid")
    shop.age(1)
    assert shop.load("2,ann,2023-05-01,10,paid").orders_in_store == 2
    assert shop.query("SELECT schema_version FROM store_info") == [(store_info.SCHEMA_VERSION,)]


def test_a_newer_store_is_refused(on_server: MakeServerShop) -> None:
    shop = on_server()
    shop.load("1,ann,2023-05-01,10,paid")
    shop.query("UPDATE store_info SET schema_version = 99")
    for ask in (shop.open, lambda: shop.load("2,ann,2023-05-01,10,paid")):
        with pytest.raises(StoreNotUsable, match="schema 99"):
            ask()


def test_views(on_server: MakeServerShop) -> None:
    shop = on_server(timezone="Asia/Kolkata")
    views = {"first_days": lambda tables, day: tables.orders.group_by("user_id").agg(day=lambda t: t.day.min())}
    for _ in range(2):
        shop.load("1,ann,2023-05-01T20:00:00Z,10,paid", views=views)
    assert shop.query("SELECT * FROM first_days") == [("ann", dt.date(2023, 5, 2))]


def test_reading_needs_no_right_to_write(on_server: MakeServerShop) -> None:
    shop = on_server()
    _load_all(shop)
    with shop.server.reader(shop.database) as url, open_store(url, shop.settings.store_options) as store:
        assert store.fetch(store.tables.orders).num_rows == 4
        wanted = ibis.memtable(pa.table({"user_id": ["eve"], "share": [0.1]}))
        assert store.fetch(store.tables.orders.inner_join(wanted, "user_id").select("share")).to_pylist() == [
            {"share": 0.1}
        ]
        assert not store.stale()


def test_an_import_makes_readers_stale(on_server: MakeServerShop) -> None:
    shop = on_server()
    shop.load("1,ann,2023-05-01,10,paid")
    with shop.open() as store:
        assert not store.stale()
        shop.load("2,ann,2023-05-01,10,paid")
        assert store.stale()


def test_no_store_and_no_server(on_server: MakeServerShop) -> None:
    shop = on_server()
    with pytest.raises(StoreNotFound, match="customer-revenue import"):
        shop.open()
    nowhere = f"{shop.url.split('://')[0]}://ann:secret@127.0.0.1:1/shop"
    with pytest.raises(StoreError, match="does not respond") as caught:
        open_store(nowhere, shop.settings.store_options)
    assert "secret" not in caught.value.message
    with pytest.raises(StoreError):
        shop.load("1,ann,2023-05-01,10,paid", url=nowhere)


@pytest.mark.servers
@pytest.mark.parametrize("kind", RUNNING)
def test_a_server_that_goes_and_comes_back(kind: str, shop: Shop) -> None:
    with RUNNING[kind].start() as server:
        server.query("CREATE DATABASE shop")
        url = server.url_of("shop")
        shop.load("1,ann,2023-05-01,10,paid", url=url)
        with open_store(url, shop.settings.store_options) as store:
            query = store.prepare(store.tables.orders)
            assert query.run().num_rows == 1
            server.down()
            with pytest.raises(StoreError, match="does not respond"):
                query.run()
            server.up()
            assert _after_a_while(query.run) == 1


def _after_a_while(run: Callable[[], pa.Table]) -> int:
    for _ in range(5):
        with contextlib.suppress(StoreError):
            return len(run())
    return len(run())


ODD_PASSWORD = "a/b#c@d?e:f% 'g"  # noqa: S105


@pytest.mark.parametrize("apart", [True, False])
def test_a_password_may_have_any_characters(mysql_server: DatabaseServer, *, apart: bool) -> None:
    with mysql_server.database() as url:
        parts = urlsplit(url)
        database = parts.path.lstrip("/")
        quoted = ODD_PASSWORD.replace("'", "''")
        mysql_server.query("DROP USER IF EXISTS odd@'%'")
        mysql_server.query(f"CREATE USER odd@'%' IDENTIFIED BY '{quoted}'")
        mysql_server.query(f"GRANT ALL ON {database}.* TO odd@'%'")
        place = f"{parts.hostname}:{parts.port}/{database}"
        if apart:
            settings = load_settings(store=f"mysql://{place}", database_user="odd", database_password=ODD_PASSWORD)
        else:
            settings = load_settings(store=f"mysql://odd:{ODD_PASSWORD}@{place}")
        with pytest.raises(StoreError) as missing:
            open_store(settings.store, settings.store_options)
        assert missing.value.code == "store_not_found", "the server has let this user in"
        mysql_server.query("ALTER USER odd@'%' IDENTIFIED BY 'another'")
        with pytest.raises(StoreError) as refused:
            open_store(settings.store, settings.store_options)
        assert "does not respond" in refused.value.message
        for error in (missing.value, refused.value):
            assert "c@d" not in error.message
            assert "a/b" not in error.message
        mysql_server.query("DROP USER odd@'%'")
