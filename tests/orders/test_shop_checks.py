"""What is left out of a shop's own tables, on every engine."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import duckdb
import pytest
from tests.orders.conftest import ServerShop, Shop
from tests.tiers import ON_SERVERS, ON_SPARK
from typer.testing import CliRunner

from customer_revenue.cli import app
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import StoreOptions

ORDERS = """
    ('1', 'ann', 1000, 'Completed ', '2023-05-01 10:00:00', 'USD'),
    ('2', 'ann', NULL, 'completed', '2023-05-02 10:00:00', 'USD'),
    ('3', 'ann', -500, 'completed', '2023-05-03 10:00:00', 'usd '),
    ('4', 'ann', 700, 'completed', '2023-05-04 10:00:00', 'EUR'),
    ('5', 'ann', 800, 'completed', '2023-05-05 10:00:00', 'USD'),
    ('5', 'ann', 900, 'completed', '2023-05-05 10:00:00', 'USD'),
    ('6', 'ann', 600, 'mystery', '2023-05-06 10:00:00', 'USD'),
    ('7', 'bob', 50, 'completed', NULL, 'USD'),
    ('8', NULL, 40, 'completed', '2023-05-07 10:00:00', NULL),
    ('9', 'bob', 2000, 'completed', '2023-05-08 10:00:00', '')
"""
REFUNDS = """
    ('r1', '1', 'ann', 100, '2023-05-09 10:00:00'), ('r2', '1', 'ann', -30, '2023-05-20 10:00:00'),
    ('r3', '4', 'ann', 70, '2023-05-21 10:00:00'), ('r4', '1', 'ann', NULL, '2023-05-22 10:00:00')
"""
TABLES = """
    CREATE TABLE sales (number varchar(9), buyer varchar(9), cents bigint, state varchar(20), bought_at timestamp NULL,
        code varchar(9));
    CREATE TABLE sold_lines (number varchar(9), product varchar(9), cents bigint);
    INSERT INTO sold_lines VALUES ('1', 'pen', 1000), ('8', 'ink', 40);
    CREATE TABLE returns (id varchar(9), number varchar(9), buyer varchar(9), cents bigint, returned_at timestamp NULL);
"""
MAPPING = """
[statuses]
completed = "paid"

[tables.orders]
table = "sales"
id = "number"
user_id = "buyer"
total_cents = "cents"
status = "state"
created_at = "bought_at"
currency = "code"

[tables.order_items]
table = "sold_lines"
order_id = "number"
product_id = "product"
amount_cents = "cents"

[tables.refunds]
table = "returns"
id = "id"
order_id = "number"
user_id = "buyer"
amount_cents = "cents"
created_at = "returned_at"
"""
EXPECTED = {
    "missing_total": 1,
    "negative_total": 1,
    "other_currency": 1,
    "missing_date": 1,
    "doubled_id": 2,
    "unknown_status": 1,
    "status_spelling": 1,
    "missing_refund": 1,
    "negative_refund": 1,
}


class OwnTables:
    """A shop's own tables on one engine."""

    def __init__(self, url: str, options: StoreOptions, mapping: Path) -> None:
        self.url, self.options, self.mapping = url, options, mapping

    def open(self) -> Store:
        return open_store(self.url, self.options, self.mapping)


def _rows(orders: str, refunds: str) -> str:
    return f"INSERT INTO sales VALUES {orders}; INSERT INTO returns VALUES {refunds};"


def _own_tables(request: pytest.FixtureRequest, folder: Path, kind: str, orders: str, refunds: str) -> OwnTables:
    mapping = folder / "mapping.toml"
    mapping.write_text(MAPPING)
    sql = TABLES + _rows(orders, refunds)
    if kind in ("postgres", "mysql"):
        server_shop: ServerShop = request.getfixturevalue(kind)()
        server_shop.query(sql)
        return OwnTables(server_shop.url, server_shop.settings.store_options, mapping)
    options = Shop(folder).settings.store_options
    file = folder / "shop.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(sql)
        if kind == "duckdb":
            return OwnTables(f"duckdb:///{file}", options, mapping)
        for table in ("sales", "sold_lines", "returns"):
            con.execute(f"COPY {table} TO '{folder / table}' (FORMAT parquet)")
    request.getfixturevalue("spark_session")
    return OwnTables(f"spark:///{folder}", options, mapping)


ENGINES = ["duckdb", *ON_SERVERS, ON_SPARK]


@pytest.fixture(params=ENGINES)
def own_tables(request: pytest.FixtureRequest, tmp_path: Path) -> OwnTables:
    return _own_tables(request, tmp_path, request.param, ORDERS, REFUNDS)


def test_what_breaks_a_rule_is_counted_and_in_no_figure(
    own_tables: OwnTables, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), own_tables.open() as store:
        assert {found.reason: found.rows for found in store.findings} == EXPECTED
        counted, refunds = store.tables.counted_orders(), store.tables.counted_refunds()
        found = store.fetch(counted.select("id", "total_cents").order_by("id")).to_pylist()
        assert found == [{"id": "1", "total_cents": 1000}, {"id": "9", "total_cents": 2000}]
        assert store.fetch(refunds.select("id", "amount_cents")).to_pylist() == [{"id": "r1", "amount_cents": 100}]
        unattributed = store.tables.unattributed
        assert unattributed is not None
        assert store.fetch(unattributed.select("id", "status")).to_pylist() == [{"id": "8", "status": "paid"}]
        assert (store.info.orders, str(store.info.last_day)) == (10, "2023-05-09")
        copy = store.local_copy(own_tables.options)
        if copy is not None:
            assert copy.fetch(copy.tables.counted_orders().select("id").order_by("id")).column("id").to_pylist() == [
                "1",
                "9",
            ]
            items = copy.fetch(
                copy.tables.order_items.select("product_id", "user_id").order_by("product_id")
            ).to_pylist()
            assert items == [{"product_id": "ink", "user_id": None}, {"product_id": "pen", "user_id": "ann"}]
            copy.close()
    (message,) = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert "2 orders whose id occurs more than once" in message
    assert "customer-revenue check" in message
    assert "spaces" not in message


@pytest.mark.parametrize("kind", ENGINES[:2])
def test_the_command(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    dirty = _own_tables(request, tmp_path, kind, ORDERS, REFUNDS)
    monkeypatch.setenv("CUSTOMER_REVENUE_MAPPING", str(dirty.mapping))
    answer = CliRunner().invoke(app, ["check", "--json", "--store", dirty.url])
    assert answer.exit_code == 3
    found = json.loads(answer.stdout)["findings"]
    assert {row["reason"]: row["rows"] for row in found} == EXPECTED
    assert [row["reason"] for row in found if not row["left_out"]] == ["status_spelling"]
    table = CliRunner().invoke(app, ["check", "--store", dirty.url])
    assert (table.exit_code, len(table.stdout.splitlines())) == (3, 1 + len(EXPECTED))


def test_clean_tables(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = "('1', 'ann', 1000, 'Completed ', '2023-05-01 10:00:00', 'USD')"
    clean = _own_tables(request, tmp_path, "duckdb", orders, "('r1', '1', 'ann', 100, '2023-05-09 10:00:00')")
    monkeypatch.setenv("CUSTOMER_REVENUE_MAPPING", str(clean.mapping))
    answer = CliRunner().invoke(app, ["check", "--store", clean.url])
    assert (answer.exit_code, "status_spelling" in answer.stdout) == (0, True)


@pytest.mark.parametrize("kind", ON_SERVERS)
def test_a_key_makes_the_search_for_doubled_ids_unnecessary(kind: str, request: pytest.FixtureRequest) -> None:
    shop: ServerShop = request.getfixturevalue(kind)()
    mapping = shop.folder / "mapping.toml"
    mapping.write_text(MAPPING)
    orders = "('1', 'ann', 1000, 'completed', '2023-05-01 10:00:00', 'USD')"
    shop.query(TABLES + "ALTER TABLE sales ADD PRIMARY KEY (number);" + _rows(orders, REFUNDS))
    with open_store(shop.url, shop.settings.store_options, mapping) as store:
        engine = store._engine
        assert engine._ids_are_unique("sales", "number")  # type: ignore[attr-defined]
        assert not engine._ids_are_unique("sales", "buyer")  # type: ignore[attr-defined]
