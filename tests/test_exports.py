"""No CSV that is written holds a text that a spreadsheet takes for a formula."""

import csv
import io

import pyarrow as pa
import pytest

from customer_revenue.orders.files.export_columns import safe_cell
from customer_revenue.workflows.exports import as_csv, write_table

RISKY = ["=1+1", "+1+1", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM"]


@pytest.mark.parametrize("text", RISKY)
def test_downloads_files_and_quarantine_guard_the_same_texts(text, tmp_path):
    table = pa.table({"customer_id": [text, "ann=1", None], "total_cents": [-100, 5, 0]})
    write_table(table, tmp_path / "out.csv")
    for content in ((tmp_path / "out.csv").read_bytes(), b"".join(as_csv(table))):
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
        assert [row[0] for row in rows[1:]] == [f"'{text}", "ann=1", ""]
    assert safe_cell(text) == f"'{text}"
