"""Successive imports: idempotence, updates, refusals, clock and currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from customer_revenue.errors import CurrencyMismatch, CustomerReassigned, InvalidParameter, StoreNotUsable
from customer_revenue.orders import store_info
from customer_revenue.orders.files.samples import cdnow_path
from customer_revenue.orders.imports.import_files import IGNORED_STATUSES
from customer_revenue.periods import Clock

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

ITEMS = "order_id,user_id,created_at,total,status,product_id,amount_cents,user_name"
TODAY = dt.datetime.now(dt.UTC).date()
RECENT = (TODAY - dt.timedelta(days=3)).isoformat()


def test_the_same_file_twice_changes_nothing(shop: Shop) -> None:
    lines = ("1,ann,2023-05-01,10,paid,p,1000,Ann", "1,ann,2023-05-01,10,paid,p,1000,Ann", "2,,x,1,paid,,,", "short")
    path = shop.file(*lines, header=ITEMS)
    shop.files(path)
    before, file = shop.contents(), shop.path.stat()
    again = shop.files(path)
    assert shop.contents() == before
    assert (again.orders_imported, again.orders_updated, again.orders_unchanged) == (0, 0, 1)
    assert shop.path.stat().st_ino == file.st_ino, "an import that says nothing new must not even replace the file"


def test_the_order_of_rows_does_not_matter(make_shop: Callable[..., Shop]) -> None:
    lines = [f"{i},u{i % 7},2023-05-{i % 28 + 1:02d},{i},paid" for i in range(100)]
    one, other = make_shop("one"), make_shop("other")
    one.load(*lines)
    other.load(*reversed(lines))
    assert one.contents() == other.contents()


def test_an_order_that_comes_again_changed_is_an_update(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", "2,ann,2023-05-02,10,paid", "3,bob,2023-05-02,10,paid")
    with shop.open() as store:
        before = store.info.fingerprint
    summary = shop.load("1,ann,2023-05-01,10,refunded", "2,ann,2023-05-02,10,paid", "4,eve,2023-05-02,10,paid")
    assert (summary.orders_imported, summary.orders_updated, summary.orders_unchanged) == (1, 1, 1)
    assert shop.query("SELECT id, status FROM orders ORDER BY id") == [
        ("1", "refunded"),
        ("2", "paid"),
        ("3", "paid"),
        ("4", "paid"),
    ]
    with shop.open() as store:
        assert store.info.fingerprint != before


def test_an_update_replaces_items_and_one_without_items_keeps_them(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid,p,400,", "1,ann,2023-05-01,10,paid,q,600,", header=ITEMS)
    kept = shop.load("1,ann,2023-05-01,10,refunded")
    assert kept.orders_updated == 1
    assert shop.column("SELECT product_id FROM order_items ORDER BY 1") == ["p", "q"]
    replaced = shop.load("1,ann,2023-05-01,10,refunded,r,1000,", header=ITEMS)
    assert replaced.orders_updated == 1
    assert shop.column("SELECT product_id FROM order_items") == ["r"]


def test_an_id_with_another_customer_is_refused_whole(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", "2,ann,2023-05-01,10,paid")
    before = shop.contents()
    with pytest.raises(CustomerReassigned, match="order 1 belongs to customer ann") as caught:
        shop.load("1,bob,2023-05-01,10,paid", "9,eve,2023-05-01,10,paid", "2,bob,2023-05-01,10,paid")
    assert len(caught.value.details) == 2
    assert shop.contents() == before


def test_a_refund_id_with_another_customer_is_refused(shop: Shop) -> None:
    header = "refund_id,user_id,created_at,amount_cents"
    shop.load("1,ann,2023-05-01,10,paid")
    shop.load("r1,ann,2023-05-01,10", header=header)
    with pytest.raises(CustomerReassigned, match="refund r1"):
        shop.load("r1,bob,2023-05-01,10", header=header)


def test_several_files_are_as_if_one_came_after_the_other(make_shop: Callable[..., Shop]) -> None:
    files: list[tuple[str, ...]] = [
        ("1,ann,2023-05-01,10,paid", "2,bob,2023-05-01,10,paid"),
        ("1,ann,2023-05-01,10,refunded", "3,eve,2023-05-01,10,paid"),
        ("3,eve,2023-05-01,12,paid", "bad"),
    ]
    together, apart = make_shop("together"), make_shop("apart")
    summary = together.files(*(together.file(*lines) for lines in files))
    for lines in files:
        apart.load(*lines)
    assert together.contents() == apart.contents()
    assert (summary.orders_imported, summary.lines, summary.quarantined) == (3, 6, {"unreadable_line": 1})


@pytest.mark.parametrize("again", ["1,ann,2023-05-01,10,refunded", "1,ann,2023-05-01,10,paid"])
def test_a_file_whose_orders_another_one_states_too_is_not_refused_for_a_bad_row(shop: Shop, again: str) -> None:
    summary = shop.files(shop.file("1,ann,2023-05-01,10,paid", "bad"), shop.file(again))
    assert (summary.orders_imported, summary.quarantined) == (1, {"unreadable_line": 1})
    summary = shop.files(shop.file(again), shop.file("1,ann,2023-05-01,10,paid", ",ann,2023-05-01,10,paid"))
    assert (summary.orders_in_store, summary.quarantined) == (1, {"missing_order_id": 1})


def test_an_id_of_two_customers_in_two_files_is_not_trusted(shop: Shop) -> None:
    lines = (
        ("1,ann,2023-05-01,10,paid", "2,eve,2023-05-01,10,paid"),
        ("1,bob,2023-05-01,10,paid", "3,eve,2023-05-01,10,paid"),
    )
    summary = shop.files(*(shop.file(*part) for part in lines))
    assert shop.column("SELECT id FROM orders ORDER BY id") == ["2", "3"]
    assert summary.quarantined == {"duplicate_id": 2}


def test_orders_and_their_refunds_in_one_command(shop: Shop) -> None:
    refunds = shop.file(
        "r1,ann,2023-05-09,2000,1",
        "r2,ann,2023-05-09,500,1",
        header="refund_id,user_id,created_at,amount_cents,order_id",
    )
    summary = shop.files(shop.file("1,ann,2023-05-01,10,paid"), refunds)
    assert summary.formats == ("generic", "refunds")
    assert summary.quarantined == {"refund_exceeds_total": 1}
    assert summary.refunds_in_store == 1


def test_a_store_knows_the_formats_of_all_its_files_once(shop: Shop) -> None:
    header = "refund_id,user_id,created_at,amount_cents,order_id"
    files = [shop.file("1,ann,2023-05-01,1000,paid"), shop.file("r1,ann,2023-05-09,5,1", header=header)]
    for file in files * 2:
        summary = shop.files(file)
    with shop.open() as store:
        assert store.info.formats == ("generic", "refunds")
    assert summary.statement.before.gross_cents == summary.statement.after.gross_cents


def test_before_the_first_import_the_statement_is_of_nothing(shop: Shop) -> None:
    before = shop.load("1,ann,2023-05-01,1000,paid").statement.before
    assert (before.orders, before.customers, before.gross_cents, before.refunds_cents, before.net_cents) == (0,) * 5


@pytest.mark.parametrize(
    ("options", "day", "clock", "as_of"),
    [
        ({}, "2023-05-01", Clock.HISTORICAL, None),
        ({}, RECENT, Clock.LIVE, None),
        ({"live": True}, "2023-05-01", Clock.LIVE, None),
        ({"as_of": dt.date(2024, 1, 1)}, RECENT, Clock.HISTORICAL, dt.date(2024, 1, 1)),
    ],
)
def test_the_clock_is_guessed_or_chosen(
    shop: Shop, options: dict[str, Any], day: str, clock: Clock, as_of: dt.date | None
) -> None:
    summary = shop.load(f"1,ann,{day},10,paid", **options)
    assert (summary.clock, summary.as_of) == (clock, as_of)
    with shop.open() as store:
        assert (store.info.clock, store.info.as_of) == (clock, as_of)
        last = as_of or dt.date.fromisoformat(day)
        assert store.as_of().day == (last if clock is Clock.HISTORICAL else TODAY)


def test_a_chosen_clock_holds_until_the_next_choice(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", live=True)
    assert shop.load("2,ann,2023-05-02,10,paid").clock is Clock.LIVE
    assert shop.load("2,ann,2023-05-02,10,paid", as_of=dt.date(2023, 6, 1)).as_of == dt.date(2023, 6, 1)
    for order in ("3", "4", "5"):
        assert shop.load(f"{order},ann,2023-05-02,10,paid").as_of == dt.date(2023, 6, 1)
    with pytest.raises(InvalidParameter, match="exclude each other"):
        shop.load("3,ann,2023-05-02,10,paid", live=True, as_of=dt.date(2023, 6, 1))


def test_a_store_has_one_currency(make_shop: Callable[..., Shop], shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    euro = make_shop("euro", currency="EUR")
    with pytest.raises(CurrencyMismatch, match="the store is in USD"):
        euro.load("2,ann,2023-05-01,10,paid", url=shop.url)
    with pytest.raises(CurrencyMismatch, match="is in USD, the store in EUR"):
        euro.files(cdnow_path())


def test_what_is_no_store_is_not_overwritten(shop: Shop) -> None:
    shop.path.write_text("my diary")
    with pytest.raises(StoreNotUsable):
        shop.load("1,ann,2023-05-01,10,paid")
    assert shop.path.read_text() == "my diary"
    shop.path.unlink()
    with duckdb.connect(str(shop.path)) as con:
        con.execute("CREATE TABLE orders (id INTEGER)")
    with pytest.raises(StoreNotUsable, match="not a store of orders"):
        shop.load("1,ann,2023-05-01,10,paid")
    assert shop.query("FROM orders") == []


def test_views_are_there_for_any_client(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(timezone="Asia/Kolkata")
    shop.load(
        "1,ann,2023-05-01T20:00:00Z,10,paid",
        "2,ann,2023-05-03,1,paid",
        views={"first 'days'": lambda tables, day: tables.orders.group_by("user_id").agg(day=lambda t: t.day.min())},
    )
    moved = shop.path.rename(shop.folder / "elsewhere.duckdb")
    with duckdb.connect(str(moved), read_only=True) as con:
        assert con.execute("FROM \"first 'days'\"").fetchall() == [("ann", dt.date(2023, 5, 2))]


@pytest.mark.parametrize("live", [True, False])
def test_a_view_counts_to_the_stores_own_day(shop: Shop, live: bool) -> None:
    views = {"days": lambda tables, day: tables.orders.select("id", counted_to=day)}
    shop.load("1,ann,2023-05-01,10,paid", "2,ann,2023-05-03,1,paid", views=views, live=live)
    today = dt.datetime.now(dt.UTC).astimezone().date()
    assert {row[1] for row in shop.query("SELECT * FROM days")} == {today if live else dt.date(2023, 5, 3)}


def test_an_import_without_views_keeps_those_there_are(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", views={"all orders": lambda tables, day: tables.orders.select("id", "day")})
    shop.load("2,ann,2023-05-02,10,paid")
    assert shop.query('SELECT id FROM "all orders" ORDER BY id') == [("1",), ("2",)]


def test_a_zone_that_nobody_chose_is_the_stores(make_shop: Callable[..., Shop], shop: Shop) -> None:
    kolkata = make_shop(timezone="Asia/Kolkata")
    kolkata.load("1,ann,2023-05-01,10,paid")
    shop.load("2,ann,2023-05-01,10,paid", url=kolkata.url)
    assert kolkata.column("SELECT DISTINCT created_at FROM orders") == [dt.datetime(2023, 4, 30, 18, 30)]
    assert kolkata.column("SELECT timezone FROM store_info") == ["Asia/Kolkata"]


def test_an_older_store_is_upgraded_by_an_import(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid")
    shop.age(1)
    assert shop.load("2,ann,2023-05-01,10,paid").orders_in_store == 2
    assert shop.column("SELECT schema_version FROM store_info") == [store_info.SCHEMA_VERSION]


def test_progress_rises_to_the_whole(shop: Shop) -> None:
    told: list[tuple[str, float | None]] = []
    shop.load("1,ann,2023-05-01,10,paid", progress=lambda what, part: told.append((what, part)))
    parts = [part for _, part in told if part is not None]
    assert parts == sorted(parts)
    assert told[-1] == ("done", 1.0)


def test_the_summary_reads_well(shop: Shop) -> None:
    text = shop.load("1,ann,2023-05-01,10,paid", "bad").render()
    assert "1 imported, 0 updated, 0 unchanged" in text
    assert "Quarantined  1 lines (unreadable_line 1)" in text
    assert "historical: answers are as of the end of 2023-05-01" in text
    assert (
        "Clock        live: answers are as of now (--as-of DATE would fix a day)"
        in shop.load("2,ann,2023-05-01,10,paid", live=True).render()
    )


def test_a_store_in_a_folder_that_is_not_there_yet(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid", url=f"duckdb:///{shop.folder}/new/deeper/orders.duckdb")
    assert (shop.folder / "new/deeper/orders.duckdb").is_file()


@pytest.mark.parametrize("url", ["mysql://localhost", "duckdb:///", "duckdb:///folder/", "oracle://x"])
def test_urls_that_name_no_embedded_store(shop: Shop, url: str) -> None:
    with pytest.raises(InvalidParameter, match="store"):
        shop.load("1,ann,2023-05-01,10,paid", url=url)


def test_relative_urls_are_relative(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.folder)
    shop.load("1,ann,2023-05-01,10,paid", url="duckdb:///sub/orders.duckdb")
    assert Path("sub/orders.duckdb").is_file()


def test_ignored_statuses_never_count() -> None:
    assert not {"paid", "refunded"}.intersection(IGNORED_STATUSES)


def test_a_hundred_thousand_orders_of_one_customer(shop: Shop) -> None:
    summary = shop.load(*(f"{i},ann,2023-05-01T12:00:00,1,paid" for i in range(100_000)))
    assert (summary.orders_in_store, summary.customers_in_store) == (100_000, 1)
