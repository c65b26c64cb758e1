"""Files that cannot be read, and the recognition of formats."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer_revenue.errors import InvalidParameter, UnknownFormat, UnreadableFile
from customer_revenue.orders.files.formats.known import FORMATS, recognise

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
ROW = "1,ann,2023-05-01,10,paid"
HEADER = "order_id,user_id,created_at,total,status"


def _write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"  \n\n \n", "is empty"),
        ("header.csv", HEADER.encode() + b"\n", "has a header but no rows"),
        ("late.csv", b"\n\n" + HEADER.encode() + b"\n", "does not begin with a line of column names"),
        ("picture.csv", PNG, "is a PNG image"),
        ("picture.parquet", PNG, "is not a Parquet file"),
        ("archive.csv", b"PK\x03\x04rest", "ZIP archive or a spreadsheet"),
        ("packed.csv", gzip.compress(HEADER.encode(), mtime=0), "compressed with gzip"),
        ("zeros.csv", b"a,b\0c\n", "is not a text file"),
        ("text.parquet", HEADER.encode(), "is not a Parquet file"),
        ("cut.parquet", b"PAR1" + b"x" * 100, "damaged Parquet"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(shop: Shop, name: str, content: bytes, message: str) -> None:
    shop.load(ROW)
    before = shop.contents()
    with pytest.raises(UnreadableFile, match=message) as caught:
        shop.files(_write(shop.folder, name, content))
    assert name in caught.value.message
    assert "\n" not in caught.value.message
    assert shop.contents() == before
    assert shop.leftovers() == []


def test_a_parquet_file_renamed_csv(shop: Shop) -> None:
    path = shop.folder / "orders.csv"
    pq.write_table(pa.table({"order_id": ["1"]}), path)
    with pytest.raises(UnreadableFile, match=r"is a Parquet file: rename it to orders\.parquet"):
        shop.files(path)


def test_a_cut_parquet_file(shop: Shop) -> None:
    path = shop.folder / "orders.parquet"
    pq.write_table(pa.table({"order_id": [str(i) for i in range(10_000)]}), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnreadableFile, match="damaged Parquet"):
        shop.files(path)


def test_missing_files_and_folders(shop: Shop) -> None:
    with pytest.raises(UnreadableFile, match="does not exist"):
        shop.files(shop.folder / "nowhere.csv")
    with pytest.raises(UnreadableFile, match="is a folder"):
        shop.files(shop.folder)
    with pytest.raises(InvalidParameter, match="at least one file"):
        shop.files()


def test_missing_columns_are_named(shop: Shop) -> None:
    path = shop.file("1,ann,10", header="order_id,user_id,total")
    with pytest.raises(UnknownFormat, match=r"lacks the column\(s\) created_at, status of the format generic"):
        shop.files(path)
    path = shop.file("1,ann,2023-05-01,paid", header="order_id,user_id,created_at,status")
    with pytest.raises(UnknownFormat, match="total_cents or total"):
        shop.files(path)


def test_an_unknown_header_lists_the_formats(shop: Shop) -> None:
    with pytest.raises(UnknownFormat, match="online_retail, cdnow, shopify, stripe, refunds, generic") as caught:
        shop.files(shop.file("1,2", header="colour,shape"))
    assert len(caught.value.details) == len(FORMATS)


def test_a_format_can_be_named(shop: Shop) -> None:
    assert shop.load(ROW, format="generic").formats == ("generic",)
    with pytest.raises(UnknownFormat, match="lacks the column"):
        shop.load(ROW, format="cdnow")
    with pytest.raises(UnknownFormat, match="unknown format 'excel'"):
        shop.load(ROW, format="excel")


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_format_recognises_its_own_header(form: object) -> None:
    from customer_revenue.orders.files.formats.format import Format

    assert isinstance(form, Format)
    needed = [column.name for column in form.columns if column.required] + list(form.requires_one_of[:1])
    found, names = recognise(Path("x.csv"), needed)
    assert found is form
    assert set(names.values()) == set(needed)


def test_column_names_are_compared_without_case_and_spaces(shop: Shop) -> None:
    assert shop.load(ROW, header="Order ID,Customer_Id,Created At,TOTAL,Status").orders_imported == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(shop: Shop, delimiter: str) -> None:
    assert shop.load(ROW.replace(",", delimiter), header=HEADER.replace(",", delimiter)).orders_imported == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings(shop: Shop, encoding: str, newline: str) -> None:
    text = newline.join([HEADER, '1,"Zoë, née ""X""",2023-05-01,10,paid', ""])
    shop.files(_write(shop.folder, "orders.csv", text.encode(encoding)))
    assert shop.column("SELECT user_id FROM orders") == ['Zoë, née "X"']


def test_a_last_line_without_its_end(shop: Shop) -> None:
    assert shop.files(_write(shop.folder, "orders.csv", f"{HEADER}\n{ROW}".encode())).orders_imported == 1


def test_an_id_may_hold_a_line_break(shop: Shop) -> None:
    shop.load('"a\nb",ann,2023-05-01,10,paid', "2,,2023-05-01,10,paid")
    assert shop.column("SELECT id FROM orders") == ["a\nb"]
    assert shop.column("SELECT line FROM quarantine") == [3]


def test_a_header_cannot_reach_into_sql(shop: Shop) -> None:
    header = HEADER + ',"x""; DROP TABLE orders; --",\'y\',line,scan,reason'
    assert shop.load(ROW + ",1,2,3,4,5", header=header).orders_imported == 1
    table = pa.table(
        {
            "order_id": ["1"],
            "user_id": ["1"],
            "created_at": ["2023-05-01"],
            "total": [1.0],
            "status": ["paid"],
            'x"; DROP TABLE orders': ["z"],
            "a.b": [1],
            "line": [7],
        }
    )
    pq.write_table(table, shop.folder / "odd.parquet")
    assert shop.files(shop.folder / "odd.parquet", url=f"duckdb:///{shop.folder}/other.duckdb").orders_imported == 1


def test_a_quote_that_never_closes_does_not_swallow_the_file_in_silence(shop: Shop) -> None:
    summary = shop.load(ROW, '2,"bob,2023-05-01,10,paid', "3,eve,2023-05-01,10,paid")
    assert summary.quarantined["unreadable_line"] >= 1
    assert summary.orders_imported + sum(summary.quarantined.values()) == summary.lines
    assert any("eve" in raw for raw in shop.column("SELECT raw FROM quarantine")) or summary.orders_imported == 2


def test_file_names_with_quotes(shop: Shop) -> None:
    path = shop.file(ROW, ",bad,,,", name='o\'brien "x".csv')
    shop.files(path)
    assert shop.column("SELECT DISTINCT source FROM quarantine") == [path.name]
