"""Orders without a customer: kept on every engine, in no customer's figures, and shown in the base's totals."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import pytest
from ibis.backends.sql.datatypes import DuckDBType
from tests.orders.conftest import ServerShop, Shop, SparkFolder
from tests.tiers import ON_SERVERS, ON_SPARK

from customer_revenue.choices import TopBy
from customer_revenue.orders.engines.base_target import Target
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.imports.merge import check_not_reassigned, compare, merge
from customer_revenue.orders.store_info import SCHEMA_VERSION, write_info
from customer_revenue.periods import Clock, Period
from customer_revenue.policy import load_policy
from customer_revenue.revenue.summary import summary
from customer_revenue.revenue.view import VIEW_NAME, customer_revenue_analysis
from customer_revenue.tables import OPTIONAL_COLUMNS
from customer_revenue.workflows.customers.answers import Answers

if TYPE_CHECKING:
    from customer_revenue.orders.store import Store

WITH_REFUNDS = "order_id,user_id,created_at,total,status,refund_cents"
REFUND_FILE = "refund_id,user_id,created_at,amount_cents,order_id"
VIEWS = {VIEW_NAME: lambda known, day: customer_revenue_analysis(known, day, load_policy())}


def stage_rows(con: duckdb.DuckDBPyConnection, schema: str, orders: str, refunds: str = "") -> None:
    """Stage orders (id, user_id, cents, status, day) and refunds (id, order_id, user_id, cents, day) as a file's."""
    con.execute(f"CREATE SCHEMA {schema}")
    no_order = "SELECT * FROM (VALUES ('', '', 0, '', '2023-05-01')) LIMIT 0"
    no_refund = "SELECT * FROM (VALUES ('', '', '', 0, '2023-05-01')) LIMIT 0"
    con.execute(
        f"CREATE TABLE {schema}.orders AS SELECT id, CAST(user_id AS VARCHAR) AS user_id, CAST(cents AS BIGINT) AS"
        " total_cents, status, CAST(day AS TIMESTAMP) AS created_at, CAST(NULL AS VARCHAR) AS original_user_id"
        f" FROM ({f'VALUES {orders}' if orders else no_order}) AS o (id, user_id, cents, status, day)"
    )
    con.execute(
        f"CREATE TABLE {schema}.refunds AS SELECT id, order_id, CAST(user_id AS VARCHAR) AS user_id, CAST(cents AS"
        " BIGINT) AS amount_cents, CAST(day AS TIMESTAMP) AS created_at, true AS with_order, CAST(NULL AS VARCHAR) AS"
        " original_user_id"
        f" FROM ({f'VALUES {refunds}' if refunds else no_refund}) AS r (id, order_id, user_id, cents, day)"
    )
    con.execute(
        f"CREATE TABLE {schema}.order_items AS SELECT id AS order_id, 'pen' AS product_id, 'Pen' AS product_name,"
        f" CAST(1 AS BIGINT) AS quantity, total_cents AS amount_cents, user_id FROM {schema}.orders"
    )
    con.execute(
        f"CREATE TABLE {schema}.users AS SELECT DISTINCT user_id AS id, CAST(NULL AS VARCHAR) AS name,"
        f" CAST(NULL AS VARCHAR) AS email FROM {schema}.orders WHERE user_id IS NOT NULL"
    )
    con.execute(
        f"CREATE TABLE {schema}.quarantine AS SELECT '' AS source, CAST(1 AS BIGINT) AS line, '' AS reason,"
        " CAST(NULL AS VARCHAR) AS user_id, '' AS raw, '' AS order_id, '' AS refund_id, '' AS header LIMIT 0"
    )
    for table, columns in OPTIONAL_COLUMNS.items():
        for name, dtype in columns.items():
            con.execute(f"ALTER TABLE {schema}.{table} ADD COLUMN {name} {DuckDBType.to_string(ibis.dtype(dtype))}")
    con.execute(f"CREATE TABLE {schema}.answered (id VARCHAR)")
    con.execute(f"CREATE VIEW {schema}.restated AS SELECT id FROM {schema}.orders")
    con.execute(f"CREATE VIEW {schema}.movable AS SELECT id FROM {schema}.orders LIMIT 0")


def load_staged(shop: Shop, orders: str, refunds: str = "") -> None:
    """Merge staged rows into the shop's store, as an import does."""
    with open_target(shop.url) as target, duckdb.connect() as con:
        _load(target, con, orders, refunds)


def _load(target: Target, con: duckdb.DuckDBPyConnection, orders: str, refunds: str) -> None:
    target.attach(con)
    old = target.attach_old(con)
    stage_rows(con, "work.file_0", orders, refunds)
    if old:
        check_not_reassigned(con, "old", "work.file_0")
        compare(con, "old", "work.file_0")
    merge(con, "old" if old else None, "work.file_0", "next")
    write_info(
        con, currency="USD", zone="UTC", clock=Clock.HISTORICAL, clock_is_chosen=False, as_of=None, formats="generic"
    )
    target.create_views(con, VIEWS, "UTC")
    target.publish(con)


ORDERS = (
    "('1', 'ann', 1000, 'paid', '2023-05-01'), ('2', NULL, 500, 'paid', '2023-05-02'),"
    " ('3', NULL, 70, 'cancelled', '2023-05-03'), ('4', NULL, 900, 'refunded', '2023-05-04')"
)


def test_they_are_kept_and_in_no_customers_figures(any_shop: Shop) -> None:
    load_staged(any_shop, ORDERS, "('r', '2', NULL, 100, '2023-05-05')")
    assert any_shop.query("SELECT id FROM orders WHERE user_id IS NULL ORDER BY id") == [("2",), ("3",), ("4",)]
    assert any_shop.query("SELECT id FROM refunds WHERE user_id IS NULL") == [("r",)]
    assert any_shop.query("SELECT id FROM users") == [("ann",)]
    if not isinstance(any_shop, SparkFolder):
        assert any_shop.query(f"SELECT user_id, total_revenue_cents FROM {VIEW_NAME}") == [("ann", 1000)]
    before = any_shop.contents()
    load_staged(any_shop, ORDERS, "('r', '2', NULL, 100, '2023-05-05')")
    assert any_shop.contents() == before


@pytest.mark.parametrize("any_shop", ["duckdb", *ON_SERVERS, ON_SPARK], indirect=True)
def test_a_reader_separates_them(any_shop: Shop, request: pytest.FixtureRequest) -> None:
    if isinstance(any_shop, SparkFolder):
        request.getfixturevalue("spark_session")
    load_staged(any_shop, ORDERS, "('r', '2', NULL, 100, '2023-05-05')")
    with any_shop.open() as store:
        assert (store.info.orders, store.info.customers) == (4, 1)
        assert _ids(store, "orders") == ["1"]
        assert _ids(store, "refunds") == []
        assert _ids(store, "unattributed") == ["2", "3", "4"]
        as_of = store.as_of()
        facts = summary(store.tables, None, as_of_day(as_of.day), load_policy())
        assert store.fetch(facts).select(["customer_id", "total_revenue_cents"]).to_pylist() == [
            {"customer_id": "ann", "total_revenue_cents": 1000}
        ]
        copy = store.local_copy(any_shop.settings.store_options)
        if copy is not None:
            assert _ids(copy, "unattributed") == ["2", "3", "4"]
            copy.close()


def test_the_overview_shows_their_revenue_apart(shop: Shop) -> None:
    load_staged(shop, ORDERS)
    with closing(Answers.open(shop.settings)) as answers:
        overview = answers.dashboard().overview
        assert overview.of(Period.ALL_TIME, ())["unattributed_revenue_cents"] == 1400
        assert "unattributed_revenue_cents" not in overview.of(Period.ALL_TIME, ["medium_value"])
        metrics: Any = overview.of(Period.ALL_TIME, ())["metrics"]
        months: Any = answers.base().trends()["monthly_trends"]
        listed: Any = answers.base().top_customers(TopBy.TOTAL_REVENUE, 10, 0)["top_customers"]
        assert (metrics["total_revenue_cents"]["value"], metrics["total_customers"]["value"]) == (1000, 1)
        assert sum(month["orders"] for month in months) == 1
        assert [row["customer_id"] for row in listed] == ["ann"]
    load_staged(shop, "('2', 'bob', 500, 'paid', '2023-05-02'), ('4', 'bob', 900, 'refunded', '2023-05-04')")
    with closing(Answers.open(shop.settings)) as answers:
        assert "unattributed_revenue_cents" not in answers.dashboard().overview.of(Period.ALL_TIME, ())


def test_a_customer_who_becomes_known_gets_the_order(any_shop: Shop) -> None:
    load_staged(any_shop, "('1', NULL, 1000, 'paid', '2023-05-01')", "('r', '1', NULL, 100, '2023-05-05')")
    known = "('1', 'ann', 1000, 'paid', '2023-05-01')"
    load_staged(any_shop, known, "('r', '1', NULL, 100, '2023-05-05')")
    for table in ("orders", "order_items", "refunds"):
        assert any_shop.query(f"SELECT user_id FROM {table}") == [("ann",)]
    before = any_shop.contents()
    load_staged(any_shop, "('1', NULL, 1000, 'paid', '2023-05-01')", "('r', '1', NULL, 100, '2023-05-05')")
    assert any_shop.contents() == before, "a file that names no customer does not take the order away"


def test_a_store_of_the_version_before_is_upgraded(any_shop: Shop) -> None:
    any_shop.load("1,ann,2023-05-01,10,paid,300", "2,ann,2023-05-02,10,cancelled,", header=WITH_REFUNDS, views=VIEWS)
    any_shop.load("r,ann,2023-05-09,100,1", "s,ann,2023-05-30,100,2", header=REFUND_FILE)
    any_shop.age(2)
    load_staged(any_shop, "('1', 'ann', 1000, 'paid', '2023-05-01'), ('3', NULL, 1, 'paid', '2023-05-02')")
    assert any_shop.query("SELECT schema_version FROM store_info") == [(SCHEMA_VERSION,)]
    assert sorted(any_shop.query("SELECT id, user_id FROM orders")) == [("1", "ann"), ("2", "ann"), ("3", None)]
    assert sorted(any_shop.query("SELECT id FROM refunds")) == [("r",), ("s",)], "the order came without its refund"
    assert any_shop.query("SELECT last_created_at FROM store_info") == [(dt.datetime(2023, 5, 9),)]


def test_opening_an_older_embedded_store_upgrades_it(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid,300", header=WITH_REFUNDS)
    shop.load("r,ann,2023-05-09,100,1", header=REFUND_FILE)
    shop.age(2)
    shop.execute("UPDATE store_info SET last_created_at = '2023-05-01'")
    with shop.open() as store:
        assert store.info.last_day == dt.date(2023, 5, 9)
    assert sorted(shop.query("SELECT id, with_order FROM refunds")) == [("r", False), ("refund:1", True)]


@pytest.mark.parametrize("kind", ON_SERVERS)
def test_a_reader_reads_the_version_before(kind: str, request: pytest.FixtureRequest) -> None:
    shop: ServerShop = request.getfixturevalue(kind)()
    shop.load("1,ann,2023-05-01,10,paid,300", header=WITH_REFUNDS)
    shop.age(2)
    with shop.open() as store:
        assert _ids(store, "refunds") == ["refund:1"]


def test_sums_of_the_view_have_64_bits(shop: Shop) -> None:
    load_staged(shop, ORDERS)
    types = dict(shop.query(f"SELECT column_name, column_type FROM (DESCRIBE {VIEW_NAME})"))
    whole = {name for name in types if name.endswith(("_cents", "_orders", "_days"))}
    assert {types[name] for name in whole - {"avg_days_between_purchases"}} == {"BIGINT"}
    assert not {"HUGEINT", "INT128"}.intersection(types.values())


@pytest.mark.parametrize("kind", ON_SERVERS)
def test_sums_of_the_view_have_64_bits_on_a_server(kind: str, request: pytest.FixtureRequest) -> None:
    shop: ServerShop = request.getfixturevalue(kind)()
    load_staged(shop, ORDERS)
    columns = f"SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{VIEW_NAME}'"
    types = dict(shop.query(columns))
    whole = {name for name in types if name.endswith(("_cents", "_orders", "_days"))} - {"avg_days_between_purchases"}
    assert {"total_revenue_cents", "total_orders", "net_revenue_cents"} <= whole
    assert {types[name] for name in whole} == {"bigint"}


def _ids(store: Store, table: str) -> list[str]:
    found = getattr(store.tables, table)
    ids: list[str] = store.fetch(found.select("id").order_by("id")).column("id").to_pylist()
    return ids


def as_of_day(day: dt.date) -> Any:
    import ibis

    return ibis.literal(day, type="date")
