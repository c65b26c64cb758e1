"""Quarantined rows are exported, corrected and imported again: what is right then leaves the quarantine."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from customer_revenue.cli import app
from customer_revenue.errors import NothingImported, UndecidedColumn
from customer_revenue.orders.files.columns.conventions import AmountUnit, ColumnChoices
from customer_revenue.orders.imports.remove_personal_data import forget
from customer_revenue.workflows.quarantine_export import write_quarantine
from customer_revenue.workflows.quarantined_rows import counts_body, quarantined_rows, with_remedies

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

INVOICES = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
REFUNDS = "refund_id,user_id,created_at,amount_cents,order_id"
GOOD = "1,ann,2024-05-01,10,paid"


def exported(shop: Shop, reason: str | None = None) -> list[Path]:
    shop.settings = shop.settings.model_copy(update={"store": shop.url})
    rows = quarantined_rows(shop.settings, reason, whole_orders=True)
    return write_quarantine(with_remedies(rows), shop.folder / "rows.csv")


def corrected(path: Path, *changes: tuple[str, str]) -> Path:
    """The file after replacements in an editor; each must occur."""
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


def reasons(shop: Shop) -> list[tuple[str, int, str]]:
    return sorted(shop.query("SELECT source, line, reason FROM quarantine"))


def test_corrected_rows_are_taken_back(any_shop: Shop) -> None:
    shop = any_shop
    shop.load(GOOD, "2,bob,never,10,paid", "3,eve,2024-05-03,x,paid", "4,joe,2024-05-04,10,lost")
    [path] = write_quarantine_of(shop)
    corrected(path, ("never", "2024-05-02"), (",x,paid", ",12.50,paid"))
    summary = shop.files(path)
    assert (summary.orders_imported, summary.left_quarantine, summary.quarantined) == (2, 2, {"unknown_status": 1})
    assert sorted(shop.query("SELECT id, total_cents FROM orders")) == [("1", 1000), ("2", 1000), ("3", 1250)]
    assert reasons(shop) == [("file_1.csv", 5, "unknown_status")], "what is still wrong keeps its place"
    assert "2 lines have left the quarantine" in summary.render()
    [path] = write_quarantine_of(shop)
    assert shop.files(corrected(path, ("lost", "paid"))).left_quarantine == 1
    assert reasons(shop) == []
    before = shop.contents()
    assert shop.files(path).orders_unchanged == 1
    assert shop.contents() == before


def write_quarantine_of(shop: Shop) -> list[Path]:
    """Export without an engine that reads, so that Spark is not needed."""
    from customer_revenue.orders.expressions import QUARANTINE_COLUMNS
    from customer_revenue.orders.files.quarantine import REASONS

    names = tuple(QUARANTINE_COLUMNS)
    rows = [dict(zip(names, row, strict=True)) for row in shop.query(f"SELECT {', '.join(names)} FROM quarantine")]
    rows = [{**row, "remedy": REASONS[str(row["reason"])].remedy} for row in rows]
    schema = pa.schema([*ibis.schema(QUARANTINE_COLUMNS).to_pyarrow(), ("remedy", pa.string())])
    return write_quarantine(pa.Table.from_pylist(rows, schema), shop.folder / "rows.csv")


def test_the_corrected_original_answers_its_rows(any_shop: Shop) -> None:
    lines = [
        GOOD,
        "2,bob,never,10,paid",
        ",eve,2024-05-03,7,paid",
        "5,a,b,2024-05-03,7,paid",
        "6,joe,2024-05-04,7,lost",
    ]
    path = any_shop.file(*lines)
    any_shop.files(path)
    assert len(reasons(any_shop)) == 4
    corrected(path, ("never", "2024-05-02"), ("\n,eve", "\n3,eve"))
    summary = any_shop.files(path)
    assert summary.orders_imported == 2
    assert {reason for _, _, reason in reasons(any_shop)} == {"unreadable_line", "unknown_status"}
    corrected(path, ("5,a,b", '5,"a,b"'), ("lost", "paid"))
    assert any_shop.files(path).left_quarantine == 2
    assert reasons(any_shop) == []


def test_an_unreadable_line_without_an_id_leaves_once_its_text_is_quoted(shop: Shop) -> None:
    header = "customer,date,amount,note"
    path = shop.file("ann,2024-05-01,10,ok", "bob,2024-05-02,10,a,b", header=header)
    shop.files(path)
    assert [reason for _, _, reason in reasons(shop)] == ["unreadable_line"]
    shop.files(corrected(path, ("a,b", '"a,b"')))
    assert reasons(shop) == []


def test_another_file_of_the_same_name_answers_nothing(shop: Shop) -> None:
    header = "customer,date,amount"
    shop.files(shop.file("ann,2024-05-01,10", "bob,2024-13-01,10", header=header, name="week.csv"))
    shop.files(shop.file("ann,2024-06-01,10", "bob,2024-06-01,10", header=header, name="week.csv"))
    assert reasons(shop) == [("week.csv", 3, "bad_date")]


def test_an_order_in_any_later_file_answers_its_rows(shop: Shop) -> None:
    shop.load(GOOD, "2,bob,never,10,paid", "2,bob,2024-05-02,10,paid", "3,eve,never,1,paid")
    assert [reason for _, _, reason in reasons(shop)] == ["bad_date", "part_of_order", "bad_date"]
    shop.load("2,bob,2024-05-02,10,paid")
    assert reasons(shop) == [("file_1.csv", 5, "bad_date")]
    shop.load("3,eve,never,2,paid", GOOD)
    assert reasons(shop) == [("file_3.csv", 2, "bad_date")], "the latest word on an order"


def test_a_whole_order_leaves_as_a_whole(any_shop: Shop) -> None:
    def line(code: str, price: str, invoice: int = 1) -> str:
        return f"{invoice},{code},x,1,2010-12-01 07:45:00,{price},7,UK"

    parts = (line("a", "1.00"), line("b", "two"), line("c", "3.00"))
    any_shop.load(*parts, line("a", "4.00", 2), line("a", "five", 3), header=INVOICES)
    found = [reason for _, _, reason in reasons(any_shop)]
    assert found == ["part_of_order", "bad_amount", "part_of_order", "bad_amount"]
    [path] = write_quarantine_of(any_shop)
    kept = path.read_text("utf-8").splitlines(keepends=True)
    without_one = "".join(row for row in kept if ",c,x," not in row)
    path.write_text(without_one.replace("two", "2.00").replace("five", "5.00"), "utf-8")
    summary = any_shop.files(path)
    assert (summary.orders_imported, summary.quarantined) == (1, {"part_of_order": 2})
    assert [row[1] for row in reasons(any_shop)] == [2, 3, 4], "an order without one of its lines is not imported"
    [path] = write_quarantine_of(any_shop)
    assert any_shop.files(path).left_quarantine == 3
    assert reasons(any_shop) == []
    assert dict(any_shop.query("SELECT id, total_cents FROM orders")) == {"1": 600, "2": 400, "3": 500}


def test_the_rest_of_a_cut_order_does_not_answer_its_first_part(shop: Shop) -> None:
    line = "1,{},x,1,2010-12-01 07:45:00,{},7,UK".format
    shop.load("2,a,x,1,2010-12-01 07:45:00,1.00,7,UK", line("a", "1.00"), line("b", "two"), header=INVOICES)
    shop.load("3,a,x,1,2010-12-02 07:45:00,1.00,7,UK", line("c", "three"), header=INVOICES)
    assert [row[2] for row in reasons(shop)] == ["part_of_order", "bad_amount", "bad_amount"]
    [path] = exported(shop)
    shop.files(corrected(path, ("two", "2.00"), ("three", "3.00")))
    assert reasons(shop) == []
    assert dict(shop.query("SELECT id, total_cents FROM orders"))["1"] == 600


def test_a_reason_brings_the_other_lines_of_its_orders(shop: Shop) -> None:
    shop.load(GOOD, "2,bob,never,10,paid", "2,bob,2024-05-02,10,paid", "3,eve,2024-05-02,1,lost")
    [path] = exported(shop, "bad_date")
    rows = csv.DictReader(path.read_text("utf-8").splitlines())
    assert [row["quarantine_reason"] for row in rows] == ["bad_date", "part_of_order"]
    assert counts_body(quarantined_rows(shop.settings, "bad_date"))["quarantine"] != []


def test_each_header_has_a_file_and_all_come_back_together(shop: Shop) -> None:
    shop.load(GOOD, "2,bob,never,10,paid")
    shop.load("1;ann;2024-05-01;10;paid", "3;eve;never;12,50;paid", header="order_id;user_id;created_at;total;status")
    shop.load("r,ann,2024-06-01,5000,1", "s,ann,2024-06-01,1,1", header=REFUNDS)
    paths = exported(shop)
    assert [path.name for path in paths] == ["rows-1.csv", "rows-2.csv", "rows-3.csv"]
    for path in paths:
        path.write_text(path.read_text("utf-8").replace("never", "2024-05-02").replace("5000", "50"), "utf-8")
    assert shop.files(*paths).left_quarantine == 3
    assert reasons(shop) == []
    assert dict(shop.query("SELECT id, total_cents FROM orders")) == {"1": 1000, "2": 1000, "3": 1250}
    assert shop.query("SELECT id, amount_cents FROM refunds ORDER BY id") == [("r", 50), ("s", 1)]


def test_a_refund_that_its_order_contradicted_comes_back(any_shop: Shop) -> None:
    any_shop.load(GOOD)
    any_shop.load('r"1,ann,2024-06-01,5000,2', "s,ann,2024-06-01,1,1", header=REFUNDS)
    any_shop.load("2,ann,2024-05-01,10,paid")
    assert [reason for _, _, reason in reasons(any_shop)] == ["refund_exceeds_total"]
    [path] = write_quarantine_of(any_shop)
    any_shop.files(corrected(path, ("5000", "500")))
    assert reasons(any_shop) == []
    assert sorted(any_shop.query("SELECT id, amount_cents FROM refunds")) == [('r"1', 500), ("s", 1)]


def test_cells_that_spreadsheets_would_run_come_back_as_they_were(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total,status,product_name"
    shop.load(f"{GOOD},p", '2,=1+1,never,10,paid,"-a, ""b"""', "3,eve,2024-05-01,-5,paid,'@x", header=header)
    [path] = exported(shop)
    text = path.read_text("utf-8")
    assert ",'=1+1," in text
    assert ",-5,paid," in text, "a number stays a number"
    shop.files(corrected(path, ("never", "2024-05-02"), (",-5,", ",5,")))
    assert sorted(shop.query("SELECT id, user_id FROM orders"))[1:] == [("2", "=1+1"), ("3", "eve")]
    assert sorted(shop.column("SELECT product_name FROM order_items"))[:2] == ["'@x", '-a, "b"']


def test_lines_that_could_not_be_split_come_back_with_their_order(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total,status,product_name"
    lines = ("2,bob,2024-05-02,10,paid,a,b", "2,bob,2024-05-02,10,paid,c", "3,eve,never,1,paid,p")
    shop.load(f"{GOOD},p", *lines, header=header)
    assert sorted(shop.query("SELECT reason, order_id FROM quarantine")) == [
        ("bad_date", "3"),
        ("part_of_order", "2"),
        ("unreadable_line", "2"),
    ]
    [path] = exported(shop)
    with pytest.raises(NothingImported):
        shop.files(path)
    shop.files(corrected(path, ("never", "2024-05-03")))
    assert [row[:2] for row in reasons(shop)] == [("file_1.csv", 3), ("file_1.csv", 4)]
    assert shop.column("SELECT raw FROM quarantine ORDER BY line")[0] == "2,bob,2024-05-02,10,paid,a,b"
    shop.files(corrected(path, ("paid,a,b", 'paid,"a,b"')))
    assert reasons(shop) == []
    assert sorted(shop.column("SELECT product_name FROM order_items")) == ["a,b", "c", "p", "p"]


def test_rows_of_typed_files_come_back(shop: Shop) -> None:
    moments = pa.array([1714557600, 1714557601], pa.timestamp("s", "UTC"))
    ids = {"order_id": ["1", "2"], "user_id": ["ann", "bob"]}
    table = pa.table({**ids, "total": [1.5, -2.5], "status": ["paid", "paid"], "created_at": moments})
    pq.write_table(table, shop.folder / "orders.parquet")
    shop.files(shop.folder / "orders.parquet")
    [path] = exported(shop)
    shop.files(corrected(path, ("-2.5", "2.5")))
    assert reasons(shop) == []
    [first, second] = shop.query("SELECT created_at, total_cents FROM orders ORDER BY id")
    assert (second[0] - first[0]).total_seconds() == 1
    assert second[1] == 250


def test_rows_of_older_versions_are_exported_as_they_are(shop: Shop) -> None:
    shop.load(GOOD, "2,bob,never,10,paid")
    shop.execute("UPDATE quarantine SET header = NULL, order_id = NULL")
    [path] = exported(shop)
    assert path.read_text("utf-8").splitlines()[0].endswith(",quarantine_remedy,raw")


def test_the_command_names_its_files(shop: Shop) -> None:
    shop.load(GOOD, "2,bob,never,10,paid")
    path = shop.folder / "rows.csv"
    words = ["quarantine", "--store", shop.url, "--output", str(path)]
    assert f"Written: {path}" in CliRunner().invoke(app, words).output
    found = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    assert found["files"] == [str(path)]
    assert found["quarantine"][0]["rows"] == 1


@pytest.mark.parametrize(
    "line",
    ['2,bob,never,10,paid,"Lee, Ann"', "2,bob,never,10,paid, ANN@x.org ", "2,Ann@x.org,never,10,paid,,", "ann,x"],
)
def test_a_forgotten_person_is_found_in_any_cell_of_a_line(shop: Shop, line: str) -> None:
    header = "order_id,user_id,created_at,total,status,user_name"
    shop.load('1,ann,2024-05-01,10,paid,"Lee, Ann"', line, "3,joanna,never,10,paid,Joe", header=header)
    shop.load("1,ann,2024-05-01,10,paid,ann@x.org", header="order_id,user_id,created_at,total,status,user_email")
    assert forget("ann", shop.url, "key").quarantined == 1
    assert [user for (user,) in shop.query("SELECT user_id FROM quarantine")] == ["joanna"]


def test_a_few_whole_amounts_do_not_say_their_unit(shop: Shop) -> None:
    header = "id,created,amount,amount_refunded,currency,customer,status,captured,paid"
    line = "{},1714557600,{},0,usd,ann,{},true,true".format
    shop.load(line("ch_1", "12.50", "succeeded"), line("ch_2", "13", "odd"), header=header, format="stripe_charges")
    [path] = exported(shop)
    corrected(path, (",odd,", ",succeeded,"))
    with pytest.raises(UndecidedColumn, match="--amounts major or minor"):
        shop.files(path)
    shop.files(path, choices=ColumnChoices(amounts=AmountUnit.MAJOR))
    assert sorted(shop.query("SELECT id, total_cents FROM orders")) == [("ch_1", 1250), ("ch_2", 1300)]
