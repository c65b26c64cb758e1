"""Rows of a table that are read where they are: as ``to_pylist`` gives them."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from customer_revenue.workflows.customer_base.table_rows import SortedTexts, TableRows

COLUMNS = {
    "text": pa.array(["", "Käse", "客户", "b"]),
    "text_or_none": pa.array(["a", None, "", None]),
    "whole": pa.array([2**62, -1, 0, 7]),
    "whole_or_none": pa.array([None, 2**53 + 1, None, 0]),
    "number": pa.array([0.1, -1e300, 0.0, 5.0]),
    "number_or_none": pa.array([None, 1.5, None, 0.0]),
    "day": pa.array([dt.date(1900, 1, 1), dt.date(1970, 1, 1), dt.date(2199, 12, 31), dt.date(2024, 2, 29)]),
    "day_or_none": pa.array([dt.date(2024, 2, 29), None, None, dt.date(1, 1, 1)]),
    "mark": pa.array([True, False, True, False]),
    "mark_or_none": pa.array([True, None, False, None]),
    "word": pa.array(["x", "y", "x", "x"]).dictionary_encode(),
    "word_or_none": pa.array(["x", None, "y", "x"]).dictionary_encode(),
    "moment": pa.array([dt.datetime(2024, 1, 1), None, None, None], pa.timestamp("us")),
    "list": pa.array([[1], [], None, [2, 3]]),
    "nothing": pa.nulls(4),
}


@pytest.mark.parametrize("kept", [slice(0, 4), slice(1, 4), slice(3, 4)])
def test_rows_are_those_of_the_table(kept: slice) -> None:
    table = pa.table(COLUMNS)[kept.start : kept.stop]
    rows, expected = TableRows(table), table.to_pylist()
    assert [rows.at(place) for place in range(table.num_rows)] == expected
    names = ("whole", "text", "word_or_none", "day_or_none", "number", "mark", "list", "number_or_none")
    assert rows.between(0, table.num_rows, names) == [tuple(row[name] for name in names) for row in expected]
    assert rows.between(1, 1, names) == []
    assert [type(value) for value in rows.at(0).values()] == [type(value) for value in expected[0].values()]


def test_rows_of_several_chunks_or_none() -> None:
    table = pa.table(COLUMNS)
    both = TableRows(pa.concat_tables([table, table]))
    assert [both.at(place) for place in range(8)] == 2 * table.to_pylist()
    assert TableRows(table[:0]).between(0, 0, ("text", "whole")) == []
    assert TableRows(table.schema.empty_table()).between(0, 0, ("text_or_none",)) == []


def test_a_text_is_found_where_it_stands() -> None:
    texts = sorted({"", "a", "B", "ä", "客户", "\U0001f600", "a\x00", "ab", *(f"c{n}" for n in range(50))})
    column = pa.array(["", *texts, "z"])[1:-1]
    found = SortedTexts(column)
    assert [found.place(text) for text in texts] == list(range(len(texts)))
    for missing in ("A", "c", "c500", "z", "\ud800", "\x00"):
        assert found.place(missing) is None
    assert SortedTexts(column[:0]).place("a") is None
