"""Reading a store: opening, the clock, days, queries, threads, replacement, upgrade."""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import duckdb
import ibis
import pyarrow as pa
import pytest

from customer_revenue.errors import InvalidParameter, StoreError, StoreNotFound, StoreNotUsable
from customer_revenue.orders import store_info
from customer_revenue.orders.engines.duckdb import upgrade
from customer_revenue.orders.store import open_store, parameter
from customer_revenue.periods import Clock
from customer_revenue.settings import Settings

if TYPE_CHECKING:
    from tests.orders.conftest import Shop


def test_no_store(shop: Shop) -> None:
    with pytest.raises(StoreNotFound, match="customer-revenue import"):
        shop.open()
    with pytest.raises(StoreNotFound):
        open_store(f"duckdb:///{shop.folder}", shop.settings.store_options)


def test_other_urls_are_refused(shop: Shop) -> None:
    with pytest.raises(InvalidParameter, match="no engine for 'oracle'"):
        open_store("oracle://somewhere", shop.settings.store_options)


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 20_000])
def test_a_file_that_is_no_database(shop: Shop, content: bytes) -> None:
    shop.path.write_bytes(content)
    with pytest.raises(StoreNotUsable) as caught:
        shop.open()
    assert "\n" not in caught.value.message


def test_a_truncated_store(shop: Shop) -> None:
    shop.load(*(f"{i},u{i},2023-05-01,10,paid" for i in range(20_000)))
    shop.path.write_bytes(shop.path.read_bytes()[: shop.path.stat().st_size // 2])
    with pytest.raises(StoreError), shop.open() as store:
        store.fetch(store.tables.orders)


def test_a_newer_store_is_refused(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    with duckdb.connect(str(shop.path)) as con:
        con.execute("UPDATE store_info SET schema_version = 99")
    with pytest.raises(StoreNotUsable, match="schema 99"):
        shop.open()
    with pytest.raises(StoreNotUsable, match="schema 99"):
        shop.load("2,ann,2023-05-01,10,paid")


def test_an_older_store_is_upgraded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    step = ("ALTER TABLE next.orders ADD COLUMN mood VARCHAR DEFAULT 'good'",)
    monkeypatch.setattr(store_info, "SCHEMA_VERSION", store_info.SCHEMA_VERSION + 1)
    with pytest.raises(StoreNotUsable, match="too old"):
        shop.open()
    monkeypatch.setattr(upgrade, "UPGRADES", {store_info.SCHEMA_VERSION - 1: step})
    with shop.open() as store:
        assert store.info.schema_version == store_info.SCHEMA_VERSION
    assert shop.column("SELECT mood FROM orders") == ["good"]
    assert shop.leftovers() == []


def test_an_upgrade_that_fails_leaves_the_old_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    before = shop.path.read_bytes()
    monkeypatch.setattr(store_info, "SCHEMA_VERSION", store_info.SCHEMA_VERSION + 1)
    monkeypatch.setattr(upgrade, "UPGRADES", {store_info.SCHEMA_VERSION - 1: ("DROP TABLE next.orders", "nonsense")})
    with pytest.raises(StoreError, match="could not be upgraded and is unchanged"):
        shop.open()
    assert shop.path.read_bytes() == before


def test_the_info(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", "2,bob,2023-06-01,10,pending")
    with shop.open() as store:
        seen = store.info
    assert (seen.url, seen.currency, seen.timezone, seen.clock) == (shop.url, "USD", "UTC", Clock.HISTORICAL)
    assert seen.first_day == seen.last_day == dt.date(2023, 5, 1), "a pending order does not count"
    assert (seen.orders, seen.customers, seen.refunds, seen.formats) == (2, 2, 0, ("generic",))


def test_as_of_is_the_end_of_a_day(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(timezone="Asia/Kolkata")
    shop.load("1,ann,2023-05-01,10,paid")
    with shop.open() as store:
        default, other = store.as_of(), store.as_of(dt.date(2023, 6, 1))
    assert default.moment == dt.datetime(2023, 5, 1, 18, 29, 59, 999999, dt.UTC)
    assert (default.day, default.clock) == (dt.date(2023, 5, 1), Clock.HISTORICAL)
    assert other.day == dt.date(2023, 6, 1)


def test_a_live_store_is_as_of_now(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", live=True)
    with shop.open() as store:
        assert store.as_of().clock is Clock.LIVE
        assert abs(store.as_of().moment - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_the_day_of_an_order_is_the_reporting_zones(
    make_shop: Callable[..., Shop], zone: str, midnights: tuple[str, ...]
) -> None:
    shop = make_shop(timezone=zone)
    shop.load(*midnights)
    with shop.open() as store:
        found = store.fetch(store.tables.orders.select("id", "created_at", "day")).to_pylist()
    for row in found:
        aware = row["created_at"].replace(tzinfo=dt.UTC)
        assert row["day"] == aware.astimezone(shop.settings.zone).date(), row["id"]


def test_a_zone_that_nobody_chose_is_the_one_of_the_import(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(timezone="Asia/Kolkata")
    shop.load("1,ann,2023-05-01,10,paid")
    with open_store(shop.url, Settings(_env_file=None).store_options) as store:
        assert store.info.timezone == "Asia/Kolkata"
        assert store.info.last_day == dt.date(2023, 5, 1)
    with open_store(shop.url, Settings(_env_file=None, timezone="UTC").store_options) as store:
        assert store.info.last_day == dt.date(2023, 4, 30)


def test_a_prepared_query_takes_values_and_nothing_else(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", "2,o'neill,2023-05-02,20,paid")
    with shop.open() as store:
        orders = store.tables.orders
        chosen = orders.filter(
            orders.user_id == parameter("user_id", "string"),
            orders.created_at <= parameter("moment", "timestamp"),
            orders.day >= parameter("day", "date"),
            orders.total_cents >= parameter("least", "int64"),
        )
        query = store.prepare(chosen.select("id"), ["user_id", "moment", "day", "least"])
        values = {"moment": dt.datetime(2024, 1, 1), "day": dt.date(2023, 1, 1), "least": 1}
        assert query.run(user_id="o'neill", **values).to_pylist() == [{"id": "2"}]
        assert query.rows(user_id="o'neill", **values) == [{"id": "2"}]
        assert query.run(user_id="ann' OR '1'='1", **values).num_rows == 0
        assert query.run(user_id="$moment", **values).num_rows == 0
        with pytest.raises(TypeError, match="user_id"):
            query.run(**values)
        with pytest.raises(ValueError, match="parameters are"):
            store.prepare(chosen, ["user_id"])


def test_fetch_takes_parameters_and_tables_in_memory(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", "2,bob,2023-05-02,20,paid")
    with shop.open() as store:
        orders = store.tables.orders
        wanted = ibis.memtable(pa.table({"user_id": ["bob", "eve"]}))
        found = store.fetch(orders.semi_join(wanted, "user_id").select("id"))
        assert found.to_pylist() == [{"id": "2"}]
        assert store.fetch(orders.filter(orders.id == parameter("id", "string")), id="1").num_rows == 1
        assert store.fetch(orders.aggregate(n=orders.total_cents.sum())).to_pylist() == [{"n": 3000}]


def test_batches_stream_a_large_result(shop: Shop) -> None:
    shop.load(*(f"{i},u{i},2023-05-01,10,paid" for i in range(5_000)))
    with shop.open() as store:
        batches = list(store.batches(store.tables.orders.select("id", "total_cents"), rows=2048))
        assert sum(batch.num_rows for batch in batches) == 5_000
        assert len(batches) > 1
        assert batches[0].schema.field("total_cents").type == "int64"


@pytest.mark.parametrize("orders", [0, 4_999, 5_000, 5_001])
def test_small_and_large_results_look_the_same(shop: Shop, orders: int) -> None:
    shop.load("x,ann,2023-05-01,10,pending", *(f"{i},u{i},2023-05-01,10,paid" for i in range(orders)))
    with shop.open() as store:
        paid = store.tables.orders.filter(store.tables.orders.status == "paid")
        query = store.prepare(paid.mutate(double=paid.total_cents * 2, none=ibis.null("int64")))
        assert query.run().equals(store.fetch(paid.mutate(double=paid.total_cents * 2, none=ibis.null("int64"))))
        assert len(query.rows()) == orders
        assert query.run().num_rows == orders


def test_one_query_from_many_threads(shop: Shop) -> None:
    shop.load(*(f"{i},u{i % 50},2023-05-01,{i},paid" for i in range(1_000)))
    with shop.open() as store:
        orders = store.tables.orders
        mine = orders.filter(orders.user_id == parameter("user_id", "string"))
        query = store.prepare(mine.aggregate(cents=mine.total_cents.sum()), ["user_id"])

        def total(i: int) -> int:
            [row] = query.rows(user_id=f"u{i % 50}")
            assert query.run(user_id=f"u{i % 50}").to_pylist() == [row]
            return int(row["cents"])

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(total, range(400))) == [100 * sum(range(i % 50, 1_000, 50)) for i in range(400)]


def test_a_reader_keeps_what_it_opened_and_notices_the_next(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    with shop.open() as before:
        assert not before.stale()
        shop.load("2,ann,2023-05-02,10,paid")
        assert before.stale()
        with shop.open() as after:
            assert not after.stale()
            assert after.fetch(after.tables.orders).num_rows == 2
            assert before.fetch(before.tables.orders).num_rows == 1
            assert after.info.fingerprint != before.info.fingerprint


def test_a_closed_store_says_so(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    store = shop.open()
    query = store.prepare(store.tables.orders)
    query.run()
    store.close()
    for ask in (query.run, query.rows):
        with pytest.raises(StoreError, match="cannot answer"):
            ask()
    store.close()
    gc.collect()


def test_the_quarantine_can_be_read(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", "2,bob,2023-05-01,-1,paid")
    with shop.open() as store:
        assert store.quarantine().to_pylist() == [
            {
                "source": "file_1.csv",
                "line": 3,
                "reason": "negative_total",
                "user_id": "bob",
                "raw": "2,bob,2023-05-01,-1,paid",
                "order_id": "2",
                "refund_id": None,
                "header": "order_id,user_id,created_at,total,status",
            }
        ]
