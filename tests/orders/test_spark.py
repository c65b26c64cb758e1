"""A store for Spark: a folder that DuckDB writes and Spark reads, and a shop's own tables there or in a catalogue."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.orders.conftest import Shop, SparkFolder

from customer_revenue.errors import (
    CustomerReassigned,
    InvalidParameter,
    StoreBusy,
    StoreError,
    StoreNotFound,
    StoreNotUsable,
)
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.engines.spark.engine import create_views
from customer_revenue.orders.store import Store, open_store, parameter

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ITEMS = "order_id,user_id,created_at,total,status,product_id,product_name,quantity,amount_cents"


class SparkShop(SparkFolder):
    """A shop whose versions are looked at."""

    @property
    def versions(self) -> list[str]:
        return sorted(path.name for path in self.path.glob("version-*"))


@pytest.fixture
def spark_shop(tmp_path: Path) -> SparkShop:
    return SparkShop(tmp_path)


def test_the_same_imports_give_the_same_store(spark_shop: SparkShop, tmp_path: Path) -> None:
    """An import needs no Spark."""
    (tmp_path / "twin").mkdir()
    twin = Shop(tmp_path / "twin")
    for shop in (spark_shop, twin):
        shop.load("1,ann,2023-05-01T20:00:00Z,10,paid,p,Pen,1,400", "2,ann,never,1,paid,,,,", header=ITEMS)
        shop.load("1,ann,2023-05-01T20:00:00Z,10,refunded", "3,客户,2024-02-29,1,paid")
    assert spark_shop.contents() == twin.contents()
    assert spark_shop.query("SELECT count(*) FROM orders") == [(2,)]


def test_a_version_is_replaced_by_the_next(spark_shop: SparkShop) -> None:
    for number in range(4):
        spark_shop.load(f"{number},ann,2023-05-01,10,paid")
    (last,) = {str((spark_shop.path / "current").readlink())}
    assert len(spark_shop.versions) == 2  # the previous one is kept for its readers
    before = spark_shop.contents()
    spark_shop.load("3,ann,2023-05-01,10,paid")
    assert str((spark_shop.path / "current").readlink()) == last
    with pytest.raises(CustomerReassigned):
        spark_shop.load("1,bob,2023-05-01,10,paid")
    with open_target(spark_shop.url), pytest.raises(StoreBusy):
        spark_shop.load("9,ann,2023-05-01,10,paid")
    assert spark_shop.contents() == before
    assert {path.name for path in spark_shop.path.iterdir()} == {"current", ".lock", *spark_shop.versions}


def test_a_writer_that_fails_leaves_the_version(spark_shop: SparkShop, monkeypatch: pytest.MonkeyPatch) -> None:
    spark_shop.load("1,ann,2023-05-01,10,paid")
    before = spark_shop.contents()

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "symlink_to", fail)
    with pytest.raises(StoreError, match="nothing was changed"):
        spark_shop.load("2,ann,2023-05-01,10,paid")
    assert spark_shop.contents() == before


def test_what_is_no_store(spark_shop: SparkShop, spark_session: SparkSession) -> None:
    with pytest.raises(StoreNotFound, match="customer-revenue import"):
        spark_shop.open()
    with pytest.raises(InvalidParameter, match="names no folder"):
        open_store("spark://", spark_shop.settings.store_options)
    spark_shop.load("1,ann,2023-05-01,10,paid")
    info = next((spark_shop.path / "current" / "store_info").glob("*.parquet"))
    rows = pq.read_table(info)
    pq.write_table(rows.set_column(0, "schema_version", pa.array([99], pa.int32())), info)
    for ask in (spark_shop.open, lambda: spark_shop.load("2,ann,2023-05-01,10,paid")):
        with pytest.raises(StoreNotUsable, match="schema 99"):
            ask()


@pytest.fixture
def store(tmp_path: Path, midnights: tuple[str, ...], spark_session: SparkSession) -> Store:
    shop = SparkShop(tmp_path, timezone="America/New_York")
    views = {"first_days": lambda tables, day: tables.orders.group_by("user_id").agg(day=lambda t: t.day.min())}
    shop.load(*midnights, 'x,"o\'neil \\ :day",2023-05-01,20.01,pending', views=views)
    return shop.open()


def test_reading(store: Store, spark_session: SparkSession) -> None:
    orders = store.tables.orders
    for row in store.fetch(orders).to_pylist():
        aware = row["created_at"].replace(tzinfo=dt.UTC)
        assert row["day"] == aware.astimezone(ZoneInfo(store.info.timezone)).date()
    chosen = orders.filter(
        orders.user_id == parameter("user_id", "string"),
        orders.created_at <= parameter("moment", "timestamp"),
        orders.day >= parameter("day", "date"),
    )
    totals = chosen.aggregate(n=chosen.count(), cents=chosen.total_cents.sum(), mean=chosen.total_cents.mean())
    query = store.prepare(totals, ["user_id", "moment", "day"])
    values = {"moment": dt.datetime(2023, 5, 1, 4), "day": dt.date(2023, 5, 1)}  # exactly midnight in New York
    assert query.rows(user_id="o'neil \\ :day", **values) == [{"n": 1, "cents": 2001, "mean": 2001.0}]
    assert query.run(user_id="' OR 1=1 --", **values).to_pylist() == [{"n": 0, "cents": None, "mean": None}]
    wanted = ibis.memtable(pa.table({"user_id": ["o'neil \\ :day", 'a,"b"'], "share": [0.1, 0.2]}))
    assert store.fetch(orders.inner_join(wanted, "user_id").select("id", "share")).to_pylist() == [
        {"id": "x", "share": 0.1}
    ]
    batches = list(store.batches(orders.select("id", "created_at", "day"), rows=3))
    assert max(batch.num_rows for batch in batches) == 3
    assert sum(batch.num_rows for batch in batches) == store.info.orders
    assert store.fetch(orders.filter(orders.id == "none")).num_rows == 0
    assert store.quarantine().num_rows == 0


def test_readers_keep_their_version(tmp_path: Path, store: Store) -> None:
    assert not store.stale()
    SparkShop(tmp_path).load("y,ann,2023-05-01,10,paid")
    assert store.stale()
    assert store.fetch(store.tables.orders).num_rows == store.info.orders
    query = store.prepare(store.tables.orders)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        query.run()


def test_views_for_an_analyst(store: Store, spark_session: SparkSession) -> None:
    create_views(own := spark_session.newSession(), store.info.url)
    found = own.sql("SELECT * FROM first_days WHERE user_id = 'ann'").collect()
    assert [tuple(row) for row in found] == [("ann", dt.date(2023, 3, 11))]


MAPPING = """
[statuses]
completed = "paid"
returned = "refunded"

[tables.orders]
table = "{schema}purchases"
id = "number"
user_id = "buyer"
total = "amount"
status = "state"
created_at = "bought_at"
country = "land"

[tables.users]
table = "{schema}people"
id = "id"
name = "full_name"
"""


@pytest.mark.parametrize("catalogue", [False, True])
def test_a_shops_own_tables(spark_session: SparkSession, tmp_path: Path, *, catalogue: bool) -> None:
    """Parquet in a folder, or tables of the catalogue, with a shop's own names and timestamps with a zone."""
    moments = [dt.datetime(2023, 5, day, 20, tzinfo=dt.UTC) for day in (1, 2, 3)]
    purchases = pa.table(
        {
            "number": [1, 2, 3],
            "buyer": [7, 7, 8],
            "amount": pa.array([Decimal("10.005"), Decimal("5"), Decimal("1.1")], pa.decimal128(10, 3)),
            "state": ["Completed", "returned", "abandoned"],
            "bought_at": pa.array(moments, pa.timestamp("us", "UTC")),
            "land": ["DE", None, "FR"],
        }
    )
    pq.write_table(purchases, tmp_path / "purchases")
    pq.write_table(pa.table({"id": [7, 8], "full_name": ["Ann", "Bob"]}), tmp_path / "people")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING.format(schema="spark_catalog.shop." if catalogue else ""))
    if catalogue:
        spark_session.sql(f"CREATE DATABASE shop LOCATION '{tmp_path / 'shop'}'")
        for name in ("purchases", "people"):
            spark_session.read.parquet(str(tmp_path / name)).write.saveAsTable(f"shop.{name}")
    url = "spark://" if catalogue else f"spark:///{tmp_path}"
    settings = Shop(tmp_path, timezone="Asia/Kolkata", currency="EUR").settings
    with open_store(url, settings.store_options, mapping) as store:
        assert (store.info.orders, store.info.customers, store.info.currency) == (3, 2, "EUR")
        orders = store.fetch(store.tables.orders.order_by("id")).to_pylist()
        assert orders[0] == {
            "id": "1", "user_id": "7", "total_cents": 1001, "status": "paid",
            "created_at": dt.datetime(2023, 5, 1, 20), "day": dt.date(2023, 5, 2),
        }  # fmt: skip
        assert [row["status"] for row in orders] == ["paid", "refunded", "abandoned"]
        complete = store.fetch(store.table("orders").order_by("id"))
        assert complete.column("country").to_pylist() == ["DE", None, "FR"]
        assert store.fetch(store.tables.users.order_by("id")).column("name").to_pylist() == ["Ann", "Bob"]
        assert store.fetch(store.tables.order_items).num_rows == 0
        assert not store.stale()
    mapping.write_text(mapping.read_text().replace("people", "persons"))
    with pytest.raises(InvalidParameter, match=r"no table .*persons"):
        open_store(url, settings.store_options, mapping)
