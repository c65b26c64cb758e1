"""Files that cannot be read, and the recognition of formats."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer_revenue.errors import InvalidParameter, UnknownFormat, UnreadableFile
from customer_revenue.orders.files.formats.known import FORMATS
from customer_revenue.orders.files.reading import File
from customer_revenue.orders.files.recognition import recognise

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
        ("archive.csv", b"PK\x03\x04rest", "cannot be unpacked"),
        ("packed.csv", gzip.compress(HEADER.encode(), mtime=0)[:-9], "cannot be unpacked"),
        ("sheet.xls", b"\xd0\xcf\x11\xe0rest", "cannot be unpacked"),
        ("words.jsonl", b'{"order_id": 1}\n[2]\n', "line 2: not a JSON object"),
        ("zeros.csv", b"a,b\0c\n", "is not a text file"),
        ("text.parquet", HEADER.encode(), "is not a Parquet file"),
        ("cut.parquet", b"PAR1" + b"x" * 100, "damaged Parquet"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(shop: Shop, name: str, content: bytes, message: str) -> None:
    shop.load(ROW)
    before = shop.contents()
    path = _write(shop.folder, name, content)
    with pytest.raises(UnreadableFile, match=message) as caught:
        shop.files(path)
    assert name in caught.value.message
    assert "\n" not in caught.value.message
    assert shop.contents() == before
    assert shop.leftovers((path.suffix, ".csv")) == []


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
    with pytest.raises(UnknownFormat, match=r"lacks the column\(s\) date of the format log_with_orders"):
        shop.files(path)
    path = shop.file("1,ann,2023-05-01,paid", header="order_id,user_id,created_at,status")
    with pytest.raises(UnknownFormat, match="total_cents or total of the format generic"):
        shop.files(path)


def test_an_unknown_header_lists_the_formats(shop: Shop) -> None:
    with pytest.raises(UnknownFormat, match=r"online_retail, cdnow, shopify, stripe, .*, refunds, generic"):
        shop.files(shop.file("1,2", header="colour,shape"))


def test_an_unknown_file_is_described_with_a_mapping_to_start_from(shop: Shop) -> None:
    path = shop.file(
        "17;Ann;05.03.2024;10,50;closed", "18;Bob;16.03.2024;9,00;void", header="Ref No;Who;When;Sum;State"
    )
    with pytest.raises(UnknownFormat) as caught:
        shop.files(path)
    text = "\n".join(caught.value.details)
    assert "dates: 05.03.2024, 16.03.2024" in text
    assert "statuses in State, in the first 1,000 lines: closed 1, void 1" in text
    lines = (
        text.partition("[columns]")[2]
        .replace('# user_id = ""', 'user_id = "Who"')
        .replace('# created_at = ""', 'created_at = "When"')
    )
    lines = lines.replace('# order_id = ""', 'order_id = "Ref No"').replace('# total = ""', 'total = "Sum"')
    mapping = shop.folder / "mapping.toml"
    mapping.write_text(f"[columns]{lines}", encoding="utf-8")
    shop.files(path, mapping=mapping)
    assert shop.query("SELECT id, user_id, total_cents, status FROM orders ORDER BY id") == [
        ("17", "Ann", 1050, "paid"),
        ("18", "Bob", 900, "void"),
    ]


def test_a_mistyped_column_of_a_mapping_is_named_with_a_suggestion(shop: Shop) -> None:
    mapping = shop.folder / "mapping.toml"
    mapping.write_text('[columns]\nuser_di = "Who"\n', encoding="utf-8")
    with pytest.raises(InvalidParameter, match="did you mean user_id"):
        shop.load(ROW, mapping=mapping)


LINES = f"{HEADER}\n{ROW}\n"


def _sheet(rows: list[list[str | float]]) -> str:
    cells = [
        "".join(
            f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            if isinstance(cell, str)
            else f'<c s="{int(cell > 40_000)}"><v>{cell}</v></c>'
            for cell in row
        )
        for row in rows
    ]
    data = "".join(f"<row>{row}</row>" for row in cells)
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{data}</sheetData></worksheet>'


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _workbook(path: Path, sheets: dict[str, list[list[str | float]]]) -> None:
    """Write a workbook as spreadsheets do; numbers above 40,000 are dates."""
    names = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(sheets, 1))
    targets = "".join(
        f'<Relationship Id="r{i}" Type="{_OFFICE}/worksheet" Target="worksheets/{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    styles = f'<Relationship Id="styles" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" Type="{_OFFICE}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>'
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{targets}{styles}</Relationships>',
        )
        book.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>'
            "</styleSheet>",
        )
        for i, rows in enumerate(sheets.values(), 1):
            book.writestr(f"xl/worksheets/{i}.xml", _sheet(rows))


def test_a_workbook_with_several_sheets(shop: Shop) -> None:
    columns: list[str | float] = [*HEADER.split(",")]
    sheets: dict[str, list[list[str | float]]] = {
        "Notes": [["made by hand"]],
        "2023": [columns, [1, 7, 45047.4375, 10.5, "paid"]],
        "2024": [columns, [2, 7, 45048.4375, 10.5, "paid"]],
    }
    _workbook(shop.folder / "orders.xlsx", sheets)
    shop.files(shop.folder / "orders.xlsx")
    assert shop.query("SELECT id, user_id, total_cents, created_at FROM orders ORDER BY id") == [
        ("1", "7", 1050, dt.datetime(2023, 5, 1, 10, 30)),
        ("2", "7", 1050, dt.datetime(2023, 5, 2, 10, 30)),
    ]


@pytest.mark.parametrize("compression", ["gzip", "zstd", "bz2"])
def test_compressed_files(shop: Shop, compression: str) -> None:
    path = shop.folder / "orders.csv.packed"
    with pa.output_stream(str(path), compression=compression) as stream:
        stream.write(LINES.encode())
    assert shop.files(path).orders_imported == 1


def test_the_files_of_an_archive_are_one_set(shop: Shop) -> None:
    path = shop.folder / "orders.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/first.csv", LINES)
        archive.writestr("second.csv", LINES.replace("1,ann", "2,bob"))
        archive.writestr("__MACOSX/._second.csv", b"\0\1")
    summary = shop.files(path)
    assert [totals.name for totals in summary.statement.files] == ["orders.zip: first.csv", "orders.zip: second.csv"]
    assert shop.leftovers((".zip",)) == []


def test_lines_of_json(shop: Shop) -> None:
    path = shop.folder / "orders.jsonl"
    rows = [
        {"order_id": 1, "user_id": "ann", "created_at": "2023-05-01", "total": 10.10, "status": "paid", "more": [1]}
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    shop.files(path)
    assert shop.query("SELECT id, user_id, total_cents FROM orders") == [("1", "ann", 1010)]


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
    found, names = recognise(File(Path("x.csv"), "x.csv", tuple(needed), ","), Path("x.csv"))
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
    shop.load('"a\nb",ann,2023-05-01,10,paid', "2,ann,2023-05-99,10,paid")
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
